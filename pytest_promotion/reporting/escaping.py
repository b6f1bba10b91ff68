"""Text that stays text in the formats decisions are rendered to, whatever a gate put into it."""

from __future__ import annotations

import re
from typing import Final

# An underscore inside a word and a > inside a line are text already, and names are full of them.
_MARKUP: Final = re.compile(r"[\\`*\[\]<]|^[>#+-]|(?<!\w)_|_(?!\w)")

# What XML 1.0 has no way to write, not even as a code.
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def line(value: object) -> str:
    """*value* as one line: each run of white space, line ends of all kinds among it, is a space."""
    return " ".join(str(value).split())


def text(value: object) -> str:
    """Markdown text: no markup, no line of its own, no HTML."""
    return _MARKUP.sub(r"\\\g<0>", line(value))


def code(value: object) -> str:
    """Markdown code inside of a line."""
    return f"`{line(value).replace('`', chr(39))}`"


def cell(value: object) -> str:
    """Markdown text inside of a table."""
    return text(value).replace("|", "\\|")


def message(value: object) -> str:
    """The message of a GitHub workflow command: what would end it or begin another is a code."""
    return line(value).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def parameter(value: object) -> str:
    """A parameter of a GitHub workflow command, in which a colon and a comma end it too."""
    return message(value).replace(":", "%3A").replace(",", "%2C")


def xml(value: object) -> str:
    """Text that may be in XML: a character that XML does not have is shown as its code."""
    return _NO_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", str(value))
