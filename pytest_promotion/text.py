"""
Text on its way out of the process: the one function that every text passes, whichever form it is shown in.

A text is one line, without characters that steer a terminal, reorder what is read or hide, and its secrets
are `***`. What is shown once may be shown again: a text that has passed stays as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from pytest_promotion.secrets import environment, suspects

# Printable for Python, and nothing to be seen: joiners, fillers and selectors of a variant.
_HIDDEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | frozenset(
    map(chr, range(0xE0100, 0xE01F0))
)
# What CI systems read as a command: at the start of a line, and anywhere in it.
_COMMAND: Final = re.compile(r"^(\s*):(?=:)|#(?=#(?:vso|teamcity)?\[)")
_VERDICT: Final = re.compile(r"^\s*promotion:")  # what only the last line of a session begins with
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FLAG: Final = re.compile(r"--?[\w-]+")
_USERS: Final = ("-u", "--user", "--proxy-user")

TAB: Final = 4  # blanks
MOST: Final = 5  # names in a list for people


def legible(text: object) -> str:
    """*text* as it may leave the process: one line, nothing hidden in it, secrets as `***`."""
    plain = text if type(text) is str else str(text)
    known = environment.known()
    if suspects.suspects(plain) or (known and any(value in plain for value in known)):
        plain = _masked(plain)
    if plain.isascii() and plain.isprintable():  # nearly always
        return _COMMAND.sub(_escaped, plain) if "::" in plain or "##" in plain else plain
    clean = "".join(char if char.isprintable() and char not in _HIDDEN else _spelled(char) for char in plain)
    clean = _COMMAND.sub(_escaped, clean)
    # What stood on lines of its own is one line by now, in which a key may have come to stand before its value.
    return clean if clean == plain else _masked(clean)


def learn_secrets(*, fresh: bool = False) -> None:
    """Looks which secrets are in the environment by now; *fresh* forgets the others: a session or a command begins."""
    environment.begin() if fresh else environment.look()


def safe(value: object) -> Any:
    """*value* as a property that every reporter and the transport can carry: a plain scalar or a text."""
    if value is None or type(value) in (bool, int):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    return legible(value)


def clean(value: Any, blocks: Collection[str] = ()) -> Any:
    """A JSON value with every text in it as it may leave the process, keys among them; *blocks* have several lines."""
    if isinstance(value, dict):
        return {legible(key): _field(key, item, blocks) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item, blocks) for item in value]
    return safe(value)


def _field(key: str, value: Any, blocks: Collection[str]) -> Any:
    if key in blocks and isinstance(value, str):
        return block(value)
    return words(value) if key == "argv" and isinstance(value, (list, tuple)) else clean(value, blocks)


def measured(name: str, value: Any) -> Any:
    """The value of the measurement *name*, or what it is compared with: of one called `api_key` it is a secret."""
    if type(value) is not str:
        return clean(value)
    before = f"{name}="
    shown = legible(before + value)
    return legible(shown[len(before) :] if shown.startswith(before) else value)


def block(text: str) -> str:
    """A text of several lines that are wanted, such as the output of a program: each line may leave the process."""
    # First as a whole: a private key is several lines.
    lines = _masked(text).replace("\r\n", "\n").split("\n")
    return "\n".join(_VERDICT.sub(_escaped, legible(line.expandtabs(TAB))) for line in lines)


def words(argv: Iterable[object]) -> list[str]:
    """The words of a command, in which the word after `--token` is as secret as one after `token=`."""
    found: list[str] = []
    flag = ""
    for word in argv:
        shown = legible(word)
        if flag and not shown.startswith("-"):
            prefix = f"{flag} "
            together = legible(prefix + shown)
            shown = together[len(prefix) :] if together.startswith(prefix) else shown
            name, colon, _ = shown.partition(":")
            if flag in _USERS and name and colon:
                shown = f"{name}:***"
        found.append(shown)
        flag = shown if _FLAG.fullmatch(shown) else ""
    return found


def listed(names: Iterable[object], most: int = MOST, *, separator: str = ", ") -> str:
    """*names* for a person to read: after a few of them, how many more there are."""
    every: Sequence[object] = names if isinstance(names, Sequence) else list(names)
    shown = separator.join(map(str, every[:most]))
    more = len(every) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def _masked(text: str) -> str:
    for value in sorted(environment.known(), key=len, reverse=True):  # one secret can be the start of another
        text = text.replace(value, "***")
    from pytest_promotion.secrets import masking  # its patterns are compiled where there is something to mask

    return masking.masked(text)


def _escaped(found: re.Match[str]) -> str:
    return found[0][:-1] + _spelled(found[0][-1])


def _spelled(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
