"""
Counting stores by the workers of an executor: by files, and of each file by ranges of bytes.

What comes out does not depend on how many parts there were or who counted them. Any executor will do whose workers can
open the stores by the same names: processes of this machine, or those of a Dask cluster.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store.count import Block, Counted, Progress, count, count_pages, whole
from pytest_promotion.evidence.event_store.pages import State, line_start, opened, pages, read_part

LARGEST_PART: Final = 64 * 2**20  # bytes; a second of work, and half a megabyte of results
_SMALLEST_PART: Final = 2**20
_BEGUN: Final = 4  # stores of which parts are being counted at once: the results of those behind the first are held
_STEP: Final = 2**20


@dataclass(frozen=True, slots=True)
class _Begun:
    """A store whose parts were handed out."""

    name: str
    size: int
    state: State
    digest: Future[tuple[State, str]]
    parts: list[tuple[int, Future[tuple[State, list[Block], bytes]]]]  # with the bytes of each

    def cancel(self) -> None:
        self.digest.cancel()
        for _, job in self.parts:
            job.cancel()


def count_shared(
    names: Iterable[str],
    executor: Executor,
    now: datetime | None = None,
    parts: int = 0,
    progress: Progress | None = None,
) -> Iterator[Counted]:
    """
    As `count`, of each of the stores *names* in turn, by the workers of *executor*.

    A store that was written to meanwhile is counted again in this process: its parts may be of two states.

    Args:
        parts: into how many ranges of bytes each is divided (default: by its size).
        progress: called with the bytes that are done and those to do, of the store whose turn it is.

    Raises:
        Unproven: as `scan`, and where a worker is lost.
    """
    waiting: deque[_Begun] = deque()
    rest = iter(names)
    try:
        while True:
            while len(waiting) < _BEGUN and (name := next(rest, "")):
                waiting.append(_begin(name, executor, now, parts))
            if not waiting:
                return
            yield _collected(waiting[0], now, progress)
            waiting.popleft()
    finally:
        for store in waiting:
            store.cancel()


def _begin(name: str, executor: Executor, now: datetime | None, parts: int) -> _Begun:
    with opened(name) as store:
        size, state = store.size, store.state
    step = -(-size // parts) if parts else min(LARGEST_PART, max(_SMALLEST_PART, size // 16))
    borders = [*range(0, size, step or 1), size]
    digest = executor.submit(_digest, name, size)
    jobs = [(end - begin, executor.submit(_part, name, begin, end, size, now)) for begin, end in pairwise(borders)]
    return _Begun(name, size, state, digest, jobs)


def _collected(store: _Begun, now: datetime | None, progress: Progress | None) -> Counted:
    blocks: list[Block] = []
    ids = array("Q")
    done, states = 0, {store.state}
    for size, job in store.parts:
        state, found, hashed_ids = _result(job, store.name)
        states.add(state)
        blocks += found
        ids.frombytes(hashed_ids)
        done += size
        if progress:
            progress(done, store.size)
    state, digest = _result(store.digest, store.name)
    states.add(state)
    with opened(store.name) as again:
        states.add(again.state)
        if len(states) > 1:
            return count(again, now, progress=progress)
        return whole(again, blocks, ids, digest, now)


def _result(job: Future[Any], name: str) -> Any:
    try:
        return job.result()
    except Unproven:
        raise
    except Exception as problem:  # noqa: BLE001 - each kind of executor has errors of its own
        raise Unproven(f"{name} was not counted, a worker failed: {problem or type(problem).__name__}") from None


def _digest(name: str, size: int) -> tuple[State, str]:
    with opened(name) as store:
        running, left = sha256(), size
        while left:
            content = read_part(store.file, name, min(_STEP, left))
            if not content:
                raise Unproven(f"{name} became shorter while it was read: {size} bytes, then {size - left}")
            running.update(content)
            left -= len(content)
        return store.state, running.hexdigest()


def _part(name: str, near: int, near_end: int, size: int, now: datetime | None) -> tuple[State, list[Block], bytes]:
    with opened(name) as store:
        # The worker of the part before finds the same line.
        begin, end = (line_start(store.file, name, border, size) for border in (near, near_end))
        blocks, ids = count_pages(pages(store.file, name, begin, end), name, now, lambda _: None, numbered=begin == 0)
        return store.state, blocks, ids.tobytes()
