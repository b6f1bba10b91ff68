"""
Proving one gate: it runs again in memory, once for each thing that can be wrong with what it looked at.

The same for a session that proves all gates and for one that decides and demands proven gates.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from _pytest.tmpdir import tmppath_result_key

from pytest_promotion.decision import success
from pytest_promotion.decision.declared_gates import Written
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.model import Record
from pytest_promotion.plugin.failure_reasons import of_failure
from pytest_promotion.plugin.fixtures import GATE, NOTEBOOK
from pytest_promotion.plugin.gate_words import numbers_of, words_of
from pytest_promotion.policy import Policy
from pytest_promotion.prove import coverage, text_values
from pytest_promotion.prove.forms import form_of
from pytest_promotion.prove.limits import BEYOND, Numbers, beyond_sentence, numbers_in, numbers_read, passed_beyond
from pytest_promotion.prove.observers import READ_AS_IS, Answer, Answers, Look, Sabotaged, Watching
from pytest_promotion.prove.one_more import ONE_MORE, in_file, missed
from pytest_promotion.prove.proof import NOTHING, Attempt, Proof, declared
from pytest_promotion.prove.sabotage import Sabotage, sabotages
from pytest_promotion.text import legible

_ASKS_THE_CLOCK = re.compile(r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time)\b")
_REPORTING = "pytest_runtest_logreport"
_LONGEST = 200
_FAR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Honest:
    """The undisturbed run of a gate. `objection` is empty where it passed, else what came of it."""

    watching: Watching
    record: Record
    objection: str = ""


def prove(
    item: pytest.Item, honest: Honest, where: str, policy: Policy, now: datetime, *, programs: bool = True
) -> Proof:
    """
    The proof of the gate *item*, which is defined at *where*, by the clock *now*.

    *programs* says whether those that it has run may run again, where it does not pass on their earlier answers.
    """
    gate, watching = item.stash[GATE], honest.watching
    fields, read = coverage.fields_of(watching.looks), coverage.read_of(watching.looks)
    objection, tried = honest.objection, tuple[Attempt, ...]()
    if not objection:
        known, objection = _repeated(item, watching.answers, programs=programs)
    if not objection:
        limits = [one for one in policy.gate(gate.id).thresholds_at(now).values() if isinstance(one, (int, float))]
        numbers = Numbers((*map(float, limits), *numbers_of(item)), tuple(numbers_read(watching.looks.values())))
        made = _attempts(item, honest, known, now, numbers)
        tried = declared(made, gate.id, policy.prove.equivalent)
    return Proof(gate.id, gate.severity.value, where, objection, tried, fields, read)


def _repeated(item: pytest.Item, answers: list[Answer], *, programs: bool) -> tuple[list[Answer], str]:
    """
    The answers of programs that need not run again, and why the gate does not pass a second time, or "".

    A gate that fails when it runs again, whatever it is shown, would seem to notice everything.
    """
    objection = attempt(item, Sabotaged(answers=Answers(answers)))
    if not objection:
        return answers, ""
    if answers and programs:
        objection = attempt(item, Sabotaged())
    return [], f"it does not pass a second time: {objection}" if objection else ""


def _attempts(
    item: pytest.Item, honest: Honest, known: list[Answer], now: datetime, numbers: Numbers
) -> Iterator[Attempt]:
    record = honest.record
    over = frozenset(note.split(",")[0].removeprefix("passed over ") for note in record.notes if "passed over" in note)
    made = list(sabotages(honest.watching.looks, record, over, now))
    for one in made:
        yield _tried(item, one, known)
    for path, look in sorted(honest.watching.looks.items()):
        if look.how & READ_AS_IS and path not in over:
            yield from _values_in(item, path, look, known, numbers)
        yield from _beyond_limits(item, path, look, known, numbers)
        yield from _in_one_more(item, path, look, known)
    for number, answer in enumerate(known):
        yield from _values_printed(item, number, answer, known, numbers)
    moved = list(_with_clock_moved(item))
    yield from moved
    if not made and not moved:
        yield Attempt(NOTHING, "", "", killed=False)


def _with_content(item: pytest.Item, path: str, known: list[Answer]) -> Callable[[bytes], str]:
    """What runs the gate with other content in the file at *path*: its message, or "" where it passed."""
    return lambda content: attempt(item, Sabotaged(path=path, content=content, answers=Answers(known)))


def _beyond_limits(
    item: pytest.Item, path: str, look: Look, known: list[Answer], numbers: Numbers
) -> Iterator[Attempt]:
    """The numbers in a file that pass beyond a limit among *numbers*, since they are rounded."""
    notices = _with_content(item, path, known)
    for field, value, write in numbers_in(path, look):
        for number, limit in passed_beyond(value, numbers, lambda one, write=write: not notices(write(one))):  # type: ignore[misc]
            yield Attempt(BEYOND, path, field, killed=False, said=beyond_sentence(number, limit))


def _in_one_more(item: pytest.Item, path: str, look: Look, known: list[Answer]) -> Iterator[Attempt]:
    """What the gate notices in the first element of a list, in one more."""
    found = in_file(path, look)
    if found is None:
        return
    document, seen, write = found
    notices = _with_content(item, path, known)
    for field, message in missed(document, seen, lambda changed: notices(write(changed))):
        yield Attempt(ONE_MORE, path, field, bool(message), message)


def _values_in(item: pytest.Item, path: str, look: Look, known: list[Answer], numbers: Numbers) -> Iterator[Attempt]:
    """The values in a file that the gate takes apart by itself."""
    form = form_of(path, look.reading.content)
    if form is None:
        return
    notices = _with_content(item, path, known)
    words = words_of(item) if form.prose else ()
    for kind, field, message, detail in text_values.tried(form, look.touches.seen, notices, words, numbers):
        yield Attempt(kind, path, field, bool(message), message or detail)


def _values_printed(
    item: pytest.Item, number: int, answer: Answer, known: list[Answer], numbers: Numbers
) -> Iterator[Attempt]:
    """The values in what a program printed; that none of them counts is the rule where its exit code does."""
    form = form_of("", answer.output)
    if form is None:
        return
    code = answer.exit_code

    def notices(content: bytes) -> str:
        lens = Sabotaged(command=number, fault="output", exit_code=code, content=content, answers=Answers(known))
        return attempt(item, lens)

    for kind, field, message, detail in text_values.tried(form, {}, notices, numbers=numbers):
        if kind != text_values.NO_VALUE:
            name = f"the output of {' '.join(answer.argv)}"
            yield Attempt(kind, name, field, bool(message), message or detail)


def _tried(item: pytest.Item, one: Sabotage, known: list[Answer]) -> Attempt:
    message = ""
    for make in one.lenses:
        lens = make()
        lens.answers = Answers(known)
        message = message or attempt(item, lens)
        if message:
            break
    return Attempt(one.kind, one.path, one.field, bool(message), message)


def attempt(item: pytest.Item, lens: Watching | Sabotaged) -> str:
    """
    The message of the gate on what *lens* showed it; "" where it passed.

    pytest's own protocol would make reports, and laying out tracebacks that are not read is four fifths of its time.
    """
    book = item.stash[NOTEBOOK] = Notebook(lens)
    item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - what pytest's own protocol does first
    item.stash[tmppath_result_key] = {"call": True}  # which pytest sets when it reports, and `tmp_path` asks for
    parent: Any = item.parent  # torn down to here: pytest takes any node for the one that comes next
    hooks = item.ihook
    with _without_reports(item) as failures:
        calls = [pytest.CallInfo.from_call(lambda: hooks.pytest_runtest_setup(item=item), "setup")]
        if calls[0].excinfo is None:
            calls.append(pytest.CallInfo.from_call(lambda: hooks.pytest_runtest_call(item=item), "call"))
        calls.append(
            pytest.CallInfo.from_call(lambda: hooks.pytest_runtest_teardown(item=item, nextitem=parent), "teardown")
        )
    item._request = False  # type: ignore[attr-defined]  # noqa: SLF001 - and last
    item.funcargs = None  # type: ignore[attr-defined]
    failures += _soft_failures()
    for call in calls:
        if call.excinfo is not None:
            return shown(of_failure(call.excinfo.value)[1])
    return shown(failures[0]) if failures else objection_to(book)


def _soft_failures() -> list[str]:
    """What pytest-check keeps until it reports: taken away, or the next gate would have it."""
    log = sys.modules.get("pytest_check.check_log")
    if log is None or not log.any_failures():
        return []
    found = [str(one) for one in log.get_failures()]
    log.clear_failures()
    return found[:1] or ["a check failed"]


@contextlib.contextmanager
def _without_reports(item: pytest.Item) -> Iterator[list[str]]:
    """Keeps what a gate reports by itself, such as its subtests, from all that listens; gives the failures among it."""
    failures: list[str] = []

    def keep(report: pytest.TestReport) -> None:
        if report.failed:
            failures.append((str(report.longrepr).strip().splitlines() or ["a part of it failed"])[-1])

    counted = _failed_subtests(item)
    before = counted.get(item.nodeid, 0)
    relays: list[Any] = list({id(one): one for one in (item.ihook, item.config.hook)}.values())
    callers = [vars(relay).get(_REPORTING) for relay in relays]
    for relay in relays:
        setattr(relay, _REPORTING, keep)  # for the moment of one run
    try:
        yield failures
    finally:
        for relay, caller in zip(relays, callers, strict=True):
            if caller is None:
                delattr(relay, _REPORTING)
            else:
                setattr(relay, _REPORTING, caller)
        if item.nodeid in counted:
            counted[item.nodeid] = before


def _failed_subtests(item: pytest.Item) -> dict[str, int]:
    """How pytest counts the subtests that failed; it is not to know of those in a proof."""
    try:
        from _pytest.subtests import failed_subtests_key
    except ImportError:  # before pytest 9
        return {}
    key: Any = failed_subtests_key
    found: dict[str, int] = item.config.stash.get(key, {})
    return found


def objection_to(book: Notebook) -> str:
    """Why a gate that reported only success would not pass in a session that decides, as far as its run shows."""
    found = success.objection(book.record(), None, evidence_required=False)
    return shown(found[1]) if found else ""


def body_not_entered(item: pytest.Item, book: Notebook, written: Callable[[str], Written | None]) -> str:
    """
    That a gate passed without its body, which a decorator, a hook or another plugin has replaced; else "".

    *written* gives what the sources say of a node id. Of a function that is made while its module is imported, they
    say nothing, and no more can be said here.
    """
    names = {getattr(item, "originalname", None) or item.name.partition("[")[0]}
    names.add(getattr(getattr(item, "obj", None), "__name__", ""))
    if names & book.tally.entered or written(item.nodeid.partition("[")[0]) is None:
        return ""
    return "its body was never entered: something ran in its place"


def shown(sentence: str) -> str:
    """A sentence as it is in a proof: of one line, and not too long."""
    return legible(sentence or "it did not pass")[:_LONGEST]


def _with_clock_moved(item: pytest.Item) -> Iterator[Attempt]:
    """A gate that asks the clock itself is asked in four hundred days."""
    with contextlib.suppress(OSError, TypeError):
        source = inspect.getsource(getattr(item, "obj", None))  # type: ignore[arg-type] # a TypeError is suppressed
        if not _ASKS_THE_CLOCK.search(source):
            return
        try:
            from freezegun import freeze_time
        except ImportError:
            yield Attempt("clock moved", "its own clock", "", killed=False, said="freezegun is not installed")
            return
        with _event_loops_by_the_real_clock(), freeze_time(datetime.now(UTC) + _FAR, tick=True):
            message = attempt(item, Watching())
        yield Attempt("clock moved", "its own clock", "", killed=bool(message), said=message)


@contextlib.contextmanager
def _event_loops_by_the_real_clock() -> Iterator[None]:
    """A timer that the event loop of another thread sets meanwhile would go off in four hundred days."""
    from asyncio import BaseEventLoop

    before, real = BaseEventLoop.time, time.monotonic

    def real_time(self: BaseEventLoop) -> float:  # noqa: ARG001 - a method
        return real()

    BaseEventLoop.time = real_time  # type: ignore[method-assign] # until the block ends
    try:
        yield
    finally:
        BaseEventLoop.time = before  # type: ignore[method-assign] # as it was
