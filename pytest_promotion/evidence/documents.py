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
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import IO, Any, NoReturn

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.nesting import refuse_bombs
from pytest_promotion.gc_pause import LARGE, Paused


class Fields(dict[str, Any]):
    """A JSON object or a row that says which field it lacks, instead of raising a bare `KeyError`."""

    __slots__ = ("origin",)

    origin: str

    def __missing__(self, key: str) -> NoReturn:
        known = ", ".join(list(self)[:8]) or "no fields"
        raise Unproven(f"{getattr(self, 'origin', 'the evidence')} has no field {key!r} there (it has: {known})")


class _Refused(ValueError):
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
            infinities (also as `1e999`), duplicate keys.
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

    decoder = json.JSONDecoder(object_pairs_hook=fields, parse_constant=_constant, parse_float=_finite)

    def read(text: str, origin: str) -> Any:
        nonlocal here
        here = origin
        try:
            return decoder.decode(text)
        except json.JSONDecodeError as problem:
            where = f"line {problem.lineno}, column {problem.colno}"
            raise Unproven(f"{origin} is not JSON: {problem.msg.lower()} at {where}") from None
        except RecursionError:
            raise Unproven(f"{origin} is nested too deeply to read") from None
        except ValueError as problem:  # _Refused, and integers with thousands of digits
            raise Unproven(f"{origin}: {problem}") from None

    return read


def _constant(name: str) -> NoReturn:
    raise _Refused(f"found {name}, which is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused(f"found {text}, which is too large to be a number")
    return value


def parse_yaml(content: bytes, origin: str) -> Any:
    """The YAML value in *content*, merge keys and anchors resolved. Raises `Unproven`; duplicate keys are refused."""
    import yaml  # 9 ms, needed by few gates

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Strict(base):  # type: ignore[misc]  # the base is chosen at run time
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            # Keys that `<<` merged in stand elsewhere in the file; a local key may override those.
            local = [
                key for key, _ in node.value if node.start_mark.index <= key.start_mark.index < node.end_mark.index
            ]
            seen = set()
            for key in local:
                if key.value in seen:
                    raise _Refused(f"the key {key.value!r} stands twice, line {key.start_mark.line + 1}")
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    text = decode(content, origin)
    try:
        refuse_bombs(text, origin)
        found = yaml.load(text, Loader=Strict)  # noqa: S506 - derived from the safe loader
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise Unproven(f"{origin} is not YAML: {getattr(problem, 'problem', None) or problem}{where}") from None
    except (ValueError, RecursionError) as problem:
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
    except ValueError:
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


def named(value: object) -> str:
    """A JSON value's type as a person says it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def an_object(value: Any, place: str) -> dict[str, Any]:
    """*value*, which has to be an object. Raises `Unproven` with the *place*."""
    if not isinstance(value, dict):
        raise Unproven(f"{place} is {named(value)}, expected an object")
    return value


def a_list(value: Any, place: str) -> list[Any]:
    """*value*, which has to be a list. Raises `Unproven` with the *place*."""
    if not isinstance(value, list):
        raise Unproven(f"{place} is {named(value)}, expected a list")
    return value
