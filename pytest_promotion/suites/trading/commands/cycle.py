"""`promotion cycle strict|watch`: strict decisions, once or at an interval."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.options import AGE_MIN
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.cli.progress import waiting

_reports = click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that reports are written to.",
)
_window = click.option(
    "--max-report-age-min", type=AGE_MIN, default=None, metavar="N", help="The window, instead of the profile's."
)
_incidents = click.option(
    "--incidents",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("docs/ops/incidents.md"),
    show_default=True,
    help="Document that incident notes are appended to.",
)
ALERTS = "PROMOTION_WATCH_ALERTS"  # addresses hold secrets, which a command line shows to every user of the machine
_args = click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
_PASSED_ON = {"ignore_unknown_options": True}


@click.group()
def cycle() -> None:
    """Strict decisions: profile strict, day 2 required, parity refreshed."""


@cycle.command(context_settings=_PASSED_ON, epilog="Example: promotion cycle strict --append-incident-on-fail")
@_reports
@_window
@click.option("--append-incident-on-fail", is_flag=True, help="Note a cycle that did not pass.")
@_incidents
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@_args
def strict(
    reports: Path,
    max_report_age_min: float | None,
    append_incident_on_fail: bool,
    incidents: Path,
    as_json: bool,
    pytest_args: tuple[str, ...],
) -> int:
    """Take one strict decision and write strict_cycle_latest.json. Exit 0 PASS, 2 FAIL, 3 nothing decided."""
    from pytest_promotion.suites.trading import cycle as cycles

    reports = reports.absolute()
    with waiting("strict cycle"):
        done = cycles.run(reports, _words(pytest_args, max_report_age_min), Path.cwd())
    with command_errors("the summary could not be written"):
        path = cycles.write_summary(done, reports)
        if append_incident_on_fail and not done.passed:
            cycles.note_incident(incidents, done, "came")
    if as_json:
        say_json(cycles.summary(done, reports))
    else:
        say(f"strict cycle: {done.status}: {done.decision.why} ({path})")
    return {"PASS": 0, "FAIL": 2}.get(done.status, 3)


@cycle.command(
    context_settings=_PASSED_ON,
    epilog="Example: promotion cycle watch --interval-sec 300 --append-incident-on-transition",
)
@_reports
@_window
@click.option(
    "--interval-sec",
    type=click.FloatRange(min=0),
    default=300,
    show_default=True,
    help="Interval between two cycles, in seconds.",
)
@click.option("--max-runs", type=click.IntRange(min=0), default=0, help="Stop after so many cycles (0: do not).")
@click.option("--append-incident-on-transition", is_flag=True, help="Note each change away from PASS, once.")
@_incidents
@click.option(
    "--alert-to",
    metavar="URL",
    multiple=True,
    envvar=ALERTS,
    help=f"Tell this webhook or Apprise address of each change of status, once (repeatable) [${ALERTS}].",
)
@click.option("--json", "as_json", is_flag=True, help="Print each cycle as a line of JSON.")
@_args
def watch(
    reports: Path,
    max_report_age_min: float | None,
    interval_sec: float,
    max_runs: int,
    append_incident_on_transition: bool,
    incidents: Path,
    alert_to: tuple[str, ...],
    as_json: bool,
    pytest_args: tuple[str, ...],
) -> int:
    """Run strict cycles until SIGTERM. Exit 0 where the last one passed, 2 where it did not, 3 where refused."""
    from pytest_promotion.suites.trading import cycle as cycles
    from pytest_promotion.suites.trading.watch import Watch
    from pytest_promotion.suites.trading.watch import watch as keep_watching
    from pytest_promotion.suites.trading.watch_alerts import Alerts

    reports = reports.absolute()
    channels = Alerts(alert_to)
    with command_errors():
        channels.check()
    place = Watch(reports, incidents if append_incident_on_transition else None, channels)
    words = _words(pytest_args, max_report_age_min)

    def run() -> cycles.Cycle:
        with waiting("strict cycle"):
            return cycles.run(reports, words, Path.cwd())

    def tell(done: cycles.Cycle, before: str) -> None:
        if as_json:
            say_json(cycles.summary(done, reports) | {"from_status": before})
            return
        changed = "" if done.status == before else f" (was {before})"
        say(f"{datetime.now(UTC):%H:%M:%S} strict cycle: {done.status}{changed}: {done.decision.why}")

    with command_errors():
        status = keep_watching(place, run, interval_sec, max_runs, tell, lambda sentence: say(sentence, err=True))
    return {"PASS": 0, "FAIL": 2}.get(status, 3)


def _words(pytest_args: tuple[str, ...], max_report_age_min: float | None) -> list[str]:
    words = list(pytest_args)
    if not any(Path(word.partition("::")[0]).exists() for word in words if not word.startswith("-")):
        words.insert(0, "gates")
    if max_report_age_min is not None:
        words.append(f"--promotion-set=max_report_age_min={max_report_age_min}")
    return words
