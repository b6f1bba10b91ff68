"""Running a program for a gate, with its output kept as evidence."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.interrupts import kill_group
from pytest_promotion.model import CommandRun

if TYPE_CHECKING:
    from pytest_promotion.evidence.evidence_log import Notebook
    from pytest_promotion.evidence.vault import Vault

__all__ = ["TIMEOUT_S", "Completed", "kill_group", "run"]

TIMEOUT_S: Final = 60.0


class Completed:
    """
    A program that ran to its end. The assertion about it stays in the gate.

    Its `repr`, which pytest cuts and shows where that assertion fails, has neither arguments nor output: half of a
    token looks like none, and would not be masked.

    Attributes:
        output: standard output and standard error, as they came.
    """

    __slots__ = ("_exit_code", "_notebook", "argv", "duration_s", "output")

    def __init__(
        self, argv: tuple[str, ...], exit_code: int, output: str, duration_s: float, notebook: Notebook | None = None
    ) -> None:
        self.argv = argv
        self.output = output
        self.duration_s = duration_s
        self._exit_code = exit_code
        self._notebook = notebook
        if exit_code and notebook is not None:
            notebook.unchecked.append(self)

    def __repr__(self) -> str:
        return f"Completed(exit_code={self._exit_code}, duration_s={self.duration_s:.3f})"

    @property
    def exit_code(self) -> int:
        """What it ended with. A gate that does not look at one that is not 0 does not pass."""
        if self._notebook is not None and self in self._notebook.unchecked:
            self._notebook.unchecked.remove(self)
        return self._exit_code

    @property
    def unchecked(self) -> str:
        """That its exit code was not looked at, as a sentence."""
        return f"{' '.join(self.argv)} ended with {self._exit_code}, and its exit code was not looked at"


def run(
    argv: Sequence[str],
    timeout: float,
    cwd: Path,
    notebook: Notebook,
    vault: Vault | None,
    env: Mapping[str, str] | None = None,
) -> Completed:
    """
    Runs *argv*, without a shell, in *cwd*, for at most *timeout* seconds.

    Raises:
        Unproven: where the program is missing or did not end in time; then the whole
            process group is killed.
    """
    with notebook.noting():
        if notebook.lens is not None:
            argv, timeout = notebook.lens.words(argv, timeout)
        return _run(argv, timeout, cwd, notebook, vault, env)


def _run(
    argv: Sequence[str],
    timeout: float,
    cwd: Path,
    notebook: Notebook,
    vault: Vault | None,
    env: Mapping[str, str] | None,
) -> Completed:
    if isinstance(argv, str) or not argv:
        raise Unproven(f"a command is a list of words, found {argv!r}")
    words = tuple(os.fspath(word) for word in argv)
    started = time.monotonic()
    known = notebook.lens.answer(words) if notebook.lens is not None else None
    if known is not None:
        return _completed(words, *known, started, notebook, vault)
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as problem:
        notebook.commands.append(CommandRun(words, None, 0.0))
        raise Unproven(f"{words[0]} cannot be run: {(problem.strerror or 'failed').lower()}") from None
    try:
        raw, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        notebook.commands.append(CommandRun(words, None, time.monotonic() - started))
        raise Unproven(f"{' '.join(words)} did not end within {timeout:g} s") from None
    except BaseException:
        kill_group(process)
        raise
    return _completed(words, process.returncode, raw, started, notebook, vault)


def _completed(
    words: tuple[str, ...], exit_code: int, raw: bytes, started: float, notebook: Notebook, vault: Vault | None
) -> Completed:
    duration = time.monotonic() - started
    if notebook.lens is not None:
        exit_code = notebook.lens.ended(words, exit_code, raw)
    digest = sha256(raw).hexdigest()
    if vault is not None:
        vault.keep(digest, raw)
    notebook.commands.append(CommandRun(words, exit_code, duration, digest))
    return Completed(words, exit_code, raw.decode("utf-8", "replace"), duration, notebook)
