"""`promotion replay`: replay the last events, or judge all of them again, and write what came of it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json

_QUIET_S = 1.0  # progress is told only of what takes longer
_RUN_FAILED = re.compile(r"run_(\d+)_failed: (.*)", re.DOTALL)
# There were no states to compare: no store, or no replayer.
_NOT_JUDGED = re.compile(
    r"^store_refused|^run_\d+_failed: (?:\S+ cannot be run|ended with exit code 3: the replayer \S+ cannot be)"
)
_REPLAYER = "replay_regression_first_class"  # the gate whose thresholds name the replayer


@click.group()
def replay() -> None:
    """Replay the last events of a store and compare the states; judge all of its events by invariants."""


def _places(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say where events are read, and where the report goes."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        click.option(
            "--reports", type=click.Path(path_type=Path, file_okay=False), help="Where reports go [<root>/reports]."
        ),
        click.option(
            "--store", metavar="GLOB", help="The event store below the root [reports/event_store/events_*.jsonl]."
        ),
        click.option(
            "--root",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            default=Path(),
            help="The promotion root (default: here).",
        ),
    ):
        command = option(command)
    return command


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        [
            click.option(
                "--repeat",
                type=click.IntRange(min=2),
                default=2,
                show_default=True,
                help="How often each window is replayed.",
            ),
            click.option(
                "--replayer", metavar="NAME", help="module:function, or a command that reads and writes JSON lines."
            ),
            click.option(
                "--policy",
                type=click.Path(path_type=Path, dir_okay=False, exists=True),
                help=f"Takes the replayer from the thresholds of {_REPLAYER}.",
            ),
            click.option(
                "--timeout",
                type=click.FloatRange(min=0, min_open=True),
                default=120.0,
                show_default=True,
                help="Timeout of one replay, in seconds.",
            ),
        ]
    ):
        command = option(command)
    return _places(command)


@replay.command(epilog="Example: promotion replay cycle --repeat 2 --min-events 1000 --replayer company.replay:states")
@click.option(
    "--min-events", type=click.IntRange(min=1), default=1000, show_default=True, help="The window: the last N events."
)
@_options
def cycle(min_events: int, **given: Any) -> int:
    """Replay one window. Exits with 0 where the repeats agree, 2 where not, 3 where the store could not be read."""
    from pytest_promotion.suites.trading.replay.report import replay_cycle

    return _run(lambda *words, **more: replay_cycle(*words, min_events=min_events, **more), given)


@replay.command(epilog="Example: promotion replay windows --windows 500,1000,2000 --repeat 2 --policy promotion.yaml")
@click.option(
    "--windows",
    "sizes",
    metavar="N,N,N",
    default="500,1000,2000",
    show_default=True,
    help="Sizes of the windows, in events, separated by commas.",
)
@_options
def windows(sizes: str, **given: Any) -> int:
    """Replay several windows. Exits with 0 where all repeats agree, 2 where not, 3 for a store that is unreadable."""
    from pytest_promotion.suites.trading.replay.report import replay_windows

    try:
        wanted = [int(size) for size in sizes.split(",")]
    except ValueError:
        raise click.UsageError(f"--windows {sizes}: expected numbers of events such as 500,1000,2000") from None
    if min(wanted) < 1 or len(set(wanted)) != len(wanted):
        raise click.UsageError(f"--windows {sizes}: each window once, and at least one event")
    return _run(lambda *words, **more: replay_windows(*words, sizes=wanted, **more), given)


@replay.command(epilog="Example: promotion replay harness --golden config/regression_golden_v1.json")
@click.option(
    "--min-events", type=click.IntRange(min=1), default=1000, show_default=True, help="The least number of events."
)
@click.option(
    "--golden",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file of golden metrics: what figures have to be, and how far they may be off.",
)
@click.option(
    "--metrics",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON object of figures of your own, which the golden metrics may name.",
)
@click.option(
    "--integrity",
    metavar="GLOB",
    default="reports/event_store/integrity_*.json",
    show_default=True,
    help="The integrity reports below the root: a gap that one declares counts.",
)
@click.option(
    "--payload-correlation",
    type=click.Choice(["accept", "refuse"]),
    default="accept",
    show_default=True,
    help="A row with a correlation_id of its own, whose payload has null for it.",
)
@_places
def harness(
    min_events: int,
    golden: Path | None,
    metrics: Path | None,
    integrity: str,
    payload_correlation: Literal["accept", "refuse"],
    root: Path,
    store: str | None,
    reports: Path | None,
    as_json: bool,
) -> int:
    """
    Judge every recorded event by invariants that do not change, and write backtest_regression.

    Exits with 0 where all hold, 2 where one does not, 3 for a store that is missing or unreadable.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.json_files import read_object
    from pytest_promotion.suites.trading.replay.harness import declared_gaps, regression
    from pytest_promotion.suites.trading.replay.windows import STORE

    with command_errors():
        figures = read_object(metrics) if metrics is not None else None
    with command_errors("the report cannot be written"):
        report = regression(
            root,
            reports or root / "reports",
            Clock().now(),
            min_events=min_events,
            store=store or STORE,
            golden=golden,
            metrics=figures,
            integrity=declared_gaps(root, integrity),
            payload_correlation=payload_correlation,
        )
    if as_json:
        say_json(report, indent=2)
    else:
        for check in report["checks"]:
            if check["pass"] is not True:
                say(f"{check['name']}: {check['value']}, required {check['required']}")
        events, digest = report["dataset_fingerprint"]["event_count"], report["store"]["sha256"][:16]
        say(f"harness: {report['status']}, {len(report['checks'])} checks, {events} events of the store {digest}")
    if report["status"] == "pass":
        return 0
    return 3 if report["checks"][0]["pass"] is not True else 2


