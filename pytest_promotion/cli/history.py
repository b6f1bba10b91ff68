"""`promotion history`: what was decided here, since when, and whether the log of it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.durations import LONGEST

if TYPE_CHECKING:
    from pytest_promotion.history.index import Index
    from pytest_promotion.history.log import Entry

_reports = click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that the decisions were written to.",
)
_limit = click.option(
    "--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="How many decisions to look back."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.group(
    invoke_without_command=True, epilog="Example: promotion history --gate parity_thresholds --since 2026-05-01"
)
@_reports
@click.option("--status", type=click.Choice(["PASS", "FAIL"]), help="Only decisions that say so.")
@click.option("--gate", metavar="ID", help="Only decisions in which that gate did not pass, or was waived.")
@click.option("--profile", metavar="NAME", help="Only decisions under that profile.")
@click.option("--stage", metavar="NAME", help="Only decisions about that stage.")
@click.option("--subject", metavar="NAME|DIGEST", help="Only decisions about that.")
@click.option("--since", metavar="ISO-8601", help="Only decisions of that moment or day and later.")
@click.option("--until", metavar="ISO-8601", help="Only decisions before that moment or day.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first.")
@_json
@click.pass_context
def history(
    context: click.Context,
    reports: Path,
    status: str | None,
    gate: str | None,
    profile: str | None,
    stage: str | None,
    subject: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> int | None:
    """
    List past decisions, newest first. Exit 0; 3 where there is no history or it cannot be read.

    Every line that is shown was checked against its own digest; whether the log is whole, `verify` says.
    """
    if context.invoked_subcommand is not None:
        return None
    from pytest_promotion.history.index import Question

    question = Question(status, gate, profile, subject, _moment(since), _moment(until), limit=limit, stage=stage)
    with _asked(reports) as index:
        found = index.entries(question)
    if as_json:
        say_json([_plain(entry) for entry in found])
        return 0
    for entry in found:
        say(_line(entry))
    if not found:
        say("no decision answers that")
    return 0


@history.command(epilog="Example: promotion history trend --days 14")
@_reports
@click.option(
    "--days", type=click.IntRange(1, LONGEST.days), default=30, show_default=True, help="How many days to look back."
)
@_json
def trend(reports: Path, days: int, as_json: bool) -> int:
    """How many decisions of each status each day had, by UTC."""
    from pytest_promotion.history import views

    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    with _asked(reports) as index:
        found = views.trend(index.days(first))
    if as_json:
        say_json(found)
    else:
        for row in found:
            counts = ", ".join(f"{count} {status}" for status, count in sorted(row.items()) if status != "day")
            say(f"{row['day']}  {counts}")
    return 0


@history.command(epilog="Example: promotion history flaky --limit 200")
@_reports
@_limit
@_json
def flaky(reports: Path, limit: int, as_json: bool) -> int:
    """
    Name the gates that changed between passing and not passing, those first that did so on one subject.

    Where the candidate was the same, it cannot be the reason: either the evidence wavers or the gate does.
    """
    from pytest_promotion.history import views
    from pytest_promotion.history.index import Question

    with _asked(reports) as index:
        found = views.wavering(reversed(index.entries(Question(limit=limit))))
    if as_json:
        say_json([one.document() for one in found])
    else:
        for one in found:
            said = f"{one.flips} flips, {one.unexplained} on an unchanged subject"
            say(f"{one.gate}  {said}; passed {one.passed} of {one.runs}")
    return 0


@history.command(epilog="Example: promotion history waivers --json")
@_reports
@_limit
@_json
def waivers(reports: Path, limit: int, as_json: bool) -> int:
    """Say who waived what, until when, and how many decisions used it."""
    from pytest_promotion.history import views
    from pytest_promotion.history.index import Question

    with _asked(reports) as index:
        found = views.waivers(index.entries(Question(waived=True, limit=limit)))
    if as_json:
        say_json(found)
    else:
        for row in found:
            who = ", ".join(row["approvers"]) or "nobody who is named"
            say(f"{row['gate']} by {who} until {row['expires']}, used {row['used']} times: {row['reason']}")
    return 0


@history.command(epilog="Example: promotion history verify --decision decision.json")
@_reports
@click.option(
    "--decision",
    "decisions",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A decision from elsewhere that knows how far the log went (repeatable).",
)
@click.option(
    "--anchor",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Where its head is anchored, see `anchor` (repeatable).",
)
@_json
def verify(reports: Path, decisions: tuple[Path, ...], targets: tuple[str, ...], as_json: bool) -> int:
    """
    Walk along the whole chain, and compare it with every decision that is there. Exit 0 whole, 2 not, 3 unreadable.

    A log whose end was cut off is a whole chain: only decisions that were taken later, and anchors, can tell.
    """
    from pytest_promotion.cli.progress import waiting
    from pytest_promotion.history.anchor_targets import target_at
    from pytest_promotion.history.check import check

    with _refusals(), waiting("history"):
        found = check(_folder(reports), decisions, [target_at(text) for text in targets])
    if as_json:
        say_json(found.document())
    else:
        say(f"the history is {'not ' if found.problems else ''}whole: {found.entries} entries")
        for problem in found.problems:
            say(f"  {problem}")
        for note in (*found.notes, *(() if found.anchors else ("no decision says how far it should go",))):
            say(f"  note: {note}")
    return 2 if found.problems else 0


@history.command(epilog="Example: promotion history anchor --to git-note:../audit")
@_reports
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="A file, git-note:REPO[:REF], git-tag:REPO:NAME, or a URL such as s3://bucket/anchors.",
)
@click.option("--sign", is_flag=True, help="Sign the tag, as `git tag --sign` does.")
@_json
def anchor(reports: Path, target: str, sign: bool, as_json: bool) -> int:
    """
    Add the head of the history to TARGET, outside of it. Exit 0, 2 where TARGET belongs to another history.

    What is in TARGET is never replaced. `history verify --anchor` and `verify --anchor` notice then that newer entries
    were removed, with their decisions. Exit 3 where there is no history, or TARGET cannot be read or written.
    """
    from pytest_promotion.clock import iso
    from pytest_promotion.history import anchors
    from pytest_promotion.history.anchor_targets import target_at

    with _refusals():
        place = target_at(target, sign=sign)
        there = place.heads()
        problem = anchors.compare(_folder(reports), place) if there else ""
        head = anchors.head_of(_folder(reports), iso(datetime.now(UTC)))
        known = head.same in (one.same for one in there)
        if not problem and not known:
            place.add(head)
    if as_json:
        say_json({"anchored": not problem, "target": place.name, "problem": problem or None, **head.document()})
    elif problem:
        say(f"nothing was anchored: {problem}")
    else:
        say(f"entry {head.sequence} {'was' if known else 'is'} anchored in {place.name}")
    return 2 if problem else 0


def _folder(reports: Path) -> Path:
    return reports / "promotion_gates"


@contextmanager
def _refusals() -> Iterator[None]:
    with command_errors("the history cannot be read"):
        yield


@contextmanager
def _asked(reports: Path) -> Iterator[Index]:
    import sqlite3

    from pytest_promotion.cli.progress import waiting
    from pytest_promotion.history.index import Index

    try:
        with _refusals():
            with waiting("history"):
                index = Index(_folder(reports))
            with index:
                yield index
    except sqlite3.Error as problem:
        raise click.ClickException(f"the index of the history cannot be used: {problem}; remove it") from None


def _moment(text: str | None) -> datetime | None:
    """A moment, or the start of a day by UTC."""
    from pytest_promotion.clock import BadTimestamp, parse_moment

    if text is None:
        return None
    try:
        return parse_moment(f"{text}T00:00:00+00:00" if len(text) == len("2026-05-01") else text)
    except BadTimestamp as problem:
        raise click.UsageError(str(problem)) from None


def _line(entry: Entry) -> str:
    decision = entry.decision
    count = sum(len(names) for outcome, names in decision.gates.items() if outcome != "NOT_APPLICABLE")
    passed = len(decision.gates.get("PASS", ())) + len(decision.gates.get("WAIVED", ()))
    about = f" {decision.subject.name}" if decision.subject else ""
    failed = f": {', '.join(decision.critical_failures)}" if decision.critical_failures else ""
    of = f"stage {decision.stage}" if decision.stage else f"profile {decision.profile}"
    gates = f"{passed} of {count} gates, {of}"
    return f"{entry.sequence:>6}  {decision.ts_utc[:19]}Z  {decision.status}{about} ({gates}) {decision.file}{failed}"


def _plain(entry: Entry) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(entry)
    return plain
