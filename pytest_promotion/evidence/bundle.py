"""
The evidence bundle: one digest for what was judged and what was concluded.

Nothing in it depends on time, machine, order or run: whoever has the same files and the
same policy, and comes to the same outcomes, gets the same id.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from pytest_promotion.canonical import digest
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.reading import APPENDED, Root, read
from pytest_promotion.model import Exhibit, GateResult, Judges


def collect(results: Iterable[GateResult]) -> tuple[tuple[Exhibit, ...], list[str]]:
    """
    The exhibits of all gates, each path once, sorted; and a sentence for each path that two
    gates saw with different bytes.
    """
    seen: dict[str, Exhibit] = {}
    problems = []
    for result in results:
        for item in result.record.exhibits:
            earlier = seen.setdefault(item.path, item)
            if earlier.secret != item.secret and earlier.sha256 == item.sha256:
                seen[item.path] = replace(item, secret=True)
                problems.append(f"{item.path} is secret for one gate, and was kept for another: all have to say so")
            elif earlier != item:
                problems.append(f"{item.path} changed during the run: {_short(earlier)}, then {_short(item)}")
    return tuple(seen[path] for path in sorted(seen)), sorted(set(problems))


def bundle_id(exhibits: Iterable[Exhibit], results: Iterable[GateResult], policy_sha256: str, judges: Judges) -> str:
    """
    SHA-256 of the RFC 8785 form of `{"artifacts": [[path, sha256, size_bytes]...], "gates":
    [[id, outcome]...], "judges": [[path, sha256]...], "policy": sha256, "suites": [[name, version]...]}`,
    all lists sorted.
    """
    return digest(
        {
            "artifacts": sorted([item.path, item.sha256, item.size_bytes] for item in exhibits),
            "gates": sorted([result.gate.id, result.outcome.value] for result in results),
            "judges": sorted([item.path, item.sha256] for item in judges.sources),
            "policy": policy_sha256,
            "suites": sorted([name, version] for name, version in judges.suites),
        }
    )


def changed_since(results: Iterable[GateResult], root: Root) -> Iterator[str]:
    """
    A sentence for each file that is no longer what its gate read.

    A file is read again only where its size, times or inode moved: a service that rewrites
    the same bytes changes nothing that was judged.
    """
    checked = set()
    now = root.unread()
    for result in results:
        digests = {item.path: item for item in result.record.exhibits}
        for witness in result.record.witnesses:
            if witness in checked:
                continue
            checked.add(witness)
            path, *expected = witness
            found = _look(root, path)
            if found == expected:
                continue
            again = _digest_now(now, digests[path]) if found else ""
            if again != digests[path].sha256:
                end = f"sha256 {again[:12]}" if again else "gone"
                yield f"{path} changed during the run: {_short(digests[path])} when it was judged, {end} at the end"


def _digest_now(root: Root, item: Exhibit) -> str:
    """The digest of the file, or of the beginning of it that was judged where it may grow; "" for none."""
    try:
        found = read(root, item.path)
        if not item.kept and item.path.endswith(APPENDED) and found.size_bytes > item.size_bytes:
            if found.large is not None:
                return found.large.digest_until(item.size_bytes)
            return sha256((found.content or b"")[: item.size_bytes]).hexdigest()
    except (Unproven, FileNotFoundError):
        return ""
    return found.sha256


def attachment(path: Path, root: Path) -> Exhibit:
    """A file that another plugin wrote about this run, listed beside the evidence and not part of the bundle id."""
    place = Root(path.parent)
    name = Path(os.path.relpath(path, root)).as_posix()
    try:
        reading = read(place, path.name)
    except (Unproven, FileNotFoundError):
        return Exhibit(name, "", 0, exists=False)
    return Exhibit(name, reading.sha256, reading.size_bytes, exists=True)


def _look(root: Root, relative: str) -> list[int] | None:
    try:
        facts = os.stat(root.locate(relative))
    except (OSError, Unproven):
        return None
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _short(item: Exhibit) -> str:
    return f"sha256 {item.sha256[:12]}" if item.exists else "absent"
