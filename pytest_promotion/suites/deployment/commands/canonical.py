"""`promotion canonical`: the RFC 8785 bytes of a JSON file."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json
from pytest_promotion.evidence.files import read_file


@click.command(epilog="Example: promotion canonical reports/eval.json | sha256sum")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the digest and the size as JSON instead of the bytes.")
def canonical(file: Path, as_json: bool) -> int:
    """
    Print the RFC 8785 form of FILE (- is standard input), byte for byte, without a line end.

    What has no such form, or reads differently elsewhere, is refused with its place, and the exit code is 3.
    """
    from pytest_promotion.suites.deployment.determinism.documents import canonical_bytes

    with command_errors(f"{file} cannot be read"):
        content = sys.stdin.buffer.read() if str(file) == "-" else read_file(file)
        found = canonical_bytes(content, "standard input" if str(file) == "-" else str(file))
    if as_json:
        say_json({"sha256": sha256(found).hexdigest(), "size_bytes": len(found)})
    else:
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    return 0
