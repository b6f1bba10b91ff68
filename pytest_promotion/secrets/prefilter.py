"""
Which lines of a block have to be looked at, and by which rules.

Two engines answer the same question. Hyperscan searches all patterns at once in its
prefilter mode, whose answers are a superset of the exact ones, and only on lines of plain ASCII,
where its bytes mean what `re` means by characters; the rest, and everything where its wheel is
missing, is searched by `re`. What is a finding is decided by the rules alone, so that the engines differ in
speed and in nothing else.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import importlib.metadata
import itertools
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pytest_promotion import atomic
from pytest_promotion.secrets.detectors import Rule
from pytest_promotion.secrets.texts import decode

Engine = Literal["auto", "hyperscan", "python"]
Candidates = dict[int, set[int]]  # where a line begins, in bytes -> the numbers of the rules that may match it
# Blanks for `re`, and not for Hyperscan.
_ODD_BLANKS: Final = (b"\x1c", b"\x1d", b"\x1e", b"\x1f")


class Prefilter(Protocol):
    """Finds the lines that the rules have to look at."""

    name: str

    def candidates(self, block: bytes) -> Candidates:
        """The lines of *block* that may hold a secret, with the rules that may find it."""
        ...


def prefilter(rules: Sequence[Rule], engine: Engine = "auto") -> Prefilter:
    """The prefilter for *rules*. Raises `ImportError` where *engine* says hyperscan and there is none."""
    if engine != "python":
        try:
            return Hyperscan(rules)
        except ImportError:
            if engine == "hyperscan":
                raise
    return Python(rules)


class Python:
    """The rules' own patterns, one after another over the whole block."""

    name = "python"

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._patterns = [
            (number, re.compile(pattern.pattern, pattern.flags | re.MULTILINE))
            for number, rule in enumerate(rules)
            for pattern in rule.patterns
        ]

    def candidates(self, block: bytes) -> Candidates:
        """See `Prefilter`."""
        lines = block.split(b"\n")
        starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))
        return self.among(lines, starts)

    def among(self, lines: Sequence[bytes], starts: Sequence[int]) -> Candidates:
        """The candidates among *lines*, which begin at *starts*."""
        texts = [decode(line) for line in lines]
        whole = "\n".join(texts)
        begins = list(itertools.accumulate((len(text) + 1 for text in texts), initial=0))
        found: Candidates = {}
        for number, pattern in self._patterns:
            for match in pattern.finditer(whole):
                # A match may run over several lines, and hide one that begins in a later of them.
                first = bisect.bisect_right(begins, match.start()) - 1
                last = bisect.bisect_left(begins, match.end()) - 1
                for index in range(first, min(max(first, last), len(lines) - 1) + 1):
                    found.setdefault(starts[index], set()).add(number)
        return found


class Hyperscan:
    """All patterns at once."""

    name = "hyperscan"

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._exact = Python(rules)
        self._numbers = [number for number, rule in enumerate(rules) for _ in rule.patterns]
        self._database = _database([pattern for rule in rules for pattern in rule.patterns])

    def candidates(self, block: bytes) -> Candidates:
        """See `Prefilter`."""
        found: Candidates = {}
        numbers, start, end = self._numbers, 0, -1

        def seen(pattern: int, _from: int, to: int, _flags: int, _context: object) -> None:
            nonlocal start, end
            at = max(to - 1, 0)  # the last byte of the match: a line end belongs to the line before it
            if not start <= at <= end:
                start = block.rfind(b"\n", 0, at) + 1
                end = block.find(b"\n", at)
                end = len(block) if end < 0 else end
            found.setdefault(start, set()).add(numbers[pattern])

        self._database.scan(block, match_event_handler=seen)
        if not block.isascii() or any(blank in block for blank in _ODD_BLANKS):
            self._odd_lines(block, found)
        return found

    def _odd_lines(self, block: bytes, found: Candidates) -> None:
        lines, starts, at = [], [], 0
        for line in block.split(b"\n"):
            if not line.isascii() or any(blank in line for blank in _ODD_BLANKS):
                lines.append(line)
                starts.append(at)
            at += len(line) + 1
        for start, numbers in self._exact.among(lines, starts).items():
            found.setdefault(start, set()).update(numbers)


def _database(patterns: Sequence[re.Pattern[str]]) -> Any:
    """The compiled patterns, from the cache where it has them: compiling takes a good second."""
    import hyperscan

    expressions, flags = [], []
    for pattern in patterns:
        flag = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_ALLOWEMPTY
        flag |= hyperscan.HS_FLAG_CASELESS if pattern.flags & re.IGNORECASE else 0
        flag |= hyperscan.HS_FLAG_DOTALL if pattern.flags & re.DOTALL else 0
        flags.append(flag)
        text = f"(?x){pattern.pattern}" if pattern.flags & re.VERBOSE else pattern.pattern
        # It takes no line start in the middle. Without it the pattern matches more, which is what a prefilter may do.
        expressions.append(re.sub(r"(?<=[|(])\^(?=\))", "", text).encode())
    name = hashlib.sha256(repr((importlib.metadata.version("hyperscan"), expressions, flags)).encode()).hexdigest()
    place = _cache() / f"secrets-{name}.hsdb"
    stored = _trusted(place)
    if stored is not None:
        with contextlib.suppress(hyperscan.HyperscanError):  # from another processor
            database = hyperscan.loadb(stored, hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
            return database
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)
    _keep(place, hyperscan.dumpb(database))
    return database


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "pytest-promotion"


def _trusted(place: Path) -> bytes | None:
    """What is cached, if nobody else can have written it and it is whole: the engine would run anything."""
    try:
        with place.open("rb") as file:
            facts = os.fstat(file.fileno())
            foreign = hasattr(os, "geteuid") and facts.st_uid != os.geteuid()
            if foreign or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            content = file.read()
    except OSError:
        return None
    digest, body = content[:32], content[32:]
    return body if hashlib.sha256(body).digest() == digest else None


def _keep(place: Path, body: bytes) -> None:
    # A cache that cannot be written costs a second a scan and nothing else.
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write(place, hashlib.sha256(body).digest() + body, mode=0o600, durable=False)
