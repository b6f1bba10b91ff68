"""`promotion kb benchmark` and `promotion kb monitor`: what the knowledge base finds, and whether that gets worse."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import click

from pytest_promotion.cli.options import DurationIn
from pytest_promotion.cli.progress import waiting
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.commands.kb_options import COUNT, HISTORY, below, judged, measured, resolved, show

_FIGURES: Final = {
    "precision": "avg_precision_at_k",
    "recall": "avg_keyword_recall",
    "content_recall": "content_recall",
    "ndcg": "ndcg",
    "recall_at_k": "recall_at_k",
    "mrr": "mrr",
}


@click.command(epilog="Example: promotion kb benchmark --profile prod --min-precision 0.55 --json")
@measured
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
            report = room.run(resolved(given), Clock().now(), engine)
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
@measured
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
@click.option(
    "--max-content-drop",
    default="0.05",
    show_default=True,
    help="Drop of average recall by the documents' texts that counts as drift.",
)
@click.option("--alert-webhook", metavar="URL", help="Post alerts as JSON here [$KB_BENCHMARK_ALERT_WEBHOOK].")
@click.option(
    "--alert-to", metavar="URL", multiple=True, help="Tell an Apprise address (repeatable): the extra alerts."
)
@click.option("--accept", is_flag=True, help="Make this point the baseline that drift is measured from.")
@click.option("--by", default="", metavar="NAME", help="With --accept: who accepts it.")
@click.option("--because", default="", metavar="REASON", help="With --accept: why its figures are the ones to keep to.")
def monitor(
    engine: str, as_json: bool, history_dir: str, retain_count: int, accept: bool, by: str, because: str, **given: Any
) -> int:
    """
    Run the benchmark and hold it against its history.

    Exit 0 where no alert blocks, 2 where one does, 3 where nothing could be judged (also where the mode is off)
    or an alert reached nobody, 4 for wrong usage.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.release.knowledge import alerting, baseline
    from pytest_promotion.suites.release.knowledge import monitor as room
    from pytest_promotion.suites.release.knowledge.benchmark import MEASURED

    if (by or because) and not accept:
        raise click.UsageError("--by and --because belong to --accept")
    webhook, addresses = given.pop("alert_webhook"), given.pop("alert_to")

    def work() -> dict[str, Any]:
        rules = _rules(retain_count, given)
        acceptance = baseline.Acceptance(by, because) if accept else None
        channels = alerting.from_environment(webhook, os.environ, addresses)
        settings = resolved(given)
        with waiting("monitor"):
            return room.run(
                settings,
                settings.root / history_dir,
                rules,
                clock=Clock(),
                channels=channels,
                engine=engine,
                retain=retain_count,
                accept=acceptance,
            )

    report = judged(work)
    show(report, _monitor_lines, as_json=as_json)
    if report["status"] != MEASURED:
        return 3
    if not report["passed"]:
        return 2
    return 3 if any(not one["sent"] for one in report["deliveries"]) else 0


@click.command(epilog="Example: promotion kb accept --by 'R. Quay' --because 'four handbooks were withdrawn'")
@below
@click.option("--profile", default="prod", show_default=True, help="Profile whose newest point is accepted.")
@click.option("--history-dir", metavar="DIR", default=HISTORY, show_default=True, help="The histories of all profiles.")
@click.option("--by", required=True, metavar="NAME", help="Who accepts it.")
@click.option("--because", required=True, metavar="REASON", help="Why its figures are the ones to keep to.")
@click.option(
    "--max-age-days",
    "max_age",
    type=DurationIn(timedelta(days=1), whole=True),
    metavar="N",
    default=8,
    show_default=True,
    help="Greatest age of the point, in days.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def accept(
    root: Path, profile: str, history_dir: str, by: str, because: str, max_age: timedelta, *, as_json: bool
) -> int:
    """
    Make the newest point of the monitor the baseline.

    Exit 0 where it was accepted, 3 where there is no point that can be, 4 for wrong usage. The record stays in the
    history.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.suites.release.knowledge import acceptance

    def work() -> dict[str, Any]:
        place = root.absolute() / history_dir
        return acceptance.run(place, profile, Clock().now(), by=by, because=because, max_age=max_age)

    show(judged(work), _acceptance_lines, as_json=as_json)
    return 0


def _acceptance_lines(record: Mapping[str, Any]) -> list[str]:
    figures = [f"{name} {record[key]}" for name, key in _FIGURES.items() if record.get(key) is not None]
    acknowledged = ", ".join(record["acknowledged"]) or "no alert"
    return [
        f"accepted by {record['accepted_by']}: {record['because']} ({acknowledged})",
        f"the baseline of {record['profile']} is {record['benchmark']}, from the next monitor on: {', '.join(figures)}",
    ]


def _rules(retain: int, given: dict[str, Any]) -> Any:
    from pytest_promotion.suites.release.knowledge.drift import Rules

    drops = {}
    for name in ("max_precision_drop", "max_recall_drop", "max_content_drop"):
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


def _benchmark_lines(report: Mapping[str, Any]) -> list[str]:
    word = "good enough" if report["passed"] else "not good enough" if report["failed"] else report["status"]
    figures = []
    for name, declared in _FIGURES.items():
        least = report["thresholds"].get(f"min_{name}")
        if least is None or report[declared] is None:
            continue
        interval = report["intervals"][declared]
        text = f"{name.replace('_', ' ')} {report[declared]} (at least {least})"
        figures.append(text + (f" [{interval[0]}, {interval[1]}]" if interval and interval[0] < interval[1] else ""))
    table = [_row(one) for one in report["retrievers"]] if len(report["retrievers"]) > 1 else []
    return [
        *(f"  {problem}" for problem in report["corpus_problems"]),
        *(f"  empty: {name}" for name in report["corpus_empty"]),
        *([f"  {report['too_few']}"] if report["too_few"] else []),
        *table,
        f"{', '.join(figures)}, {report['cases']} cases, {report['seeded_documents']} documents",
        f"knowledge base, {report['profile']} ({report['mode']}): {word}",
    ]


def _row(one: Mapping[str, Any]) -> str:
    shown = [
        f"{name.replace('_', ' ')} {one[declared]}" for name, declared in _FIGURES.items() if one[declared] is not None
    ]
    return f"  {one['given']} ({one['kind']}): {', '.join(shown)}"


def _monitor_lines(report: Mapping[str, Any]) -> list[str]:
    used = f"{report['history_points_used']} earlier points"
    word = "passed" if report["passed"] else "not passed"
    about = f"knowledge base, {report['profile']} ({report['mode']}): {report.get('details') or report['status']}"
    return [
        *(f"  {one['code']}: {one['message']}" for one in report["alerts"]),
        *(f"  {one['channel']} was not told: {one['why']}" for one in report["deliveries"] if not one["sent"]),
        f"{about}, {used}, {word}; {report['monitor_path']}",
    ]
