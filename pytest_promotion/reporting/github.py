"""
The decision for GitHub Actions: a summary of the step, and annotations at the lines of gates.

GitHub drops the whole summary of a step that is one byte too long, and hides every annotation after the tenth
of its kind without a word. So both are cut here, the most urgent first, and say what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.reporting.escaping import message, parameter
from pytest_promotion.reporting.locations import HERE, Places
from pytest_promotion.reporting.markdown import markdown
from pytest_promotion.text import listed

SUMMARY_BYTES: Final = 1024 * 1024  # of one step, whoever wrote them
ANNOTATIONS: Final = 10  # of one kind in one step; 50 in a job
_LINE: Final = 4_000  # characters; a longer one is a reason that holds a whole log
_MORE: Final = 120  # bytes kept for saying how much is left out


def summary(decision: dict[str, Any], limit: int = SUMMARY_BYTES) -> str:
    """The Markdown of a decision in at most *limit* bytes of UTF-8; "" where not even its headings fit."""
    whole = markdown(decision)
    if len(whole.encode()) <= limit:
        return whole
    first, *others = whole.split("\n## ")
    sections = [_Section(first), *(_Section(f"\n## {other}") for other in others)]
    # What each section begins with is there in any case, and so is the line that says how much is missing.
    room = limit - sum(_size(section.head) + _MORE for section in sections)
    if room < 0:
        return ""
    cut = []
    for section in sections:
        kept, room = section.within(room)
        cut += kept
    return "\n".join(cut) + "\n"


class _Section:
    """A part of the page: its heading, with that of its table, and its entries of one line or more."""

    def __init__(self, section: str) -> None:
        lines = [_clipped(text) for text in section.rstrip("\n").split("\n")]
        table = next((number for number, text in enumerate(lines) if text.startswith("|---")), None)
        start = 3 if table is None and section.startswith("\n") else 1 if table is None else table + 1
        self.head = lines[:start]
        self._entries: list[list[str]] = []
        for text in lines[start:]:
            if text.startswith("  ") and self._entries:
                self._entries[-1].append(text)  # owner, fix and evidence of the gate above
            else:
                self._entries.append([text])

    def within(self, room: int) -> tuple[list[str], int]:
        """Its lines that take at most *room* bytes beside the heading, and what is left of them."""
        kept = list(self.head)
        for number, entry in enumerate(self._entries):
            if _size(entry) > room:
                return [*kept, "", f"**{len(self._entries) - number} more are not shown here.**"], room
            room -= _size(entry)
            kept += entry
        return kept, room


def _size(lines: list[str]) -> int:
    return sum(len(text.encode()) + 1 for text in lines)


def _clipped(text: str) -> str:
    return text if len(text) <= _LINE else f"{text[:_LINE]}…"


def commands(decision: dict[str, Any], places: Places = HERE) -> Iterator[str]:
    """The workflow commands that annotate what stands against it: ten errors and ten warnings at most."""
    checks = {check["name"]: check for check in decision["checks"]}
    blocking = [_of_check("error", checks[name], places) for name in decision["critical_failures"]]
    if decision["status"] != "PASS" or decision["kind"] != "decision":
        said = listed(decision["reasons"], separator="; ") or f"a {decision['kind']} is no decision to act on"
        blocking.insert(0, _command("error", f"Promotion: {decision['status']}", said))
    yield from _at_most("error", blocking)
    yield from _at_most("warning", [_of_check("warning", checks[name], places) for name in decision["warnings"]])


def _at_most(kind: str, found: list[str]) -> Iterator[str]:
    if len(found) <= ANNOTATIONS:
        yield from found
        return
    yield from found[: ANNOTATIONS - 1]
    more = len(found) - ANNOTATIONS + 1
    yield _command(kind, "Promotion", f"{more} more gates are in the summary of the step and in the decision")


def _of_check(kind: str, check: dict[str, Any], places: Places) -> str:
    said = f"{check['outcome']}: {check['reason']}" + (f" Fix: {check['fix']}" if check["fix"] else "")
    return _command(kind, f"Promotion gate {check['name']}", said, *places.of_check(check))


def _command(kind: str, title: str, said: str, file: str = "", number: int = 0) -> str:
    where = f"file={parameter(file)},line={number}," if file else ""
    return f"::{kind} {where}title={parameter(title)}::{message(said[:_LINE])}"
