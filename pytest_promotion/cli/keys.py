"""`promotion keygen`: a key pair for signing decisions."""

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
