"""
Which of two tags of an image is the older version, as far as tags tell.

A tag is read as `[prefix-]version[-variant]`: `version-2.12.0`, `v1.2`, `1.2.3-rc1-alpine3.20`, `20260101`. The version
is what the package `packaging` takes for one, the longest that ends at a separator or where digits meet letters.

- The prefixes have to be the same; `v`, `version`, `release` and none are.
- Both versions are on one scale: numbers, years, or dates without dots of the same length.
- Where one has fewer numbers, only those that both have are compared. 7 to 7.2 says nothing: 7 moves.
- Variants are compared as words, without the system that the image is built on (`alpine3.20`, `bookworm`). Where
  they differ in a word with digits, or the versions are the same, nothing is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

_TAG: Final = re.compile(r"(?P<prefix>[A-Za-z][A-Za-z_.-]*?)?[-_.]?(?P<rest>\d.*)")
_COMMON_PREFIXES: Final = frozenset({"", "v", "ver", "version", "rel", "release"})
_COMMIT: Final = re.compile(r"(?=.*[a-f])[0-9a-f]{7,40}")
_DASHED_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?!\d)")
_ENDS: Final = re.compile(r"(?=[-.])(?!\.\d)|(?<=\d)(?=[A-Za-z])")
_SYSTEM: Final = re.compile(
    r"(?:alpine|debian|ubuntu|ubi|el|deb|fc|rhel|centos|rockylinux|amazonlinux|windowsservercore|nanoserver|ltsc)[\d.]*"
    r"|bookworm|bullseye|buster|trixie|stretch|sid|focal|jammy|noble|slim|fat|minimal",
    re.IGNORECASE,
)
_FIRST_YEAR, _LAST_YEAR, _SHORTEST_DATE = 1970, 2999, 6


@dataclass(frozen=True, slots=True)
class _Tag:
    prefix: str
    version: Version
    variant: frozenset[str]
    numbered: frozenset[str]  # the words of the variant that have digits

    @property
    def scale(self) -> str:
        first = self.version.release[0]
        if len(str(first)) >= _SHORTEST_DATE:
            return f"{len(str(first))} digits"
        return "year" if _FIRST_YEAR <= first <= _LAST_YEAR else "number"


def is_built_here(tag: str) -> bool:
    """Whether *tag* is one for images that were built on this machine, which are of no published version."""
    return tag in ("local", "dev", "development")


def moved(before: str, after: str) -> int | None:
    """-1, 0 or 1 where *after* is an older, the same or a newer version than *before*; None where tags do not tell."""
    one, two = _read(before), _read(after)
    if one is None or two is None or (one.prefix, one.scale, one.numbered) != (two.prefix, two.scale, two.numbered):
        return None
    first, second = one.version, two.version
    if len(first.release) == len(second.release):
        direction = (second > first) - (second < first)
        return direction if direction or one.variant == two.variant else None
    both = min(len(first.release), len(second.release))
    numbers = first.release[:both], second.release[:both]
    return None if numbers[0] == numbers[1] else (1 if numbers[1] > numbers[0] else -1)


def _read(tag: str) -> _Tag | None:
    found = _TAG.fullmatch(tag)
    if found is None or _COMMIT.fullmatch(tag):
        return None
    prefix = (found["prefix"] or "").lower().strip("-_.")
    rest = _DASHED_DATE.sub(r"\1.\2.\3", found["rest"].replace("_", "-"), count=1)
    ends = [place.start() for place in _ENDS.finditer(rest)]
    for end in (len(rest), *reversed(ends)):
        try:
            version = Version(rest[:end])
        except InvalidVersion:
            continue
        words = [word for word in re.split(r"[-+]", rest[end:].lower()) if word.strip(".")]
        numbered = frozenset(w for w in words if re.search(r"\d", w) and not _SYSTEM.fullmatch(w))
        return _Tag("" if prefix in _COMMON_PREFIXES else prefix, version, frozenset(words), numbered)
    return None
