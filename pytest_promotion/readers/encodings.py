"""Files of other tools in the encodings that they write: UTF-8 with a byte order mark or without, and UTF-16."""

from __future__ import annotations

import codecs
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents

_MARKS: Final = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def plain(content: bytes, origin: str) -> bytes:
    """*content* as UTF-8 without a byte order mark. Raises `Unproven` for UTF-16 that is none."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(encoding).encode()
            except UnicodeError as problem:
                raise Unproven(f"{origin} begins like UTF-16 and is not: {problem}") from None
    return content.removeprefix(codecs.BOM_UTF8)


def parse_json(content: bytes, origin: str) -> Any:
    """The JSON value in *content*. Raises `Unproven`, as `documents.parse_json` does."""
    return documents.parse_json(plain(content, origin), origin)


def decode(content: bytes, origin: str) -> str:
    """The text in *content*. Raises `Unproven`, as `documents.decode` does."""
    return documents.decode(plain(content, origin), origin)
