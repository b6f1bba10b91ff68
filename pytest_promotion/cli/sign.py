"""`promotion sign`: a signature under a decision that may be acted on, by a process that ran no gate."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.acting_options import (
    acting_of,
    acting_options,
    gates_option,
    project_option,
    subject_option,
    vault_option,
)
from pytest_promotion.cli.answers import say_sentences
from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json

if TYPE_CHECKING:
    from pytest_promotion.trust.keys import PrivateKey
    from pytest_promotion.trust.verify import Case


@click.command(
    epilog="Example: promotion sign reports/promotion_gates/latest.json --key release.key --profile prod --rerun"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", required=True, metavar="FILE|URI", help="The private key: a PEM file, or a URI of a key store.")
@click.option(
    "--public-key", type=click.Path(path_type=Path, dir_okay=False), help="For a URI: its public half, a PEM file."
)
@subject_option
@partial(acting_options, signing=True)
@vault_option
@click.option("--refuse-weakened", is_flag=True, help="Do not sign a decision whose profile was weakened by flags.")
@click.option(
    "--rerun", is_flag=True, help="Rebuild the evidence and let the gates judge it again, in a child process."
)
@project_option
@gates_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def sign(
    file: Path,
    key: str,
    public_key: Path | None,
    subject: str,
    vault: str | None,
    refuse_weakened: bool,
    rerun: bool,
    project: Path,
    gates: str,
    as_json: bool,
    **given: Any,
) -> int:
    """
    Sign the decision in FILE, or add a signature to those it has, in the .intoto.jsonl beside it and beside its
    copies there: latest.json and the dated file.

    Exit 0 signed, 2 not signed, 3 could not be told or signed.

    It is signed where `promotion verify` says yes to it without a signature: a finished PASS, no replay, unexpired, of
    the profile, from a clean tree, about the subject, the newest, with every required gate and artifact. With
    --rerun the gates have to come to the same decision again before the key is read.
    """
    from dataclasses import replace

    from pytest_promotion.custody.acting import may_act
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.trust.keys import private_key_of
    from pytest_promotion.trust.verify import Demands, case_at
    from pytest_promotion.trust.verify import rerun as judged_again

    with command_errors():
        case = case_at(file, vault_at(vault) if vault else None)
        demands = Demands(at=datetime.now(UTC), subject=subject, refuse_weakened=refuse_weakened)
        answer = may_act(case, demands, acting_of(given, project, signing=True))
        if rerun and answer.yes:
            answer = judged_again(answer, case.vault, project, gates)
        signer = ""
        if answer.yes:
            private = private_key_of(key, public_key)
            _write(case, file, private)
            signer = private.public.id
            answer = replace(answer, signers=(signer,))
    if as_json:
        say_json({"signed": answer.yes, **answer.document()})
    else:
        say(f"signed by {signer}" if answer.yes else f"not signed: {'no' if answer.against else 'cannot be told'}")
        say_sentences(answer)
    return 0 if answer.yes else 2 if answer.against else 3


def _write(case: Case, file: Path, key: PrivateKey) -> None:
    """
    Signs the bytes that were judged, whatever lies at *file* by now, and the copies of them beside it.

    The next session replaces `latest.json` and its signatures; those of the dated file stay, and what asks whether
    the decision of a stage was signed reads that one.
    """
    from pytest_promotion.clock import parse_moment
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.json_files import write
    from pytest_promotion.reporting.publishing import SIGNED, copies
    from pytest_promotion.trust import signing

    document = parse_json(case.content, case.name)
    envelopes = {}
    for place in copies(file, case.content, parse_moment(document["ts_utc"])):
        beside = place.with_suffix(SIGNED)
        there = case.envelopes if place == file else signing.read(beside) if beside.exists() else None
        if there is None:
            envelopes[beside] = signing.signed(document, place.name, case.content, [key])
        else:
            envelopes[beside] = signing.cosigned(there, beside.name, key, document, place.name, case.content)
    for beside, lines in envelopes.items():
        with command_errors(f"{beside} cannot be written"):
            write(beside, lines.decode("ascii"))
