"""One process runs and decides a session: a child that a gate forked and let run on ends where the gate does."""

from __future__ import annotations

import os

_EXIT_CODE = 1


class OneProcess:
    """The process that it was made in."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def end_others(self) -> None:
        """
        Ends a forked copy of the process at once, without its buffers and its exit handlers.

        It would run the rest of the session a second time, send reports of it, and publish a decision of its own.
        """
        if os.getpid() != self._pid:
            os._exit(_EXIT_CODE)
