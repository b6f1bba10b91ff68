"""`promotion migrate|create|list|show|events`: the store of research candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.errors import Unproven

if TYPE_CHECKING:
    from sqlalchemy import Connection

STATUSES: Final = click.Choice(["exploratory", "candidate", "accepted", "rejected"])
as_lines = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
based: Final = click.option(
    "--evidence-base-path",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="Folder that the paths of evidence are relative to.",
)


def stored(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that says where the store is."""
    return click.option(
        "--db",
        envvar="CRYPTO_ANALYZER_DB_PATH",
        default="reports/candidates.db",
        show_default=True,
        help="File of an SQLite store, or a URL: postgresql://user@host/name.",
    )(command)


def files_by_kind(
    bundle: Path, reality_check: Path | None, sweep: Path | None, execution: Path | None
) -> dict[str, Path]:
    """The files of a candidate that are given, by what they are."""
    files = {
        "validation_bundle_path": bundle,
        "rc_summary_path": reality_check,
        "sweep_panel_path": sweep,
        "execution_evidence_path": execution,
    }
    return {kind: path for kind, path in files.items() if path is not None}


@contextmanager
def opened(db: str, *, create: bool = False) -> Iterator[Connection]:
    """A connection to a store that has its tables; what a user caused ends the command in a sentence."""
    try:
        from pytest_promotion.suites.research import database, migrations
    except ImportError:
        raise click.ClickException("this needs SQLAlchemy: pip install 'pytest-promotion[research]'") from None
    with command_errors(), database.connected(db, create=create) as connection:
        if not create:
            migrations.require_promotion_tables(connection)
        yield connection


@click.command(epilog="Example: promotion candidates migrate --db reports/candidates.db")
@stored
def migrate(db: str) -> int:
    """
    Make the tables of the store, or bring them up to date. Nothing else does: whoever only looks makes nothing.

    Exit code 0 the tables are up to date, 3 they could not be brought there.
    """
    with command_errors():
        if "://" not in db:
            Path(db).parent.mkdir(parents=True, exist_ok=True)
    with opened(db, create=True) as connection:
        from pytest_promotion.suites.research.migrations import run_migrations_phase3

        taken = run_migrations_phase3(connection)
    say(f"applied: {', '.join(taken)}" if taken else "up to date")
    return 0


@click.command(
    epilog="Example: promotion candidates create --from-run run-7 --signal momentum --horizon 4 "
    "--bundle-path reports/csv/validation_bundle_momentum_run-7.json --rc-summary-path reports/rc_summary.json"
)
@stored
@click.option("--from-run", "run_id", required=True, help="The research run that it comes from.")
@click.option("--signal", "signal_name", required=True, help="Name of the signal.")
@click.option("--horizon", required=True, type=click.IntRange(1), help="Horizon of the signal, in bars.")
@click.option("--bundle-path", required=True, type=_FILE, help="The validation bundle of the run.")
@click.option("--rc-summary-path", type=_FILE, help="What `promotion reality-check --out` wrote.")
@click.option("--sweep-panel-path", type=_FILE, help="What the reality check was run on: everything that was tried.")
@click.option("--execution-evidence-path", type=_FILE, help="File with the evidence that the signal could be traded.")
@based
@click.option("--family-id", help="The sweep that it came out of: its reality check is needed then.")
@click.option("--dataset-id", help="Else what the bundle says; and it has to say the same.")
@click.option("--config-hash", help="Else what the bundle says; and it has to say the same.")
@click.option("--git-commit", help="Else what the bundle says; and it has to say the same.")
@click.option("--estimator", help="Name of the estimator behind the figures.")
@click.option("--notes", help="Free text that is kept with the candidate.")
@click.option("--json", "as_json", is_flag=True, help="Print the row as JSON.")
def create(
    db: str,
    bundle_path: Path,
    rc_summary_path: Path | None,
    sweep_panel_path: Path | None,
    execution_evidence_path: Path | None,
    evidence_base_path: Path,
    as_json: bool,
    **given: Any,
) -> int:
    """
    Add an exploratory candidate, and name its evidence with digests: the files, and those that they name.

    Paths that are not absolute begin at --evidence-base-path. Prints the id. Exit code 0 it is created, 3 it could not
    be: a file is not there, or it is about another run, signal or horizon.
    """
    files = files_by_kind(bundle_path, rc_summary_path, sweep_panel_path, execution_evidence_path)
    with opened(db) as connection:
        from pytest_promotion.suites.research import service, store

        payload = service.proposed(
            {name: value for name, value in given.items() if value is not None},
            files,
            evidence_base_path,
        )
        identity = store.create_candidate(connection, payload)
        row = store.get_candidate(connection, identity)
    if as_json:
        say_json(row)
    else:
        say(identity)
    return 0


