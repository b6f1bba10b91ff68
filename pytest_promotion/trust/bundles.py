"""
A bundle: one decision with everything it rests on in one file, which verifies where there is no network.

The members have fixed names and a fixed order, and nothing else is a bundle. When one is opened, the
decision comes first, and says which others may follow and how long each is: what is longer, is not
named, or comes twice ends the reading there.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import open_file
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.trust import archives
from pytest_promotion.trust.archives import Member
from pytest_promotion.trust.references import by_digest_only, everything
from pytest_promotion.trust.stored import LARGEST, StoredDecision, parse
from pytest_promotion.trust.verify import Case, case_at, damages

DECISION: Final = "decision.json"
MARKDOWN: Final = "decision.md"
ENVELOPES: Final = "decision.intoto.jsonl"
_OUTPUT: Final = 2**30  # bytes of what a program said, which no decision tells; nobody reads more
TOTAL: Final = 64 * 2**30  # bytes of all members
_STEP: Final = 2**20


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle that was written."""

    path: Path
    sha256: str
    members: int
    not_kept: str = ""  # a sentence about the evidence that is secret, and in no bundle


def export(decision: Path, target: Path, vault: Vault | None = None) -> Written:
    """
    Writes the bundle of the decision in the file *decision* to *target*, by rename.

    The same decision gives the same bytes.

    Raises:
        Unproven: where the decision, its evidence or its signature is damaged, and for a *target* that is no
            `.zip` and no `.tar.zst`.
        OSError: where *target* cannot be written.
    """
    case = case_at(decision, vault)
    found = parse(case.content, case.name)
    wrong = damages(case, found)
    if wrong:
        raise Unproven(f"{case.name} is damaged: {'; '.join(wrong)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with atomic.writing(target) as file:
        with archives.writer(target.name, file) as add:
            for member, content in _members(case, found, decision.with_suffix(".md")):
                add(member, content)
                count += 1
        file.flush()
        file.seek(0)
        digest = _digest(file)
    return Written(target, digest, count, by_digest_only(found))


@contextmanager
def opened(path: Path, vault: Vault | None = None) -> Iterator[Case]:
    """
    The decision at *path*: a file with its vault beside it, or a bundle, unpacked for as long as this lasts.

    Raises:
        Unproven: for what is neither, and for a bundle that is not exactly what its decision says.
    """
    if not archives.is_archive(path.name):
        yield case_at(path, vault)
        return
    with tempfile.TemporaryDirectory(prefix="promotion-bundle-") as name:
        folder = Path(name)
        try:
            with open_file(path) as file, archives.undamaged(path.name):
                _unpack(archives.reader(path.name, file), folder, path.name)
        except OSError as problem:
            raise Unproven(f"{path} cannot be unpacked: {(problem.strerror or 'failed').lower()}") from None
        yield case_at(folder / DECISION, vault)


def _members(case: Case, decision: StoredDecision, markdown: Path) -> Iterator[tuple[Member, IO[bytes]]]:
    texts = [(DECISION, case.content), (ENVELOPES, case.envelopes)]
    if markdown.is_file():
        texts.insert(1, (MARKDOWN, markdown.read_bytes()))
    for name, content in texts:
        if content is not None:
            yield Member(name, len(content)), io.BytesIO(content)
    for one in everything(decision):
        try:
            with case.vault.open(one.sha256) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                # Again, though it was whole a moment ago: what is packed is what was hashed.
                if _digest(file) != one.sha256:
                    raise Unproven(f"{one.name} was changed in the vault")
                file.seek(0)
                yield Member(_place(one.sha256), size), file
        except OSError as problem:
            raise Unproven(f"{one.name} cannot be packed: {(problem.strerror or 'failed').lower()}") from None


def _unpack(members: Iterator[tuple[Member, IO[bytes]]], folder: Path, name: str) -> None:
    most: dict[str, tuple[int, bool]] = {DECISION: (LARGEST, False)}  # may follow: its size, and whether exactly that
    left = TOTAL
    for member, source in members:
        if member.name not in most:
            raise Unproven(
                f"{name} holds {member.name[:100]!r}, which belongs to no bundle or comes at the wrong place"
            )
        size, exactly = most.pop(member.name)
        if member.size_bytes > min(size, left) or (exactly and member.size_bytes != size):
            raise Unproven(f"{name}: {member.name} is {member.size_bytes} bytes long, expected {min(size, left)}")
        left -= member.size_bytes
        place = folder / member.name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as target:
            _copy(source, target, member, name)
        if member.name == DECISION:
            most |= {MARKDOWN: (LARGEST, False), ENVELOPES: (LARGEST, False)}
            for one in everything(parse(place.read_bytes(), f"the decision of {name}")):
                known = one.size_bytes is not None
                most[_place(one.sha256)] = (one.size_bytes if one.size_bytes is not None else _OUTPUT, known)
    if DECISION in most:
        raise Unproven(f"{name} holds no decision")


def _copy(source: IO[bytes], target: IO[bytes], member: Member, name: str) -> None:
    rest = member.size_bytes
    while rest and (part := source.read(min(rest, _STEP))):
        target.write(part)
        rest -= len(part)
    if rest or source.read(1):
        raise Unproven(f"{name}: {member.name} is not as long as it says")


def _place(digest: str) -> str:
    return f"evidence/sha256/{digest[:2]}/{digest}"


def _digest(file: IO[bytes]) -> str:
    running = sha256()
    while part := file.read(_STEP):
        running.update(part)
    return running.hexdigest()
