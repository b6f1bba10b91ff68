"""
Running docker and Compose, with what they print apart from what they complain of.

Unlike a gate's command, such a program changes things, and may outlive whoever started it: it inherits the lock of
the deployment, so that the next one waits for it to end as well.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import kill_group


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended, or was ended at its time limit: then `exit_code` is None."""

    argv: tuple[str, ...]
    exit_code: int | None
    printed: str
    complained: str
    duration_s: float

    @property
    def why(self) -> str:
        """In one sentence, how it did not do what it should; with its last words."""
        how = "did not end in time" if self.exit_code is None else f"ended with exit code {self.exit_code}"
        words = [line.strip() for line in f"{self.printed}\n{self.complained}".splitlines() if line.strip()]
        return (
            f"{Path(self.argv[0]).name} {self.argv[-1] if len(self.argv) == 1 else ' '.join(self.argv[1:])} {how}"
            + (f": {words[-1][:300]}" if words else "")
        )


def run(
    argv: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout_s: float, inherited: Sequence[int] = ()
) -> Ended:
    """
    Runs *argv* in *cwd*, without a shell and without input; the file descriptors *inherited* stay open in it.

    Raises:
        Unproven: where it cannot be started.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(inherited) if os.name == "posix" else (),
        )
    except OSError as problem:
        raise Unproven(f"{argv[0]} cannot be run: {(problem.strerror or 'failed').lower()}") from None
    try:
        out, err = process.communicate(timeout=timeout_s)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired as expired:
        kill_group(process)
        out, err, code = expired.stdout or b"", expired.stderr or b"", None
    except BaseException:
        kill_group(process)
        raise
    took = time.monotonic() - started
    return Ended(tuple(argv), code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), took)
