"""
Runs a replayer over a window, each time in a fresh process with another PYTHONHASHSEED.

A replayer is a Python callable, `module:function`, or a command (a list of words) that reads
events as JSON lines on standard input and writes one JSON state a line on standard output.
It sees an environment without anything that could lead it to a broker, a store or a hook.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.commands import kill_group
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.trading.replay.signature import Chain, canonical_line
from pytest_promotion.suites.trading.replay.windows import Window

TIMEOUT_S: Final = 120.0
_TOLD: Final = 2_000  # characters of what a replayer said that are kept in a report
_STEP: Final = 7_919  # between hash seeds; any two of them order a set of texts differently sooner or later
_CALLABLE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
# Nothing else is passed on: a replay that finds the address of a live broker would publish to it.
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Replayer:
    """What replays. `words` start it; `name` is what reports call it."""

    name: str
    words: tuple[str, ...]
    callable: bool

    @classmethod
    def named(cls, given: str | Sequence[str]) -> Replayer:
        """The replayer that a policy or a command line names. Raises `PolicyError`."""
        if isinstance(given, str) and _CALLABLE.fullmatch(given):
            return cls(
                given, (sys.executable, "-m", "pytest_promotion.suites.trading.replay.child", given), callable=True
            )
        words = tuple(shlex.split(given)) if isinstance(given, str) else tuple(map(str, given))
        if not words:
            raise PolicyError("no replayer is named: expected module:function, or a command")
        return cls(shlex.join(words), tuple(word.replace("{python}", sys.executable) for word in words), callable=False)


@dataclass(frozen=True, slots=True)
class Run:
    """
    One replay. `problem` is empty where it gave a state for every event.

    `states` is a file with those states, canonical, a line each.
    """

    hash_seed: int
    exit_code: int | None
    count: int
    signature: str
    problem: str
    told: str
    states: Path


def seed(number: int) -> int:
    """The PYTHONHASHSEED of run *number*, counted from 0: the same in every cycle, different in every run."""
    return 1 + number * _STEP


def run(
    window: Window, replayer: Replayer, number: int, folder: Path, timeout: float = TIMEOUT_S, cwd: Path | None = None
) -> Run:
    """
    Replays *window* once.

    Args:
        number: which repeat this is; decides the hash seed.
        folder: where the states are kept; the caller removes it.
        timeout: seconds, after which the whole process group is killed.
        cwd: where modules and commands are found (default: here). A callable runs in
            *folder*, so that what it writes by a relative path hits nobody's reports.
    """
    here = (cwd or Path.cwd()).resolve()
    raw, kept, told = (folder / f"run_{number}.{kind}" for kind in ("raw", "states", "stderr"))
    hash_seed = seed(number)
    started: int | None = None
    try:
        with (folder / f"run_{number}.events").open("w+b") as events, raw.open("w+b") as out, told.open("w+b") as err:
            events.write(window.content)
            events.seek(0)
            started = _start(replayer, here, folder, hash_seed, (events, out, err), timeout)
        problem = "" if started == 0 else _why(started, _tail(told))
    except OSError as failed:
        problem = f"{replayer.words[0]} cannot be run: {(failed.strerror or 'failed').lower()}"
    except subprocess.TimeoutExpired:
        problem = f"did not end within {timeout:g} s"
    chain = Chain()
    if not problem:
        try:
            _canonicalise(raw, kept, chain)
        except Unproven as refusal:
            problem = f"state {chain.count}: {refusal}"
        else:
            if chain.count != len(window.lines):
                problem = f"gave {chain.count} states for {len(window.lines)} events"
    return Run(hash_seed, started, chain.count, chain.hexdigest if not problem else "", problem, _tail(told), kept)


def _why(code: int, told: str) -> str:
    """Why a replayer failed: its exit code, and the last line that it said."""
    last = next((line.strip() for line in reversed(told.splitlines()) if line.strip()), "")
    ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"{ended}: {last}" if last else ended


def _start(
    replayer: Replayer, here: Path, folder: Path, hash_seed: int, files: tuple[IO[bytes], ...], timeout: float
) -> int:
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    paths = [str(here), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment |= {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(paths), "PROMOTION_REPLAY": "1"}
    stdin, stdout, stderr = files
    process = subprocess.Popen(
        replayer.words,
        cwd=folder if replayer.callable else here,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        return process.wait(timeout)
    except BaseException:
        kill_group(process)
        raise


def _canonicalise(raw: Path, kept: Path, chain: Chain) -> None:
    with raw.open("rb") as states, kept.open("wb") as out:
        for line in states:
            if not line.endswith(b"\n"):
                raise Unproven("the last state is half written")
            if line.strip():
                state = canonical_line(line)
                chain.add(state)
                out.write(state + b"\n")


def _tail(path: Path) -> str:
    try:
        content = read_file(path)
    except OSError:
        return ""
    return content[-_TOLD:].decode("utf-8", "replace").strip()
