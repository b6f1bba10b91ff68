"""What commands that sign have in common: with which key, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_KEY = click.option("--key", type=click.Path(path_type=Path), help="Sign with this private key in PEM form.")
_SSH = click.option(
    "--ssh-key", type=click.Path(path_type=Path), help="Sign with ssh-keygen and this key; a .pub asks the agent."
)
_AS = click.option("--as", "by", required=True, metavar="NAME", help="Who signs, by the name in the signers file.")


def signed_by(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--key`, `--ssh-key` and `--as`."""
    return _KEY(_SSH(_AS(command)))


def one_key(key: Path | None, ssh_key: Path | None) -> None:
    """Demands one of the two. Raises `click.UsageError`."""
    if (key is None) == (ssh_key is None):
        raise click.UsageError("give one of --key and --ssh-key")
