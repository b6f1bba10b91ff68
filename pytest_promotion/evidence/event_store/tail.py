"""The newest row of a store, read from its end: as quick at 5 GB as at 5 kB."""

from __future__ import annotations

import os
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.pages import Opened, opened, read_part
from pytest_promotion.evidence.event_store.rows import LONGEST_LINE, Event, event

_BLOCK: Final = 16 * 2**10  # a dozen typical rows; grown only where the last one is longer


def tail(path: str | os.PathLike[str]) -> Event:
    """
    The last row of the store at *path*: what was taken in last.

    Raises:
        Unproven: where the store is missing or empty, and where its last line is half
            written, longer than 1 MB or no event. A shorter, older answer is never given.
    """
    with opened(path) as store:
        offset, line = last_line(store)
        return event(line, f"{store.name}, the last line (byte {offset})")


def last_line(store: Opened) -> tuple[int, bytes]:
    """Where the last line with something on it begins, and its bytes. Raises `Unproven`."""
    length = _BLOCK
    while True:
        start = max(0, store.size - length)
        store.file.seek(start)
        block = _exactly(store, store.size - start)
        text = block.rstrip(b" \t\r\n")
        cut = text.rfind(b"\n") + 1
        if len(text) - cut > LONGEST_LINE:
            raise Unproven(f"{store.name} has a line longer than {LONGEST_LINE >> 20} MB at its end")
        if text and (cut or not start):
            return start + cut, text[cut:]
        if not start:
            raise Unproven(f"the event store {store.name} has no rows")
        if length > 2 * LONGEST_LINE:
            raise Unproven(f"{store.name} ends in nothing but blanks")
        length *= 8


def _exactly(store: Opened, count: int) -> bytes:
    found = read_part(store.file, store.name, count)
    while len(found) < count:
        part = read_part(store.file, store.name, count - len(found))
        if not part:
            raise Unproven(f"{store.name} became shorter while it was read")
        found += part
    return found
