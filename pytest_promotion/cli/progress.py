"""One line on a terminal while something works that does not say how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

import click

from pytest_promotion.text import legible

_QUIET_S: Final = 1  # what is over by then needs no line
_CLEAR: Final = "\r\033[K"


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Tells a terminal each second how long *what* has worked, and wipes that at the end; a pipe hears nothing."""
    if not sys.stderr.isatty():
        yield
        return
    done, start = Event(), time.monotonic()

    def tell() -> None:
        while not done.wait(_QUIET_S):
            click.echo(f"{_CLEAR}{legible(what)}: {time.monotonic() - start:.0f} s", nl=False, err=True)

    teller = Thread(target=tell, name="waiting", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        click.echo(_CLEAR, nl=False, err=True)
