"""`promotion vault`: what gates judged, cleared of what is no longer needed, and put back where it was lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.options import DurationIn
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.durations import LONGEST

# An object at a URL that is younger than half of that is not uploaded again by a session that relies on it.
_LEAST_GRACE = timedelta(hours=12)


@click.group()
def vault() -> None:
    """What gates judged, kept byte for byte."""


@vault.command(epilog="Example: promotion vault gc --keep-days 90 --dry-run")
@click.option(
    "--keep-days", type=click.IntRange(1, LONGEST.days), help="Keep the evidence of decisions of the last N days."
)
@click.option("--keep-last", type=click.IntRange(min=1), help="Keep the evidence of the last N decisions.")
@click.option(
    "--reports",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="A reports folder whose decisions use the vault (repeatable; default: reports).",
)
@click.option("--vault", "place", metavar="URL", help="The vault: a folder or a URL (default: that of the reports).")
@click.option(
    "--grace-hours",
    "grace",
    type=DurationIn(timedelta(hours=1), least=_LEAST_GRACE),
    default=24,
    show_default=True,
    help="What is younger stays: longer than any session lasts.",
)
@click.option("--dry-run", is_flag=True, help="Remove nothing, say what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def gc(
    keep_days: int | None,
    keep_last: int | None,
    reports: tuple[Path, ...],
    place: str | None,
    grace: timedelta,
    dry_run: bool,
    as_json: bool,
) -> int:
    """
    Remove evidence that no kept decision names. Exit 0; 3 where that cannot be told, and then nothing is removed.

    Decisions themselves and the history stay. The newest decision keeps its evidence however old it is. With a
    vault that several reports folders use, name all of them.
    """
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.history.retention import Keeping, clear

    if keep_days is None and keep_last is None:
        raise click.UsageError("say which decisions keep their evidence: --keep-days N, --keep-last N, or both")
    if place is not None and not reports:
        raise click.UsageError("--vault needs --reports: name every folder whose decisions use that vault")
    if place is None and len(reports) > 1:
        raise click.UsageError("several reports folders have several vaults: name one with --vault")
    folders = [one / "promotion_gates" for one in reports or (Path("reports"),)]
    keeping = Keeping(keep_days or 0, keep_last or 0, grace)
    with command_errors("the vault cannot be cleared"):
        found = clear(folders, vault_at(place or folders[0] / "evidence"), keeping, datetime.now(UTC), dry_run=dry_run)
    if as_json:
        say_json(found.document())
    else:
        word = "would be removed" if dry_run else "removed"
        say(f"{len(found.removed)} files, {found.size_bytes} bytes, {word}")
        say(f"{found.named} are named by decisions that are kept, {found.young} are too young to judge")
    return 0


@vault.command(epilog="Example: promotion vault restore 'reports/event_store/events_*' --root /workspace/company")
@click.argument("patterns", metavar="[PATH]...", nargs=-1)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The promotion root that files are put below (default: here).",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="The reports folder whose decisions and vault are looked in.",
)
@click.option(
    "--decision",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The decision whose evidence is put back (default: the newest that judged such a file).",
)
@click.option("--vault", "place", metavar="URL", help="The vault: a folder or a URL (default: that of the reports).")
@click.option("--dry-run", is_flag=True, help="Write nothing, say what would be restored.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def restore(
    patterns: tuple[str, ...],
    root: Path,
    reports: Path,
    decision: Path | None,
    place: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """
    Put evidence back as it was judged: each PATH is a file, a folder or a glob below the root.

    Exit 0; 2 where another file lies in the place of one, 3 where the vault does not have it. Nothing is overwritten,
    and files are as old as they were.
    """
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.trust.restoring import InTheWay
    from pytest_promotion.trust.restoring import restore as put_back

    if not patterns and decision is None:
        raise click.UsageError("say what to restore: a PATH, or --decision FILE for all that it judged")
    folder = decision.parent if decision is not None else reports / "promotion_gates"
    with command_errors():
        try:
            kept = vault_at(place or folder / "evidence")
            found = put_back(folder, root, patterns, kept, decision=decision, dry_run=dry_run)
        except InTheWay as refusal:
            say(str(refusal), err=True)
            return 2
    if as_json:
        say_json(
            {
                "decision": found.decision,
                "ts_utc": found.ts_utc,
                "restored": [{"path": one.path, "sha256": one.sha256} for one in found.files],
                "already_there": found.there,
                "notes": found.notes,
                "dry_run": dry_run,
            },
            indent=2,
        )
        return 0
    for note in found.notes:
        say(f"note: {note}", err=True)
    for one in found.files:
        say(f"{'would restore' if dry_run else 'restored'} {one.path} as of {found.ts_utc}")
    for path in found.there:
        say(f"{path} is there as it was judged")
    return 0
