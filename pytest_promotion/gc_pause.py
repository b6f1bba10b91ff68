"""
The collector of cyclic garbage, paused where a large document is read or written.

There are no cycles in JSON. The collector looks for them all the same, each time at more objects that are all still
needed: half of the time that a document of ten megabytes takes.
"""

from __future__ import annotations

import gc
from typing import Final

LARGE: Final = 2**14  # bytes of a document from which on it is worth the half of a microsecond


class Paused:
    """Lets nothing be collected meanwhile, and afterwards what was collected before: `with Paused():`."""

    __slots__ = ("_was",)

    def __enter__(self) -> None:
        # Of threads that overlap, the first to end lets it go on: that costs time and nothing else.
        self._was = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was:
            gc.enable()
