"""
What Flake8 says, and how many files it looked at.

It ends with exit code 0 where it was told to look at nothing, and tells by `--benchmark` how many files it processed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import Completed
from pytest_promotion.suites.deployment.linters import Finding, one_line

_FORMAT: Final = "%(path)s\t%(row)d\t%(code)s\t%(text)s"
_PROCESSED: Final = re.compile(r"^(\d+)\s+total files processed$", re.MULTILINE)


def command(program: str, folders: Sequence[str]) -> list[str]:
    """The command that asks Flake8 by the project's own rules."""
    return [program, "--benchmark", f"--format={_FORMAT}", *folders]


def floor(program: str, folders: Sequence[str], rules: Sequence[str]) -> list[str]:
    """The command that asks Flake8 for *rules*, whatever the project has told it."""
    options = ["--isolated", "--disable-noqa", f"--select={','.join(rules)}"]
    return [program, "--benchmark", f"--format={_FORMAT}", *options, *folders]


def found(done: Completed) -> tuple[list[Finding], int]:
    """What Flake8 found, and how many files it processed. Raises `Unproven` where it did not answer."""
    message = (done.output.strip().splitlines() or ["nothing"])[0]
    processed = _PROCESSED.search(done.output)
    if done.exit_code not in (0, 1) or processed is None:
        raise Unproven(f"Flake8 ended with exit code {done.exit_code} and message {message[:200]!r}")
    rows = [line.split("\t", 3) for line in done.output.splitlines() if line.count("\t") >= 3]
    findings = [
        Finding(PurePath(path).as_posix().removeprefix("./"), int(row), code, one_line(text))
        for path, row, code, text in rows
        if row.isdecimal()
    ]
    if done.exit_code == 1 and not findings:
        raise Unproven(f"Flake8 ended with exit code 1 and message {message[:200]!r}")
    return findings, int(processed[1])
