"""
What can be wrong with evidence, made to order for what one gate looked at.

Pure: from a gate's honest run to the list of sabotages that it has to notice. A sabotage that cannot
matter to the gate, because it never looked there, is not in the list.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, Clock, iso, parse_moment
from pytest_promotion.model import Freshness, Measurement, Record
from pytest_promotion.prove.observations import Place
from pytest_promotion.prove.observers import Look, Sabotaged

_DAYS: Final = timedelta(days=400)
_PER_SHAPE: Final = 1  # of values whose places differ only in list positions, so many are sabotaged
_GOOD: Final = {
    "pass": "fail",
    "passed": "failed",
    "ok": "error",
    "go": "hold",
    "green": "red",
    "success": "failure",
    "healthy": "unhealthy",
    "completed": "failed",
}
_WORD: Final = re.compile(r"[a-z0-9]+")
_DOCUMENTS: Final = (".json", ".yaml", ".yml")
_ROWS: Final = (".jsonl", ".ndjson", ".csv")
_TIMES: Final = ("ts_utc", "last_update_utc")


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One way in which what a gate reads is made wrong. `field` is where in the file, "" for all of it."""

    kind: str
    path: str
    field: str
    lens: Callable[[], Sabotaged]  # a new one for each run, made outside of the gate


def sabotages(
    looks: Mapping[str, Look], record: Record, passed_over: frozenset[str], now: datetime
) -> Iterator[Sabotage]:
    """
    Everything that the gate with this honest *record* must not pass on.

    Args:
        looks: what it looked at, by path.
        passed_over: files that it only dated, to find a newer one.
        now: when it ran.
    """
    for path, look in sorted(looks.items()):
        if look.reading.content is None or look.how == {"exists"}:
            continue  # too large to be held; or its absence is an answer that the gate asked for
        yield from _whole(path, look, path in passed_over)
        if path in passed_over:
            continue
        yield from _dated(path, look, record)
        if look.document is not None:
            yield from _fields(path, look, record)
        yield from _of_rows(path, look)
        yield from _cut(path, look, record)
    yield from _clocks(record, now)
    for number, run in enumerate(record.commands):
        for fault in ("missing", "failing", "hanging"):
            name = " ".join(run.argv)
            yield Sabotage(f"command {fault}", name, "", lambda n=number, f=fault: Sabotaged(command=n, fault=f))  # type: ignore[misc]


# --- whole files ---


