"""
What can be wrong with evidence, made to order for what one gate looked at.

Pure: from a gate's honest run to the list of sabotages that it has to notice. A sabotage that cannot
matter to the gate, because it never looked there, is not in the list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, Clock, iso, parse_moment
from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.model import AGE_IS_JUDGED, CommandRun, Freshness, Record
from pytest_promotion.prove.observations import Place
from pytest_promotion.prove.observers import Look, Sabotaged
from pytest_promotion.prove.rows import SUFFIXES, is_json, wrong_rows
from pytest_promotion.prove.values import JUDGED_TOGETHER, changed, chosen, dotted, is_named, samples, wrong_values

_LONGEST_BREAK = timedelta(days=20)  # without a business day: a national holiday of a week, between weekends
_DAYS: Final = timedelta(days=400)
_YAML: Final = (".yaml", ".yml")
_TIMES: Final = ("ts_utc", "last_update_utc")
_NO_ANSWER: Final = 125  # an exit code by which no program says what it found

Lens = Callable[[], Sabotaged]  # a new one for each run, made outside of the gate


@dataclass(frozen=True, slots=True)
class Sabotage:
    """
    One way in which what a gate reads is made wrong. `field` is where in the file, "" for all of it.

    The gate has to notice it in one of the forms in `lenses`, which are tried in their order.
    """

    kind: str
    path: str
    field: str
    lenses: tuple[Lens, ...]


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
        yield from _dated(path, look, record, now)
        if look.document is not None:
            yield from _fields(path, look, record)
        for kind, field, changes in wrong_rows(path, look, record):
            yield _bytes(kind, path, look, *changes, field=field)
    yield from _clocks(record, now)
    for number, run in enumerate(record.commands):
        yield from _command(number, run)


# --- commands ---


def _command(number: int, run: CommandRun) -> Iterator[Sabotage]:
    name = " ".join(run.argv)
    for fault in ("missing", "failing", "hanging"):
        yield Sabotage(f"command {fault}", name, "", (partial(Sabotaged, command=number, fault=fault),))
    if run.exit_code is None:
        return
    # A gate may take both 0 and 1 for an answer, and read the output to tell them apart.
    codes = (1 if run.exit_code == 0 else 0, _NO_ANSWER)
    lenses = tuple(partial(Sabotaged, command=number, fault="exit code", exit_code=code) for code in codes)
    yield Sabotage("command with another exit code", name, "", lenses)


# --- whole files ---


def _whole(path: str, look: Look, passed_over: bool) -> Iterator[Sabotage]:
    suffix = PurePosixPath(path).suffix
    if not passed_over:
        yield Sabotage("missing", path, "", (lambda: Sabotaged(path=path, gone=True),))
    yield _bytes("empty", path, look, lambda _: b"")
    if look.how & {"text", "facts"}:
        yield _bytes("not UTF-8", path, look, lambda content: b"\xff\xfe\x80" + content)
    if "facts" in look.how:
        yield _bytes("truncated", path, look, lambda content: content[: len(content) // 2])
        yield _bytes("null", path, look, lambda _: b"null\n")
        yield _bytes("emptied", path, look, lambda _: b"{}\n")
        yield _bytes("wrong type", path, look, lambda _: b"[]\n")
    if "document" in look.how and suffix not in SUFFIXES:
        if suffix not in _YAML:
            yield _bytes("truncated", path, look, lambda content: content[: len(content) // 2])
        yield _bytes("not parsable", path, look, lambda content: b"{]\n" + content)
        wrong, empty = (b"{}\n", b"[]\n") if isinstance(look.document, list) else (b"[]\n", b"{}\n")
        yield _bytes("wrong type", path, look, lambda _: wrong)
        yield _bytes("null", path, look, lambda _: b"null\n")
        if look.document and not passed_over:  # which is then dated by its modification time, and still not the newest
            yield _bytes("emptied", path, look, lambda _: empty)


def _bytes(kind: str, path: str, look: Look, *changes: Callable[[bytes], bytes], field: str = "") -> Sabotage:
    content = look.reading.content or b""

    def lens(change: Callable[[bytes], bytes]) -> Sabotaged:
        return Sabotaged(path=path, content=change(content))

    return Sabotage(kind, path, field, tuple(partial(lens, change) for change in changes))


# --- time ---


def _dated(path: str, look: Look, record: Record, now: datetime) -> Iterator[Sabotage]:
    """The file's own timestamp, where the gate asked how old it is."""
    for seen in record.freshness:
        if seen.path != path:
            continue
        if seen.source == "mtime":
            old, ahead = look.reading.mtime_ns - _ns(seen.max_age_s + _beyond(seen)), _ns((now + _DAYS).timestamp())
            for kind, mtime in (("stale", old), ("from the future", ahead)):
                yield Sabotage(kind, path, "mtime", (partial(Sabotaged, path=path, mtime_ns=mtime),))
        elif isinstance(look.document, dict) and _is_moment(look.document.get(seen.source)):
            yield from _redated(path, look, seen)
    declared = dict(record.ageless).get(path, AGE_IS_JUDGED)  # that its age makes no difference
    if declared == AGE_IS_JUDGED and not any(seen.path == path for seen in record.freshness):
        yield from _never_asked(path, look)


