"""
Records of threshold changes, as far as a checkpoint counts them.

A record is a YAML or JSON mapping, or a Markdown page with the same names before values in back
ticks. One that cannot be read is named: a change that nobody counts is one that nobody sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import decode, named, parse_json, parse_yaml
from pytest_promotion.evidence.files import read_given

FOLDER: Final = "docs/Ops/KB_Threshold_Changes"
_NAMES: Final = {
    "change_id": ("change_id", "id", "Change ID"),
    "date_utc": ("date_utc", "date", "Date (UTC)", "Date"),
    "scope": ("scope", "environment_scope", "Environment Scope", "Scope"),
    "decision": ("decision", "Decision"),
}
_SCOPES: Final = {"both": ("staging", "prod")}  # any other scope is one profile, or all


@dataclass(frozen=True, slots=True)
class Change:
    """One record: which change, when, in which profiles, and what was decided."""

    path: str
    change_id: str
    day: date
    scope: str
    decision: str

    def document(self) -> dict[str, str]:
        """The record as reports show it."""
        found = {"path": self.path, "change_id": self.change_id, "date_utc": self.day.isoformat()}
        return found | {"decision": self.decision}


def read(folder: Path, profile: str, first: date, after: date) -> tuple[list[Change], list[dict[str, str]]]:
    """
    The changes that concern *profile* from *first* on and before *after*, by date, and what could not be read.

    A folder that is not there has none.
    """
    found, left_out = [], []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix not in _READERS or "template" in path.name.lower():
            continue
        try:
            change = _change(path)
        except Unproven as problem:
            left_out.append({"path": path.name, "why": str(problem)})
            continue
        scope = change.scope.lower()
        if (scope == "all" or profile in _SCOPES.get(scope, (scope,))) and first <= change.day < after:
            found.append(change)
    return sorted(found, key=lambda one: (one.day, one.change_id)), left_out


def _change(path: Path) -> Change:
    fields = _READERS[path.suffix](read_given(path, path.name), path.name)
    if not isinstance(fields, Mapping):
        raise Unproven(f"{path.name} is {named(fields)}, expected a record")
    said = {}
    for name, aliases in _NAMES.items():
        value = next((fields[alias] for alias in aliases if alias in fields), None)
        if isinstance(value, Mapping):
            value = value.get("decision") or value.get("result")
        if value is None or not str(value).strip():
            raise Unproven(f"{path.name} says no {name}")
        said[name] = str(value).strip()
    try:
        moment = datetime.fromisoformat(said["date_utc"])
        day = (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        raise Unproven(f"{path.name}: {said['date_utc']!r} is no date") from None
    return Change(path.name, said["change_id"], day, said["scope"], said["decision"])


def _markdown(content: bytes, origin: str) -> dict[str, str]:
    text = decode(content, origin)
    found = {}
    for names in _NAMES.values():
        for name in names:
            match = re.search(rf"^[^\w\n]*{re.escape(name)}\b[^`\n]*`([^`\n]+)`", text, re.MULTILINE)
            if match:
                found[name] = match[1]
                break
    return found


_READERS: Final[dict[str, Any]] = {".yaml": parse_yaml, ".yml": parse_yaml, ".json": parse_json, ".md": _markdown}
