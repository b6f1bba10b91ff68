"""`promotion status`: what is in each stage, by which decision, and what blocks the next step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_promotion.cli.errors import asked_at, command_errors
from pytest_promotion.cli.output import say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_promotion.custody.board import Board, Row
    from pytest_promotion.custody.deployments import Deployment
    from pytest_promotion.history.log import Subject

_SHOWN: Final = 12  # characters of a digest
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Example: promotion status --html status.html")
@click.option("--policy", type=_FILE, default=Path("promotion.yaml"), show_default=True, help="Policy with the stages.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that the decisions were written to.",
)
@click.option("--vault", metavar="URL", help="Where the evidence is kept (default: beside the decisions).")
@click.option("--at", metavar="ISO-8601", help="Ask as of that moment (default: now).")
@click.option("--html", "html", type=_FILE, metavar="FILE", help="Write the board as a page for a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the board as JSON.")
def status(policy: Path, reports: Path, vault: str | None, at: str | None, html: Path | None, as_json: bool) -> int:
    """
    Show the stages of the policy: subject, decision, deployment, and what blocks the step into each.

    Exit 0 every step is clear, 2 something blocks one, 3 that is not known, 4 there are no stages.
    """
    import sqlite3

    from pytest_promotion import policy as policies
    from pytest_promotion.custody.board import board
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.evidence.vault import Vault

    now, folder = asked_at(at), reports / "promotion_gates"
    try:
        with command_errors("the history cannot be read"):
            rules = policies.load(policy, None)
            found = board(rules, folder, vault_at(vault) if vault else Vault(folder / "evidence"), now)
    except sqlite3.Error as problem:
        raise click.ClickException(f"the index of the history cannot be used: {problem}; remove it") from None
    document = found.document()
    if html is not None:
        from pytest_promotion import atomic
        from pytest_promotion.reporting.board_page import page

        with command_errors(f"{html} cannot be written"):
            atomic.write(html, page(document).encode())
    if as_json:
        say_json(document)
    else:
        for line in _lines(found):
            say(line)
    return 0 if found.clear else 3 if found.unknown else 2


def _lines(board: Board) -> Iterator[str]:
    width = max(len(row.stage) for row in board.rows)
    for row in board.rows:
        yield f"{row.stage:<{width}}  {_state(row)}"
        if row.deployment is not None and (row.deployment != row.running or row.running.allowances):
            yield f"{'':<{width}}  runs: {_running(row.running)}"
        step = row.step
        sentences = [*step.against, *(f"not known: {sentence}" for sentence in step.unknown)]
        if step.clear and not step.done:
            yield f"{'':<{width}}  next: {_named(step.candidate)} may enter {row.stage}"
        yield from (f"{'':<{width}}  blocked: {sentence}" for sentence in sentences)


def _state(row: Row) -> str:
    if row.decision is None:
        state = "no decision"
    else:
        decision = row.decision
        state = f"{decision.status} {_named(decision.subject)} {decision.ts_utc[:19]}Z run {decision.run_id}"
    if row.deployment is None:
        return state
    there = row.deployment
    return f"{state}; {there.ended} {there.ts_utc[:19]}Z by run {there.run_id}"


def _running(there: Deployment | None) -> str:
    if there is None:
        return "not known"
    subject = (
        _digest(there.subject) if there.compared else f"files that were not compared with {_digest(there.subject)}"
    )
    return f"{subject}, deployed{there.using} {there.ts_utc[:19]}Z by run {there.run_id}"


def _named(subject: Subject | None) -> str:
    if subject is None:
        return "nothing"
    return f"{subject.name} ({_digest(subject.digest)})"


def _digest(digests: Mapping[str, str]) -> str:
    """The first of them, shortened; "nothing" where there is none."""
    return next((f"{kind}:{text[:_SHOWN]}" for kind, text in digests.items()), "nothing")
