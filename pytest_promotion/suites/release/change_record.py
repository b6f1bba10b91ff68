"""
The record of one change of thresholds, as people write it: strict YAML or JSON, one change a file.

What is signed is the RFC 8785 form of the record without its approvals, so that an approval is one of
this change, this evidence and this reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.policy.document import Document, convert
from pytest_promotion.secrets.placeholders import is_placeholder
from pytest_promotion.suites.release.thresholds import ABSENT, Difference, Policy, differences, same
from pytest_promotion.suites.release.thresholds import sha256 as digest_of
from pytest_promotion.trust.approvals import Approval, Matter

SUFFIXES: Final = (".yaml", ".yml", ".json")
KIND: Final = "threshold-change"
_SCOPES: Final = {"both": ("staging", "prod")}
_LARGEST: Final = 2**20  # bytes of a file that people write

_WHY, _IMPACT, _ROLLBACK = "WHY", "WHAT MAY COME OF IT", "THE WAY BACK"
_DRAFTED: Final = (_WHY, _IMPACT, _ROLLBACK)
_FEWEST_WORDS: Final = 3
_WORD: Final = re.compile(r"[^\W\d_]{2,}")

_Text = Annotated[str, msgspec.Meta(min_length=1, pattern=r"\S")]
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Value = bool | int | float | str


class Attached(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A file that the change rests on, by the bytes it had."""

    path: _Text
    sha256: _Digest


_Attached = Annotated[list[Attached], msgspec.Meta(min_length=1)]


class Evidence(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the change rests on: the monitor's trend, the weekly reviews, the acceptance."""

    monitor: _Attached
    review: _Attached
    acceptance: _Attached


class Changed(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One field; one that is new has no `old`, one that goes has no `new`."""

    field: Annotated[str, msgspec.Meta(pattern=r"^[^.\s]+\.[^.\s]+$")]
    reason: _Text
    old: _Value | msgspec.UnsetType = msgspec.UNSET
    new: _Value | msgspec.UnsetType = msgspec.UNSET


class Risk(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What may come of it, and the way back."""

    impact: _Text
    rollback: _Text


class Record(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One change of thresholds. `before` and `after` are the digests of the whole policy."""

    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    change_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$")]
    date_utc: _Text
    requested_by: _Text
    scope: _Text
    before: _Digest
    after: _Digest
    changes: Annotated[list[Changed], msgspec.Meta(min_length=1)]
    evidence: Evidence
    risk: Risk
    decision: _Text
    approvals: list[Approval] = []


@dataclass(frozen=True, slots=True)
class Written:
    """A record with the file it stands in, its moment and its changes."""

    path: str
    record: Record
    moment: datetime
    changes: tuple[Difference, ...]

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles whose rules it changes."""
        return tuple(sorted({one.profile for one in self.changes}))

    @property
    def loosens(self) -> bool:
        """Whether anything may pass by it that did not before."""
        return any(one.loosens for one in self.changes)


def read(content: bytes, path: str) -> Written:
    """
    The record in the file *content*, which lies at *path*.

    Raises:
        Unproven: with the line of what is wrong with its form.
    """
    if len(content) > _LARGEST:
        raise Unproven(f"{path} is larger than {_LARGEST >> 20} MB, which nobody wrote by hand")
    try:
        document = Document.parse(Path(path), content, "a record of a threshold change")
        record = convert(document.data, Record, (), document)
        moment = parse_moment(record.date_utc)
    except (PolicyError, BadTimestamp) as problem:
        where = "" if isinstance(problem, PolicyError) else f"{path}: date_utc is "
        raise Unproven(f"{where}{problem}") from None
    _check_texts(record, path)
    changes = tuple(_difference(one) for one in record.changes)
    twice = [one.place for one in changes if sum(one.place == other.place for other in changes) > 1]
    if twice:
        raise Unproven(f"{path} changes {twice[0]} twice")
    for one in changes:
        if same(one.old, one.new):
            raise Unproven(f"{path} changes {one.place} to what it is")
    _check_scope(record, path, {one.profile for one in changes})
    return Written(path, record, moment, changes)


def _check_texts(record: Record, path: str) -> None:
    """Demands that people have said why: a record as it was drafted, or with a word in it, is no decision."""
    if is_placeholder(record.requested_by):
        raise Unproven(f"{path}: requested_by is {record.requested_by!r}, which is nobody's name")
    texts = {f"changes[{number}].reason": one.reason for number, one in enumerate(record.changes)}
    texts |= {"risk.impact": record.risk.impact, "risk.rollback": record.risk.rollback}
    for name, text in texts.items():
        words = {word.lower() for word in _WORD.findall(text)}
        if text in _DRAFTED or is_placeholder(text) or len(words) < _FEWEST_WORDS:
            raise Unproven(f"{path}: {name} is {text!r}: say it in a sentence, of {_FEWEST_WORDS} words at least")


def _difference(one: Changed) -> Difference:
    profile, _, name = one.field.partition(".")
    old, new = (ABSENT if value is msgspec.UNSET else value for value in (one.old, one.new))
    return Difference(profile, name, old, new)


def _check_scope(record: Record, path: str, profiles: set[str]) -> None:
    covered: Sequence[str] = _SCOPES.get(record.scope, (record.scope,))
    outside = sorted(profiles - set(covered))
    if record.scope != "all" and outside:
        raise Unproven(f"{path} is of the scope {record.scope!r} and changes {', '.join(outside)}")


def matter_of(record: Record) -> Matter:
    """What those who approve *record* sign."""
    plain: dict[str, Any] = msgspec.to_builtins(record)
    plain.pop("approvals", None)
    return Matter(KIND, canonical(plain))


def draft(
    before: Policy,
    after: Policy,
    change_id: str,
    requested_by: str,
    moment: datetime,
    evidence: Mapping[str, Sequence[Mapping[str, str]]],
) -> dict[str, Any]:
    """A record of the step from *before* to *after* as plain values, in which people have to say why."""
    found = list(differences(before, after))
    profiles = sorted({one.profile for one in found})
    changes = []
    for one in found:
        values = {name: value for name, value in (("old", one.old), ("new", one.new)) if value is not ABSENT}
        changes.append({"field": one.place, **values, "reason": _WHY})
    return {
        "version": 1,
        "change_id": change_id,
        "date_utc": iso(moment),
        "requested_by": requested_by,
        "scope": profiles[0] if len(profiles) == 1 else "all",
        "before": digest_of(before),
        "after": digest_of(after),
        "changes": changes,
        "evidence": {part: [dict(item) for item in items] for part, items in evidence.items()},
        "risk": {"impact": _IMPACT, "rollback": _ROLLBACK},
        "decision": "Go/No-Go",
        "approvals": [],
    }


def names(folder: Path) -> list[str]:
    """The records in *folder* by name, templates left out; a folder that is not there has none."""
    if not folder.is_dir():
        return []
    found = [path.name for path in folder.iterdir() if path.suffix in SUFFIXES]
    return sorted(name for name in found if "template" not in name.lower())


def read_below(root: Path, folder: str, content_of: Callable[[str], bytes]) -> list[Written]:
    """
    The records in *folder* below *root*, by name; none where there is no such folder.

    Args:
        content_of: gives the content of the file at a path below the root, and records that it was read.

    Raises:
        Unproven, PolicyError: where one is no record.
    """
    paths = [f"{folder}/{name}" for name in names(root / folder)]
    return [read(content_of(path), path) for path in paths]
