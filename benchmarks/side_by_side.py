"""
Two or more commands in turn, and what each of them cost.

On a machine that others use too, seconds say little: what is compared is CPU time, of a
process and of everything it started, of runs that took turns (A B A B), by the median of
the ratios of each turn. Times of one run are never quoted alone.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# pytest with what pytest-promotion brings along and nothing else: an installed hypothesis alone
# doubles the start of pytest, and both sides would look alike for a reason that is not ours.
ONLY = ("timeout", "xdist", "pytest_jsonreport", "metadata", "promotion")
# Compiled modules go where nobody else reads or writes them: both sides find theirs warm, whether
# or not the place they are installed in can be written.
_COMPILED = tempfile.TemporaryDirectory(prefix="benchmarks-compiled-")
_SETTLED = {"PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": _COMPILED.name, "PY_COLORS": "0"}
# The peak of a process that exits: the kernel's own figure would include the process it was forked from.
_LAUNCH = """
import atexit, os
def peak():
    with open("/proc/self/status") as status, open(os.environ["PEAK"], "w") as out:
        out.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
if os.path.exists("/proc/self/status"):
    atexit.register(peak)
import sys, pytest
sys.exit(pytest.console_main())
"""


@dataclass(frozen=True)
class Spent:
    """What one run cost: seconds of CPU with all descendants, and the peak of its own memory in MB."""

    cpu_s: float
    peak_mb: float
    exit_code: int


def pytest_command(*words: str) -> list[str]:
    """`pytest` with *words*, in this interpreter, without the plugins that happen to lie about."""
    others = {entry.name for entry in metadata.entry_points(group="pytest11")} - set(ONLY)
    named = [word for name in sorted(others) for word in ("-p", f"no:{name}")]
    return [sys.executable, "-c", _LAUNCH, "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", *named, *words]


def settled() -> dict[str, str]:
    """The environment of a measured process."""
    environment = {**os.environ, **_SETTLED}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def spend(command: Sequence[str], folder: Path, expected: Sequence[int] = (0,)) -> Spent:
    """Runs *command* in *folder*. Raises `RuntimeError` with its output where the exit code is not *expected*."""
    environment = settled()
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile("r") as peak:
        process = subprocess.Popen(
            command, cwd=folder, env={**environment, "PEAK": peak.name}, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in expected:
            output.seek(0)
            raise RuntimeError(f"exit code {process.returncode} of {command}: {output.read().decode()[-2000:]}")
        return Spent(usage.ru_utime + usage.ru_stime, int(peak.read() or 0) / 1024, process.returncode)


def take_turns(
    commands: Mapping[str, Sequence[str]],
    folder: Path,
    rounds: int,
    expected: Sequence[int] = (0,),
    *,
    warm: bool = True,
) -> dict[str, list[Spent]]:
    """Each command *rounds* times, in turn; with *warm*, one turn before, which fills the caches, is not counted."""
    spent: dict[str, list[Spent]] = {name: [] for name in commands}
    for number in range(rounds + warm):
        for name, command in commands.items():
            found = spend(command, folder, expected)
            if number >= warm:
                spent[name].append(found)
    return spent


def cpu(runs: Sequence[Spent]) -> float:
    """The median CPU time of *runs*, in seconds."""
    return statistics.median(run.cpu_s for run in runs)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of runs that stood next to each other."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def more(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the differences of runs that stood next to each other."""
    return statistics.median(mine - other for mine, other in zip(ours, theirs, strict=True))


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a Markdown table below the machine it was measured on."""
    print(f"{title}\n{machine()}\n")
    for line in _lines([heads, *rows]):
        print(line)
    print()


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        if not number:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"


def machine() -> str:
    """What the figures of this run depend on."""
    names = ("pytest", "pytest-xdist", "pytest-promotion")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
