"""`promotion bundle`: a decision with all that it rests on, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json


@click.group()
def bundle() -> None:
    """One file that verifies anywhere: `promotion verify FILE.zip`, without network and without a vault."""


@bundle.command(epilog="Example: promotion bundle export reports/promotion_gates/latest.json release-7.zip")
@click.argument("decision", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--vault", metavar="URL", help="Where the evidence is kept: a folder or a URL (default: beside DECISION)."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def export(decision: Path, file: Path, vault: str | None, as_json: bool) -> int:
    """
    Pack DECISION, its Markdown, its envelopes and its evidence into FILE, a .zip or .tar.zst. Exit 3 where damaged.

    The same decision gives the same bytes. A decision that says FAIL or has expired is packed like any other.
    """
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.trust import bundles

    with command_errors(f"{file} cannot be written"):
        done = bundles.export(decision, file, vault_at(vault) if vault else None)
    if as_json:
        say_json({"path": str(done.path), "sha256": done.sha256, "members": done.members, "not_kept": done.not_kept})
    else:
        say(f"{done.path} holds {done.members} files; sha256 {done.sha256}")
        if done.not_kept:
            say(f"note: {done.not_kept}")
    return 0
