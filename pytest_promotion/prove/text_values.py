"""
Sabotage of values that a gate reads by itself: of text that it parses, of bytes, of what a program printed.

What the gate does with a text is not seen. So every value in it is changed first, many at once: a value that makes a
difference when it is another one is a value that the gate judges, and then it has to notice NaN and, for a boolean, a
text in its place as well. Many fields of other tools' formats are optional: one that is missing is no mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pytest_promotion.prove.forms import Form, number_of
from pytest_promotion.prove.limits import BEYOND, NO_NUMBERS, Numbers, beyond_sentence, numbers_among, passed_beyond
from pytest_promotion.prove.observations import Place
from pytest_promotion.prove.one_more import ONE_MORE, missed
from pytest_promotion.prove.values import changed, chosen, dotted, far, wrong_values

ANOTHER: Final = "another value"  # the kind of an attempt that shows that a value is judged
NO_VALUE: Final = "with any other values in it"
_ALONE: Final = 24  # values that are tried one by one where all at once make no difference: two may be held equal
_MOST: Final = 2000  # values of a document that are tried
_FORMS: Final = 3  # of another value: far below, zero, far above
_UNTYPED: Final = ("NaN", "status flipped", "status qualified", "digest mismatch")
_TYPED: Final = (*_UNTYPED, "boolean as text")


class Found(NamedTuple):
    """A sabotage in which the value at *field* is wrong, and whether the gate noticed it."""

    kind: str
    field: str
    message: str
    detail: str = ""  # of what it did not notice


def tried(
    form: Form,
    known: Mapping[Place, Any],
    notices: Callable[[bytes], str],
    words: Sequence[str] = (),
    numbers: Numbers = NO_NUMBERS,
) -> Iterator[Found]:
    """
    What the gate notices of the values in *form*.

    Where no value in it makes a difference, one attempt of the kind `NO_VALUE` says so. A gate may ask no more of a
    text without a form than that it is there; but if it looks for what must not be in it, any other text would do.

    Args:
        known: the places whose values were seen to be read, which are sabotaged elsewhere.
        notices: runs the gate on other content; its message, or "" where it passed.
        words: the texts in the source of the gate, among which is what it looks for.
        numbers: those that it has, among which are its limits.
    """
    document = form.document
    leaves = dict(list(_leaves(document))[:_MOST])
    places = [place for place, _ in chosen(leaves) if place not in known]
    if not places:
        return
    trial = _Trial(form, leaves, notices)
    numbers = Numbers(numbers.limits, (*numbers.read, *numbers_among(leaves.values())))
    judged = list(trial.judged(places)) or list(trial.judged_alone(places))
    if not judged and (form.typed or (form.prose and _looks_for(document, words, notices))):
        yield Found(NO_VALUE, "", "")
    for place, message in judged:
        yield Found(ANOTHER, dotted(place), message)
        yield from trial.wrong(place)
        yield from trial.beyond(place, numbers)
    if form.typed:
        yield from trial.one_more({place: leaves[place] for place, _ in judged})


def _looks_for(document: Mapping[str, Any], words: Sequence[str], notices: Callable[[bytes], str]) -> bool:
    """Whether the gate notices one of *words* in a text that has the rest of *document* as well."""
    return bool(notices("\n".join((*map(str, document.values()), *words)).encode()))


class _Trial:
    """The gate, run on documents that differ from the honest one."""

    def __init__(self, form: Form, leaves: Mapping[Place, Any], notices: Callable[[bytes], str]) -> None:
        self._form = form
        self._leaves = leaves
        self._notices = notices

    def notices(self, values: Mapping[Place, Any]) -> str:
        document = copy.deepcopy(self._form.document)
        for place, value in values.items():
            document = changed(document, place, value)
        return self._notices(self._form.write(document))

    def judged(self, places: Sequence[Place]) -> Iterator[tuple[Place, str]]:
        """Those of *places* of which another value is noticed: all at once, then by halves."""
        others = {place: _others(self._value(place)) for place in places}
        message = ""
        for number in range(_FORMS):
            values = {place: several[number] for place, several in others.items() if number < len(several)}
            message = message or (self.notices(values) if values else "")
        if not message:
            return
        if len(places) == 1:
            yield places[0], message
            return
        half = len(places) // 2
        yield from self.judged(places[:half])
        yield from self.judged(places[half:])

    def judged_alone(self, places: Sequence[Place]) -> Iterator[tuple[Place, str]]:
        """The same of the first few, one by one: of two that have to be equal, changing both makes no difference."""
        for place in places[:_ALONE] if len(places) > 1 else ():
            yield from self.judged([place])

    def wrong(self, place: Place) -> Iterator[Found]:
        kinds = _TYPED if self._form.typed else _UNTYPED
        for kind, values in wrong_values(self._value(place)):
            if kind not in kinds:
                continue
            message = ""
            for value in values:
                message = message or self.notices({place: value if self._form.typed else str(value)})
            yield Found(kind, dotted(place), message)

    def beyond(self, place: Place, numbers: Numbers) -> Iterator[Found]:
        """That a number there passes beyond its limit, since it is rounded."""
        value = self._value(place)
        if type(value) is float:
            write = (lambda number: number) if self._form.typed else repr
            for number, limit in passed_beyond(value, numbers, lambda one: not self.notices({place: write(one)})):
                yield Found(BEYOND, dotted(place), "", beyond_sentence(number, limit))

    def one_more(self, judged: Mapping[Place, Any]) -> Iterator[Found]:
        """That what it notices in the first element of a list is noticed in one more as well."""
        for field, message in missed(self._form.document, judged, lambda one: self._notices(self._form.write(one))):
            yield Found(ONE_MORE, field, message)

    def _value(self, place: Place) -> Any:
        value = self._leaves[place]
        number = number_of(value) if isinstance(value, str) and not self._form.typed else None
        return value if number is None else number


def _others(value: Any) -> tuple[Any, ...]:
    """Values of the same type that a judgement of *value* does not let through."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, (int, float)):
        return far(value)[:_FORMS]
    if value is None:
        return ("another text",)
    return (f"not {value}",)


def _leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, (*place, number))
    elif place:
        yield place, value
