"""
Whether replays of one window agree; where they do not, the first event after which they differ.

A window that could not be replayed, or that has fewer events than were asked for, is a
failure: no repeat of nothing has ever disagreed with another.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion.suites.trading.replay.runner import TIMEOUT_S, Replayer, Run, run
from pytest_promotion.suites.trading.replay.windows import Window
from pytest_promotion.text import listed

_KEYS: Final = 10  # differing keys that a report lists
_SHOWN: Final = 120  # characters of a value that it quotes


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first event after which two replays were in different states. `index` counts from 0."""

    index: int
    event_id: str
    hash_seeds: tuple[int, int]
    keys: dict[str, tuple[str, str]]  # dotted path: what each replay had there

    def report(self) -> dict[str, Any]:
        """As reports list it."""
        return {
            "index": self.index,
            "event_id": self.event_id,
            "hash_seeds": list(self.hash_seeds),
            "differing_keys": [{"key": key, "values": list(values)} for key, values in self.keys.items()],
        }

    def __str__(self) -> str:
        keys = listed(self.keys, 20) or "the whole state"
        return f"after event {self.index} ({self.event_id}) the states differ in {keys}"


def cycle(
    window: Window,
    replayer: Replayer,
    repeat: int = 2,
    *,
    timeout: float = TIMEOUT_S,
    cwd: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """
    Replays *window* *repeat* times and compares.

    Returns:
        the window's part of a report; its `status` is `pass` only where every run gave a
        state for every event, all of them the same, and the window was complete.
    """
    blockers: list[str] = []
    if repeat < 2:
        blockers.append(f"repeat_{repeat}_compares_nothing")
    if not window.complete:
        blockers.append(f"only_{len(window.lines)}_of_{window.asked}_events")
    runs: list[Run] = []
    divergence: Divergence | None = None
    if window.lines and not blockers:
        with tempfile.TemporaryDirectory(prefix="promotion-replay-") as name:
            runs = _runs(window, replayer, repeat, timeout, Path(name), cwd, progress)
            blockers += [f"run_{number}_failed: {one.problem}" for number, one in enumerate(runs, 1) if one.problem]
            divergence = next(filter(None, (first_divergence(window, runs[0], one) for one in runs[1:])), None)
        if divergence is not None or len({one.signature for one in runs}) > 1:
            blockers.append("deterministic_repeat_check_failed")
    same = len(runs) >= 2 and len({one.signature for one in runs}) == 1 and not any(one.problem for one in runs)
    return {
        "min_events": window.asked,
        "rc": 0 if same and not blockers else 1,
        "status": "pass" if same and not blockers else "fail",
        "deterministic_repeat_pass": same,
        "blockers": blockers,
        "signature_baseline": _baseline(window, runs[0] if runs else None),
        "first_divergence": divergence.report() if divergence else None,
        "runs": [_told(one) for one in runs],
        "runner_output_tail": runs[0].told if runs else "",
    }


def _runs(
    window: Window,
    replayer: Replayer,
    repeat: int,
    timeout: float,
    folder: Path,
    cwd: Path | None,
    progress: Callable[[str], None] | None,
) -> list[Run]:
    def one(number: int) -> Run:
        found = run(window, replayer, number, folder, timeout, cwd)
        if progress:
            progress(f"window {window.asked}: repeat {number + 1} of {repeat} {found.problem or 'replayed'}")
        return found

    with ThreadPoolExecutor(min(repeat, os.cpu_count() or 1)) as side_by_side:
        return list(side_by_side.map(one, range(repeat)))


def first_divergence(window: Window, one: Run, other: Run) -> Divergence | None:
    """Where the states of two runs first differ, as far as both have any; None where they do not."""
    if one.signature and one.signature == other.signature:
        return None
    if not (one.states.is_file() and other.states.is_file()):
        return None
    with one.states.open("rb") as left, other.states.open("rb") as right:
        for index, (mine, theirs) in enumerate(zip(left, right, strict=False)):
            if mine != theirs:
                keys = differing(msgspec.json.decode(mine), msgspec.json.decode(theirs))
                event_id = window.event_ids[index] if index < len(window.event_ids) else "beyond the window"
                return Divergence(index, event_id, (one.hash_seed, other.hash_seed), keys)
    return None


def differing(
    one: Any, other: Any, path: str = "", found: dict[str, tuple[str, str]] | None = None
) -> dict[str, tuple[str, str]]:
    """The dotted paths at which two JSON values differ, and what stands there; at most ten."""
    found = {} if found is None else found
    if len(found) >= _KEYS:
        return found
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            differing(one.get(key, _ABSENT), other.get(key, _ABSENT), f"{path}.{key}" if path else key, found)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            differing(mine, theirs, f"{path}[{place}]", found)
    elif one != other or type(one) is not type(other):
        found[path or "(the state)"] = (_shown(one), _shown(other))
    return found


_ABSENT: Final = object()


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _baseline(window: Window, first: Run | None) -> dict[str, Any]:
    return {
        "regression_fingerprint": window.sha256,
        "regression_event_count": len(window.lines),
        "first_event_id": window.event_ids[0] if window.event_ids else None,
        "last_event_id": window.event_ids[-1] if window.event_ids else None,
        "state_sha256": first.signature if first else "",
    }


def _told(one: Run) -> dict[str, Any]:
    return {
        "rc": one.exit_code,
        "hash_seed": one.hash_seed,
        "states": one.count,
        "signature": one.signature,
        "problem": one.problem,
        "output_tail": one.told,
    }


def refused(sizes: Sequence[int], sentence: str) -> list[dict[str, Any]]:
    """What stands in a report for windows that could not even be cut from the store."""
    return [
        {
            "min_events": size,
            "rc": 3,
            "status": "fail",
            "deterministic_repeat_pass": False,
            "blockers": [f"store_refused: {sentence}"],
            "signature_baseline": {},
            "first_divergence": None,
            "runs": [],
            "runner_output_tail": "",
        }
        for size in sizes
    ]
