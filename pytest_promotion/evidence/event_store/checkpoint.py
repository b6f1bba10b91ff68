"""
Counting only what is new: a checkpoint of what was counted up to a byte.

A store is append-only, so a checkpoint holds as long as the file is the same (device and
inode), no shorter, and its last 64 KiB before the checkpoint are what they were. Anything
else, also a checkpoint that is missing or damaged, means counting everything again.

It does not prove the rest of the old bytes: a promotion reads them all with `store.scan`.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.count import count_pages
from pytest_promotion.evidence.event_store.hashes import doubled, repeated, twice
from pytest_promotion.evidence.event_store.pages import Opened, opened, pages
from pytest_promotion.evidence.event_store.scan import StoreFacts
from pytest_promotion.evidence.event_store.tally import Tally

_BLOCK: Final = 64 * 2**10
_RECENT: Final = 8_192  # marks kept in the checkpoint itself, and unpacked at every look, before they join the base


class Checkpoint(msgspec.Struct):
    """What was counted up to `offset`, where a line begins."""

    device: int
    inode: int
    offset: int
    block_sha256: str  # of the last 64 KiB before the offset
    tally: Tally
    base: str  # the file beside it with the sorted marks of older event ids; empty for none
    base_marks: int
    recent: bytes  # marks of younger ids, as they came
    version: int = 2


_DECODER: Final = msgspec.msgpack.Decoder(Checkpoint)


def rescan(path: str | os.PathLike[str], checkpoint: Path, *, now: datetime | None = None) -> StoreFacts:
    """
    The facts of a local store, counting only what *checkpoint* (a file, made here) has not seen.

    `sha256` is None where old bytes were spared; `future` counts new rows only. Event ids
    are compared with those of old rows too: by 61-bit marks first, and where those agree by
    the rows themselves.

    Raises:
        Unproven: as `store.scan`, and where the checkpoint cannot be written.
    """
    with opened(path) as store:
        if not store.state:
            raise Unproven(f"{store.name}: only a local file has a checkpoint")
        known = _load(checkpoint, store)
        start = known.offset if known else 0
        running = sha256()
        seen = bool if known else running.update  # a digest of the new bytes alone would say nothing
        found = pages(store.file, store.name, start, store.size)
        blocks, ids = count_pages(found, store.name, now, seen, numbered=not known)
        suspects = doubled(ids) | (_known_marks(known, checkpoint, ids) if known else set())
        if suspects and (said := twice(store.name, repeated(store.file, store.name, store.size, suspects))):
            raise Unproven(said)
        tally = known.tally if known else Tally()
        for block in blocks:
            tally.add(block.tally)
        facts = StoreFacts.of(store.name, tally, 0, None if known else running.hexdigest(), store.size)
        ended = store.size == start or _byte(store, store.size - 1) == b"\n"
        if ended and (ids or not known):  # a row without its line end may still grow
            _save(checkpoint, store, tally, known, ids)
        return facts


def _load(checkpoint: Path, store: Opened) -> Checkpoint | None:
    try:
        known = _DECODER.decode(checkpoint.read_bytes())
        whole = not known.base or (checkpoint.parent / known.base).stat().st_size == 8 * known.base_marks
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    device, inode, *_ = store.state
    same = (known.version, known.device, known.inode) == (2, device, inode) and known.offset <= store.size and whole
    return known if same and known.block_sha256 == _block(store, known.offset) else None


def _block(store: Opened, offset: int) -> str:
    start = max(0, offset - _BLOCK)
    store.file.seek(start)
    return sha256(store.file.read(offset - start)).hexdigest()


def _byte(store: Opened, offset: int) -> bytes:
    store.file.seek(offset)
    return store.file.read(1)


def _known_marks(known: Checkpoint, checkpoint: Path, ids: array[int]) -> set[int]:
    """Those of *ids* that the checkpoint has seen."""
    if not ids:
        return set()
    recent = set(memoryview(known.recent).cast("Q"))
    with contextlib.ExitStack() as stack:
        base: Sequence[int] = ()
        if known.base:
            file = stack.enter_context((checkpoint.parent / known.base).open("rb"))
            base = memoryview(stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))).cast("Q")
            stack.callback(base.release)  # a map with a view on it could not be closed
        return {
            mark for mark in ids if mark in recent or ((at := bisect_left(base, mark)) < len(base) and base[at] == mark)
        }


def _save(checkpoint: Path, store: Opened, tally: Tally, known: Checkpoint | None, ids: array[int]) -> None:
    device, inode, *_ = store.state
    base, count = (known.base, known.base_marks) if known else ("", 0)
    recent = (known.recent if known else b"") + ids.tobytes()
    old = ""
    try:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        if len(recent) > 8 * _RECENT:
            every = array("Q", recent)
            if base:
                every.frombytes((checkpoint.parent / base).read_bytes())
            content = array("Q", sorted(every)).tobytes()
            old, base, count, recent = base, f"{checkpoint.name}.{sha256(content).hexdigest()[:16]}", len(every), b""
            atomic.write(checkpoint.parent / base, content, mode=0o600, durable=False)
        block = _block(store, store.size)
        made = Checkpoint(device, inode, store.size, block, tally, base, count, recent)
        # Lost in a power cut, it is counted again.
        atomic.write(checkpoint, msgspec.msgpack.encode(made), mode=0o600, durable=False)
        if old and old != base:
            # Whoever still reads the older checkpoint finds its base gone and counts everything.
            (checkpoint.parent / old).unlink(missing_ok=True)
    except OSError as problem:
        raise Unproven(
            f"the checkpoint {checkpoint} cannot be written: {(problem.strerror or 'failed').lower()}"
        ) from None
