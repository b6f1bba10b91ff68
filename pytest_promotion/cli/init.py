"""`promotion init`: a project to start from."""

from __future__ import annotations

import json
import os
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from pytest_promotion import atomic
from pytest_promotion.cli.errors import command_errors


@click.command(epilog="Example: promotion init release && cd release && pytest gates")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--json", "as_json", is_flag=True, help="Print the files as JSON.")
def init(folder: Path, as_json: bool) -> int:
    """
    Write a gate, its policy and a stand-in for an evaluation into FOLDER (default: here).

    Nothing is overwritten: where one of the files is there already, none is written, and the exit code is 2.
    """
    files = dict(_files(resources.files("pytest_promotion") / "templates" / "starter", ""))
    there = [name for name in files if os.path.lexists(folder / name)]
    if there:
        click.echo(f"not written: {', '.join(there)} {'is' if len(there) == 1 else 'are'} there already", err=True)
        return 2
    with command_errors():
        for name, content in files.items():
            # Not over a file that was created just now.
            atomic.write(folder / name, content, durable=False, overwrite=False)
    if as_json:
        click.echo(json.dumps({"folder": str(folder), "files": list(files)}, indent=2))
        return 0
    for name in files:
        click.echo(f"wrote {folder / name}")
    click.echo("next: pytest gates (it says what is missing), then python evaluate.py, then pytest gates")
    return 0


def _files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for item in sorted(folder.iterdir(), key=lambda one: one.name):
        if item.is_file() and not item.name.endswith(".pyc"):
            found.append((prefix + item.name, item.read_bytes()))
        elif item.is_dir() and item.name != "__pycache__":
            found += _files(item, f"{prefix}{item.name}/")
    return found
