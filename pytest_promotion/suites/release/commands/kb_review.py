"""`promotion kb review` and `promotion kb checkpoint`: what a trend comes to, written down for people."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from pytest_promotion.cli.options import DurationIn
from pytest_promotion.suites.release.commands.kb_options import COUNT, HISTORY, below, judged, show


def _trend(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that the review and the checkpoint share."""
    for option in reversed(
        [
            click.option("--profile", default="prod", show_default=True, help="Profile whose history is reviewed."),
            click.option(
                "--history-dir",
                metavar="DIR",
                default=HISTORY,
                show_default=True,
                help="Folder with the monitor's reports.",
            ),
            click.option("--min-points", type=COUNT, default=3, show_default=True, help="Fewer are insufficient data."),
            click.option("--plot", is_flag=True, help="Draw a .png and an .html, too: the extra plots."),
            click.option("--owner", default="", help="Who answers for the record."),
            click.option(
                "--template", type=click.Path(path_type=Path, dir_okay=False), help="Another Markdown template."
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        ]
    ):
        command = option(command)
    return below(command)


@click.command(epilog="Example: promotion kb review --profile prod --lookback 4")
@_trend
@click.option(
    "--output-dir",
    metavar="DIR",
    default=".runtime/kb_benchmark_reviews",
    show_default=True,
    help="Folder that the result is written to.",
)
@click.option(
    "--lookback",
    type=COUNT,
    default=4,
    show_default=True,
    help="Number of the latest reports that are taken into account.",
)
@click.option(
    "--max-age-days",
    "max_age",
    type=DurationIn(timedelta(days=1), whole=True),
    metavar="N",
    default=35,
    show_default=True,
    help="Greatest age of a point that counts, in days.",
)
def review(output_dir: str, lookback: int, max_age: timedelta, **given: Any) -> int:
    """
    Say whether the thresholds stay.

    Exit 0 keep_thresholds, 2 investigate_before_change, 3 insufficient_data, 5 consider_tighten.
    """
    from pytest_promotion.clock import stamp
    from pytest_promotion.suites.release.knowledge import review as room

    def work(now: datetime) -> tuple[dict[str, Any], str]:
        report = room.run(
            given["root"] / given["history_dir"],
            given["profile"],
            now,
            lookback=lookback,
            min_points=given["min_points"],
            max_age=max_age,
        )
        return report, f"review_{stamp(now)}"

    report = _written(work, output_dir, given)
    return room.EXIT[report["decision"]["decision"]]


@click.command(epilog="Example: promotion kb checkpoint --profile prod --month 2026-02 --plot")
@_trend
@click.option("--month", metavar="YYYY-MM", help="Which month, in UTC [the last that is complete].")
@click.option(
    "--review-dir",
    metavar="DIR",
    default=".runtime/kb_benchmark_reviews",
    show_default=True,
    help="Folder with the weekly reviews.",
)
@click.option(
    "--changes-dir",
    metavar="DIR",
    default="docs/Ops/KB_Threshold_Changes",
    show_default=True,
    help="Folder with the records of threshold changes.",
)
@click.option(
    "--output-dir",
    metavar="DIR",
    default=".runtime/kb_monthly_checkpoints",
    show_default=True,
    help="Folder that the result is written to.",
)
@click.option(
    "--record-dir", metavar="DIR", help="Also write the record as YYYY-MM_PROFILE.md here, to be signed and committed."
)
def checkpoint(
    month: str | None, review_dir: str, changes_dir: str, output_dir: str, record_dir: str | None, **given: Any
) -> int:
    """
    Sum a month up.

    Exit 0 stable, 2 attention_required, 3 insufficient_data, 5 candidate_for_threshold_change.
    """
    from pytest_promotion.suites.release.knowledge import checkpoint as room

    def work(now: datetime) -> tuple[dict[str, Any], str]:
        chosen, root = month or room.before(now), given["root"]
        report = room.run(
            chosen,
            given["profile"],
            now,
            folder=root / given["history_dir"],
            reviews=root / review_dir,
            records=root / changes_dir,
            min_points=given["min_points"],
        )
        return report, f"monthly_{chosen}"

    def keep(report: dict[str, Any], record: bytes) -> None:
        if record_dir is not None:
            _keep_record(given["root"] / record_dir, f"{report['month']}_{report['profile']}", record)

    report = _written(work, output_dir, given, keep)
    return room.EXIT[report["summary"]["governance_status"]]


def _written(
    work: Callable[[datetime], tuple[dict[str, Any], str]],
    folder: str,
    given: dict[str, Any],
    keep: Callable[[dict[str, Any], bytes], None] = lambda _report, _record: None,
) -> dict[str, Any]:
    """Makes a report, writes it with its record and its plots, and prints it."""
    from pytest_promotion.clock import Clock
    from pytest_promotion.reporting.publishing import ReportFolder
    from pytest_promotion.suites.release.knowledge import plots, policy, record

    place = given["root"] / folder / given["profile"]

    def do() -> tuple[dict[str, Any], Path]:
        policy.named(given["profile"])
        report, stem = work(Clock().now())
        files = {}
        if given["plot"]:
            picture = plots.png(report)
            files = {".png": picture, ".html": record.page(report, picture).encode()}
        files[".md"] = record.markdown(report, given["owner"], given["template"]).encode()
        files[".json"] = (json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
        path = ReportFolder(place).place(stem, files)
        keep(report, files[".md"])
        return report, path

    report, path = judged(do)
    show(report | {"report_path": path.as_posix()}, _trend_lines, as_json=given["as_json"])
    return report


def _keep_record(folder: Path, name: str, content: bytes) -> None:
    """Writes *content* as `<name>.md`, or `<name>_1.md` and so on: a record that was signed is not written over."""
    from pytest_promotion import atomic

    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        with contextlib.suppress(FileExistsError):
            atomic.write(folder / f"{name}{f'_{number}' if number else ''}.md", content, overwrite=False)
            return


def _trend_lines(report: Mapping[str, Any]) -> list[str]:
    if "decision" in report:
        said = f"{report['decision']['decision']}: {report['decision']['rationale']}"
    else:
        said = f"{report['month']}: {report['summary']['governance_status']}"
    out = [f"  left out: {one['path']}: {one['why']}" for one in report["left_out"]]
    return [*out, f"knowledge base, {report['profile']}, {said}; {report['report_path']}"]
