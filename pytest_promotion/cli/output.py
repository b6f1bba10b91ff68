"""What commands print: every line and every value passes the function that no text leaves the process without."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import click

from pytest_promotion.text import block, clean, legible

# Fields with the output of a program, a difference or a page, which have lines.
_BLOCKS: Final = frozenset({"output", "output_tail", "stdout", "difference", "content"})


def say(text: object, *, err: bool = False) -> None:
    """Prints one line, whatever is in *text*."""
    click.echo(legible(text), err=err)


def say_lines(lines: str | Iterable[object], *, err: bool = False) -> None:
    """Prints a text of several lines that are wanted, or one line for each of *lines*."""
    click.echo(block(lines) if isinstance(lines, str) else "\n".join(map(legible, lines)), err=err)


def say_json(document: Any, *, indent: int | None = None) -> None:
    """Prints *document* as JSON, in ASCII."""
    click.echo(json.dumps(clean(document, _BLOCKS), indent=indent))


def show_error(problem: click.ClickException) -> None:
    """Prints why a command could not go on, in the layout of click."""
    message = legible(problem.format_message())
    problem.format_message = lambda: message  # type: ignore[method-assign] # `show` adds the usage around it
    problem.show()
