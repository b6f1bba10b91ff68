"""`promotion keygen` and `promotion sign`: who answers for a decision."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say


@click.command(epilog="Example: promotion keygen release.key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--algorithm",
    type=click.Choice(["ed25519", "ecdsa-p256"]),
    default="ed25519",
    show_default=True,
    help="Both are read by openssl; P-256 is what most hardware and cloud stores have.",
)
def keygen(file: Path, algorithm: str) -> int:
    """Write a new key pair: FILE, which signs, and FILE.pub, which checks. Nothing is overwritten."""
    from pytest_promotion.trust import keys

    with command_errors():
        private, public = keys.generate(file, "ed25519" if algorithm == "ed25519" else "ecdsa-p256")
        key = keys.read_public(public)
    say(f"{private} signs; keep it secret")
    say(f"{public} checks; key id {key.id}")
    return 0


@click.command(epilog="Example: promotion sign reports/promotion_gates/latest.json --key second.key")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The private key to sign with.")
def sign(file: Path, key: Path) -> int:
    """
    Sign the decision in FILE, or add a signature to those it has, in the .intoto.jsonl beside it.

    A decision that is not finished, or is a replay, is not signed (exit 3).
    """
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.json_files import write
    from pytest_promotion.reporting.publishing import SIGNED
    from pytest_promotion.trust import keys, signing, stored

    place = file.with_suffix(SIGNED)
    with command_errors(f"{place} cannot be written"):
        private = keys.read_private(key)
        content = stored.read_content(file)
        decision = stored.parse(content, file.name)
        if place.exists():
            envelopes = signing.cosigned(signing.read(place), place.name, private)
            signing.about(envelopes, place.name, decision, content, [private.public])
        else:
            envelopes = signing.signed(parse_json(content, file.name), file.name, content, [private])
        write(place, envelopes.decode("ascii"))
    say(f"{place} is signed by {private.public.id}")
    return 0
