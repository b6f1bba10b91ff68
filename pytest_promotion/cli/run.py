"""`promotion run`: run a producer of evidence, and record what it read and wrote."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.interrupts import raising_at_sigterm

_EPILOG = (
    "Example: promotion run --name tests --input src --input tests --output reports/tests/junit.xml "
    "-- pytest -q --junitxml=reports/tests/junit.xml"
)


@click.command(epilog=_EPILOG, context_settings={"allow_interspersed_args": False})
@click.option("--name", required=True, help="What the producer is called.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="PATH",
    help="A file or folder below the root that the command reads, or image:NAME@sha256:HEX (repeatable).",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    required=True,
    metavar="PATH",
    help="A file below the root that the command has to write (repeatable).",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="The promotion root (default: the current folder, in which the command runs in any case).",
)
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME",
    help="Record the value of this environment variable (repeatable). Secrets are masked.",
)
@click.option(
    "--tool",
    "tools",
    multiple=True,
    metavar="NAME=COMMAND",
    help="Record the first line that this command prints as the version of NAME (repeatable).",
)
@click.option(
    "--accept-exit",
    "accepted",
    multiple=True,
    type=click.IntRange(0, 255),
    metavar="N",
    help="Accept this exit code beside 0 (repeatable).",
)
@click.option("--timeout", default="10m", show_default=True, metavar="TIME", help="End the command after this time.")
@click.option(
    "--sign",
    "key",
    type=click.Path(path_type=Path),
    metavar="KEYFILE",
    help="Sign the statement with this private key (see `promotion keygen`).",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was recorded as JSON, after the command's output.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    name: str,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    root: Path,
    environment: tuple[str, ...],
    tools: tuple[str, ...],
    accepted: tuple[int, ...],
    timeout: str,
    key: Path | None,
    as_json: bool,
    command: tuple[str, ...],
) -> int:
    """
    Run COMMAND, and write beside each of its outputs OUTPUT.intoto.json: what it ran on, by digest.

    Exit 0 its exit code is accepted and every output was written, 2 it failed, an output was not written or an input
    changed meanwhile, 3 it could not be run or did not end in time, 4 wrong usage.
    """
    from pytest_promotion.durations import parse_duration
    from pytest_promotion.provenance import producing

    with command_errors(), raising_at_sigterm(KeyboardInterrupt):
        longest = parse_duration(timeout).total_seconds()
        order = producing.Order.of(name, command, inputs, outputs)
        sign = _signer(key)
        order = replace(
            order,
            accepted=tuple(sorted({0, *accepted})),
            environment=environment,
            tools=tuple(map(_version, tools)),
        )
        with producing.recording(order, root, sign=sign) as recorded:
            for one in recorded.before:
                for path in one.left_out:
                    say(f"promotion: {path} is an output, and is left out of the input {one.name}", err=True)
            code = producing.run(command, longest)
            statements = recorded.finish(code)
    for problem in recorded.problems:
        say(f"promotion: {problem}", err=True)
    if as_json:
        say_json({"name": name, "exit_code": code, "statements": statements, "problems": recorded.problems})
    else:
        for path in statements:
            say(f"promotion: {path} says what {name} ran on", err=True)
    return 2 if recorded.problems else 0


def _signer(key: Path | None) -> Callable[[bytes], bytes] | None:
    if key is None:
        return None
    from pytest_promotion.trust import dsse, keys

    private = keys.read_private(key)
    return lambda payload: dsse.sign(payload, dsse.IN_TOTO, [private]).line()


def _version(text: str) -> tuple[str, str]:
    """The name in `NAME=COMMAND` and the first line that the command prints."""
    import subprocess

    from pytest_promotion.errors import PolicyError, Unproven
    from pytest_promotion.text import legible

    name, equals, words = text.partition("=")
    try:
        argv = shlex.split(words)
    except ValueError as problem:
        raise PolicyError(f"--tool {text}: {problem}") from None
    if not name or not equals or not argv:
        raise PolicyError(f"--tool {text}: expected NAME=COMMAND, such as coverage='coverage --version'")
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as problem:
        reason = getattr(problem, "strerror", None) or "it failed"
        raise Unproven(f"the version of {name} is not known: {argv[0]}: {reason.lower()}") from None
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        raise Unproven(f"the version of {name} is not known: {argv[0]} printed nothing")
    return name, legible(lines[0])
