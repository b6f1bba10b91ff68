"""
Is the history whole? A walk along the chain, held against the decisions that know where it ended.

A chain alone cannot tell that its end was cut off. Each decision can: it names the head that it was
taken after, and has its own entry later than that.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.typed import converted
from pytest_promotion.history.anchors import Target, difference, newest
from pytest_promotion.history.log import NAME, TORN, Entry, Head, ends, entry_of, lines
from pytest_promotion.trust.stored import read_content

_TOLD: Final = 20  # findings, after which the rest is counted


@dataclass(frozen=True, slots=True)
class Anchor:
    """A decision that says how far the log went."""

    name: str
    sha256: str  # of its file
    after: Head


@dataclass(slots=True)
class Checked:
    """What the walk found. `problems` name the entry; `notes` are no faults."""

    head: Head = field(default_factory=Head)
    entries: int = 0
    anchors: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The answer as plain values."""
        return {
            "whole": not self.problems,
            "entries": self.entries,
            "head": self.head.document(),
            "anchors": self.anchors,
            "problems": self.problems,
            "notes": self.notes,
        }


def check(folder: Path, decisions: Iterable[Path] = (), targets: Iterable[Target] = ()) -> Checked:
    """
    The log in *folder*, compared with each decision that lies beside it, with *decisions*, and with *targets*.

    Raises:
        Unproven: where one of *decisions* or *targets* has no anchor, or where there is no log and nothing says that
            there was one.
        OSError: where the log cannot be read.
    """
    found, beside = Checked(), dict[str, str]()
    outside = [(target.name, newest(target.heads(), target.name)) for target in targets]
    # Before the log is measured: a decision that is published meanwhile has its entry in it by then.
    anchors = {one.sha256: one for one in _anchors(folder, decisions, beside, found)}
    found.anchors = len(anchors) + len(outside)
    path = folder / NAME
    try:
        size = ends(path)
    except FileNotFoundError:
        if not anchors and not outside:
            raise Unproven(f"there is no {path}") from None
        if anchors:
            found.problems.append(f"the log is gone: {len(anchors)} decisions say that there was one")
        found.problems += [f"the log is gone: {name} names entry {head.sequence} of it" for name, head in outside]
        return found
    digests = _walk(lines(path, 0, size), anchors, beside, found, {1, *(head.sequence for _, head in outside)})
    for name, head in outside:
        problem = difference(head, name, found.head.sequence, digests.get)
        found.problems += [problem] if problem else []
    torn = path.with_name(path.name + TORN)
    if torn.exists():
        found.notes.append(f"what killed writers left of entries was set aside in {torn.name}")
    if len(found.problems) > _TOLD:
        found.problems[_TOLD:] = [f"and {len(found.problems) - _TOLD} more"]
    return found


def _walk(
    log: Iterator[bytes], anchors: dict[str, Anchor], beside: dict[str, str], found: Checked, wanted: Container[int]
) -> dict[int, str]:
    """Adds what is wrong to *found*; gives the digests of the *wanted* entries by their numbers."""
    digests: dict[int, str] = {}
    heads = {one.after.sequence: one for one in anchors.values()}
    seen: dict[str, int] = {}  # digests of anchors' files that the log names, with the entry
    known: dict[int, str] = {0: ""}
    before: Entry | None = None
    for number, line in enumerate(log, 1):
        if not line.endswith(b"\n"):
            found.problems.append(f"after entry {found.head.sequence}: half a line, of {len(line)} bytes")
            break
        try:
            entry = entry_of(line)
        except Unproven as problem:
            found.problems.append(f"entry {number}: {problem}")
            # What it was is not known, so that the next one can be held against its number only.
            found.head, before = Head(found.head.sequence + 1), None
            continue
        found.problems += _link(entry, found.head, before)
        found.head, before = Head(entry.sequence, entry.sha256), entry
        found.entries += 1
        file = entry.decision.file
        if beside.get(file, entry.decision.sha256) != entry.decision.sha256:
            found.problems.append(f"entry {entry.sequence} is of another {file} than the one that is there")
        if entry.sequence in wanted:
            digests[entry.sequence] = entry.sha256
        if entry.sequence in heads:
            known[entry.sequence] = entry.sha256
        if entry.decision.sha256 in anchors:
            seen[entry.decision.sha256] = entry.sequence
    found.problems += _held(anchors.values(), known, seen)
    return digests


def _link(entry: Entry, head: Head, before: Entry | None) -> Iterator[str]:
    if before is not None and (entry.sequence, entry.previous) == (before.sequence, before.previous):
        yield f"entry {entry.sequence} stands there twice: two logs follow entry {entry.sequence - 1}"
    elif entry.sequence != head.sequence + 1:
        yield f"entry {entry.sequence} stands where entry {head.sequence + 1} belongs"
    elif (head.sha256 or not head.sequence) and entry.previous != head.sha256:
        yield f"entry {entry.sequence} does not follow the entry before it: that one was another"


def _held(anchors: Iterable[Anchor], known: dict[int, str], seen: dict[str, int]) -> Iterator[str]:
    for one in sorted(anchors, key=lambda one: one.name):
        sequence = one.after.sequence
        if sequence not in known:
            yield f"entry {sequence} is not there: {one.name} was taken after it"
        elif known[sequence] != one.after.sha256:
            yield f"entry {sequence} is not the one that {one.name} was taken after"
        if one.sha256 not in seen:
            yield f"{one.name} is not in the log, or was changed since"
        elif seen[one.sha256] <= sequence:
            yield f"entry {seen[one.sha256]} is {one.name}, which says that it came after entry {sequence}"


def _anchors(folder: Path, decisions: Iterable[Path], beside: dict[str, str], found: Checked) -> Iterator[Anchor]:
    """Those among *decisions* and in *folder*; *beside* gets the digest of each file there."""
    for path in decisions:
        anchor = _anchor(path.name, read_content(path))
        if anchor is None:
            raise Unproven(f"{path} does not say which entry it was taken after")
        yield anchor
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(("promotion_gates_", "latest")):
            content = read_content(path)
            beside[path.name] = sha256(content).hexdigest()
            try:
                anchor = _anchor(path.name, content)
            except Unproven as problem:
                found.notes.append(f"{path.name} anchors nothing: {problem}")
                continue
            if anchor is not None:
                yield anchor


def _anchor(name: str, content: bytes) -> Anchor | None:
    document = documents.parse_json(content, name)
    if not isinstance(document, dict) or document.get("finished") is not True:
        return None
    after = document.get("history")
    if after is None:
        return None
    head = converted(after, Head, "what it says of the history is no entry")
    return Anchor(name, sha256(content).hexdigest(), head)
