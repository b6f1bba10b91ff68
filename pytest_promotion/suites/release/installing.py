"""
`python -m pytest_promotion.suites.release.installing`: what a frontend needs, from its lock file, before it is judged.

It installs each time, so that no package is used that the lock file does not name, and records what was installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from pytest_promotion.cli.output import say
from pytest_promotion.errors import GateFailed
from pytest_promotion.json_files import write_json
from pytest_promotion.suites.release.javascript import MANAGERS
from pytest_promotion.suites.release.tools import demand


def main(arguments: list[str] | None = None) -> int:
    """Installs. Returns 0 where that succeeded and the report is written, 2 where it failed, 3 where it did not run."""
    parser = argparse.ArgumentParser(prog="installing", description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--manager", choices=sorted(MANAGERS), required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the lock file is")
    parser.add_argument("--report", type=Path, required=True, help="is written where it succeeded")
    given = parser.parse_args(arguments)
    manager = MANAGERS[given.manager]
    lock = next((given.folder / name for name in manager.lock_files if (given.folder / name).is_file()), None)
    if lock is None:
        say(f"{given.folder} has no lock file of {manager.name}: {' or '.join(manager.lock_files)}", err=True)
        return 3
    try:
        demand(manager.name)
    except GateFailed as missing:
        say(str(missing), err=True)
        return 3
    before = hashlib.sha256(lock.read_bytes()).hexdigest()
    program = shutil.which(manager.name) or manager.name  # a .cmd on Windows
    done = subprocess.run(
        [program, *manager.installing[1:]], cwd=given.folder, env={**os.environ, "CI": "1"}, check=False
    )
    if done.returncode != 0:
        say(f"{' '.join(manager.installing)} ended with exit code {done.returncode}", err=True)
        return 2
    if hashlib.sha256(lock.read_bytes()).hexdigest() != before:
        say(f"{' '.join(manager.installing)} changed {lock.name}", err=True)
        return 2
    given.report.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "ts_utc": datetime.now(UTC).isoformat(),
        "command": list(manager.installing),
        "lock_file": lock.name,
        "lock_file_sha256": before,
    }
    write_json(given.report, report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
