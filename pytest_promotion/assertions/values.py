"""What speaks against a value or a comparison in a gate: each function gives the problem in words, or ""."""

from __future__ import annotations

import inspect
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from concurrent.futures import Future
from datetime import timedelta
from decimal import Decimal
from numbers import Number
from typing import Any, Final

from pytest_promotion.clock import FUTURE_SKEW

_FALSE_WORDS: Final = frozenset(
    (
        *("0", "error", "fail", "failed", "failure", "false", "inconclusive", "n/a", "nan", "no", "none", "null"),
        *("off", "pending", "skipped", "unknown"),
    )
)
_RANKS: Final = frozenset(
    (
        "critical",
        "error",
        "high",
        "info",
        "low",
        "major",
        "medium",
        "minor",
        "moderate",
        "negligible",
        "note",
        "warning",
    )
)
_VERDICTS: Final = ("ok", "passed", "valid", "success", "succeeded", "successful", "healthy", "approved")
_WORD: Final = re.compile(r"[A-Za-z]+")
_NO_WORDS: Final = re.compile(r"\\.|\[[^]]*\]|\(\?[a-z]+[:)]")  # escapes, sets and flags in a regular expression
_DAY_FIRST: Final = re.compile(r"\b\d\d?[/.]\d\d?[/.]\d{4}\b")  # a date that begins with what counts least
_DIGIT: Final = re.compile(r"\d")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_QUALIFIED: Final = (
    r"[a-z]*[\s_-]*(?:with(?!out)|but)[\s_-]*(?!(?:0|no|zero)\b)(?:\w+[\s_-]+)?(?:error|failure|issue|problem)s?"
)
_NEGATED: Final = r"(?:\b(?:no|not|non|never|without|isn't|wasn't)[\s_-]*|[a-z0-9])"


def truth(value: Any) -> str:
    """Why the truth of *value* says nothing about the candidate."""
    if inspect.isawaitable(value) or inspect.isasyncgen(value) or inspect.isgenerator(value):
        return "asserts something that was not awaited or run"
    if callable(value):
        name = getattr(value, "__name__", type(value).__name__)
        return f"asserts {name} itself, which is always true: it is not called"
    if isinstance(value, str) and is_false_word(value):
        return f"asserts the text {value!r}, which is true as every text is"
    if is_nan(value):
        return "asserts NaN, which is true"
    if hasattr(type(value), "__next__"):
        return "asserts an iterator, which is true whatever is in it"
    if type(value).__module__ == "xml.etree.ElementTree":
        return "asserts an XML element, which is true or false by its number of children"
    return _holds_false(value)


def _holds_false(value: Any) -> str:
    """Of what a gate has put together itself: looking into evidence would count as reading it."""
    kind = type(value).__name__
    if type(value) is dict:
        members = list(value.values())
        named = [key for key in _VERDICTS if value.get(key) is False]
        if named:
            return f"asserts a {kind} in which {named[0]} is False; it is true as it is not empty"
        only_answers = bool(members) and all(isinstance(one, bool) for one in members)
        false = only_answers and False in members
    elif type(value) in (tuple, list):
        false = any(one is False for one in value)
    elif hasattr(type(value), "__bool__") or hasattr(type(value), "__len__"):
        return ""
    else:
        named = [name for name in _VERDICTS if getattr(value, name, None) is False]
        return f"asserts a {kind} whose {named[0]} is False; it is true as every {kind} is" if named else ""
    return f"asserts a {kind} with False in it, which is true as it is not empty" if false else ""


def elements(values: Any) -> str:
    """Why `all` or `any` of *values* says nothing: their elements are always true."""
    if isinstance(values, Mapping):
        return "looks at the keys of a mapping, not at its values" if values else ""
    if not isinstance(values, (list, tuple, set, frozenset)):
        return ""
    problems = (truth(one) for one in values if type(one) not in (bool, int, float, str) or isinstance(one, str))
    return next((problem.replace("asserts ", "takes for true ") for problem in problems if problem), "")


