"""
Counting only what is new: a checkpoint of what an earlier session counted up to a byte.

It holds for every file that begins with the bytes that were counted, which the hash of the file tells without reading
them again; see `remembered`. Without one that holds, everything is counted.
"""

from __future__ import annotations

import contextlib
import mmap
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion import atomic
from pytest_promotion.evidence.event_store.count import COUNTED_AT_ONCE, Block, Counted, count_pages
from pytest_promotion.evidence.event_store.hashes import doubled, parted, repeated
from pytest_promotion.evidence.event_store.pages import pages
from pytest_promotion.evidence.event_store.remembered import ends_with_a_line, place_of, recalled, remember
from pytest_promotion.evidence.event_store.tally import Tally
from pytest_promotion.evidence.large_files import LargeFile

_RECENT: Final = 8_192  # hashes kept in the checkpoint itself, before they join the base


class Checkpoint(msgspec.Struct):
    """What was counted; no event id stood twice there."""

    blocks: list[Block]
    base: str  # SHA-256 of the file beside it with the hashes of older event ids; empty for none
    bounds: list[int]  # where the parts of the base begin and end; each is sorted
    recent: bytes  # hashes of younger ids, as they came


class _Known:
    """A checkpoint of the first *offset* bytes of a file, with its base."""

    def __init__(self, offset: int, checkpoint: Checkpoint, base: Sequence[int]) -> None:
        self.offset = offset
        self.checkpoint = checkpoint
        self.base = base

    def seen(self, ids: array[int]) -> set[int]:
        """Those of the hashed event *ids* that it knows."""
        recent = set(memoryview(self.checkpoint.recent).cast("Q"))
        return {mark for mark in ids if mark in recent or self._in_base(mark)}

    def _in_base(self, mark: int) -> bool:
        bounds = self.checkpoint.bounds
        if len(bounds) < 2:
            return False
        part = mark % (len(bounds) - 1)
        at = bisect_left(self.base, mark, bounds[part], bounds[part + 1])
        return at < bounds[part + 1] and self.base[at] == mark


def counted(file: LargeFile, name: str, folder: Path | None = None) -> Counted:
    """
    What the event store in *file* amounts to, counting only rows of which no checkpoint in *folder* knows.

    The checkpoint is replaced where rows were counted; where it cannot be, the next session counts them again.

    Raises:
        Unproven: as `scan`, and where the file is not what was hashed.
    """
    place = place_of(folder, name) if folder is not None else None
    with contextlib.ExitStack() as stack:
        known = _load(place, file, stack) if place is not None else None
        start = known.offset if known else 0
        source = stack.enter_context(file.open())
        found = pages(source, name, start, file.size)
        new, ids = count_pages(found, name, None, lambda _: None, numbered=not known)
        twice: Counter[str] = Counter()
        if suspects := doubled(ids) | (known.seen(ids) if known else set()):
            seen = repeated(source, name, file.size, suspects)
            twice = Counter({key: number for key, number in seen.items() if number > 1})
        blocks = [*(known.checkpoint.blocks if known else ()), *new]
        if place is not None and ids and not twice and ends_with_a_line(source, file.size):
            with contextlib.suppress(OSError):
                _save(place, file, blocks, known, ids)
    return Counted(tuple(blocks), twice, file.sha256, file.size, None, start)


def _load(place: Path, file: LargeFile, stack: contextlib.ExitStack) -> _Known | None:
    recent = recalled(place, file, Checkpoint)
    if recent is None:
        return None
    offset, found = recent
    if not found.base:
        return _Known(offset, found, ())
    try:
        base = stack.enter_context(_base(place, found.base).open("rb"))
        held = stack.enter_context(mmap.mmap(base.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):  # another session has replaced it, or it is empty
        return None
    if sha256(held).hexdigest() != found.base:
        return None
    view = stack.enter_context(memoryview(held))  # a map with a view on it could not be closed
    return _Known(offset, found, stack.enter_context(view.cast("Q")))


def _base(place: Path, digest: str) -> Path:
    return place.with_name(f"{place.name}.{digest}")


def _save(place: Path, file: LargeFile, blocks: list[Block], known: _Known | None, ids: array[int]) -> None:
    base, bounds = (known.checkpoint.base, known.checkpoint.bounds) if known else ("", [])
    recent = (known.checkpoint.recent if known else b"") + ids.tobytes()
    place.parent.mkdir(parents=True, exist_ok=True)
    if len(recent) > 8 * _RECENT:
        young, old = memoryview(recent).cast("Q"), known.base if known else ()
        content, bounds = array("Q"), [0]
        for part in parted(chain(young, old), len(young) + len(old)):
            content.extend(sorted(part))
            bounds.append(len(content))
        base, recent = sha256(content).hexdigest(), b""
        atomic.write(_base(place, base), content.tobytes(), mode=0o600, durable=False)
    remember(place, file, Checkpoint(_merged(blocks), base, bounds, recent))
    for other in place.parent.glob(f"{place.name}.*"):
        if other != _base(place, base):
            # A session that was about to read it counts everything.
            other.unlink(missing_ok=True)


def _merged(blocks: list[Block]) -> list[Block]:
    """*blocks*, of which small ones that follow each other are one: each session adds some."""
    merged: list[Block] = []
    for block in blocks:
        if merged and merged[-1].tally.rows + block.tally.rows <= COUNTED_AT_ONCE:
            before, total = merged.pop(), Tally()
            total.add(before.tally)
            total.add(block.tally)
            merged.append(Block(before.begin, block.end, total))
        else:
            merged.append(block)
    return merged
