"""
The documents of a knowledge base, from the files in one folder and the folders in it.

A folder holds `.txt`, `.md`, `.html`, `.json` and `.pdf` files, and optionally `corpus_pack.json`, an array of
documents with their text. What cannot be read is named and left out: a benchmark of what
is left is not one of the knowledge base, and its report says so.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import named, parse_json
from pytest_promotion.evidence.files import read_given
from pytest_promotion.suites.release.knowledge import document_files, strict_json
from pytest_promotion.suites.release.knowledge.words import composed

PACK: Final = "corpus_pack.json"
PREFIX: Final = "benchmark::"  # of the source name of a file, as the earlier system named them
_EMPTY_SHARE: Final = 20  # one document of so many may be empty before the corpus counts as incomplete
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the knowledge base, as text."""

    source_name: str
    source_type: str  # the suffix of its file, or what the pack says
    title: str
    text: str


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the pack. Further keys are the company's own."""

    source_name: str
    source_type: Literal["txt", "md", "html", "json", "pdf"]
    content: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents in the order of the pack and then of the files' paths, and what is wrong with the others."""

    documents: list[Document] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # files of other kinds, and folders elsewhere

    folder: Path | None = None
    _by_name: dict[str, Document] = field(default_factory=dict)

    def document(self, given: str) -> Document | None:
        """
        The document that *given* names, or None.

        A file is named by its path below the corpus, with or without `benchmark::`, or by a path to it that goes
        through the corpus's folder, as `docs/guide.md` does where the corpus is `docs`.
        """
        name = composed(given)
        parts = self.folder.parts if self.folder else ()
        for prefix in ("", PREFIX):
            if found := self._by_name.get(f"{prefix}{name}"):
                return found
        for start in range(len(parts)):
            way = f"{Path(*parts[start:]).as_posix()}/"
            if name.startswith(way) and (found := self._by_name.get(PREFIX + name.removeprefix(way))):
                return found
        return None

    def add(self, document: Document) -> None:
        """Takes *document* in. Raises `Unproven` where its name is blank or taken."""
        if not document.source_name.strip() or document.source_name in self._by_name:
            raise Unproven(f"the source name {document.source_name!r} is blank or a duplicate")
        self._by_name[document.source_name] = document
        self.documents.append(document)

    @property
    def empty(self) -> list[str]:
        """The names of documents without text: they are there to be found, and say nothing."""
        return [one.source_name for one in self.documents if not one.text.strip()]

    @property
    def problems(self) -> list[str]:
        """Why this is not the whole corpus; one empty document, or one of twenty, is no reason."""
        empty = self.empty
        if len(empty) <= max(1, len(self.documents) // _EMPTY_SHARE):
            return self.unread
        shown = ", ".join(empty[:5]) + (", …" if len(empty) > 5 else "")
        return [*self.unread, f"{len(empty)} of {len(self.documents)} documents are empty: {shown}"]

    @property
    def sha256(self) -> str:
        """A digest of names, types, titles and texts, whatever their order."""
        return digest(
            sorted(
                [one.source_name, one.source_type, one.title, hashlib.sha256(one.text.encode()).hexdigest()]
                for one in self.documents
            )
        )


def read(folder: Path) -> Corpus:
    """
    The corpus in *folder*.

    Raises:
        PolicyError: where *folder* cannot be listed.
        Unproven: where there is not one document with text in it.
    """
    found = Corpus(folder=folder.absolute())
    for path in sorted(_files(folder, found), key=lambda path: (path != folder / PACK, path)):
        name = path.relative_to(folder).as_posix()
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in document_files.SUFFIXES:
            found.ignored.append(name)
            continue
        try:
            if path == folder / PACK:
                _unpack(_bytes(path), found)
            else:
                origin = ascii(name)[1:-1]
                content = document_files.read(_bytes(path), suffix, origin)
                title = composed(content.title or path.stem.replace("_", " "))
                _add(found, Document(composed(f"{PREFIX}{name}"), suffix, title, composed(content.text)), origin)
                found.unread.extend(content.problems)
        except Unproven as problem:
            found.unread.append(str(problem))
    if len(found.empty) == len(found.documents):
        raise Unproven(f"the corpus {folder} has no documents" + "".join(f"; {why}" for why in found.problems[:3]))
    return found


def _files(folder: Path, found: Corpus) -> Iterator[Path]:
    """The files in *folder* and below it, without what is hidden; links to folders are named and not followed."""

    def refuse(problem: OSError) -> None:
        raise PolicyError(f"the corpus {folder} cannot be read: {(problem.strerror or 'failed').lower()}")

    for place, folders, names in os.walk(folder, onerror=refuse):
        here = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.ignored.extend(
            (here / name).relative_to(folder).as_posix() for name in folders if (here / name).is_symlink()
        )
        yield from (here / name for name in names if not name.startswith(".") and (here / name).is_file())


def _bytes(path: Path) -> bytes:
    # A byte order mark changes nothing of what a text says, and editors on Windows write it.
    return read_given(path, path.name).removeprefix(_BOM)


def _unpack(content: bytes, into: Corpus) -> None:
    rows = parse_json(content, PACK)
    if not isinstance(rows, list):
        raise Unproven(f"{PACK} is {named(rows)}, expected an array of documents")
    for number, row in enumerate(rows):
        origin = f"{PACK} at [{number}]"
        try:
            one: Packed = strict_json.convert(row, Packed, origin)
            name, title = composed(one.source_name), composed(one.title or one.source_name)
            _add(into, Document(name, one.source_type, title, composed(one.content)), origin)
        except (PolicyError, Unproven) as problem:
            into.unread.append(str(problem))


def _add(into: Corpus, document: Document, origin: str) -> None:
    try:
        f"{document.source_name} {document.title} {document.text}".encode()
    except UnicodeEncodeError:
        raise Unproven(f"{origin} has half of a character in its name, title or text (a lone surrogate)") from None
    try:
        into.add(document)
    except Unproven as problem:
        raise Unproven(f"{origin}: {problem}") from None
