"""
Event ids compared without being held: 8 bytes a row, and the rows themselves where two marks agree.

Two ids may share a mark, so a mark says only that ids differ; that they are equal is
answered by reading the store once more.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import IO, Final

from pytest_promotion.evidence.event_store.pages import pages
from pytest_promotion.evidence.event_store.rows import ROWS
from pytest_promotion.evidence.event_store.tally import decode

_AT_ONCE: Final = 2**20  # hashes compared in one go, at about 80 bytes each; more are compared in several


def marks(ids: Iterable[str]) -> array[int]:
    """
    A number below 2**61 for each id, the same in every process: its bytes as one integer, modulo a prime.

    The modulus is Python's own for hashing integers; the hash of a text differs from process to process.
    """
    return array("Q", map(hash, map(int.from_bytes, map(str.encode, ids))))


def doubled(found: array[int]) -> set[int]:
    """The marks that stand in *found* more than once."""
    twice: set[int] = set()
    for some in [found] if len(found) <= _AT_ONCE else parted(found, len(found)):
        if len(set(some)) != len(some):
            twice.update(mark for mark, count in Counter(some).items() if count > 1)
    return twice


def parted(found: Iterable[int], count: int) -> list[array[int]]:
    """The *count* hashes *found* in parts that are compared in one go: in part p of n, those that modulo n are p."""
    parts = [array("Q") for _ in range(max(1, -(-count // _AT_ONCE)))]
    appends, number = [part.append for part in parts], len(parts)
    for mark in found:
        appends[mark % number](mark)
    return parts


def repeated(source: IO[bytes], name: str, end: int, suspects: set[int]) -> Counter[str]:
    """The event ids before byte *end* whose mark is one of *suspects*, with how often each stands there."""
    seen: Counter[str] = Counter()
    for offset, page in pages(source, name, 0, end):
        ids = [row.event_id for row in decode(page, name, offset, ROWS)[0]]
        seen.update([key for key, mark in zip(ids, marks(ids), strict=True) if mark in suspects])
    return seen


def twice(name: str, seen: Counter[str]) -> str:
    """The sentence for event ids that stand twice; empty where none does."""
    again = [key for key, count in seen.items() if count > 1]
    if not again:
        return ""
    more = f" and {len(again) - 1} more" if len(again) > 1 else ""
    return f"{name} has the event id {again[0]!r} twice{more}: rows were written twice, or ids are not unique"
