"""
The text in one file of a knowledge base: plain text, Markdown, HTML, JSON, PDF.

Pages of a PDF that show something and have no text, as scans do, are named: what stands on them cannot be found.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import decode, parse_json

_UNSEEN: Final = frozenset({"script", "style", "template", "noscript", "svg"})
_INLINE: Final = frozenset(
    {"a", "abbr", "b", "code", "em", "i", "kbd", "mark", "s", "small", "span", "strong", "sub", "u"}
)


@dataclass(slots=True)
class FileText:
    """What a file says: its text, its own title where it has one, and what of it could not be read."""

    text: str
    title: str = ""
    problems: list[str] = field(default_factory=list)


def read(content: bytes, suffix: str, origin: str) -> FileText:
    """
    The text of *content*, a file with *suffix*; "" where there is none.

    Raises:
        Unproven: where it cannot be read as what its suffix says.
    """
    if suffix in _TEXTS and not content.strip():
        return FileText("")
    return _READERS[suffix](content, origin)


def _plain(content: bytes, origin: str) -> FileText:
    return FileText(decode(content, origin))


def _markdown(content: bytes, origin: str) -> FileText:
    text = decode(content, origin)
    heading = next((line for line in text.splitlines() if line.startswith("# ")), "")
    return FileText(text, heading.removeprefix("# ").strip())


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title: list[str] = []
        self._unseen = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self._in_title = tag == "title" and not self._unseen
        if tag not in _INLINE:
            self.parts.append("\n")
        self.parts += [value for name, value in attrs if name == "alt" and value]

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self._in_title = False
        if tag not in _INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        elif not self._unseen:
            self.parts.append(data)


def _html(content: bytes, origin: str) -> FileText:
    page = _Page()
    page.feed(decode(content, origin))
    page.close()
    lines = (" ".join(line.split()) for line in "".join(page.parts).splitlines())
    return FileText("\n".join(line for line in lines if line), " ".join("".join(page.title).split()))


def _json(content: bytes, origin: str) -> FileText:
    try:
        return FileText(json.dumps(parse_json(content, origin), indent=2, ensure_ascii=False))
    except RecursionError:
        raise Unproven(f"{origin} is nested too deeply to read") from None


def _pdf(content: bytes, origin: str) -> FileText:
    try:
        import pypdf  # the extra `kb`; 60 ms, and few corpora have a PDF
    except ImportError:
        raise Unproven(f"{origin} cannot be read without pypdf: pip install 'pytest-promotion[kb]'") from None
    import logging

    # It tells its own log of each thing that it mended, and a report has one line for each file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        pages: list[Any] = list(pypdf.PdfReader(io.BytesIO(content)).pages)
        texts = [page.extract_text() for page in pages]
        # A page without content is blank, and nothing of it is lost.
        mute = [
            str(number)
            for number, (page, text) in enumerate(zip(pages, texts, strict=True), 1)
            if not text.strip() and (drawn := page.get_contents()) is not None and drawn.get_data().strip()
        ]
    except Exception as problem:  # noqa: BLE001 - a broken file makes it raise anything, RecursionError and KeyError too
        raise Unproven(f"{origin} is not a readable PDF: {type(problem).__name__}") from None
    found = FileText("\n".join(texts))
    if mute:
        shown = ", ".join(mute[:8]) + (", …" if len(mute) > 8 else "")
        found.problems.append(f"{origin}: {len(mute)} of {len(pages)} pages have no text, as scans do: page {shown}")
    return found


_READERS: Final[dict[str, Callable[[bytes, str], FileText]]] = {
    "txt": _plain,
    "md": _markdown,
    "markdown": _markdown,
    "html": _html,
    "htm": _html,
    "json": _json,
    "pdf": _pdf,
}
_TEXTS: Final = frozenset({"txt", "md", "markdown", "html", "htm"})
SUFFIXES: Final = frozenset(_READERS)
