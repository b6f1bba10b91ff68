"""What commands have in common: what a user caused is said in a sentence, and times are read in one way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import PolicyError, PromotionError


@contextmanager
def command_errors(failure: str = "", *, usage: bool = True) -> Iterator[None]:
    """
    Turns the errors of this package into what ends a command, with exit code 3 or 4.

    Args:
        failure: what it means that a file could not be read or written, such as `the report cannot be written`; the
            reason follows. Without it the message names the file.
        usage: whether a `PolicyError` is wrong usage (4). It is not where the rules come from a file that is judged.

    Raises:
        click.UsageError: for a `PolicyError` (4).
        click.ClickException: for every other `PromotionError`, for files that cannot be read or written, and where
            another process holds a lock (3).
    """
    try:
        yield
    except PolicyError as problem:
        raise (click.UsageError if usage else click.ClickException)(str(problem)) from None
    except PromotionError as refusal:
        raise click.ClickException(str(refusal)) from None
    except TimeoutError as problem:
        where = failure or getattr(problem, "lock_file", None) or problem.filename
        reason = problem.strerror.lower() if problem.strerror else "another process is writing it"
        raise click.ClickException(f"{where}: {reason}") from None
    except OSError as problem:
        where = failure or problem.filename
        reason = (problem.strerror or str(problem) or "failed").lower()
        raise click.ClickException(f"{where}: {reason}" if where else reason) from None


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
