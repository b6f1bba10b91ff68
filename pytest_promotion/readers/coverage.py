"""
How much of the code was covered by tests: `coverage.json` of coverage.py, or Cobertura's XML.

What the file says of the whole is compared with the sum of what it says of each file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import an_object
from pytest_promotion.readers.encodings import decode, parse_json
from pytest_promotion.readers.load_test import whole
from pytest_promotion.readers.xml_files import root_of

_LISTED: Final = 0.9  # the share in which Cobertura's totals and its lines have to agree, where classes share lines
_MILLISECONDS: Final = 1e11  # an epoch from which on it counts these, and below it seconds


@dataclass(frozen=True, slots=True)
class Covered:
    """Of one file, or of all: how many lines there are and how many ran, and the same of branches."""

    lines: int
    covered_lines: int
    branches: int = 0
    covered_branches: int = 0

    @property
    def percent(self) -> float:
        """The covered share of lines and branches together, from 0 to 100, as coverage.py counts it."""
        total = self.lines + self.branches
        if not total:
            raise Unproven("nothing was measured: 0 of 0 lines is no coverage")
        return 100 * (self.covered_lines + self.covered_branches) / total

    @property
    def line_percent(self) -> float:
        """The covered share of lines alone, from 0 to 100."""
        return Covered(self.lines, self.covered_lines).percent


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was covered, by file."""

    form: str
    tool: str
    files: Mapping[str, Covered]
    created: str | None = None  # ISO 8601

    @property
    def total(self) -> Covered:
        """All files together."""
        return _sum(self.files.values())

    @property
    def percent(self) -> float:
        """That of all files. Raises `Unproven` where nothing was measured."""
        return self.total.percent

    def below(self, folder: str) -> Covered:
        """The files below *folder* together. Raises `Unproven` where there is none."""
        inside = [one for path, one in self.files.items() if path.startswith(f"{folder.rstrip('/')}/")]
        if not inside:
            raise Unproven(f"no file below {folder} was measured")
        return _sum(inside)


def _sum(every: Any) -> Covered:
    rows = [(one.lines, one.covered_lines, one.branches, one.covered_branches) for one in every]
    return Covered(*(sum(column) for column in zip(*rows, strict=True)))


def read(content: bytes, origin: str, zone: str | None = None) -> Coverage:
    """
    The coverage in *content*. *zone* is that of a time that names none.

    Raises:
        Unproven: for another format, where no file was measured, and where the whole is not the sum of its files.
    """
    text = decode(content, origin)
    found = _cobertura(text, origin) if text.lstrip().startswith("<") else _coverage_py(content, origin, zone)
    if not found.files:
        raise Unproven(f"{origin} lists no file: nothing was measured")
    return found


# --- coverage.py ---


def _coverage_py(content: bytes, origin: str, zone: str | None) -> Coverage:
    document = parse_json(content, origin)
    if not isinstance(document, dict) or "totals" not in document or "meta" not in document:
        raise Unproven(f"{origin} is neither coverage.json of coverage.py nor Cobertura's XML")
    meta = an_object(document["meta"], f"{origin}: meta")
    files = an_object(document.get("files"), f"{origin}: files")
    found = {
        path.replace("\\", "/"): _summary(an_object(one, f"{origin}: {path}").get("summary"), f"{origin}: {path}")
        for path, one in files.items()
    }
    declared, total = _summary(document["totals"], f"{origin}: totals"), _sum(found.values()) if found else None
    if found and declared != total:
        raise Unproven(f"{origin}: its totals are not the sum of its files: {declared} and {total}")
    created = _zoned(meta.get("timestamp"), zone, origin)
    return Coverage("coverage.json", f"coverage.py {meta.get('version', 'of unknown version')}", found, created)