def order(left: Any, right: Any, holds: Callable[[Any, Any], Any], result: Any) -> str:
    """Why the order of two values says nothing; *holds* is the operator and *result* what it gave."""
    if has_nan(left) or has_nan(right):
        return "compares NaN"
    if isinstance(left, str) and isinstance(right, str):
        return _text_order(left, right)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        pair = next(((a, b) for a, b in zip(left, right, strict=False) if a != b), (None, None))
        return _text_order(*pair) if isinstance(pair[0], str) and isinstance(pair[1], str) else ""
    if isinstance(left, bool) is not isinstance(right, bool) and isinstance(left, Number) and isinstance(right, Number):
        return f"compares {left!r} with {right!r}: a truth value is no number"
    if is_narrow(left) or is_narrow(right):
        exact = holds(_exact(left), _exact(right)) != result
        if bool(exact.any() if hasattr(exact, "any") else exact):
            return "compares in a type that is too narrow for its numbers"
    return ""


def ranking(values: Sequence[Any]) -> str:
    """Why the first and the last of *values* in their order say nothing."""
    texts = [one for one in values if isinstance(one, (str, list, tuple))]
    if len({_shape(one) if isinstance(one, str) else id(one) for one in texts}) == 1:
        return ""
    return next(filter(None, (order(texts[0], one, operator.lt, None) for one in texts[1:])), "")


def _shape(text: str) -> str:
    """*text* without its digits: names of one shape, such as those with a time, are in the order of their numbers."""
    return text if _DAY_FIRST.search(text) else _DIGIT.sub("0", text)


def match(found: Any) -> str:
    """Why what `re.search` found says too little: a word of the pattern as part of another word, or negated."""
    if not isinstance(found, re.Match):
        return ""
    word, pattern = found.group(0), found.re.pattern
    if isinstance(word, str) and word and (problem := beginning(found.string[found.start() :], word)):
        return problem
    if not isinstance(word, str) or word.lower() not in _WORD.findall(_NO_WORDS.sub(" ", pattern.lower())):
        return ""
    return membership(word, found.string)


def _text_order(left: str, right: str) -> str:
    """Texts are in the order of what they name where both are dates by ISO 8601, or neither has a number in it."""
    if _DAY.match(left) and _DAY.match(right):
        return ""
    if not any(one.isdigit() for one in left + right):
        ranks = {left.lower(), right.lower()} <= _RANKS and left.lower() != right.lower()
        return f"compares the texts {left!r} and {right!r}, not the ranks that they name" if ranks else ""
    return f"compares the texts {left!r} and {right!r}, not the numbers, versions or dates that they name"


def equality(left: Any, right: Any, *, counts: bool) -> str:
    """Why the equality of two values that are both read from evidence says nothing; *counts*: 0 of 0 is nothing."""
    for value in (left, right):
        if not (value is None or (isinstance(value, Sized) and is_empty(value))):
            break
    else:
        return f"judged nothing: it compares {shown(left)} with {shown(right)}"
    if counts and _is_zero(left) and _is_zero(right):
        return "judged nothing: it compares 0 with 0, both of which were read"
    return ""


def collections_of(arguments: Iterable[Any]) -> list[Any]:
    """Those of *arguments* that are collections."""
    return [one for one in arguments if isinstance(one, Sized) and not isinstance(one, (str, bytes))]


def membership(needle: Any, text: Any) -> str:
    """Why `needle in text` says nothing: an empty text is in every text, and `pass` is in `not passed`."""
    if not (isinstance(needle, str) and isinstance(text, str)):
        return ""
    if not needle:
        return "looks for an empty text, which is in every text"
    low, word = text.lower(), needle.lower()
    if word.strip() and word[0].isalnum() and word in low:
        if re.search(re.escape(word) + _QUALIFIED, low):
            return f"looks for {needle!r}, which is there with errors: {shown(text)}"
        free = low.count(word) - len(re.findall(_NEGATED + re.escape(word), low))
        if free <= 0:
            return f"looks for {needle!r}, which is there as part of another word or negated: {shown(text)}"
    return ""


