"""`promotion kb benchmark` and `promotion kb monitor`: what the knowledge base finds, and whether that gets worse."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json, say_lines
from pytest_promotion.cli.progress import waiting
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.text import clean

if TYPE_CHECKING:
    from pytest_promotion.suites.release.knowledge.policy import Settings

Result = TypeVar("Result")

COUNT: Final = click.IntRange(min=1)
HISTORY: Final = ".runtime/kb_benchmark_history"


def below(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flag that all of `promotion kb` share."""
    return click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        default=Path(),
        help="What paths are below (default: here).",
    )(command)


def _settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that the benchmark and the monitor share."""
    for option in reversed(
        [
            click.option("--profile", default="prod", show_default=True, help="Profile of the benchmark's policy."),
            click.option("--policy", metavar="FILE", help='The policy; "" for none [backend/config/…policy.json].'),
            click.option(
                "--mode",
                type=click.Choice(["auto", "off", "optional", "required"]),
                default="auto",
                show_default=True,
                help="Whether it blocks; auto leaves that to the policy.",
            ),
            click.option("--cases", metavar="FILE", help="The cases, instead of the policy's."),
            click.option("--corpus", metavar="DIR", help="The documents [backend/config/kb_benchmark_corpus]."),
            click.option("--min-precision", type=float, help="Instead of the policy's, from 0 to 1."),
            click.option("--min-recall", type=float, help="Instead of the policy's, from 0 to 1."),
            click.option(
                "--engine",
                type=click.Choice(["fts5", "tantivy"]),
                default="fts5",
                show_default=True,
                help="tantivy for large corpora: the extra kb-large.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        ]
    ):
        command = option(command)
    return below(command)


@click.command(epilog="Example: promotion kb benchmark --profile prod --min-precision 0.55 --json")
@_settings
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here, too.")
def benchmark(engine: str, as_json: bool, output: Path | None, **given: Any) -> int:
    """
    Ask the cases of a fresh index over the corpus.

    Exit 0 where both averages meet their thresholds, whatever the mode, 2 where one does not, 3 where that
    could not be measured of the whole corpus, 4 for a policy or cases that cannot be used.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.release.knowledge import benchmark as room

    def work() -> dict[str, Any]:
        with waiting("benchmark"):
            report = room.run(_resolved(given), Clock().now(), engine)
        if output:
            from pytest_promotion.json_files import write_json

            write_json(output, report)
        return report

    report = judged(work)
    show(report, _benchmark_lines, as_json=as_json)
    if report["status"] != room.MEASURED:
        return 3
    return 0 if report["passed"] else 2


