"""What commands have in common: what a user caused is said in a sentence, and times are read in one way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import PolicyError, Unproven


@contextmanager
def answering() -> Iterator[None]:
    """
    Turns refusals into what ends a command.

    Rules that cannot be meant are wrong usage (4); a file that cannot be read or written, and what cannot be judged,
    is no answer (3).
    """
    try:
        yield
    except PolicyError as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as problem:
        raise click.ClickException(f"{problem.filename}: {(problem.strerror or 'failed').lower()}") from None
    except Unproven as refusal:
        raise click.ClickException(str(refusal)) from None


def asked_at(text: str | None) -> datetime:
    """The moment that `--at` names, now without it. Raises `click.UsageError`."""
    return _moment("--at", text) if text else datetime.now(UTC)


def lasting_until(text: str, now: datetime) -> datetime:
    """The moment that `--expires` names, which is after *now*. Raises `click.UsageError`."""
    until = _moment("--expires", text)
    if until <= now:
        raise click.UsageError(f"--expires {text} is over")
    return until


def _moment(option: str, text: str) -> datetime:
    try:
        return parse_moment(text)
    except BadTimestamp as problem:
        raise click.UsageError(f"{option}: {problem}") from None
