"""`promotion override`: breaking the glass, and answering for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_promotion import atomic
from pytest_promotion.cli.errors import command_errors, lasting_until
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.cli.signing import one_key, signed_by
from pytest_promotion.errors import Unproven

if TYPE_CHECKING:
    import msgspec


@click.group(epilog="Example: promotion verify latest.json --override overrides/DECISION.override.json")
def override() -> None:
    """Act on a decision that says FAIL: with a quorum, an end, and a post-mortem that is owed."""


@override.command(
    epilog="Example: promotion override new reports/promotion_gates/latest.json --reason 'losses without the fix' "
    "--incident INC-7 --requested-by dora --expires 2026-12-01T18:00:00+00:00"
)
@click.argument("decision", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--reason", required=True, help="Why the promotion cannot wait until the gates pass.")
@click.option("--incident", required=True, metavar="ID", help="The incident that it belongs to.")
@click.option("--requested-by", required=True, metavar="NAME", help="Who asks, one of the signers; may not approve.")
@click.option("--expires", required=True, metavar="ISO-8601", help="Until when, with an offset.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where overrides are kept (default: overrides beside DECISION).",
)
@click.option(
    "--incidents",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("docs/ops/incidents.md"),
    show_default=True,
    help="The document that a note is appended to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the override as JSON.")
def new(
    decision: Path,
    reason: str,
    incident: str,
    requested_by: str,
    expires: str,
    folder: Path | None,
    incidents: Path,
    as_json: bool,
) -> int:
    """
    Write an override of DECISION, and a note of it. Exit 0, or 3 where it says no FAIL or was overridden already.

    It counts once `promotion override sign` has added its quorum. From now on a post-mortem is owed.
    """
    from pytest_promotion.json_files import append_line
    from pytest_promotion.trust import overrides, stored

    now = datetime.now(UTC)
    until = lasting_until(expires, now)
    with command_errors("it cannot be written"):
        content = stored.read_content(decision)
        found = stored.parse(content, decision.name)
        made = overrides.override_of(
            found, content, reason=reason, incident=incident, requested_by=requested_by, now=now, expires=until
        )
        made = overrides.parse(_text(made).encode(), "the override")  # as strictly as it will be read
        place = (
            folder or decision.parent / "overrides"
        ) / f"{overrides.stem_of(found, decision.stem)}{overrides.SUFFIX}"
        # The note first: what is told and not there fails the next promotion, what is there and not told might not.
        append_line(incidents, overrides.note(_free(place).name, made))
        _create(place, _text(made))
    if as_json:
        say_json({"file": str(place)})
    else:
        say(f"{place} is written; it lacks its approvals")
    return 0


@override.command(
    epilog="Example: promotion override sign overrides/DECISION.override.json --ssh-key ~/.ssh/id_ed25519 --as ana"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="OVERRIDE")
@signed_by
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def sign(file: Path, key: Path | None, ssh_key: Path | None, by: str, as_json: bool) -> int:
    """Approve the override in OVERRIDE. Exit 0, or 3 where that cannot be done."""
    from filelock import FileLock
    from msgspec import structs

    from pytest_promotion.json_files import write
    from pytest_promotion.trust import overrides, stored
    from pytest_promotion.trust.approvals import approve

    one_key(key, ssh_key)
    lock = FileLock(file.with_name(f".{file.name}.lock"), timeout=30)
    with command_errors(f"{file} cannot be written"), lock:
        found = overrides.parse(stored.read_content(file), file.name)
        if any(one.by == by for one in found.approvals):
            raise Unproven(f"{by} has approved it already")
        approval = approve(found.matter, by, key, ssh_key)
        write(file, _text(structs.replace(found, approvals=[*found.approvals, approval])))
    if as_json:
        say_json({"file": str(file), "approved_by": by})
    else:
        say(f"{file} is approved by {by}")
    return 0


@override.command(
    "post-mortem",
    epilog="Example: promotion override post-mortem overrides/DECISION.override.json --file inc-7.md "
    "--key ana.key --as ana",
)
@click.argument("override_file", type=click.Path(path_type=Path, dir_okay=False), metavar="OVERRIDE")
@click.option(
    "--file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the text of the post-mortem.",
)
@signed_by
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def post_mortem(override_file: Path, file: Path, key: Path | None, ssh_key: Path | None, by: str, as_json: bool) -> int:
    """
    Attest that a file is the post-mortem of OVERRIDE, and keep both beside it. Exit 0, or 3.

    An attestation that is there already is replaced: the post-mortem may have been mended.
    """
    from msgspec import structs

    from pytest_promotion.evidence.documents import decode
    from pytest_promotion.json_files import write
    from pytest_promotion.trust import overrides, stored
    from pytest_promotion.trust.approvals import approve

    one_key(key, ssh_key)
    with command_errors("it cannot be written"):
        found = overrides.parse(stored.read_content(override_file), override_file.name)
        document = stored.read_content(file)
        text = decode(document, file.name)
        review = overrides.review_of(found, document, datetime.now(UTC))
        review = structs.replace(review, attested=approve(review.matter, by, key, ssh_key))
        stem = override_file.name.removesuffix(overrides.SUFFIX)
        write(override_file.with_name(f"{stem}.post-mortem.md"), text)
        place = override_file.with_name(f"{stem}{overrides.REVIEW}")
        write(place, _text(review))
    if as_json:
        say_json({"file": str(place), "attested_by": by})
    else:
        say(f"{place} is attested by {by}")
    return 0


def _text(found: msgspec.Struct) -> str:
    import msgspec

    return json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False) + "\n"


def _free(place: Path) -> Path:
    if place.exists():
        raise Unproven(f"{place} is there already: the decision was overridden before")
    return place


def _create(place: Path, text: str) -> None:
    """Puts *text* at *place*, which no other process may have made meanwhile."""
    try:
        atomic.write(place, text.encode(), overwrite=False)
    except FileExistsError:
        raise Unproven(f"{place} is there already: the decision was overridden before") from None
