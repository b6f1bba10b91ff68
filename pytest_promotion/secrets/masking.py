"""Taking secrets out of what is about to be shown: values that are known, and whatever looks like one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from pytest_promotion.secrets import common_forms, keywords, logins, tokens
from pytest_promotion.secrets.lines import Line, Match, strongest
from pytest_promotion.secrets.placeholders import is_path, is_placeholder
from pytest_promotion.secrets.suspects import COMMAND, ENCODED, HEADER, KEYED, LOGIN, NAME_VALUE, NETRC, PEM, suspects

SHOWN: Final = "***"
_SECRET: Final = re.compile(r"KEY|SECRET|PASS|PWD|TOKEN|CREDENTIAL|AUTH|DSN|COOKIE|SIGNATURE|WEBHOOK", re.IGNORECASE)
# These name a secret and hold something else: the folder that one is in, where the secret is, how it is called.
_ABOUT: Final = re.compile(r"^(?:OLD)?PWD$|_(?:FILE|PATH|DIR|HOME|NAME|TYPE|TTL|ENV|SOCK|HELPER)$", re.IGNORECASE)
_WORD_OR_NUMBER: Final = re.compile(r"[A-Za-z]+(?:[-_. ][A-Za-z]+)*|[0-9]+")
_SHORTEST_WORD: Final = 8  # a shorter word or number is part of names, and of digests
_SHORTEST: Final = 4  # shorter ones stand inside of ordinary words, and a text full of masks tells nothing
_LOGIN: Final = re.compile(r"(?<=:/)(/?)[^\s/@:]*:[^\s/@]+(?=@)")  # in a path, // is one slash
_PEM: Final = re.compile(
    r"(?:-----)?BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-*"
    r"(?:.*?END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-*|.*)",
    re.DOTALL,
)
_MATERIAL: Final = re.compile(r"[A-Za-z0-9+/]{20,}")
_START: Final = re.compile(r"(?:(?<=^)|(?<=\|)|(?<=\(\?i\)))\\b")
# Where a form begins at a word, an underscore may be before it, as in names of files and tests, or a character that was
# spelled out: in `\nghp_…` the word begins behind the n.
_WORD: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[abfnrtv0])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})|(?<=\\U[0-9a-f]{8}))"
_FORMS: Final = {
    name: re.compile(_START.sub(lambda _: _WORD, pattern.pattern), pattern.flags)
    for name, pattern in {**tokens.PATTERNS, **common_forms.PATTERNS}.items()
}
_TWICE: Final = 3  # rounds; what a mask uncovers is looked at again


def secret_values(pairs: Mapping[str, Any]) -> set[str]:
    """
    The values in *pairs* whose names say that they are secret, and which can be one.

    A path is none, whatever its name: a mask over it would hide where things are. A word of a few letters, such as the
    password `admin`, is none either: it is part of other names, which the mask would garble.
    """
    return {
        str(value)
        for name, value in pairs.items()
        if value and _SECRET.search(name) and not _ABOUT.search(name) and can_be_secret(str(value))
    }


def can_be_secret(value: str) -> bool:
    """Whether *value* is neither a path nor a short word or number."""
    if ("/" in value or "\\" in value) and (os.path.exists(os.path.expanduser(value)) or is_path(value)):
        return False
    return len(value) >= _SHORTEST_WORD or not is_word(value)


def is_word(value: str) -> bool:
    """Whether *value* is a number, or words of letters: it can be part of the names of other things."""
    return _WORD_OR_NUMBER.fullmatch(value) is not None


class Mask:
    """Replaces *values*, line by line, and what the rules of this package find, in texts and whole documents."""

    def __init__(self, values: Iterable[str]) -> None:
        lines = {line.strip() for value in values for line in value.splitlines()}
        known = [line for line in lines if len(line) >= _SHORTEST and not is_placeholder(line)]
        # The longest first: one secret can be the start of another.
        self._known = sorted(known, key=len, reverse=True)

    def text(self, text: str) -> str:
        """*text* with `***` in the place of each secret."""
        for value in self._known:
            text = text.replace(value, SHOWN)
        return masked(text)

    def document(self, value: Any) -> Any:
        """A JSON value with every text in it masked; keys stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.document(item) for key, item in value.items()}
        return [self.document(item) for item in value] if isinstance(value, (list, tuple)) else value


def masked(text: str) -> str:
    """*text* with `***` in the place of whatever the rules take for a secret; masking it again changes nothing."""
    for _ in range(_TWICE):
        names = suspects(text)
        if not names:
            return text
        shown = _once(text, names)
        if shown == text:
            return text
        text = shown
    return text


def _once(text: str, names: tuple[str, ...]) -> str:
    if PEM in names:
        text = _PEM.sub(lambda found: SHOWN if _MATERIAL.search(found[0]) else found[0], text)
    if LOGIN in names:
        text = _LOGIN.sub(rf"\1{SHOWN}", text)
    finders = [_FINDERS[name] for name in dict.fromkeys(names) if name in _FINDERS]
    if not finders:
        return text
    if "\n" in text:
        return "\n".join(_unspoken(line, finders) for line in text.split("\n"))
    return _unspoken(text, finders)


def _unspoken(text: str, finders: list[_Finder]) -> str:
    line = Line(text)
    found = [match for find in finders for match in find(line)]
    for match in reversed(strongest(found)):
        text = text[: match.start] + SHOWN + text[match.end :]
    return text


def _of_form(name: str, pattern: re.Pattern[str]) -> _Finder:
    def find(line: Line) -> Iterator[Match]:
        for found in pattern.finditer(line.text):
            group = "value" if "value" in found.re.groupindex else 0
            if not is_placeholder(found[group]):
                yield Match(name, tokens.RANK, found.start(group), found.end(group), name)

    return find


def _find_keyed(line: Line) -> Iterator[Match]:
    yield from keywords.find_keyed(line)
    yield from keywords.find_stated(line)


_Finder = Callable[[Line], Iterator[Match]]
_FINDERS: Final[dict[str, _Finder]] = {
    **{name: _of_form(name, pattern) for name, pattern in _FORMS.items()},
    HEADER: keywords.find_headers,
    KEYED: _find_keyed,
    PEM: tokens.find_private_keys,
    ENCODED: logins.find_encoded,
    NETRC: logins.find_netrc,
    COMMAND: logins.find_in_commands,
    NAME_VALUE: logins.find_name_value,
}
