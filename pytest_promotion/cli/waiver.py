"""`promotion waiver`: failures that people accept for a while."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.errors import asked_at, command_errors, lasting_until
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.cli.signing import one_key, signed_by
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file

if TYPE_CHECKING:
    from pytest_promotion.trust.waivers import Written


@click.group(epilog="Example: promotion waiver check waivers.yaml --policy promotion.yaml")
def waiver() -> None:
    """Accept one failure of one gate for one candidate until a moment."""


@waiver.command(
    epilog="Example: promotion waiver new reports/promotion_gates/latest.json parity_thresholds "
    "--reason 'venue outage, see OPS-12' --owner trading --requested-by dora --expires 2026-12-01T12:00:00+00:00"
)
@click.argument("decision", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("gate")
@click.option("--reason", required=True, help="Why the failure is acceptable.")
@click.option("--owner", required=True, help="Who answers for what is wrong; may not approve.")
@click.option("--requested-by", required=True, metavar="NAME", help="Who asks, one of the signers; may not approve.")
@click.option("--expires", required=True, metavar="ISO-8601", help="Until when, with an offset.")
@click.option("--limit", "limits", multiple=True, metavar="NAME=VALUE", help="Accept worse than was seen.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("waivers.yaml"),
    show_default=True,
    help="The file that it is added to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the entry as JSON.")
def new(
    decision: Path,
    gate: str,
    reason: str,
    owner: str,
    requested_by: str,
    expires: str,
    limits: tuple[str, ...],
    file: Path,
    as_json: bool,
) -> int:
    """
    Write a waiver for what went wrong in GATE when DECISION was taken. Exit 0, or 3 where it cannot be waived.

    Candidate, failure and limits are those of the decision. Approvals are added with `promotion waiver sign`.
    """
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.trust import stored, waiver_file

    now = datetime.now(UTC)
    until = lasting_until(expires, now)
    with command_errors():
        content = stored.read_content(decision)
        found = stored.parse(content, decision.name)
        failures = {one["name"]: one.get("failure") for one in parse_json(content, decision.name)["checks"]}
        entry = waiver_file.entry_for(
            found,
            failures,
            gate,
            reason=reason,
            owner=owner,
            requested_by=requested_by,
            now=now,
            expires=until,
            accepted=dict(map(_limit, limits)),
        )
    written = _changed(file, lambda text: waiver_file.with_entry(text, file.name, entry)[0])[-1]
    _tell(file, written, as_json, "is written; it lacks its approvals")
    return 0


@waiver.command(
    epilog="Example: promotion waiver sign waivers.yaml parity_thresholds --ssh-key ~/.ssh/id_ed25519 --as ana"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("entry")
@signed_by
@click.option("--json", "as_json", is_flag=True, help="Print the entry as JSON.")
def sign(file: Path, entry: str, key: Path | None, ssh_key: Path | None, by: str, as_json: bool) -> int:
    """Approve ENTRY of FILE: its gate, or its number counted from 1. Exit 0, or 3 where that cannot be done."""
    from pytest_promotion.trust import waiver_file
    from pytest_promotion.trust.approvals import approve
    from pytest_promotion.trust.waivers import matter_of, read

    one_key(key, ssh_key)
    number = 0

    def signed(content: bytes) -> bytes:
        nonlocal number
        entries = list(read(content, file.name))
        number = waiver_file.number_of(entries, entry)
        wanted = entries[number].entry
        if wanted is None:
            raise Unproven(entries[number].problem)
        approval = approve(matter_of(wanted), by, key, ssh_key)
        return waiver_file.with_approval(content, file.name, number, approval)[0]

    if not file.exists():
        raise click.ClickException(f"{file} is not there")
    _tell(file, _changed(file, signed)[number], as_json, f"is approved by {by}")
    return 0


@waiver.command(epilog="Example: promotion waiver check waivers.yaml --policy promotion.yaml")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--policy",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Policy file that says which waivers are accepted.",
)
@click.option("--profile", metavar="NAME", help="Profile of the policy (default: default).")
@click.option("--at", metavar="ISO-8601", help="Ask as of that moment (default: now).")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def check(file: Path, policy: Path, profile: str | None, at: str | None, as_json: bool) -> int:
    """
    List the waivers in FILE, each with what is wrong with it. Exit 0 none, 2 some, 3 FILE cannot be judged.

    Whether the failure is still the one that was accepted is told by the next decision.
    """
    from pytest_promotion import policy as policies
    from pytest_promotion.trust import waivers

    now = asked_at(at)
    with command_errors():
        rules = policies.load(policy, profile)
        signers = waivers.signers_of(rules)
    with command_errors(f"{file} cannot be read", usage=False):
        written = list(waivers.read(read_file(file), file.name))
    found = []
    for one in written:
        wrong = one.problem
        if one.entry is not None:
            try:
                waivers.waiver_of(one.entry, one.where, rules, signers, now)
            except Unproven as refusal:
                wrong = str(refusal)
        found.append({**_document(one), "ok": not wrong, "problem": wrong})
    if as_json:
        say_json({"waivers": found})
    else:
        for each in found:
            state = "ok" if each["ok"] else "wrong"
            say(f"{state:5} {each['where']}: {each['gate'] or 'an entry'}: {each['problem'] or _lasting(each)}")
    return 0 if all(each["ok"] for each in found) else 2


def _limit(text: str) -> tuple[str, Any]:
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise click.UsageError(f"--limit {text}: expected NAME=VALUE")
    try:
        number = json.loads(value)
    except ValueError:
        return name, value
    if isinstance(number, (int, float)) and number not in (float("inf"), float("-inf")) and number == number:  # noqa: PLR0124
        return name, number
    raise click.UsageError(f"--limit {text}: expected a finite number, true, false or a text")


def _changed(file: Path, change: Callable[[bytes], bytes]) -> list[Written]:
    """What stands in *file* after *change*; two people who add to it at once both do."""
    from filelock import FileLock

    from pytest_promotion.json_files import write
    from pytest_promotion.trust.waiver_file import EMPTY
    from pytest_promotion.trust.waivers import read

    lock = FileLock(file.with_name(f".{file.name}.lock"), timeout=30)
    with command_errors(f"{file} cannot be written", usage=False), lock:
        made = change(read_file(file) if file.exists() else EMPTY.encode())
        write(file, made.decode())
        return list(read(made, file.name))


def _tell(file: Path, written: Written, as_json: bool, done: str) -> None:
    document = _document(written)
    if as_json:
        say_json({"file": str(file), **document})
    else:
        say(f"{written.where}: the waiver of {document['gate']} {done}")


def _document(written: Written) -> dict[str, Any]:
    import msgspec

    if written.entry is None:
        return {"where": written.where, "gate": None}
    return {
        "where": written.where,
        **msgspec.to_builtins(written.entry),
        "approvals": [one.by for one in written.entry.approvals],
    }


def _lasting(each: dict[str, Any]) -> str:
    return f"until {each['expires']}, approved by {', '.join(each['approvals'])}"
