"""One process with a time limit, of which nothing is left when it is over."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

# What a surrounding pytest, coverage or terminal run leaves in the environment for its children.
_FOREIGN: Final = (
    "PYTEST_",
    "_PYTEST",
    "COV_",
    "COVERAGE_",
    "PYTHONPATH",
    "PY_COLORS",
    "FORCE_COLOR",
    "NO_COLOR",
    "TOX_",
    "PROMOTION_",
)
_TAIL_BYTES: Final = 16_000
_POLL_S: Final = 0.05


def run(
    command: Sequence[str],
    root: Path,
    environment: Mapping[str, str],
    output: Path,
    timeout: float,
    tell: Callable[[float], Any],
) -> int | None:
    """The exit code, or None where the time was over; of its process group nothing is left."""
    with output.open("wb") as file:  # no pipe: a child that outlives pytest would hold it open
        process = subprocess.Popen(
            command,
            cwd=root,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started = time.monotonic()
        try:
            while (passed := time.monotonic() - started) < timeout:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(min(_POLL_S, max(timeout - passed, 0.001)))
                tell(passed)
            return None
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended, and so did its children
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def environment() -> dict[str, str]:
    """This process's environment without anybody else's pytest settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def tail(output: Path) -> str:
    """The end of what was written to *output*."""
    with contextlib.suppress(OSError), output.open("rb") as file:
        file.seek(max(os.fstat(file.fileno()).st_size - _TAIL_BYTES, 0))
        return file.read().decode("utf-8", "replace")
    return ""