def _whole(path: str, look: Look, passed_over: bool) -> Iterator[Sabotage]:
    suffix = PurePosixPath(path).suffix
    if not passed_over:
        yield Sabotage("missing", path, "", lambda: Sabotaged(path=path, gone=True))
    yield _bytes("empty", path, look, lambda _: b"")
    if "text" in look.how:
        yield _bytes("not UTF-8", path, look, lambda content: b"\xff\xfe\x80" + content)
    if "document" in look.how and suffix in _DOCUMENTS:
        if suffix == ".json":
            yield _bytes("truncated", path, look, lambda content: content[: len(content) // 2])
        yield _bytes("not parsable", path, look, lambda content: b"{]\n" + content)
        yield _bytes("wrong type", path, look, lambda _: b"[]\n")
        yield _bytes("null", path, look, lambda _: b"null\n")
    if look.how & {"rows", "events"} and suffix in _ROWS:
        yield _bytes(
            "no rows", path, look, lambda content: content.split(b"\n", 1)[0] + b"\n" if suffix == ".csv" else b"\n"
        )
        yield _bytes("last row half written", path, look, _half_written)


def _bytes(kind: str, path: str, look: Look, change: Callable[[bytes], bytes], field: str = "") -> Sabotage:
    content = look.reading.content or b""
    return Sabotage(kind, path, field, lambda: Sabotaged(path=path, content=change(content)))


def _half_written(content: bytes) -> bytes:
    last = content.rstrip(b"\n").rsplit(b"\n", 1)[-1]
    return content.rstrip(b"\n")[: -max(1, len(last) // 2)]


# --- time ---


def _dated(path: str, look: Look, record: Record) -> Iterator[Sabotage]:
    """The file's own timestamp, where the gate asked how old it is."""
    for seen in record.freshness:
        if seen.path != path:
            continue
        if seen.source == "mtime":
            old, ahead = look.reading.mtime_ns - _ns(seen.max_age_s + 60), look.reading.mtime_ns + _ns(86_400)
            yield Sabotage("stale", path, "mtime", lambda old=old: Sabotaged(path=path, mtime_ns=old))  # type: ignore[misc]
            yield Sabotage("from the future", path, "mtime", lambda ahead=ahead: Sabotaged(path=path, mtime_ns=ahead))  # type: ignore[misc]
        elif isinstance(look.document, dict) and seen.source in look.document:
            yield from _redated(path, look, seen)
    if not any(seen.path == path for seen in record.freshness):
        yield from _never_asked(path, look)


def _never_asked(path: str, look: Look) -> Iterator[Sabotage]:
    """A document that says when it was made, of which the gate never asked how old it is: it could be of last year."""
    if not path.endswith(".json") or not isinstance(look.document, dict):
        return
    for name in _TIMES:
        try:
            old = parse_moment(look.document.get(name)) - _DAYS
        except BadTimestamp:
            continue
        yield _edit("stale", path, look, (name,), lambda _, old=old: iso(old))  # type: ignore[misc]
        return


def _redated(path: str, look: Look, seen: Freshness) -> Iterator[Sabotage]:
    name = seen.source
    moment = parse_moment(seen.timestamp)
    old = moment + timedelta(seconds=seen.age_s - seen.max_age_s - 60)
    for kind, value in (
        ("stale", iso(old)),
        ("from the future", iso(moment + _DAYS)),
        ("naive-dated", moment.replace(tzinfo=None).isoformat()),
        ("date is a number", moment.timestamp()),
    ):
        yield _edit(kind, path, look, (name,), lambda _, value=value: value)  # type: ignore[misc]

    def undated(content: bytes) -> bytes:
        document = json.loads(content)
        for each in {name, *_TIMES}:
            document.pop(each, None)
        return json.dumps(document).encode()

    if path.endswith(".json"):
        # Its modification time would date it where the profile allows that; so it has an old one.
        content = look.reading.content or b""
        yield Sabotage("undated", path, name, lambda: Sabotaged(path=path, content=undated(content), mtime_ns=0))


def _clocks(record: Record, now: datetime) -> Iterator[Sabotage]:
    """The clock past the window's end, and before the timestamp, of each item that the gate asked the age of."""
    for seen in record.freshness:
        try:
            moment = parse_moment(seen.timestamp)
        except BadTimestamp:
            continue
        late = max(now, moment) + timedelta(seconds=seen.max_age_s + 1)
        early = moment - timedelta(hours=1)
        yield Sabotage("clock past the window", seen.path, seen.source, lambda late=late: Sabotaged(now=Clock(late)))  # type: ignore[misc]
        yield Sabotage("clock before the item", seen.path, seen.source, lambda early=early: Sabotaged(now=Clock(early)))  # type: ignore[misc]


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


# --- values ---

_REMOVED: Final = object()


def _fields(path: str, look: Look, record: Record) -> Iterator[Sabotage]:
    if not path.endswith(".json"):
        return  # what YAML would look like after an edit is not what somebody wrote
    dates = {seen.source for seen in record.freshness if seen.path == path} | set(_TIMES)
    for place, value in _chosen(look.touches.seen):
        if len(place) == 1 and place[0] in dates:
            continue  # its time, sabotaged as such
        about = tuple(one for one in record.measurements if _names(one.name, place))
        for kind, new in _values(value, about):
            yield _edit(kind, path, look, place, lambda _, new=new: new)  # type: ignore[misc]


def _names(name: str, place: Place) -> bool:
    """Whether a measurement is of the value at *place*, by its name: two values may be equal and only one measured."""
    last = next((str(step) for step in reversed(place) if isinstance(step, str)), "")
    return set(last.lower().split("_")) <= set(_WORD.findall(name.lower())) or last.lower() in name.lower()


def _of_rows(path: str, look: Look) -> Iterator[Sabotage]:
    if path.endswith(".csv") or not look.rows:
        return
    for number, touches in look.rows.items():
        for place, value in _chosen(touches.seen):
            for kind, new in _values(value, ()):
                if kind in ("null", "removed", "NaN", "number as text", "boolean as text"):
                    yield _edit_row(kind, path, look, number, place, new)
        break


def _cut(path: str, look: Look, record: Record) -> Iterator[Sabotage]:
    """The file with fewer rows, where the gate measured how many it has: as many as are just too few."""
    if not path.endswith(_ROWS) or look.reading.content is None:
        return
    head = path.endswith(".csv")
    count = sum(1 for line in look.reading.content.splitlines() if line.strip()) - head
    for one in record.measurements:
        enough = one.threshold
        counted = isinstance(one.value, int) and not isinstance(one.value, bool) and one.value == count
        if one.ok and counted and one.operator in (">=", "==") and isinstance(enough, int) and 0 < enough <= count:
            yield _bytes("rows removed", path, look, lambda content, keep=enough - 1 + head: _first(content, keep))  # type: ignore[misc]
            return


def _first(content: bytes, rows: int) -> bytes:
    lines = [line for line in content.splitlines(keepends=True) if line.strip()]
    return b"".join(lines[:rows])


def _chosen(seen: Mapping[Place, Any]) -> Iterator[tuple[Place, Any]]:
    """One of each shape: what a gate asks of an item of a list, it asks of all."""
    shapes: dict[Place, int] = {}
    for place, value in seen.items():
        if not place:
            continue
        shape = tuple("*" if isinstance(step, int) else step for step in place)
        shapes[shape] = shapes.get(shape, 0) + 1
        if shapes[shape] <= _PER_SHAPE:
            yield place, value


def _values(value: Any, measurements: tuple[Measurement, ...] | tuple[()]) -> Iterator[tuple[str, Any]]:
    """What may stand there instead, and what that is called."""
    yield "removed", _REMOVED
    if value is not None:
        yield "null", None
    if isinstance(value, bool):
        yield "boolean as text", str(value).lower()
        yield "flipped", not value
    elif isinstance(value, (int, float)):
        yield "NaN", math.nan
        yield "number as text", str(value)
        for one in measurements:
            if one.ok and one.value == value and not isinstance(one.value, bool):
                yield from _across(one)
    elif isinstance(value, str):
        if value.lower() in _GOOD:
            bad = _GOOD[value.lower()]
            yield "status flipped", bad.upper() if value.isupper() else bad
        if len(value) == 64 and not value.strip("0123456789abcdef"):
            yield "digest mismatch", value[:-1] + ("0" if value[-1] != "0" else "1")
    elif isinstance(value, (dict, list)) and value:
        yield "emptied", {} if isinstance(value, dict) else []
        yield "wrong type", "text"


def _across(one: Measurement) -> Iterator[tuple[str, Any]]:
    """The nearest values on the wrong side of what was measured."""
    bounds = one.threshold if isinstance(one.threshold, (list, tuple)) else [one.threshold]
    numbers = [bound for bound in bounds if isinstance(bound, (int, float)) and not isinstance(bound, bool)]
    if len(numbers) != len(bounds):
        return
    name = f"{one.name} across its threshold"
    if one.operator in (">=", "between"):
        yield name, _step(numbers[0], -1, one.value)
    if one.operator in ("<=", "between"):
        yield name, _step(numbers[-1], 1, one.value)
    if one.operator == "==":
        yield name, _step(numbers[0], 1, one.value)


def _step(bound: float, direction: int, like: Any) -> float:
    if isinstance(like, int) and float(bound).is_integer():
        return int(bound) + direction
    return bound + direction * max(abs(bound) * 1e-9, 1e-12)


# --- edits ---


def _edit(kind: str, path: str, look: Look, place: Place, change: Callable[[Any], Any]) -> Sabotage:
    def edited(content: bytes) -> bytes:
        return json.dumps(_changed(json.loads(content), place, change)).encode()

    return _bytes(kind, path, look, edited, dotted(place))


def _edit_row(kind: str, path: str, look: Look, number: int, place: Place, new: Any) -> Sabotage:
    def edited(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        filled = [index for index, line in enumerate(lines) if line.strip()]
        at = filled[number]
        lines[at] = json.dumps(_changed(json.loads(lines[at]), place, lambda _: new)).encode() + b"\n"
        return b"".join(lines)

    return _bytes(kind, path, look, edited, f"row {number + 1}: {dotted(place)}")


def _changed(document: Any, place: Place, change: Callable[[Any], Any]) -> Any:
    *way, last = place
    here = document
    for step in way:
        here = here[step]
    new = change(here[last])
    if new is _REMOVED:
        del here[last]
    else:
        here[last] = new
    return document


def dotted(place: Place) -> str:
    """A place as a person writes it: `bots[0].mode`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