def _run(work: Callable[..., dict[str, Any]], given: dict[str, Any]) -> int:
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.trading.replay.runner import Replayer
    from pytest_promotion.suites.trading.replay.windows import STORE

    root: Path = given["root"]
    with command_errors():
        replayer = Replayer.named(_named(given["replayer"], given["policy"]))
    with command_errors("the report cannot be written"):
        report = work(
            root,
            given["reports"] or root / "reports",
            replayer,
            Clock().now(),
            repeat=given["repeat"],
            store=given["store"] or STORE,
            timeout=given["timeout"],
            progress=_progress(),
        )
    _print(report, as_json=given["as_json"])
    if report["status"] == "pass":
        return 0
    every = [blocker for one in report.get("windows", [report]) for blocker in one["blockers"]]
    return 3 if all(_NOT_JUDGED.search(blocker) for blocker in every) else 2


def _joined(blockers: list[str]) -> Iterator[str]:
    """The blockers of a window, each cause once: repeats that fail for one reason are named together."""
    runs: dict[str, list[str]] = {}
    for blocker in blockers:
        failed = _RUN_FAILED.fullmatch(blocker)
        if failed:
            runs.setdefault(failed[2], []).append(failed[1])
        else:
            yield blocker
    for problem, numbers in runs.items():
        yield f"run {' and '.join(numbers)} failed: {problem}"


def _named(replayer: str | None, policy: Path | None) -> Any:
    if replayer:
        return replayer
    if policy is None:
        raise click.UsageError(
            "nothing says what replays the events: give --replayer MODULE:FUNCTION, a function that takes events and "
            "gives the state after each, or --policy FILE that names one"
        )
    from pytest_promotion.policy import load

    named = load(policy, None).gate(_REPLAYER).thresholds.get("replayer")
    if not named:
        raise click.UsageError(f"{policy} names no replayer: set gates.{_REPLAYER}.thresholds.replayer")
    return named


def _progress() -> Callable[[str], None] | None:
    if not sys.stderr.isatty():
        return None
    started = time.monotonic()

    def tell(line: str) -> None:
        if time.monotonic() - started > _QUIET_S:
            say(line, err=True)

    return tell


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(report, indent=2)
        return
    for window in report.get("windows", [report]):
        say(f"window {window['min_events']}: {window['status']}")
        for blocker in _joined(window["blockers"]):
            say(f"  {blocker}")
        first = window["first_divergence"]
        if first:
            say(f"  after event {first['index']} ({first['event_id']}) the states differ:")
            for each in first["differing_keys"]:
                say(f"    {each['key']}: {each['values'][0]} / {each['values'][1]}")
    say(f"replay: {report['status']}, {report['report_path']}")
