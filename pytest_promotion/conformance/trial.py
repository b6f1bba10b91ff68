"""Running one case with one tool, in a folder and a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_promotion.conformance.cases import CONTROL, Case
from pytest_promotion.evidence.commands import kill_group

TIMEOUT_S: Final = 60.0
_ENVIRONMENT: Final = ("PYTEST_", "PROMOTION_", "PYTHONOPTIMIZE", "PYTHONPATH", "COV_CORE", "COVERAGE_")


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that can be asked whether the candidate may go, and says yes by exit code 0."""

    name: str
    argv: tuple[str, ...]
    decides: bool = False  # it leaves decisions of this plugin, which count more than its exit code
    bare: bool = False  # pytest without the plugins that happen to be installed
    takes_paths: bool = False  # it is given the paths of the gates, which another tool knows by itself

    @classmethod
    def of(cls, spec: str) -> Tool:
        """
        One more tool from `NAME=COMMAND`.

        Raises:
            ValueError: where it has no name or no command.
        """
        name, _, command = spec.partition("=")
        argv = tuple(shlex.split(command))
        if not name.strip() or not argv:
            raise ValueError(f"{spec!r} is not NAME=COMMAND")
        return cls(name.strip(), argv)


PYTEST: Final = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
PLAIN: Final = Tool("pytest", (*PYTEST, "-p", "xdist.plugin"), bare=True, takes_paths=True)
_STRICTEST: Final = ("-o", "strict=true", "-W", "error", "-o", "empty_parameter_set_mark=fail_at_collect")
STRICT: Final = Tool("pytest, strict", (*PLAIN.argv, *_STRICTEST), bare=True, takes_paths=True)
PROMOTION: Final = Tool("pytest-promotion", PYTEST, decides=True, takes_paths=True)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a tool said of a case."""

    case: str
    tool: str
    exit_code: int
    promoted: bool  # whoever acts on what it left would promote the broken candidate

    @property
    def shown(self) -> str:
        """As a cell of the table."""
        if self.promoted:
            return "goes green"
        return "stopped" if self.exit_code else "no PASS"


def try_all(cases: Iterable[Case], tools: Iterable[Tool], folder: Path, jobs: int) -> Iterator[Trial]:
    """
    Each case with each tool, in this order, *jobs* at a time, below the empty *folder*.

    A case that uses fixtures of this plugin says nothing of other tools, and is not run with them.
    The control comes first: a tool that is red where nothing is wrong shows nothing by being red.
    """
    tools = tuple(tools)
    pairs = [(case, tool) for case in (CONTROL, *cases) for tool in tools if tool.decides or not case.ours]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda pair: run(pair[0], pair[1], folder / pair[0].id / pair[1].name), pairs)


def run(case: Case, tool: Tool, folder: Path) -> Trial:
    """
    *case* with *tool* in *folder*, which is made. A tool that does not end in time did not promote.

    Raises:
        OSError: where the tool cannot be started.
    """
    case.write(folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_ENVIRONMENT)}
    if tool.bare:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    argv = [*tool.argv, *(case.paths if tool.takes_paths else ()), *case.args]
    if case.pipe:
        argv = ["sh", "-c", f"{shlex.join(argv)} | tee log"]
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env={**environment, **case.env, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        kill_group(process)
        code = process.returncode
    promoted = code == 0
    if tool.decides:  # an exit code that nothing could set is not what is acted on
        promoted = _passes(folder) or (promoted and not case.outer)
    return Trial(case.id, tool.name, code, promoted)


def _passes(folder: Path) -> bool:
    """Whether a finished decision PASS lies in *folder*."""
    found = (json.loads(path.read_bytes()) for path in folder.glob("reports/promotion_gates/*.json"))
    return any(one.get("status") == "PASS" and one.get("finished") is True for one in found)