def beginning(text: Any, start: Any) -> str:
    """Why `text.startswith(start)` says too little: `passed_with_errors` begins with `pass`."""
    if not (isinstance(text, str) and isinstance(start, str) and _WORD.fullmatch(start)):
        return ""
    if re.match(re.escape(start.lower()) + _QUALIFIED, text.lower()):
        return f"asks whether it begins with {start!r}, and it is {shown(text)}"
    return ""


def within(part: Any, words: Any) -> str:
    """Why `part in "passed"` says too little: its letters are in it as well."""
    if isinstance(part, str) and isinstance(words, str) and part != words and part in words:
        return f"looks whether {part!r} is a part of the text {words!r}; compare the whole word, by == or in a tuple"
    return ""


def unused(value: Any) -> str:
    """Why a call whose value is not looked at says nothing."""
    if inspect.iscoroutine(value) or inspect.isasyncgen(value) or inspect.isgenerator(value):
        return "calls a function that was not awaited or run"
    kind = type(value)  # a mock has every attribute, and its class does not
    if isinstance(value, Future) or (hasattr(kind, "add_done_callback") and hasattr(kind, "result")):
        return "starts what it does not ask for its result"
    if value is False:
        return "does not look at what its call answers, which is False"
    code = getattr(value, "returncode", None)
    if isinstance(code, int) and code:
        return f"runs a program that ended with {code}, and does not look at it"
    return ""


def missing(values: Any) -> int:
    """How many values of an array, a column or a table are missing."""
    values = getattr(values, "obj", values)  # of groups
    try:
        if hasattr(values, "isna"):
            return int(values.isna().to_numpy().sum())
        if hasattr(values, "null_count") and callable(values.null_count):
            return int(values.null_count())
        if getattr(getattr(values, "dtype", None), "kind", "") == "f":
            return int((values != values).sum())  # noqa: PLR0124 - what NaN is
    except (TypeError, AttributeError, ValueError):
        return 0
    return 0


def from_the_future(age: Any) -> bool:
    """Whether an age, a length of time or a number of seconds, is less than zero by more than clocks differ."""
    if isinstance(age, timedelta):
        return age < -FUTURE_SKEW
    return isinstance(age, (int, float)) and age < -FUTURE_SKEW.total_seconds()


def is_false_word(text: str) -> bool:
    """Whether *text* says no."""
    return text.strip().lower() in _FALSE_WORDS


def is_favourable(value: Any) -> bool:
    """Whether *value* stands in for evidence."""
    return isinstance(value, (bool, int, float, str)) and bool(value)


def is_nan(value: Any) -> bool:
    """Whether *value* is one number that is NaN."""
    return isinstance(value, (float, Decimal)) and bool(value != value)  # noqa: PLR0124 - what NaN is


def has_nan(value: Any) -> bool:
    """Whether *value* is NaN, infinity as some trackers store it, or an array or column with NaN in it."""
    if isinstance(value, float):
        return value != value or abs(value) == sys.float_info.max  # noqa: PLR0124 - see above
    if isinstance(value, (int, str)) or not hasattr(value, "dtype"):
        return False
    try:
        return bool((value != value).any())  # noqa: PLR0124 - an array or a column
    except (TypeError, AttributeError, ValueError):
        return False


def is_infinite(value: Any) -> bool:
    """Whether *value* is a number without an end."""
    return isinstance(value, float) and math.isinf(value)


def is_narrow(value: Any) -> bool:
    """Whether *value* is of a type of NumPy that has fewer digits than the numbers of Python."""
    dtype = getattr(value, "dtype", None)
    if getattr(value, "ndim", 0) and getattr(dtype, "kind", "") != "f":
        return False
    return dtype is not None and getattr(dtype, "itemsize", 8) < 8


def is_empty(value: Any) -> bool:
    """Whether a collection has no elements."""
    size = getattr(value, "size", None)
    return size == 0 if isinstance(size, int) else len(value) == 0


def shown(value: Any) -> str:
    """*value* in a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0


def _exact(value: Any) -> Any:
    if not is_narrow(value):
        return value
    return value.astype("float64") if value.ndim else value.item()
