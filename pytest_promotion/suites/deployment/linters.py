"""
What Ruff and ESLint say, and whether they looked at everything.

Both end with exit code 0 where they were told to look at nothing, and their configuration can tell them so. So what
they looked at is held against what is there, and a few rules are asked for once more in words that no configuration
overrides.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import Completed
from pytest_promotion.evidence.documents import a_list, an_object, parse_json

PYTHON: Final = (".py", ".pyi")
JAVASCRIPT: Final = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx")
_LONGEST: Final = 160  # of the words of a linter
_NOT_OURS: Final = ("node_modules", "__pycache__")  # and whatever begins with a dot


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a linter does not like, in its words. `rule` is "" for what it could not even read."""

    path: str
    line: int
    rule: str
    message: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.rule or 'cannot be read'} {self.message}".strip()


def ruff(program: str, folders: Sequence[str]) -> list[str]:
    """The command that asks Ruff by the project's own rules."""
    return [program, "check", *_RUFF, *folders]


def ruff_floor(program: str, folders: Sequence[str], rules: Sequence[str], version: str) -> list[str]:
    """The command that asks Ruff for *rules* in Python *version* ("py311"), whatever the project has told it."""
    return [
        *(program, "check", *_RUFF, "--isolated", "--ignore-noqa"),
        *("--select", ",".join(rules), "--target-version", version, *folders),
    ]


def ruff_files(program: str, folders: Sequence[str]) -> list[str]:
    """The command that asks Ruff which files it looks at by the project's own rules."""
    return [program, "check", "--quiet", "--show-files", *folders]


def eslint(program: str, config: str, folders: Sequence[str]) -> list[str]:
    """The command that asks ESLint by the project's own rules."""
    return [program, *_ESLINT, "--config", config, *folders]


def eslint_floor(program: str, config: str, folders: Sequence[str], rules: Sequence[str]) -> list[str]:
    """The command that asks ESLint for *rules* as well, whatever *config* and the comments in the code say of them."""
    asked = [word for rule in rules for word in ("--rule", f"{rule}: error")]
    return [*eslint(program, config, folders), "--no-inline-config", *asked]


_RUFF: Final = ("--quiet", "--no-cache", "--no-fix", "--output-format", "json")
_ESLINT: Final = ("--format", "json", "--max-warnings", "0")


def of_ruff(done: Completed, root: Path) -> list[Finding]:
    """What Ruff found. Raises `Unproven` where it did not answer."""
    return [
        Finding(
            _below(one["filename"], root),
            an_object(one["location"], "location")["row"],
            one["code"] or "",
            one_line(one.get("message")),
        )
        for one in _answer(done, "Ruff")
    ]


def of_eslint(done: Completed, root: Path) -> tuple[list[Finding], set[Path]]:
    """What ESLint found, and which files it looked at. Raises `Unproven` where it did not answer."""
    found, seen = [], set()
    for one in _answer(done, "ESLint"):
        messages = [an_object(message, "a message") for message in a_list(one["messages"], "messages")]
        if not any("File ignored" in message["message"] for message in messages):
            seen.add(Path(os.path.realpath(one["filePath"])))
        path = _below(one["filePath"], root)
        found += [
            Finding(path, message.get("line") or 0, message["ruleId"] or "", one_line(message["message"]))
            for message in messages
        ]
    return found, seen


def listed(done: Completed) -> set[Path]:
    """The files that Ruff says it looks at. Raises `Unproven` where it did not answer."""
    if done.exit_code != 0:
        raise _silent(done, "Ruff")
    return {Path(os.path.realpath(line)) for line in done.output.splitlines() if line}


def one_line(words: Any) -> str:
    """What a linter says, short enough for a reason."""
    return " ".join(str(words or "").split())[:_LONGEST]


def unseen(root: Path, folders: Sequence[str], suffixes: Collection[str], seen: Collection[Path]) -> list[str]:
    """
    The files in *folders* below *root*, by their suffix, that are not among *seen*.

    Raises:
        Unproven: where there is no such file at all: then nothing was looked at.
    """
    there = files_in(root, folders, suffixes)
    if not there:
        raise Unproven(f"no file in {', '.join(folders) or 'no folder'} ends with {', '.join(suffixes)}")
    return [_below(path, root) for path in there if Path(os.path.realpath(path)) not in seen]


def files_in(root: Path, folders: Sequence[str], suffixes: Collection[str]) -> list[Path]:
    """The files in *folders* below *root* by their suffix, those of other people left out."""
    return sorted({path for folder in folders for path in _files(root / folder, suffixes)})


def _files(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    if folder.is_file():
        yield folder
    for path, inner, names in os.walk(folder):
        if "pyvenv.cfg" in names:  # a virtual environment, whatever it is called
            inner.clear()
            continue
        inner[:] = [name for name in inner if name not in _NOT_OURS and not name.startswith(".")]
        yield from (Path(path, name) for name in names if name.endswith(tuple(suffixes)))


def _answer(done: Completed, name: str) -> list[Any]:
    # Both say 1 for findings and 2 for what went wrong with themselves.
    if done.exit_code not in (0, 1):
        raise _silent(done, name)
    found = a_list(parse_json(done.output.encode(), f"the answer of {name}"), f"the answer of {name}")
    if done.exit_code and not found:
        raise _silent(done, name)
    return [an_object(one, f"the answer of {name}") for one in found]


def _silent(done: Completed, name: str) -> Unproven:
    said = (done.output.strip().splitlines() or ["nothing"])[0]
    return Unproven(f"{name} ended with exit code {done.exit_code} and said {said[:200]!r}")


def _below(path: str | Path, root: Path) -> str:
    return os.path.relpath(os.path.realpath(path), os.path.realpath(root))


def found_beside_python(program: str) -> str:
    """Where *program* is: beside the interpreter, where a virtual environment has it, else where PATH has it."""
    places = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    return shutil.which(program, path=places) or program