def _beyond(seen: Freshness) -> float:
    """Seconds beyond the window; one in business days is longer where a weekend or holidays lie in it."""
    return 60.0 if not seen.business_days else (_LONGEST_BREAK * (seen.business_days + 1)).total_seconds()


def _is_moment(value: object) -> bool:
    """Whether a document is dated by *value*; what a statement dates may have any value under the same name."""
    try:
        parse_moment(value)
    except BadTimestamp:
        return False
    return True


def _never_asked(path: str, look: Look) -> Iterator[Sabotage]:
    """A document that says when it was made, of which the gate never asked how old it is: it could be of last year."""
    if not is_json(path) or not isinstance(look.document, dict):
        return
    for name in _TIMES:
        try:
            old = parse_moment(look.document.get(name)) - _DAYS
        except BadTimestamp:
            continue
        yield _edit("stale", path, look, (name,), iso(old))
        return


def _redated(path: str, look: Look, seen: Freshness) -> Iterator[Sabotage]:
    name = seen.source
    moment = parse_moment(seen.timestamp)
    old = moment + timedelta(seconds=seen.age_s - seen.max_age_s - _beyond(seen))
    for kind, value in (
        ("stale", iso(old)),
        ("from the future", iso(moment + _DAYS)),
        ("naive-dated", moment.replace(tzinfo=None).isoformat()),
        ("date is a number", moment.timestamp()),
    ):
        yield _edit(kind, path, look, (name,), value)

    def undated(content: bytes) -> bytes:
        document = _document(path, content)
        for each in {name, *_TIMES}:
            document.pop(each, None)
        return _written(document)

    if is_json(path):
        # Its modification time would date it where the profile allows that; so it has an old one.
        content = look.reading.content or b""
        lens = lambda: Sabotaged(path=path, content=undated(content), mtime_ns=0)  # noqa: E731
        yield Sabotage("undated", path, name, (lens,))


def _clocks(record: Record, now: datetime) -> Iterator[Sabotage]:
    """The clock past the window's end, and before the timestamp, of each item that the gate asked the age of."""
    for seen in record.freshness:
        try:
            moment = parse_moment(seen.timestamp)
        except BadTimestamp:
            continue
        late = max(now, moment) + timedelta(seconds=seen.max_age_s + 1)
        early = moment - timedelta(hours=1)
        for kind, moment in (("clock past the window", late), ("clock before the item", early)):
            yield Sabotage(kind, seen.path, seen.source, (partial(Sabotaged, now=Clock(moment)),))


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


# --- values ---


def _fields(path: str, look: Look, record: Record) -> Iterator[Sabotage]:
    if not is_json(path):
        return  # what YAML would look like after an edit is not what somebody wrote
    # The gate says itself that there may be nothing to look at: none of none is right.
    may_be_empty = any(one.operator == "==" and one.min_samples == 0 for one in record.measurements)
    dates = {seen.source for seen in record.freshness if seen.path == path} | set(_TIMES)
    is_sampled = any(one.interval is not None for one in record.measurements)
    for place, value in chosen(look.touches.seen):
        if len(place) == 1 and place[0] in dates:
            continue  # its time, sabotaged as such
        about = tuple(one for one in record.measurements if is_named(one.name, place))
        alike = samples(place, look.touches.seen) if is_sampled else []
        for kind, values in wrong_values(value, about):
            if kind == "emptied" and may_be_empty and isinstance(value, list):
                continue
            one = _edit(kind, path, look, place, *values)
            # A row without its answer has none; a list without one of its samples is a sample.
            together = alike and kind in JUDGED_TOGETHER and (kind != "removed" or isinstance(place[-1], int))
            yield replace(one, lenses=(*one.lenses, *_together(path, look, alike, values))) if together else one
    for place, value in chosen(look.touches.stepped_into):
        if place not in look.touches.seen and not (may_be_empty and isinstance(value, list)):
            yield _edit("emptied", path, look, place, {} if isinstance(value, dict) else [])


def _edit(kind: str, path: str, look: Look, place: Place, *values: Any) -> Sabotage:
    def edited(content: bytes, new: Any) -> bytes:
        return _written(changed(_document(path, content), place, new))

    return _bytes(kind, path, look, *(partial(edited, new=new) for new in values), field=dotted(place))


def _together(path: str, look: Look, places: Sequence[Place], values: Sequence[Any]) -> Iterator[Lens]:
    """One for each of *values*, which stands at all *places*: of samples, one alone need make no difference."""

    def edited(new: Any) -> Sabotaged:
        document = _document(path, look.reading.content or b"")
        for place in reversed(places):
            changed(document, place, new)
        return Sabotaged(path=path, content=_written(document))

    for value in dict.fromkeys((*values, *((True, False) if isinstance(values[0], bool) else ()))):
        yield partial(edited, value)


def _document(path: str, content: bytes) -> Any:
    """The values in a JSON or YAML file, to be changed."""
    return json.loads(content) if is_json(path) else parse_yaml(content, path)


def _written(document: Any) -> bytes:
    """A document as JSON, which is YAML too; dates of YAML are written as it reads them."""
    return json.dumps(document, default=str).encode()
