"""`promotion monitor`: is what was deployed still well? Else back, and somebody is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json, say_lines
from pytest_promotion.cli.progress import waiting
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.release.commands.rollout_options import placed, plan_of
from pytest_promotion.text import clean

if TYPE_CHECKING:
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.deployment.monitor.incidents import Channels
    from pytest_promotion.suites.deployment.monitor.observe import Watched
    from pytest_promotion.suites.deployment.monitor.rules import Finding
    from pytest_promotion.suites.release.rollout.plan import Plan

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_SECONDS: Final = click.FloatRange(min=0, min_open=True)
_PARTS: Final = ("parity", "mismatch", "latency", "redis", "slack", "github")
_CHATS: Final = {
    "oncall": "PROMOTION_SLACK_ONCALL",
    "platform": "PROMOTION_SLACK_PLATFORM",
    "sre": "PROMOTION_SLACK_SRE",
}


@click.command(
    epilog="Example: promotion monitor --prometheus http://127.0.0.1:9090 --env prod --project-name shop-prod "
    "--slo slo.json --parity-report reports/e2e_parity/latest.json --github octo/shop --duration 600"
)
@placed
@click.option("--prometheus", metavar="URL", help="The server; a bearer token is read from PROMETHEUS_TOKEN.")
@click.option("--match", default="", metavar="MATCHERS", help='Label matchers for every question: job="shop".')
@click.option("--window", type=_SECONDS, default=300, show_default=True, help="Seconds that are looked back.")
@click.option("--max-age", type=_SECONDS, default=60, show_default=True, help="Seconds that a sample may be old.")
@click.option(
    "--mismatch-metric",
    default="aos_replay_mismatch_total",
    show_default=True,
    help="Counter of mismatches between replays.",
)
@click.option(
    "--max-mismatches",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    help="Most mismatches that may be counted within the window.",
)
@click.option(
    "--latency-metric",
    default="http_request_duration_seconds",
    show_default=True,
    help="Histogram of request durations that the 95th percentile is computed from.",
)
@click.option("--p95-target-ms", type=_SECONDS, help="The target of the 95th percentile.")
@click.option("--slo", type=_FILE, help="What `promotion slo --out` wrote: its suggestion is the target.")
@click.option(
    "--min-requests",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Fewest requests from which a percentile is computed; below that it is unknown.",
)
@click.option(
    "--redis-metric", default="redis_connected", show_default=True, help="Gauge that is 1 while Redis answers."
)
@click.option(
    "--redis-seconds",
    type=_SECONDS,
    default=60,
    show_default=True,
    help="Seconds for which the Redis gauge may be 0 before it counts as down.",
)
@click.option("--parity-report", type=_FILE, help="What `promotion parity e2e` wrote after the deployment.")
@click.option(
    "--parity-max-age",
    type=_SECONDS,
    default=86400,
    show_default=True,
    help="Greatest age of the parity report, in seconds.",
)
@click.option("--base-url", metavar="URL", help="Run the end-to-end check at each look instead.")
@click.option("--plan", type=_FILE, help="For --base-url: as for promotion parity e2e.")
@click.option("--github", metavar="OWNER/NAME", help="Where issues are opened; the token is read from GITHUB_TOKEN.")
@click.option(
    "--github-api",
    default="https://api.github.com",
    show_default=True,
    help="Base URL of the GitHub API, for a server of your own.",
)
@click.option("--without", multiple=True, type=click.Choice(_PARTS), help="Not this rule, or channel; may be repeated.")
@click.option("--no-rollback", is_flag=True, help="Tell, and roll nothing back.")
@click.option("--dry-run", is_flag=True, help="Look, and do and tell nothing.")
@click.option("--once", is_flag=True, help="Check once instead of repeatedly.")
@click.option("--duration", type=_SECONDS, help="How long to monitor, in seconds (default: until it is interrupted).")
@click.option("--interval", type=_SECONDS, default=30, show_default=True, help="Polling interval, in seconds.")
@click.option(
    "--settle",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds after a deployment in which nothing is judged.",
)
@click.option(
    "--remind",
    type=click.FloatRange(0),
    default=3600,
    show_default=True,
    help="Seconds until an incident that goes on is reported again.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that reports are written to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report of the last look.")
def monitor(once: bool, duration: float | None, as_json: bool, **given: Any) -> int:
    """
    Look after a deployment: parity, mismatches of replays, the 95th percentile, Redis. Roll back, and tell people.

    Whoever is told stands in PROMOTION_SLACK_ONCALL, _PLATFORM and _SRE: webhooks of Slack, or addresses that Apprise
    knows. Exit code 0 all is well, and nothing else; 2 something is wrong; 3 nobody can tell; 5 rolled back; 6 rollback
    failed; 9 somebody could not be told.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.deployment.monitor.watch import watch

    if once == (duration is not None):
        raise click.UsageError("either --once or --duration SECONDS")
    clock = Clock()
    with command_errors():
        watched = _watched(given, clock)
        with waiting("monitor"):
            last, code = watch(watched, given["reports"], given["settle"], given["interval"], duration or 0.0, clock)
    if as_json:
        say_json(last, indent=2)
    else:
        say_lines(_told(clean(last)))
    return code


