"""What instrumented gates call around their conditions: assertions, guards, and blocks that judge."""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.assertions import current, values
from pytest_promotion.assertions.current import doubt, where
from pytest_promotion.assertions.tally import Mark, Source

_PLAIN: Final = (bool, int)


def enter(name: str) -> None:
    """The body of a test function begins."""
    if current.tally is not None:
        current.tally.entered.add(name)


def expects(count: int) -> None:
    """A function begins that has so many assertions and measurements."""
    if current.tally is not None:
        current.tally.expected += count


def mark() -> Mark:
    """What follows may call functions that find nothing."""
    return current.tally.mark() if current.tally is not None else (0, 0)


def settle(source: Source, mark: Mark) -> None:
    """What was called since *mark* is a source."""
    if current.tally is not None:
        current.tally.settle(source, mark)


class _Operands:
    """Of `and`, `or` and `not`, as subscripts."""

    def __getitem__(self, value: Any) -> Any:
        if type(value) not in _PLAIN:
            doubt(values.truth(value), "an assertion")
        return value


def truth(value: Any, file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> Any:
    """The condition of an assertion."""
    tally = current.tally
    if tally is None:
        return value
    if type(value) not in _PLAIN:
        doubt(values.truth(value), where(file, line))
    if value:
        tally.assertion(where(file, line), sources, mark)
    else:
        tally.failure(f"{where(file, line)} failed an assertion")
    return value


def guard(value: Any, file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> Any:
    """The condition under which a gate fails itself."""
    if current.tally is not None and not value:
        current.tally.assertion(where(file, line), sources, mark)
    return value


def expected(value: Any, file: str, line: int) -> Any:
    """What demands an exception, or the kind that is demanded: any failure of the gate is one of those."""
    kinds = getattr(value, "expected_exceptions", None) or getattr(value, "expected", value)
    if current.tally is not None and any(kind in (Exception, BaseException) for kind in _flat(kinds)):
        doubt("accepts any exception, also that of a broken gate; name the one it means", where(file, line))
    return value


def _flat(kinds: Any) -> tuple[Any, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def judged() -> None:
    """A block that demands an exception has ended."""
    if current.tally is not None:
        current.tally.judge()


def passed_by(condition: Any, what: str, file: str, line: int, sources: tuple[Source, ...]) -> Any:
    """The condition of a block that judges; *what* it asks where it asks whether there is anything to judge."""
    if current.tally is not None and not condition:
        why = f"{what} does not hold" if what else current.tally.rests_on_nothing(sources).partition(": ")[2]
        if why:
            current.tally.set_hollow(where(file, line), f"judges nothing: {why}; say in an `else` that this is right")
    return condition


def looped(source: Source, file: str, line: int) -> None:
    """A loop that judges has ended."""
    if current.tally is not None:
        current.tally.looped(source, where(file, line))


def begin(file: str, line: int) -> None:
    """A call that fails the gate where something does not hold."""
    if current.tally is not None:
        current.tally.begin(where(file, line))


def end(file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> None:
    """It has returned."""
    if current.tally is not None:
        current.tally.end(where(file, line))
        current.tally.assertion(where(file, line), sources, mark)


def failing(name: str, file: str, line: int) -> None:
    """A call that always raises."""
    if current.tally is not None:
        current.tally.failure(f"{where(file, line)} failed the gate by {name}")


def start() -> None:
    """A measurement begins."""
    if current.tally is not None:
        current.tally.start()


def stop(file: str, line: int, sources: tuple[Source, ...], mark: Mark | None = None) -> None:
    """It held: it does not count where it was of nothing."""
    if current.tally is not None:
        current.tally.stop(where(file, line), sources, mark)


def checked(value: Any, file: str, line: int) -> Any:
    """What a function of pytest-check gives: False where it noted a failure, which a report may leave out."""
    if current.tally is not None and value is False:
        current.tally.failure(f"{where(file, line)} failed a check")
    return value


def discarded(value: Any, file: str, line: int) -> Any:
    """The value of a call that nothing is done with."""
    if current.tally is not None and value is not None:
        if type(value) is bool and current.tally.active:
            current.tally.expected += 1  # an answer: the gate has more to judge than an age
        doubt(values.unused(value), where(file, line))
    return value


operands = _Operands()
