"""
Putting back what was judged: files out of the vault, where they lay when a decision was taken.

Nothing is overwritten, and nothing is written where another file lies in the place of one that is wanted. A restored
file is as old as it was: its modification time is the one that was judged, or the moment of the decision.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import file_digest
from pathlib import Path

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.text import listed
from pytest_promotion.trust.rerun import path_below, restore_file
from pytest_promotion.trust.stored import StoredArtifact, StoredDecision, parse, read_content


class InTheWay(GateFailed):
    """Files that are not those that were judged lie where those were; the message names them."""


@dataclass(slots=True)
class Restored:
    """What was put back, or would be, and from which decision."""

    decision: str
    ts_utc: str
    files: list[StoredArtifact] = field(default_factory=list)
    there: list[str] = field(default_factory=list)  # these lie there already, byte for byte
    notes: list[str] = field(default_factory=list)


def restore(
    folder: Path,
    root: Path,
    patterns: Sequence[str],
    vault: Vault,
    *,
    decision: Path | None = None,
    dry_run: bool = False,
) -> Restored:
    """
    Puts the evidence that matches *patterns*, all of it without any, back below *root*.

    Args:
        folder: where the decisions lie; the newest that judged such a file counts.
        patterns: paths, the folders above them, or globs as `reports/event_store/events_*`.
        decision: the decision to take instead of the newest.

    Raises:
        InTheWay: where another file lies in the place of one of them; nothing was written.
        Unproven: where no decision judged such a file, and where the vault does not hold it as it was judged.
        OSError: where a file cannot be written.
    """
    notes: list[str] = []
    path, found = (decision, _read(decision)) if decision else _newest(folder, patterns, notes)
    wanted = _wanted(found, patterns)
    if not wanted:
        raise Unproven(f"{path.name} judged no file that matches {listed(patterns)}")
    done = Restored(path.name, found.ts_utc, notes=notes)
    top = root.resolve()
    places: dict[Path, StoredArtifact] = {}
    changed = []
    for one in wanted:
        place = root / path_below(one.path)
        if not place.resolve().is_relative_to(top):
            raise Unproven(f"{one.path} leads out of {root} by a link")
        if not os.path.lexists(place):
            places[place] = one
        elif _is(place, one):
            done.there.append(one.path)
        else:
            changed.append(one.path)
    if changed:
        raise InTheWay(f"another file lies in the place of {listed(changed)}: set it aside first, nothing was written")
    for place, one in places.items():
        if not dry_run:
            restore_file(one, vault, place)
            _date(place, found, one.path)
        done.files.append(one)
    return done


def _newest(folder: Path, patterns: Sequence[str], notes: list[str]) -> tuple[Path, StoredDecision]:
    decisions: list[tuple[str, Path, StoredDecision]] = []
    for path in sorted(folder.glob("promotion_gates_*.json")):
        try:
            found = _read(path)
        except Unproven as problem:
            notes.append(f"{path.name} was passed over: {problem}")
        else:
            decisions.append((found.ts_utc, path, found))
    for _, path, found in sorted(decisions, key=lambda one: (parse_moment(one[0]), one[1]), reverse=True):
        if _wanted(found, patterns):
            return path, found
    raise Unproven(f"no decision in {folder} judged a file that matches {listed(patterns) or 'anything'}")


def _read(path: Path) -> StoredDecision:
    found = parse(read_content(path), path.name)
    try:
        parse_moment(found.ts_utc)
    except BadTimestamp as problem:
        raise Unproven(f"{path.name} is undated: {problem}") from None
    return found


def _wanted(found: StoredDecision, patterns: Sequence[str]) -> list[StoredArtifact]:
    chosen = [one for one in found.evidence_bundle.artifacts if one.exists and _matches(one.path, patterns)]
    unkept = [one for one in chosen if not one.in_vault]
    if unkept and patterns:
        why = "is secret, and was kept" if any(one.secret for one in unkept) else "was recorded"
        raise Unproven(f"{listed([one.path for one in unkept])} {why} by its digest only")
    return [one for one in chosen if one.in_vault]


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(
        fnmatchcase(path, pattern) or path.startswith(f"{pattern.rstrip('/')}/") for pattern in patterns
    )


def _is(place: Path, one: StoredArtifact) -> bool:
    if not place.is_file() or place.stat().st_size != one.size_bytes:
        return False
    with place.open("rb") as file:
        return file_digest(file, "sha256").hexdigest() == one.sha256


def _date(place: Path, found: StoredDecision, path: str) -> None:
    moments = [parse_moment(stamp) for stamp in _stamps(found, path)]
    seconds = min(moments, default=parse_moment(found.ts_utc)).timestamp()
    os.utime(place, (seconds, seconds))


def _stamps(found: StoredDecision, path: str) -> Iterator[str]:
    for check in found.checks:
        yield from (item.timestamp for item in check.freshness if item.path == path and item.source == "mtime")
