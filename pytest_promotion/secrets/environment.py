"""Values of environment variables whose names say that they are secret: they are masked wherever they stand."""

from __future__ import annotations

import functools
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Final

SHORTEST: Final = 8  # characters; shorter values are ordinary words somewhere
_MOST: Final = 256  # values that are remembered: a program that draws one a minute has hours of them
_NAME: Final = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|ACCOUNT|MASTER|DEPLOY)_?KEY"
    r"|(?:^|_)PASS$|_PWD$",
    re.IGNORECASE,
)
# These name a secret and hold something else: where it is, how it is called, how long it lasts.
_ABOUT: Final = re.compile(
    r"_(?:FILE|PATH|DIR|NAME|ID|URL|URI|ENDPOINT|TYPE|TTL|ENV|HELPER|PARALLELISM)$|^OLD_?PWD$", re.IGNORECASE
)
_PLACE: Final = re.compile(r"(?:~|\.{1,2})?/[\w.@+/-]*/[\w.@+-]*")

_known: dict[str, None] = {}


@functools.cache
def says_secret(name: str) -> bool:
    """Whether the variable *name* is one whose value is secret."""
    return bool(_NAME.search(name)) and not _ABOUT.search(name)


def secret_values(environment: Mapping[str, str]) -> Iterator[str]:
    """What has to be masked of *environment*: each line of each secret value, also as a URL writes it."""
    for name, value in environment.items():
        if not says_secret(name):
            continue
        for line in map(str.strip, value.splitlines()):
            if len(line) < SHORTEST or len(set(line)) < 3 or _PLACE.fullmatch(line):
                continue
            yield line
            quoted = urllib.parse.quote(line, safe="")
            if quoted != line:
                yield quoted


def begin() -> None:
    """Forgets what was known of the environment, and looks at it: the start of a session or a command."""
    _known.clear()
    look()


def look() -> None:
    """Learns the secrets that are in the environment by now. None is forgotten that was there before."""
    for value in secret_values(os.environ):
        if value not in _known:
            _known[value] = None
            if len(_known) > _MOST:
                del _known[next(iter(_known))]


def known() -> Mapping[str, None]:
    """The values that are known, as keys."""
    return _known


begin()
