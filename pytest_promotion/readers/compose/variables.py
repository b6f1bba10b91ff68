"""
The values that a compose file's variables have: the `.env` file, overruled by the environment, as Compose has it.

The file is taken apart by python-dotenv; what its values refer to is filled in here, by the same rules as in
the compose file, because python-dotenv knows only one of the operators.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.readers.compose.interpolation import BadTemplate, interpolate


def variables(env_file: Path | None, environment: Mapping[str, str]) -> dict[str, str]:
    """
    What variables stand for: *environment* first, then *env_file*.

    Raises:
        Unproven: where the file cannot be read, or a line of it cannot be understood. The message names the line,
            never what stands in it.
    """
    return {**(read(env_file, environment) if env_file else {}), **environment}


def read(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The values in the `.env` file at *path*; a key without `=` has that of *environment*. Raises `Unproven`."""
    try:
        from dotenv.parser import parse_stream
    except ImportError:
        raise Unproven("a .env file needs python-dotenv: pip install 'pytest-promotion[compose]'") from None
    try:
        text = read_file(path).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8"
        raise Unproven(f"{path.name} cannot be read: {reason.lower()}") from None
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text, newline=None)):
        place = f"{path.name} line {binding.original.line}"
        if binding.error:
            raise Unproven(f"{place} is not KEY=VALUE")
        if binding.key is None:
            continue
        if binding.value is None:
            if binding.key in environment:
                found[binding.key] = environment[binding.key]
            continue
        literal = binding.original.string.partition("=")[2].lstrip().startswith("'")
        try:
            value = binding.value
            found[binding.key] = value if literal else interpolate(value, {**found, **environment}, lambda _: None)
        except BadTemplate as problem:
            raise Unproven(f"{place}: {problem}") from None
    return found