def _watched(given: dict[str, Any], clock: Clock) -> Watched:
    from pytest_promotion.errors import PolicyError
    from pytest_promotion.http_client import Peer
    from pytest_promotion.secrets.masking import Mask, secret_values
    from pytest_promotion.suites.deployment.monitor.observe import Watched
    from pytest_promotion.suites.deployment.monitor.rules import Thresholds
    from pytest_promotion.suites.release.rollout import journal

    without = set(given["without"])
    plan = plan_of(given, dry_run=given["dry_run"])
    rules = frozenset({"mismatch", "latency", "redis"} - without)
    target = _target(given)
    unmeasured = given["prometheus"] is None
    lacking = {
        "parity": given["parity_report"] is None and given["base_url"] is None,
        "mismatch": unmeasured,
        "latency": unmeasured or target is None,
        "redis": unmeasured,
    }
    if missing := sorted(name for name, lacks in lacking.items() if lacks and name not in without):
        raise PolicyError(f"nothing to judge {', '.join(missing)} by: see --help, or say --without {missing[0]}")
    rolls_back = not given["no_rollback"] and not given["dry_run"] and not {"parity", "mismatch"} <= without
    if rolls_back and journal.read_done(plan.runtime, plan.project) is None:
        raise PolicyError(f"no deployment of {plan.project} is known in {plan.runtime}: say --no-rollback")
    thresholds = Thresholds(
        window_s=given["window"],
        max_age_s=given["max_age"],
        match=given["match"],
        mismatch_metric=given["mismatch_metric"],
        mismatches=given["max_mismatches"],
        latency_metric=given["latency_metric"],
        p95_ms=target,
        requests=given["min_requests"],
        redis_metric=given["redis_metric"],
        redis_zero_s=given["redis_seconds"],
        rules=rules,
    )
    return Watched(
        plan,
        thresholds,
        Peer(given["prometheus"], os.environ.get("PROMETHEUS_TOKEN", "")) if rules else None,
        None if "parity" in without else _parity(given, plan, clock),
        rolls_back,
        _channels(given, without),
        given["reports"] / "monitor" / "incidents.json",
        Mask(secret_values(os.environ)),
        given["remind"],
    )


def _target(given: dict[str, Any]) -> float | None:
    """The target of the 95th percentile in milliseconds. Raises `PolicyError`."""
    from pytest_promotion.suites.deployment.monitor.slo import suggested

    if given["slo"] is not None and given["p95_target_ms"] is not None:
        raise click.UsageError("--slo and --p95-target-ms exclude each other")
    return suggested(given["slo"]) if given["slo"] is not None else given["p95_target_ms"]


def _parity(given: dict[str, Any], plan: Plan, clock: Clock) -> Callable[[datetime | None], Finding]:
    from pytest_promotion.http_client import Peer
    from pytest_promotion.suites.deployment.determinism.e2e import request_of
    from pytest_promotion.suites.deployment.determinism.e2e_report import Asked, check
    from pytest_promotion.suites.deployment.monitor.parity import finding, from_file
    from pytest_promotion.suites.deployment.monitor.rules import Finding, State

    path, most = given["parity_report"], given["parity_max_age"]
    if (path is None) == (given["base_url"] is None) or (given["plan"] is None) != (given["base_url"] is None):
        raise click.UsageError("either --parity-report, or --base-url with --plan")
    if path is not None:
        return lambda since: from_file(path, plan.env, since, clock.now(), most)
    peer = Peer(given["base_url"], os.environ.get("PROMOTION_E2E_TOKEN", ""))
    request = request_of(read_file(given["plan"]), str(given["plan"]))

    def ask(since: datetime | None) -> Finding:
        asked = Asked(peer.url, request, plan.env, "", clock.now())
        try:
            found, kept = check(peer, asked, given["reports"], 60.0, 1.0, clock)
        except OSError as problem:
            return Finding("parity", State.UNKNOWN, [f"its report cannot be written: {problem.strerror or problem}"])
        return finding(found, kept.parent, plan.env, since, clock.now(), most)

    return ask


def _channels(given: dict[str, Any], without: Collection[str]) -> Channels:
    from pytest_promotion.errors import PolicyError
    from pytest_promotion.reporting import alerts
    from pytest_promotion.suites.deployment.monitor.incidents import AUDIENCES, Channels
    from pytest_promotion.suites.deployment.monitor.issues import Issues

    if given["dry_run"]:
        return Channels()
    token, chats, issues = os.environ.get("GITHUB_TOKEN", ""), {}, None
    if "slack" not in without:
        for audience in AUDIENCES:
            name = _CHATS[audience]
            if not os.environ.get(name):
                raise PolicyError(f"nobody could be told: {name} is not set; --without slack says that it is meant")
            alerts.check(os.environ[name], name)
            chats[audience] = os.environ[name]
    if "github" not in without:
        if not token or given["github"] is None or given["github"].count("/") != 1:
            raise PolicyError("no issue could be opened: --github OWNER/NAME and GITHUB_TOKEN, or --without github")
        try:
            issues = Issues(given["github"], token, given["github_api"])
        except ImportError:
            raise PolicyError("this needs PyGithub: pip install 'pytest-promotion[github]'") from None
    return Channels(chats, issues)


def _told(report: dict[str, Any]) -> str:
    def line(start: str, reasons: list[str]) -> str:
        return f"  {start}: {'; '.join(reasons)}" if reasons else f"  {start}"

    lines = [f"{report['project_name']} in {report['env']}: {report['status']}"]
    lines += [line(f"{one['rule']}: {one['state']}", one["reasons"]) for one in report["findings"]]
    if report["rollback"]:
        lines.append(line(f"rollback: {report['rollback']['status']}", report["rollback"]["reasons"]))
    for one in report["told"]:
        word = "told" if one["sent"] else "NOT told"
        lines.append(line(f"{one['channel']}: {word} of {one['incident']}", [one["why"]] if one["why"] else []))
    return "\n".join(lines)
