"""JSON texts made from a seed, good ones and bad ones, on which two runtimes have to agree."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.suites.deployment.determinism.node import Question

_KEYS: Final = (
    "a",
    "b",
    "10",
    "9",
    "__proto__",
    "constructor",
    "",
    "é",
    "e\u0301",
    "\U0001f600",
    "\ufb33",
    "€",
    "\x7f",
    'q"',
)
_LETTERS: Final = (
    "a",
    "Z",
    " ",
    '"',
    "\\",
    "/",
    "\n",
    "\x00",
    "\x1f",
    "\x7f",
    "é",
    "\u2028",
    "\ufeff",
    "€",
    "\U0001f600",
)
# What is wrong with a text, each of which both sides have to refuse.
_BROKEN: Final = (
    '{"a":1,"a":1}',
    '{"a":{"b":1,"b":2}}',
    "[NaN]",
    "[Infinity]",
    "[1e400]",
    "[-1e400]",
    "[9007199254740992]",
    "[-9007199254740993]",
    "[10000000000000000000000000]",
    '["\\ud800"]',
    '["\\udc00\\ud800"]',
    '{"\\ud83d":1}',
    "[1,]",
    "[01]",
    "[1.]",
    "[.5]",
    "[+1]",
    "['a']",
    '["\t"]',
    "[1] 2",
    "tru",
    "",
    "\ufeff1",
    "[" * 201 + "]" * 201,
    "[" * 50_000,
)


def questions(count: int, seed: int) -> Iterator[Question]:
    """
    *count* texts as bytes, the same for the same *seed*: values of every kind, written in ways that mean the same, and
    among them broken ones.
    """
    random_ = random.Random(seed)  # noqa: S311 - to be had again, not to be unguessable
    for number in range(count):
        broken = number % 8 == 7
        text = _BROKEN[(number // 8) % len(_BROKEN)] if broken else _written(_value(random_, 4), random_)
        yield Question(f"value {number} of seed {seed}", "canonical", text.encode("utf-8"))


def _value(random_: random.Random, depth: int) -> Any:
    kind = random_.randrange(8 if depth else 6)
    if kind <= 1:
        return _number(random_)
    if kind <= 3:
        return "".join(random_.choices(_LETTERS, k=random_.randrange(6)))
    if kind <= 5:
        return random_.choice((None, True, False))
    if kind == 6:
        return [_value(random_, depth - 1) for _ in range(random_.randrange(4))]
    keys = random_.sample(_KEYS, random_.randrange(5))
    return {key: _value(random_, depth - 1) for key in keys}


def _number(random_: random.Random) -> float:
    """Any finite double, also the rare ones: most of their bit patterns are enormous or tiny."""
    kind = random_.randrange(4)
    if kind == 0:
        return random_.randint(-(2**53) + 1, 2**53 - 1)
    if kind == 1:
        return random_.randint(-1000, 1000) / random_.choice((1, 4, 10, 100, 1000))
    if kind == 2:
        return random_.uniform(1, 10) * 10.0 ** random_.randint(-8, 22)
    found = math.nan
    while not math.isfinite(found):
        (found,) = struct.unpack("<d", random_.randbytes(8))
    return found


def _written(value: Any, random_: random.Random) -> str:
    """*value* as JSON, with spaces and escapes or without: the canonical form must not depend on them."""
    spaced = random_.random() < 0.5
    return json.dumps(value, ensure_ascii=random_.random() < 0.5, indent=1 if spaced else None)
