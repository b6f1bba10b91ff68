"""`promotion list-gates`: which gates there are, and where each is required."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json, say_lines


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: promotion list-gates gates --policy promotion.yaml",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Policy file (default: promotion.yaml, if there is one).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the gates as JSON instead of lines.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def list_gates(policy: Path | None, as_json: bool, pytest_args: tuple[str, ...]) -> int:
    """
    List the gates with severity, owner, rule and the profiles that require them. Nothing is run.

    Whatever else is given goes to pytest; without a path the folder `gates` is collected. Exit code 0, 2 where there
    are no gates, 3 where they cannot be collected.
    """
    path = policy or (Path("promotion.yaml") if Path("promotion.yaml").is_file() else None)
    required = _required(path)
    gates = _collected(pytest_args, path)
    if gates is None:
        return 3
    for gate in gates:
        name = gate["id"]
        wanted = (profile for profile, names in required.items() if _is_required(name, names))
        gate["required"] = list(wanted)
    if as_json:
        say_json(gates, indent=2)
    else:
        for gate in gates:
            say(f"{gate['id']} ({gate['severity']}){' ' + gate['owner'] if gate['owner'] else ''}: {gate['rule']}")
            say(f"    {gate['nodeid']}, required by {', '.join(gate['required']) or 'no profile'}")
    return 0 if gates else 2


def _is_required(name: str, required: list[str] | None) -> bool:
    return required is None or bool({name, name.partition("[")[0]} & set(required))


def _required(path: Path | None) -> dict[str, list[str] | None]:
    """By profile the ids that it requires; None where it requires every gate."""
    from pytest_promotion import policy as policies

    with command_errors():
        names = policies.profiles(path) if path else (policies.DEFAULT_PROFILE,)
        return {name: policies.load(path, name).rules.required_ids for name in names}


def _collected(pytest_args: tuple[str, ...], policy: Path | None) -> list[dict[str, Any]] | None:
    """What a pytest of its own collects; None, with its output printed, where that fails."""
    paths = [] if any(Path(word.partition("::")[0]).exists() for word in pytest_args) else ["gates"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "gates.json")
        listing = ["--collect-only", "-q", "-p", "pytest_promotion.plugin.listing", f"--promotion-list={place}"]
        rules = [f"--promotion-policy={policy}"] if policy else []
        command = [sys.executable, "-m", "pytest", *paths, *listing, *rules, *pytest_args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not place.is_file() or done.returncode not in (0, 5):
            say_lines((done.stdout + done.stderr).strip(), err=True)
            return None
        gates: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))
        return gates
