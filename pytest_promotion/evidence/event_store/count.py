"""
Counting a store in blocks: one strict pass, and then any part of it without another.

A block is some thousand rows that follow each other, with their tally. What was taken in by
a moment is the sum of the blocks before it; only a block that the moment cuts is read again.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO, Any, Final, NamedTuple

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.hashes import doubled, marks, repeated
from pytest_promotion.evidence.event_store.pages import Opened, pages
from pytest_promotion.evidence.event_store.rows import ROWS, Row
from pytest_promotion.evidence.event_store.tally import Tally, decode

COUNTED_AT_ONCE: Final = 2_000  # rows; counting a handful at a time costs more than decoding them
_HASHED_AT_ONCE: Final = 32  # pages; handing one over costs as much as hashing a tenth of it

Progress = Callable[[int, int], None]
Source = Callable[[], AbstractContextManager[IO[bytes]]]  # gives the bytes that were counted, again


class Block(NamedTuple):
    """Rows that follow each other, from byte `begin` to byte `end`, and what they amount to."""

    begin: int
    end: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Counted:
    """A store that was counted. `twice` holds the event ids that stand in it more than once."""

    blocks: tuple[Block, ...]
    twice: Counter[str]
    sha256: str  # of all bytes
    size: int
    now: datetime | None  # later rows are counted as from the future
    before: int = 0  # of its first bytes, those that an earlier session counted

    def tally(self, name: str, source: Source, until: datetime | None) -> Tally:
        """What the rows taken in by *until* amount to; *source* gives the same bytes again."""
        total = Tally()
        for block in self.blocks:
            one = block.tally
            if until is not None and one.oldest is not None and one.newest is not None and until < one.newest:
                one = Tally(later=one.rows) if until < one.oldest else _cut(block, name, source, self.now, until)
            total.add(one)
        return total


def _cut(
    block: Block,
    name: str,
    source: Source,
    now: datetime | None,
    until: datetime,
) -> Tally:
    tally = Tally()
    with source() as file:
        for offset, page in pages(file, name, block.begin, block.end):
            tally.count(decode(page, name, offset, ROWS)[0], now, until)
    return tally


def count(
    store: Opened, now: datetime | None = None, digest: str | None = None, progress: Progress | None = None
) -> Counted:
    """
    Counts the rows of *store*, in this process, and hashes them in the same pass.

    Args:
        digest: what the bytes are known to hash to, where they cannot have changed since.

    Raises:
        Unproven: as `store.scan`.
    """
    found = pages(store.file, store.name, 0, store.size)
    if digest is not None:
        blocks, ids = count_pages(found, store.name, now, _nothing)
        return whole(store, blocks, ids, digest, now)
    running, done = sha256(), 0
    # Hashing releases the interpreter: on a second core it costs nothing, on one core no more than before.
    with ThreadPoolExecutor(1, thread_name_prefix="store-sha256") as aside:
        waiting: Future[None] | None = None
        batch: list[bytes] = []

        def seen(page: bytes) -> None:
            nonlocal done, waiting, batch
            batch.append(page)
            done += len(page)
            if len(batch) < _HASHED_AT_ONCE:
                return
            if waiting is not None:
                waiting.result()  # so that no more than two batches are ever held
            waiting, batch = aside.submit(_update, running, batch), []
            if progress:
                progress(done, store.size)

        blocks, ids = count_pages(found, store.name, now, seen)
        if waiting is not None:
            waiting.result()
        _update(running, batch)
    return whole(store, blocks, ids, running.hexdigest(), now)


def _update(running: Any, batch: list[bytes]) -> None:
    # As one piece: taking the interpreter back after every page would make both threads wait in turn.
    running.update(b"".join(batch))


def count_pages(
    found: Iterator[tuple[int, bytes]],
    name: str,
    now: datetime | None,
    seen: Callable[[bytes], object],
    *,
    numbered: bool = True,
) -> tuple[list[Block], array[int]]:
    """Counts pages; *seen* is given each page. Returns the blocks and the marks of the event ids, in order."""
    blocks: list[Block] = []
    ids = array("Q")
    rows: list[Row] = []
    begin = end = lines = 0

    def close() -> None:
        ids.extend(marks([row.event_id for row in rows]))
        tally = Tally()
        tally.count(rows, now, None)
        blocks.append(Block(begin, end, tally))

    for offset, page in found:
        seen(page)
        if not rows:
            begin = offset
        end = offset + len(page)
        more, ends = decode(page, name, offset, ROWS, lines if numbered else -1)
        rows += more
        lines += ends
        if len(rows) >= COUNTED_AT_ONCE:
            close()
            rows = []
    if rows:
        close()
    return blocks, ids


def whole(store: Opened, blocks: list[Block], ids: array[int], digest: str, now: datetime | None) -> Counted:
    """What *blocks*, which are all of *store*, amount to, with the event *ids* that were hashed. Raises `Unproven`."""
    twice: Counter[str] = Counter()
    if suspects := doubled(ids):
        seen = repeated(store.file, store.name, store.size, suspects)
        if seen.total() != sum(mark in suspects for mark in ids):
            raise Unproven(f"{store.name} changed while it was read")
        twice = Counter({key: number for key, number in seen.items() if number > 1})
    return Counted(tuple(blocks), twice, digest, store.size, now)


def _nothing(_page: Any) -> None:
    """For bytes that somebody else hashes."""
