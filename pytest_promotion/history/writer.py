"""Many entries at once: those that wait while the disk is busy are written, and promised, together."""

from __future__ import annotations

from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Final, Self

from pytest_promotion.history.log import Head, History

_MOST: Final = 1000  # entries in one write: whoever is first waits for all of them


class Writer:
    """
    Appends what any thread gives it. `with Writer(history) as writer: writer.put(record)`.

    While one write is on its way to the disk, or another process has the log, what comes in waits
    and goes with the next: the disk is asked once for all of it.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._waiting: SimpleQueue[tuple[bytes, Future[Head]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="history", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._waiting.put(None)
        self._thread.join()

    def put(self, record: bytes) -> Future[Head]:
        """Appends *record* soon. The future is done when it is on the disk, and then gives a head that covers it."""
        promise: Future[Head] = Future()
        self._waiting.put((record, promise))
        return promise

    def _work(self) -> None:
        open_ended = True
        while open_ended:
            batch = [self._waiting.get()]
            while not self._waiting.empty() and len(batch) < _MOST:
                batch.append(self._waiting.get())
            open_ended = batch[-1] is not None
            self._commit([one for one in batch if one is not None])

    def _commit(self, batch: list[tuple[bytes, Future[Head]]]) -> None:
        if not batch:
            return
        try:
            head = self._history.append(*(record for record, _ in batch))
        except BaseException as problem:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            for _, promise in batch:
                promise.set_exception(problem)
            return
        for _, promise in batch:
            promise.set_result(head)
