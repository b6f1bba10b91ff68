"""
Many pytest sessions from one process: `python -m tests.trading_rules.forked`.

A session takes a second, of which most is imports. Here they are made once, and each session runs in a fork. A line of
standard input is the list of pytest's arguments as JSON, the answer is its exit code.
"""

from __future__ import annotations

import json
import os
import sys


def serve() -> None:
    """Run a session for each line, until the input ends."""
    import pytest

    # What a session imports anyway; forks find it there.
    for name in ("pytest_promotion.plugin", "pytest_promotion.suites.trading.documents.reports", "yaml", "json"):
        __import__(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            quiet = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(quiet, stream)
            code = 99
            try:
                code = int(pytest.main(json.loads(line)))
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
