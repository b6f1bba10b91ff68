"""
The documents of a knowledge base, from the files in one folder.

A folder holds `.txt`, `.json` and `.pdf` files, and perhaps `corpus_pack.json`, an array of
documents with their text. What cannot be read is named and left out: a benchmark of what
is left is not one of the knowledge base, and its report says so.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import decode, named, parse_json
from pytest_promotion.evidence.files import read_given
from pytest_promotion.suites.release.knowledge import strict_json

PACK: Final = "corpus_pack.json"
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the knowledge base, as text."""

    source_name: str
    source_type: str  # "txt", "json" or "pdf"
    title: str
    text: str


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the pack. Further keys are the company's own."""

    source_name: str
    source_type: Literal["txt", "json", "pdf"]
    content: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents in the order of the pack and then of the files' names, and what is wrong with the others."""

    documents: list[Document]
    problems: list[str]
    ignored: list[str]  # files of other kinds

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
        Unproven: where there is not one document in it.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as problem:
        raise PolicyError(f"the corpus {folder} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    found = Corpus([], [], [])
    for path in sorted(files, key=lambda path: path.name != PACK):
        kind = path.suffix.lower().removeprefix(".")
        if kind not in _READERS:
            found.ignored.append(path.name)
            continue
        try:
            if path.name == PACK:
                _unpack(_bytes(path), found)
            else:
                origin = ascii(path.name)[1:-1]
                text, title = _READERS[kind](_bytes(path), origin), path.stem.replace("_", " ")
                found.documents.append(_whole(Document(f"benchmark::{path.name}", kind, title, text), origin))
        except Unproven as problem:
            found.problems.append(str(problem))
    if not found.documents:
        raise Unproven(f"the corpus {folder} has no documents" + "".join(f"; {why}" for why in found.problems[:3]))
    return found


def _bytes(path: Path) -> bytes:
    # A byte order mark changes nothing of what a text says, and editors on Windows write it.
    return read_given(path, path.name).removeprefix(_BOM)


def _unpack(content: bytes, into: Corpus) -> None:
    rows = parse_json(content, PACK)
    if not isinstance(rows, list):
        raise Unproven(f"{PACK} is {named(rows)}, expected an array of documents")
    seen = set()
    for number, row in enumerate(rows):
        origin = f"{PACK} at [{number}]"
        try:
            one: Packed = strict_json.convert(row, Packed, origin)
            if not one.source_name.strip() or one.source_name in seen:
                raise Unproven(f"{origin}: the source name {one.source_name!r} is blank or stands twice")
            seen.add(one.source_name)
            title = one.title or one.source_name
            into.documents.append(_whole(Document(one.source_name, one.source_type, title, one.content), origin))
        except (PolicyError, Unproven) as problem:
            into.problems.append(str(problem))


def _whole(document: Document, origin: str) -> Document:
    if not document.text.strip():
        raise Unproven(f"{origin} has no text")
    try:
        f"{document.source_name} {document.title} {document.text}".encode()
    except UnicodeEncodeError:
        raise Unproven(f"{origin} has half of a character in its name, title or text (a lone surrogate)") from None
    return document


def _json(content: bytes, origin: str) -> str:
    try:
        return json.dumps(parse_json(content, origin), indent=2, ensure_ascii=False)
    except RecursionError:
        raise Unproven(f"{origin} is nested too deeply to read") from None


def _pdf(content: bytes, origin: str) -> str:
    try:
        import pypdf  # the extra `kb`; 60 ms, and few corpora have a PDF
    except ImportError:
        raise Unproven(f"{origin} cannot be read without pypdf: pip install 'pytest-promotion[kb]'") from None
    import logging

    # It tells its own log of each thing that it mended, and a report has one line for each file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        pages: list[Any] = list(pypdf.PdfReader(io.BytesIO(content)).pages)
        return "\n".join(page.extract_text() for page in pages)
    except Exception as problem:  # noqa: BLE001 - a broken file makes it raise anything, RecursionError and KeyError too
        raise Unproven(f"{origin} is not a readable PDF: {type(problem).__name__}") from None


_READERS: Final = {"txt": decode, "json": _json, "pdf": _pdf}
