"""
The signature of a replay: a SHA-256 chain over the RFC 8785 form of every state.

A link is the digest of the link before and of one state, so that a change anywhere
changes every link after it, and the last link speaks for all of them.

`canonical_line` has a quick lane for what msgspec writes byte for byte as RFC 8785 wants it
(floats that are zero or between 1e-5 and 2**53, integers below 2**53, no characters beyond
U+FFFF) and hands everything else to the rfc8785 library. A test holds the two equal.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any, Final, NoReturn

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven

START: Final = bytes(32)  # what the first link follows
_EXACT: Final = 2.0**53
# Every digit becomes 0 and everything else a blank: sixteen zeros in a row are a number, or a
# text, that may be an integer beyond 2**53. Searching for that costs a tenth of the regular expression.
_DIGITS: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_MANY: Final = b"0" * 16
_LONG_INTEGER: Final = re.compile(rb"(?<![\d.])\d{16}")
_BEYOND_BMP: Final = re.compile(rb"[\xf0-\xf4]")


class _Slow(Exception):
    """A number that only the library writes as RFC 8785 wants it."""


def _number(text: str) -> float:
    value = float(text)
    if -_EXACT < value < _EXACT:
        if value.is_integer():
            return int(value)
        if value >= 1e-5 or value <= -1e-5:
            return value
    raise _Slow


_DECODE: Final = msgspec.json.Decoder(float_hook=_number).decode
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode


def canonical_line(line: bytes) -> bytes:
    """
    The RFC 8785 form of the JSON value on *line*.

    Raises:
        Unproven: where it is no JSON, or has no such form: NaN, infinities, integers beyond
            2**53, lone surrogates.
    """
    try:
        found = _ENCODE(_DECODE(line))
    except _Slow:
        return _library(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        if isinstance(problem.__context__, _Slow):
            return _library(line)
        raise Unproven(f"a state is not JSON: {problem}") from None
    except RecursionError:
        raise Unproven("a state is nested too deeply to read") from None
    if _MANY in found.translate(_DIGITS) and _LONG_INTEGER.search(found):
        return _library(line)
    if not found.isascii() and _BEYOND_BMP.search(found):
        return _library(line)
    return found


def canonical_state(value: Any) -> bytes:
    """
    The RFC 8785 form of a state as a replayer gives it; what JSON lacks (Decimal, datetime, UUID) as text.

    Raises:
        Unproven: as `canonical_line`, and for what is no value at all.
    """
    try:
        found = _ENCODE(value)
        # msgspec writes NaN and infinities as null: where a null stands, the library has to say which it was.
        if b"null" in found:
            return canonical(msgspec.to_builtins(value, str_keys=True))
        return canonical_line(found)
    except (TypeError, ValueError, msgspec.MsgspecError) as problem:
        raise Unproven(f"a state has no RFC 8785 form: {problem}") from None
    except RecursionError:
        raise Unproven("a state is nested too deeply, or contains itself") from None


def _library(line: bytes) -> bytes:
    try:
        return canonical(json.loads(line, parse_constant=_constant))
    except (ValueError, RecursionError) as problem:
        raise Unproven(f"a state has no RFC 8785 form: {problem}") from None


def _constant(name: str) -> NoReturn:
    raise ValueError(f"found {name}, which is not a number")


class Chain:
    """Takes canonical states one after the other; `hexdigest` is the signature of all so far."""

    __slots__ = ("count", "link")

    def __init__(self) -> None:
        self.count = 0
        self.link = START

    def add(self, state: bytes) -> None:
        """Appends one canonical state."""
        self.link = sha256(self.link + state).digest()
        self.count += 1

    @property
    def hexdigest(self) -> str:
        """The last link, in hex."""
        return self.link.hex()
