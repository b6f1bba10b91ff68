"""The values of a `.env` file that must stand nowhere else."""

from __future__ import annotations

import io
import json
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.secrets.placeholders import is_placeholder

_SECRET: Final = re.compile(r"KEY|SECRET|PASSPHRASE|TOKEN|PASSWORD", re.IGNORECASE)
SHORTEST: Final = 8  # shorter values are ordinary words somewhere


@dataclass(frozen=True, slots=True)
class Values:
    """What to look for, each under the name of its key, and the keys whose values are too short to look for."""

    texts: tuple[tuple[str, str], ...]
    too_short: tuple[str, ...]


def read(path: Path) -> Values:
    """
    The secret values of the file at *path*, as they are, as JSON and as URLs write them.

    Raises:
        Unproven: where it cannot be read, or a line cannot be understood: its value would not be looked for.
            The message names the line, never what stands in it.
    """
    try:
        from dotenv.parser import parse_stream
    except ImportError:
        raise Unproven("--env needs python-dotenv: pip install 'pytest-promotion[scan]'") from None
    try:
        bindings = list(parse_stream(io.StringIO(read_file(path).decode("utf-8-sig"), newline=None)))
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8"
        raise Unproven(f"{path} cannot be read: {reason.lower()}") from None
    found: dict[str, str] = {}
    short = []
    for binding in bindings:
        if binding.error:
            raise Unproven(f"{path} line {binding.original.line} is not KEY=VALUE")
        if binding.key is None or not _SECRET.search(binding.key) or not binding.value:
            continue
        # As it is written, too: some readers of such files take quotes and backslashes as they stand.
        written = binding.original.string.partition("=")[2].strip().strip("'\"")
        texts = {part for text in (binding.value, written) for part in text.splitlines()}
        for text in sorted(texts):
            if is_placeholder(text):
                continue
            if len(text) < SHORTEST:
                short.append(binding.key)
                continue
            for form in (
                text,
                json.dumps(text)[1:-1],
                urllib.parse.quote(text, safe=""),
                urllib.parse.quote_plus(text),
            ):
                found.setdefault(form, binding.key)
    return Values(tuple(found.items()), tuple(sorted(set(short))))
