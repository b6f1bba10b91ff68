"""Times that a document has under other names than those that count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

_NAME: Final = re.compile(
    r"(?:^|_)(?:ts|time|timestamp|date|datetime|created|generated|updated|modified|finished|ended|completed|collected"
    r"|produced|written|exported)(?:_|$)",
    re.IGNORECASE,
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SECONDS: Final = (1e9, 1e10)  # since 1970: from 2001 to 2286
_NESTED: Final = ("meta", "metadata", "header", "info")


def other_times(document: dict[str, Any]) -> Iterator[tuple[str, datetime]]:
    """The fields of *document*, and of a header in it, that say when something was, with what they say."""
    for name, value in dict.items(document):  # whatever watches what its gate reads
        if _NAME.search(_snake(str(name))):
            moment = _moment(value)
            if moment is not None:
                yield str(name), moment
        elif name in _NESTED and isinstance(value, dict):
            yield from ((f"{name}.{inner}", moment) for inner, moment in other_times(value))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[.\- ]", "_", name)


def _moment(value: Any) -> datetime | None:
    """What a text that starts with a day by ISO 8601, or a number of seconds or milliseconds since 1970, says."""
    if isinstance(value, str) and _DAY.match(value):
        for text in (value, value[:10]):
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                continue
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for seconds in (value, value / 1000):
            if _SECONDS[0] <= seconds < _SECONDS[1]:
                return datetime.fromtimestamp(seconds, UTC)
    return None
