"""Scanning files: from blocks by way of the prefilter to what the rules find."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pytest_promotion.evidence.nesting import refuse_bombs
from pytest_promotion.secrets import archives, detectors, dotenv, texts
from pytest_promotion.secrets.files import Survey, files
from pytest_promotion.secrets.findings import Findings
from pytest_promotion.secrets.lines import Line, Match, strongest
from pytest_promotion.secrets.prefilter import Engine, Prefilter, prefilter

_PIECE: Final = 1 << 17  # characters of one line that the rules see at once; some of them take the square of it
_STEP: Final = _PIECE - texts.OVERLAP_BYTES
_ENV_RANK: Final = -1  # a value that is known is the surest finding there is
# The library rewrites such files before it looks at them: it joins a key with a value on a later line.
_REWRITTEN: Final = {".yml": 1 << 18, ".yaml": 1 << 18, ".ini": 1 << 16, ".cfg": 1 << 16, ".conf": 1 << 16}
_COMPRESSED: Final = re.compile(r"\.(?:gz|bz2|xz)$", re.IGNORECASE)


@dataclass(slots=True)
class Progress:
    """How far a scan is."""

    files: int = 0
    bytes: int = 0
    path: str = ""


@dataclass(slots=True)
class Scan:
    """What a scan saw."""

    findings: Findings
    engine: str
    survey: Survey = field(default_factory=Survey)
    binary: list[str] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    duration_s: float = 0.0

    @property
    def unreadable(self) -> list[tuple[str, str]]:
        """Files that were not scanned although they should have been, with the reason."""
        return self.survey.unreadable


class Scanner:
    """Rules, engine and the values of `.env` files, made once for many files."""

    def __init__(self, env: Sequence[dotenv.Values] = (), engine: Engine = "auto") -> None:
        self._rules = detectors.rules()
        self._prefilter: Prefilter = prefilter(self._rules, engine)
        self._looking_around = {number for number, rule in enumerate(self._rules) if rule.looks_around}
        self._values = [(text, key) for values in env for text, key in values.texts]
        forms = {form for text, _ in self._values for form in _encoded(text)}
        self._needles = sorted(forms)

    @property
    def engine(self) -> str:
        """Which engine searches: `hyperscan` or `python`."""
        return self._prefilter.name

    def matches(self, line: Line, numbers: Iterable[int] | None = None) -> list[Match]:
        """What the rules *numbers*, or all of them, find in *line*, in its order."""
        chosen = self._rules if numbers is None else [self._rules[number] for number in sorted(numbers)]
        found = [match for rule in chosen for match in rule.find(line)]
        for text, key in self._values:
            at = line.text.find(text)
            while at >= 0:
                found.append(Match("env-value", _ENV_RANK, at, at + len(text), key))
                at = line.text.find(text, at + 1)
        # A key can bear another secret in its name: then it is not shown.
        values = [line.text[one.start : one.end] for one in found]
        return [
            dataclasses.replace(one, label=one.rule) if any(value in one.label for value in values) else one
            for one in strongest(found)
        ]

    def block(self, block: texts.Block) -> Iterator[tuple[int, Match, str]]:
        """The number of the line, the match and the secret, for each one in *block*."""
        candidates = self._prefilter.candidates(block.data)
        for needle in self._needles:
            at = block.data.find(needle)
            while at >= 0:
                candidates.setdefault(block.data.rfind(b"\n", 0, at) + 1, set())
                at = block.data.find(needle, at + 1)
        number, counted = block.number, 0
        for start in sorted(candidates):
            number += block.data.count(b"\n", counted, start)
            counted = start
            end = block.data.find(b"\n", start)
            end = len(block.data) if end < 0 else end
            numbers = candidates[start]
            before, after = texts.around(block, start, end) if numbers & self._looking_around else ((), ())
            text = texts.decode(block.data[start:end]).strip()
            for match, secret in self._pieces(text, before, after, numbers):
                yield number, match, secret

    def _pieces(
        self, text: str, before: tuple[str, ...], after: tuple[str, ...], numbers: set[int]
    ) -> Iterator[tuple[Match, str]]:
        for at in range(0, max(len(text) - texts.OVERLAP_BYTES, 1), _STEP):
            piece = text[at : at + _PIECE]
            more = at + _PIECE < len(text)
            for match in self.matches(Line(piece, before, after), numbers):
                if more and match.end == len(piece) and match.start >= _STEP:
                    continue  # cut here, whole in the next piece
                yield match, piece[match.start : match.end]

    def file(self, path: Path, progress: Callable[[int], None]) -> Iterator[tuple[int, Match, str]]:
        """The same for a whole file. Raises what `texts.blocks` does."""
        return self.text(path.name, texts.blocks(path, progress))

    def text(self, name: str, blocks: Iterable[texts.Block]) -> Iterator[tuple[int, Match, str]]:
        """The same for the text of a file called *name*, in *blocks*."""
        limit = _REWRITTEN.get(PurePosixPath(name).suffix.lower(), 0)
        seen: set[tuple[str, str]] = set()
        small = None
        for block in blocks:
            if limit and block.number == 1 and len(block.data) <= limit:
                small = block.data
            for number, match, secret in self.block(block):
                seen.add((match.rule, secret))
                yield number, match, secret
        if small is not None:
            for number, match, secret in self._rewritten(name, texts.decode(small)):
                if (match.rule, secret) not in seen:
                    yield number, match, secret

    def _rewritten(self, name: str, text: str) -> Iterator[tuple[int, Match, str]]:
        from detect_secrets.transformers import get_transformed_file

        for eager in (False, True):
            file: Any = io.StringIO(text)
            file.name = name
            try:
                if name.lower().endswith((".yaml", ".yml")):
                    refuse_bombs(text, name)  # of aliases that unfold into billions of values it would never come back
                rewritten = get_transformed_file(file, use_eager_transformers=eager) or []
            except Exception:  # noqa: BLE001, S112 - any file is read here as what it may not be; its own lines were scanned
                continue
            for number, line in enumerate(rewritten, 1):
                for match, secret in self._pieces(line.strip(), (), (), set(range(len(self._rules)))):
                    yield number, match, secret


def scan(
    root: Path,
    scanner: Scanner,
    findings: Findings,
    *,
    within: Sequence[str] = ("",),
    logs: bool = True,
    leave_out: Iterable[Path] = (),
    tell: Callable[[Progress], None] | None = None,
) -> Scan:
    """
    Scans every file below *root*, or below its folders *within*; a folder that is not there is an unreadable one.

    *leave_out* are the `.env` files themselves: there their values belong. *tell* hears of the progress, often.

    Archives and compressed files are looked into. Of other files that are not text the printable parts are read, but
    not of programs, pictures, sounds and fonts.
    """
    done = Scan(findings, scanner.engine)
    started = time.monotonic()
    sources = [path.resolve() for path in leave_out]
    reading = _Reading(scanner, done, tell)
    for name, path in files(root, within, done.survey, logs=logs):
        if sources and path.resolve() in sources:
            done.survey.skipped.append((name, "the file whose values are looked for"))
            continue
        reading.file(name, path)
    done.duration_s = time.monotonic() - started
    return done


@dataclass(frozen=True, slots=True)
class _Reading:
    """Files being read, each for itself or out of an archive: what they hold goes to `done`."""

    scanner: Scanner
    done: Scan
    tell: Callable[[Progress], None] | None

    def file(self, name: str, path: Path) -> None:
        """Reads the file *name*, and what is in it where it is an archive."""
        shown = self._name(name)
        self.done.progress.path = shown
        try:
            with path.open("rb") as file:
                if archives.kind_of(file.peek(archives.HEAD)):
                    size = os.fstat(file.fileno()).st_size
                    unread = archives.unfold(name, file, size, self._member)
                    self.done.unreadable.extend((self._name(place), why) for place, why in unread)
                    return
                try:
                    self._note(shown, self.scanner.file(path, self._count))
                except texts.Binary:
                    self._binary(shown, file)
                    return
        except Exception as problem:  # noqa: BLE001 - the scan fails, and the other files are still looked at
            self.done.unreadable.append((shown, _why(problem)))
        else:
            self.done.progress.files += 1

    def _member(self, name: str, file: io.BufferedReader) -> None:
        """Reads *file*, which was in an archive. Raises what reading it does."""
        shown = self._name(name)
        plain = name[: -len(compressed[0])] if (compressed := _COMPRESSED.search(name)) else name
        try:
            texts.encoding_of(file.peek(archives.BUFFER))
            self._note(shown, self.scanner.text(PurePosixPath(plain).name, texts.of_stream(file, None, self._count)))
            self.done.progress.files += 1
        except texts.Binary:
            self._binary(shown, file)

    def _binary(self, shown: str, file: io.BufferedReader) -> None:
        """Reads what is printable in a file that is not text; its lines have no numbers."""
        self.done.binary.append(shown)
        if not texts.holds_no_data(file.peek(archives.HEAD)):
            blocks = texts.of_binary(file, self._count)
            self._note(
                shown, ((0, match, secret) for block in blocks for _, match, secret in self.scanner.block(block))
            )

    def _name(self, name: str) -> str:
        """The name as it may be reported; a secret in it is a finding."""
        named = list(self.scanner.block(texts.Block(name.encode("utf-8", "replace"), 0, (), ())))
        shown = _shown(name, named)
        self._note(shown, named)
        return shown

    def _note(self, shown: str, found: Iterable[tuple[int, Match, str]]) -> None:
        for number, match, secret in found:
            self.done.findings.add(shown, number, match, secret)

    def _count(self, size: int) -> None:
        self.done.progress.bytes += size
        if self.tell is not None:
            self.tell(self.done.progress)


def _why(problem: Exception) -> str:
    if isinstance(problem, texts.Changed):
        return "it became shorter while it was read"
    if isinstance(problem, OSError):
        return (problem.strerror or "failed").lower()
    # The name of the kind only: a message can quote the line.
    return f"a rule failed on it: {type(problem).__name__}"


def _shown(name: str, named: list[tuple[int, Match, str]]) -> str:
    """A path as it may be reported: one can be named after a secret."""
    for _, _, secret in named:
        name = name.replace(secret, "***")
    return name.encode("utf-8", "backslashreplace").decode()


def _encoded(text: str) -> set[bytes]:
    forms = {text.encode("utf-8", "surrogatepass")}
    with contextlib.suppress(UnicodeEncodeError):
        forms.add(text.encode("latin-1"))
    return forms