@click.command("list", epilog="Example: promotion candidates list --status candidate --json")
@stored
@click.option("--status", type=STATUSES, help="Only candidates with this status.")
@click.option("--dataset-id", help="Only candidates of this data set.")
@click.option("--signal-name", help="Only candidates of this signal.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, the newest first.")
@as_lines
def list_candidates(db: str, as_json: bool, **filters: Any) -> int:
    """
    List candidates, the newest first. Who was accepted by hand is shown with the name of the approver, and so is what
    was asked less than the policy in force.
    """
    with opened(db) as connection:
        from pytest_promotion.suites.research import store
        from pytest_promotion.suites.research.ui import tables

        rows = store.list_candidates(connection, **filters)
        identities = [row["candidate_id"] for row in rows]
        approvers, weaker = store.approvers(connection, identities), store.weakened(connection, identities)
    if as_json:
        for row in rows:
            identity = row["candidate_id"]
            say_json(row | {"accepted_by_hand": approvers.get(identity), "asked_less": weaker.get(identity)})
    elif rows:
        _table(tables.candidates(rows, approvers, weaker))
    else:
        say("no candidate answers that")
    return 0


@click.command(epilog="Example: promotion candidates show prom_0123456789abcdef")
@click.argument("candidate_id")
@stored
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def show(candidate_id: str, db: str, as_json: bool) -> int:
    """Show a candidate: what it is, its evidence with digests, how the last evaluation went. Exit 3: no such one."""
    with opened(db) as connection:
        from pytest_promotion.suites.research import store
        from pytest_promotion.suites.research.evidence_now import present_digest, states
        from pytest_promotion.suites.research.ui import tables

        told = store.whole(connection, candidate_id)
    if as_json:
        say_json(told)
        return 0
    by = f", by hand: {told['accepted_by_hand']}" if told["accepted_by_hand"] else ""
    say(f"{candidate_id}: {told['status']}{by}")
    _table(tables.facts(told))
    say("")
    say("evidence")
    try:
        now = states(told["evidence"])
        digest = present_digest(told["evidence"])
    except Unproven as refusal:
        say(str(refusal))
    else:
        _table(tables.evidence(told["evidence"]["artifacts"], now))
        say(f"the files as they are now: {digest}")
    last = told["last_evaluation"]
    if last is None:
        say("")
        say("never evaluated")
        return 0
    [row] = tables.events([last])
    say("")
    say(f"evaluated {row['when (UTC)']}: {row['status']}")
    payload = last["payload"]
    lines = (*payload.get("reasons", ()), *payload.get("open_questions", ()), *payload.get("warnings", ()))
    for line in lines:
        say(f"  {plain(line)}")
    _table(tables.figures(last["payload"]))
    return 0


@click.command(epilog="Example: promotion candidates events prom_0123456789abcdef --json")
@click.argument("candidate_id", required=False)
@stored
@click.option("--verify", is_flag=True, help="Check the chain of all events, and each status beside it.")
@click.option("--anchor", default="", help="With --verify: a head that was kept elsewhere, which has to be there.")
@as_lines
def events(candidate_id: str | None, db: str, verify: bool, anchor: str, as_json: bool) -> int:
    """
    Print the events of a candidate, or check the chain of all of them.

    With --verify: exit code 0 the chain is whole, 2 it is not. Without: 3 where there is no such candidate.
    """
    if verify == (candidate_id is not None) or (anchor and not verify):
        raise click.UsageError("give a candidate, or --verify, to which --anchor belongs")
    with opened(db) as connection:
        from pytest_promotion.suites.research import chain, store
        from pytest_promotion.suites.research.ui import tables

        if verify:
            found = chain.check(connection, anchor)
        else:
            rows = store.whole(connection, str(candidate_id))["events"]
    if not verify:
        if as_json:
            for row in rows:
                say_json(row)
        else:
            _table(tables.events(rows)[::-1])
        return 0
    told = {"events": found.events, "unchained": found.unchained, "head": found.head, "problems": found.problems}
    if as_json:
        say_json(told)
    else:
        say(f"{found.events} events, {len(found.problems)} problems; head {found.head or 'none'}")
        for problem in found.problems:
            say(f"  {plain(problem)}")
    return 0 if found.holds else 2


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints *rows* in columns that are as wide as they need."""
    lines = [tuple(rows[0])] + [tuple(map(plain, row.values())) for row in rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def plain(value: Any) -> str:
    """A text that a terminal shows and does not obey."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value))
