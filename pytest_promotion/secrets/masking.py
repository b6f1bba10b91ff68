"""Taking secrets out of what is about to be shown: values that are known, and whatever looks like one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pytest_promotion.secrets import keywords, tokens
from pytest_promotion.secrets.lines import Line, strongest
from pytest_promotion.secrets.placeholders import is_placeholder

SHOWN: Final = "***"
_SECRET: Final = re.compile(r"KEY|SECRET|PASS|PWD|TOKEN|CREDENTIAL|AUTH|DSN|COOKIE|SIGNATURE|WEBHOOK", re.IGNORECASE)
_SHORTEST: Final = 4  # shorter ones stand inside of ordinary words, and a text full of masks tells nothing
_LOGIN: Final = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")


def secret_values(pairs: Mapping[str, Any]) -> set[str]:
    """The values in *pairs* whose names say that they are secret."""
    return {str(value) for name, value in pairs.items() if value and _SECRET.search(name)}


class Mask:
    """Replaces *values*, line by line, and what the rules of this room find, in texts and whole documents."""

    def __init__(self, values: Iterable[str]) -> None:
        lines = {line.strip() for value in values for line in value.splitlines()}
        known = [line for line in lines if len(line) >= _SHORTEST and not is_placeholder(line)]
        # The longest first: one secret can be the start of another.
        self._known = sorted(known, key=len, reverse=True)

    def text(self, text: str) -> str:
        """*text* with `***` in the place of each secret."""
        for value in self._known:
            text = text.replace(value, SHOWN)
        return "\n".join(_unspoken(line) for line in _LOGIN.sub(SHOWN, text).split("\n"))

    def document(self, value: Any) -> Any:
        """A JSON value with every text in it masked; keys stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.document(item) for key, item in value.items()}
        return [self.document(item) for item in value] if isinstance(value, (list, tuple)) else value


def _unspoken(text: str) -> str:
    line = Line(text)
    found = [match for name in tokens.PATTERNS for match in tokens.find_form(name, line)]
    found += [*tokens.find_private_keys(line), *keywords.find_headers(line), *keywords.find_keyed(line)]
    for match in reversed(strongest(found)):
        text = text[: match.start] + SHOWN + text[match.end :]
    return text
