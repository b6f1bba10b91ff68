"""
Strict readers for the texts that services write: JSON, JSON lines, CSV, YAML.

The usual readers are lenient where a gate cannot afford it: NaN becomes a number that
passes every comparison, the last of two equal keys wins, half a row is a shorter row. Here
each of these is refused with what was found and where.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import IO, Any, Final, NoReturn

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, named
from pytest_promotion.evidence.nesting import refuse_bombs
from pytest_promotion.evidence.no_numbers import place_of_no_number
from pytest_promotion.gc_pause import LARGE, Paused

__all__ = ["Fields", "a_list", "an_object", "csv_rows", "decode", "json_rows", "named", "parse_json", "parse_yaml"]

_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")  # of a surrogate pair; a whole pair begins so too


class Fields(dict[str, Any]):
    """A JSON object or a row that says which field it lacks, instead of raising a bare `KeyError`."""

    __slots__ = ("origin",)

    origin: str

    def __missing__(self, key: str) -> NoReturn:
        known = ", ".join(list(self)[:8]) or "no fields"
        raise Unproven(f"{getattr(self, 'origin', 'the evidence')} has no field {key!r} there (it has: {known})")


class _Refused(ValueError):
    pass


class _NoNumber(_Refused):
    pass


def decode(content: bytes, origin: str) -> str:
    """The text of UTF-8 bytes. Raises `Unproven` for other encodings, byte order marks and emptiness."""
    if not content.strip():
        raise Unproven(f"{origin} is empty")
    if content.startswith(b"\xef\xbb\xbf"):
        raise Unproven(f"{origin} starts with a byte order mark; expected plain UTF-8")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unproven(f"{origin} is UTF-16; expected UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Unproven(f"{origin} is not UTF-8: byte {problem.start} is 0x{content[problem.start]:02x}") from None


def parse_json(content: bytes, origin: str) -> Any:
    """
    The JSON value in *content*, objects as `Fields`.

    Raises:
        Unproven: for what is not JSON, and for what `json` would let through: NaN,
            infinities (also as `1e999`, and as an integer), duplicate keys, half of a surrogate pair, which can
            neither be printed nor written.
    """
    text = decode(content, origin)
    with Paused() if len(content) >= LARGE else nullcontext():
        return _reader()(text, origin)


def _reader() -> Callable[[str, str], Any]:
    """A function from a text and its origin to the JSON value; making one costs as much as reading a row with it."""
    here = ""

    def fields(pairs: list[tuple[str, Any]]) -> Fields:
        found = Fields(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise _Refused(f"the key {twice!r} stands twice in one object")
        found.origin = here
        return found

    decoder = json.JSONDecoder(
        object_pairs_hook=fields, parse_constant=_constant, parse_float=_finite, parse_int=_whole_number
    )

    def read(text: str, origin: str) -> Any:
        nonlocal here
        here = origin
        try:
            found = decoder.decode(text)
            if "\\u" in text and _HALF.search(text):
                _refuse_halves(found, "$")
        except json.JSONDecodeError as problem:
            where = f"line {problem.lineno}, column {problem.colno}"
            raise Unproven(f"{origin} is not JSON: {problem.msg.lower()} at {where}") from None
        except RecursionError:
            raise Unproven(f"{origin} is nested too deeply to read") from None
        except _NoNumber as problem:
            place = place_of_no_number(text)
            raise Unproven(f"{origin}: {problem}{place and f', in {place}'}") from None
        except _Refused as problem:
            raise Unproven(f"{origin}: {problem}") from None
        return found

    return read


def _constant(name: str) -> NoReturn:
    raise _NoNumber(f"found {name}, which is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NoNumber(f"found {text if len(text) <= 40 else text[:39] + '…'}, which is too large to be a number")
    return value


def _whole_number(text: str) -> int:
    if len(text) > 308:  # it may be beyond the largest float, with which it would be compared sooner or later
        _finite(text)
    return int(text)


def _refuse_halves(value: Any, place: str) -> None:
    """Raises `_Refused` where a text in *value*, which stands at *place*, has half of a surrogate pair."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise _Refused(f"{place} has half of a surrogate pair")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_halves(key, f"{place} key {key!a}")
            _refuse_halves(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_halves(item, f"{place}[{number}]")


def parse_yaml(content: bytes, origin: str) -> Any:
    """
    The YAML value in *content*, merge keys and anchors resolved, mappings as `Fields`.

    Raises:
        Unproven: with the line; also for duplicate keys, keys that are lists or mappings, infinities and NaN, values
            that do not fit their tag, and kinds of which JSON has none, such as `!!binary`.
    """
    import yaml  # 9 ms, needed by few gates

    from pytest_promotion.evidence.yaml_values import strict_loader, what_is_wrong

    def fields() -> Fields:
        made = Fields()
        made.origin = origin
        return made

    text = decode(content, origin)
    try:
        refuse_bombs(text, origin)
        found = strict_loader()(text, fields).get_single_data()
        if "\\u" in text or "\\U" in text:
            _refuse_halves(found, "$")
    except yaml.YAMLError as problem:
        line, problem_text = what_is_wrong(problem)
        where = f" at line {line}" if line else ""
        raise Unproven(f"{origin} is not YAML: {problem_text}{where}") from None
    except (_Refused, RecursionError) as problem:
        raise Unproven(f"{origin}: {problem}") from None
    return found


def json_rows(lines: IO[bytes], origin: str) -> Iterator[Fields]:
    """The objects of a JSON-lines file, one at a time. Raises `Unproven` with the number of a bad line."""
    count = 0
    read = _reader()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{origin} line {number}"
        if not line.endswith(b"\n") and not _whole(line):
            raise Unproven(f"{place} is half written")
        row = read(decode(line, place), place)
        if not isinstance(row, Fields):
            raise Unproven(f"{place} is {named(row)}, not an object")
        count += 1
        yield row
    if not count:
        raise Unproven(f"{origin} has no rows")


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def csv_rows(lines: IO[bytes], origin: str) -> Iterator[Fields]:
    """
    The rows of a CSV file with a header, one at a time, all cells as text.

    Raises:
        Unproven: for a row with more or fewer cells than the header, a header that names a
            column twice, and a last row without its line end, which may be cut.
    """
    tail = _Tail(lines)
    text = io.TextIOWrapper(io.BufferedReader(tail), encoding="utf-8", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = _header(next(reader, None), origin)
        held: Fields | None = None  # one row behind, so that the last one is known to be whole
        for cells in filter(None, reader):
            place = f"{origin} line {reader.line_num}"
            if len(cells) != len(header):
                cut = " (half written?)" if len(cells) < len(header) else ""
                raise Unproven(f"{place} has {len(cells)} cells, the header {len(header)}{cut}")
            if held is not None:
                yield held
            held = Fields(zip(header, cells, strict=True))
            held.origin = place
    except csv.Error as problem:
        raise Unproven(f"{origin} is not CSV: {problem} at line {reader.line_num}") from None
    except UnicodeDecodeError as problem:
        raise Unproven(f"{origin} is not UTF-8: {problem.reason}") from None
    if held is None:
        raise Unproven(f"{origin} has no rows")
    if not tail.ended:
        raise Unproven(f"{origin} does not end with a line end: its last row may be half written")
    yield held


def _header(cells: list[str] | None, origin: str) -> list[str]:
    if not cells:
        raise Unproven(f"{origin} is empty")
    if cells[0].startswith("\ufeff"):
        raise Unproven(f"{origin} starts with a byte order mark; expected plain UTF-8")
    if len(set(cells)) != len(cells):
        raise Unproven(f"{origin} names a column twice in its header")
    return cells


class _Tail(io.RawIOBase):
    """Passes bytes on and remembers whether the last one was a line end."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._source.read(len(buffer))
        if part:
            self.ended = part.endswith(b"\n")
        buffer[: len(part)] = part
        return len(part)