@click.command(epilog="Example: promotion kb monitor --profile prod --alert-to slack://TOKEN")
@_settings
@click.option("--history-dir", metavar="DIR", default=HISTORY, show_default=True, help="The histories of all profiles.")
@click.option("--retain-count", type=COUNT, default=120, show_default=True, help="Reports of a kind to keep.")
@click.option("--drift-lookback", type=COUNT, default=8, show_default=True, help="Points of the rolling mean.")
@click.option("--min-history", type=COUNT, default=3, show_default=True, help="Fewer points have no mean.")
@click.option(
    "--max-precision-drop",
    default="0.08",
    show_default=True,
    help="Drop of average precision below the baseline that counts as drift.",
)
@click.option(
    "--max-recall-drop",
    default="0.05",
    show_default=True,
    help="Drop of average recall below the baseline that counts as drift.",
)
@click.option("--alert-webhook", metavar="URL", help="Post alerts as JSON here [$KB_BENCHMARK_ALERT_WEBHOOK].")
@click.option(
    "--alert-to", metavar="URL", multiple=True, help="Tell an Apprise address (repeatable): the extra alerts."
)
@click.option("--accept", is_flag=True, help="Make this point the baseline that drift is measured from.")
def monitor(engine: str, as_json: bool, history_dir: str, retain_count: int, accept: bool, **given: Any) -> int:
    """
    Run the benchmark and hold it against its history.

    Exit 0 where no alert blocks, 2 where one does, 3 where nothing could be judged (also where the mode is off)
    or an alert reached nobody, 4 for wrong usage.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.release.knowledge import alerting
    from pytest_promotion.suites.release.knowledge import monitor as room
    from pytest_promotion.suites.release.knowledge.benchmark import MEASURED

    webhook, addresses = given.pop("alert_webhook"), given.pop("alert_to")

    def work() -> dict[str, Any]:
        rules = _rules(retain_count, given)
        channels = alerting.from_environment(webhook, os.environ, addresses)
        settings = _resolved(given)
        with waiting("monitor"):
            return room.run(
                settings,
                settings.root / history_dir,
                rules,
                clock=Clock(),
                channels=channels,
                engine=engine,
                retain=retain_count,
                accept=accept,
            )

    report = judged(work)
    show(report, _monitor_lines, as_json=as_json)
    if report["status"] != MEASURED:
        return 3
    if not report["passed"]:
        return 2
    return 3 if any(not one["sent"] for one in report["deliveries"]) else 0


def _resolved(given: dict[str, Any]) -> Settings:
    from pytest_promotion.suites.release.knowledge import policy

    names = ("profile", "mode", "cases", "min_precision", "min_recall")
    return policy.resolve(
        given["root"],
        policy=policy.POLICY if given["policy"] is None else given["policy"],
        corpus=given["corpus"] or policy.CORPUS,
        **{name: given[name] for name in names},
    )


def _rules(retain: int, given: dict[str, Any]) -> Any:
    from pytest_promotion.suites.release.knowledge.drift import Rules

    drops = {}
    for name in ("max_precision_drop", "max_recall_drop"):
        try:
            drops[name] = Decimal(given[name])
        except InvalidOperation:
            raise PolicyError(f"{name} is {given[name]!r}, expected a number from 0 to 1") from None
        if not (drops[name].is_finite() and 0 <= drops[name] <= 1):
            raise PolicyError(f"{name} is {given[name]}, expected a number from 0 to 1")
    lookback, least = given["drift_lookback"], given["min_history"]
    if least > lookback or retain <= lookback:
        raise PolicyError("--min-history may not exceed --drift-lookback, and --retain-count has to")
    return Rules(lookback=lookback, min_history=least, **drops)


def judged(work: Callable[[], Result]) -> Result:
    """What *work* returns; what stands in its way as an exit code: 4 for what was given, 3 for what was found."""
    import sqlite3

    with command_errors():
        try:
            return work()
        except sqlite3.Error as problem:
            raise Unproven(f"the index cannot be used: {problem}") from None


def show(report: Mapping[str, Any], lines: Callable[[Mapping[str, Any]], list[str]], *, as_json: bool) -> None:
    if as_json:
        say_json(report, indent=2)
    else:
        say_lines(lines(clean(report)))


def _benchmark_lines(report: Mapping[str, Any]) -> list[str]:
    limits = report["thresholds"]
    precision = f"precision {report['avg_precision_at_k']} (at least {limits['min_precision']})"
    recall = f"recall {report['avg_keyword_recall']} (at least {limits['min_recall']})"
    word = "good enough" if report["passed"] else "not good enough" if report["failed"] else report["status"]
    return [
        *(f"  {problem}" for problem in report["corpus_problems"]),
        f"{precision}, {recall}, {report['cases']} cases, {report['seeded_documents']} documents",
        f"knowledge base, {report['profile']} ({report['mode']}): {word}",
    ]


def _monitor_lines(report: Mapping[str, Any]) -> list[str]:
    used = f"{report['history_points_used']} earlier points"
    word = "passed" if report["passed"] else "not passed"
    about = f"knowledge base, {report['profile']} ({report['mode']}): {report.get('details') or report['status']}"
    return [
        *(f"  {one['code']}: {one['message']}" for one in report["alerts"]),
        *(f"  {one['channel']} was not told: {one['why']}" for one in report["deliveries"] if not one["sent"]),
        f"{about}, {used}, {word}; {report['monitor_path']}",
    ]
