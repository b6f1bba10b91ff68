"""
`python -m pytest_promotion.suites.trading.replay.child module:function`: one replay in a process of its own.

Events come as JSON lines on standard input, states leave as canonical JSON lines on
standard output. What the function prints goes to standard error, among the diagnostics.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.trading.replay.signature import canonical_state


def main(name: str) -> int:
    """Runs the replayer *name* over standard input. Returns 0, or 3 with a sentence on standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a print() in the replayer would otherwise be taken for a state
    module, _, function = name.partition(":")
    try:
        replayer = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as problem:
        sys.stderr.write(f"the replayer {name} cannot be loaded: {problem}\n")
        return 3
    if not callable(replayer):
        sys.stderr.write(f"the replayer {name} cannot be called: it is a {type(replayer).__name__}\n")
        return 3
    try:
        states = replayer(_events())
        if not isinstance(states, Iterable):
            sys.stderr.write(f"the replayer {name} gave {type(states).__name__}, expected a state for each event\n")
            return 3
        for state in states:
            out.write(canonical_state(state) + b"\n")
        out.flush()
    except Unproven as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 3
    return 0


def _events() -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for line in sys.stdin.buffer:
        yield decode(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
