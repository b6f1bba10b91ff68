"""The notes on what a change of the schema does to the service level objectives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_HEADING: Final = re.compile(r"^#{1,6}[ \t]+(?P<title>.*?)[ \t]*#*[ \t]*$", re.MULTILINE)


def lacking(text: str, headings: Sequence[str]) -> list[str]:
    """Which of *headings* the Markdown *text* does not have, or has nothing below."""
    found: dict[str, str] = {}
    titles = list(_HEADING.finditer(text))
    for number, title in enumerate(titles):
        end = titles[number + 1].start() if number + 1 < len(titles) else len(text)
        found[title["title"].casefold()] = text[title.end() : end].strip()
    return [heading for heading in headings if not found.get(heading.casefold())]


def differs(before: str, after: str) -> bool:
    """Whether more than spaces and line ends is different."""
    return before.split() != after.split()
