"""`promotion finalize`: the readiness decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.options import DurationIn
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.text import clean


@click.command(epilog="Example: promotion finalize --apply-to-primary")
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that the inputs lie in.",
)
@click.option(
    "--docs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs/ops"),
    show_default=True,
    help="Folder that the Markdown is written to.",
)
@click.option(
    "--max-report-age-min",
    "max_age",
    type=DurationIn(timedelta(minutes=1)),
    default=30.0,
    show_default=True,
    help="Greatest age of each input, in minutes.",
)
@click.option("--profile", default="strict", show_default=True, help="Profile that the decision has to be of.")
@click.option("--apply-to-primary", is_flag=True, help="Write the primary document too.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision as JSON.")
def finalize(reports: Path, docs: Path, max_age: timedelta, profile: str, apply_to_primary: bool, as_json: bool) -> int:
    """Decide GO or HOLD from the strict cycle, the soak and day 2. Exit 0 GO, 2 HOLD."""
    from pytest_promotion.json_files import write, write_json
    from pytest_promotion.suites.trading.readiness import finalize as judge

    found = judge(reports, datetime.now(UTC), max_age, profile)
    with command_errors("the decision could not be written"):
        write_json(reports / "readiness" / "final_decision_latest.json", clean(found.document()))
        write(docs / "option4_readiness_decision_latest.md", found.markdown())
        if apply_to_primary:
            write(docs / "option4_readiness_decision.md", found.markdown())
    if as_json:
        say_json(found.document())
    else:
        say(f"readiness: {found.status}")
    if not as_json:
        for name, why in zip(found.blockers, found.because, strict=True):
            say(f"  {name}: {why}")
    return 0 if found.status == "GO" else 2