def _summary(summary: Any, place: str) -> Covered:
    fields = an_object(summary, f"{place}.summary")
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    lines, covered, branches, taken = (whole(fields.get(name, 0), f"{place}.{name}") for name in names)
    if "num_statements" not in fields or "covered_lines" not in fields:
        raise Unproven(f"{place} does not say how many lines there are and ran")
    if covered > lines or taken > branches:
        raise Unproven(f"{place}: more is covered than there is")
    return Covered(lines, covered, branches, taken)


def _zoned(value: Any, zone: str | None, origin: str) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            if zone is None:
                return None
            moment = moment.replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))
        return iso(moment)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as problem:
        raise Unproven(f"{origin}: meta.timestamp {value!r} in the zone {zone}: {problem}") from None


# --- Cobertura ---


def _cobertura(text: str, origin: str) -> Coverage:
    root = root_of(text, origin, doctype="coverage")
    if root.tag != "coverage" or root.find("packages") is None:
        raise Unproven(f"{origin} is no coverage report of Cobertura: it starts with <{root.tag}>")
    lines: dict[str, dict[str, tuple[bool, int, int]]] = {}
    listed = hit = 0
    for one in root.iter("class"):
        name = one.get("filename")
        if not name:
            raise Unproven(f"{origin}: a class has no filename")
        measured = lines.setdefault(name.replace("\\", "/"), {})
        rows = one.findall("lines/line") or one.findall("methods/method/lines/line")
        listed += len(rows)
        for line in rows:
            hits, taken, branches = _line(line, f"{origin}: {name}")
            hit += hits
            number = str(line.get("number"))
            before = measured.get(number, (False, 0, 0))  # of another class in the same file
            measured[number] = (hits or before[0], max(taken, before[1]), max(branches, before[2]))
    files = {
        name: Covered(len(rows), sum(1 for hit, _, _ in rows.values() if hit), *_branches(rows.values()))
        for name, rows in lines.items()
    }
    merged = sum(one.lines for one in files.values())
    ran = sum(one.covered_lines for one in files.values())
    for attribute, counted, least in (("lines-valid", listed, merged), ("lines-covered", hit, ran)):
        declared = _number(root, attribute, origin)
        # Tools differ in how they count a line that two classes have; a report that lost a part is another matter.
        share = 1 if listed == merged else _LISTED
        if declared is not None and (declared * share > counted or least * share > declared):
            raise Unproven(f"{origin} declares {attribute} {root.get(attribute)}, and {counted} are listed")
    return Coverage("Cobertura XML", f"version {root.get('version', 'unknown')}", files, _epoch(root, origin))


def _line(line: ET.Element, place: str) -> tuple[bool, int, int]:
    hits = line.get("hits", "")
    if not hits.isdecimal():
        raise Unproven(f"{place}: line {line.get('number')} has hits {hits!r}")
    # condition-coverage="50% (1/2)"
    _, _, condition = line.get("condition-coverage", "").partition("(")
    taken, _, branches = condition.rstrip(")").partition("/")
    both = taken.isdecimal() and branches.isdecimal()
    return int(hits[:20]) > 0, int(taken[:9]) if both else 0, int(branches[:9]) if both else 0


def _branches(rows: Any) -> tuple[int, int]:
    every = list(rows)
    return sum(branches for _, _, branches in every), sum(taken for _, taken, _ in every)


def _number(root: ET.Element, attribute: str, origin: str) -> float | None:
    """The number in *attribute*, None where it is not there. Raises `Unproven` where it is empty, NaN or below 0."""
    written = root.get(attribute)
    if written is None:
        return None
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise Unproven(f"{origin}: {attribute} is {written!r}, expected a number")
    return number


def _epoch(root: ET.Element, origin: str) -> str | None:
    stamp = _number(root, "timestamp", origin)
    if not stamp:
        return None
    try:
        return iso(datetime.fromtimestamp(stamp / (1000 if stamp > _MILLISECONDS else 1), UTC))
    except (OverflowError, OSError, ValueError):
        raise Unproven(f"{origin}: timestamp {root.get('timestamp')} is no time") from None
