"""Scanning files: from blocks by way of the prefilter to what the rules find."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_promotion.evidence.nesting import refuse_bombs
from pytest_promotion.secrets import detectors, dotenv, texts
from pytest_promotion.secrets.files import Survey, files
from pytest_promotion.secrets.findings import Findings
from pytest_promotion.secrets.lines import Line, Match, strongest
from pytest_promotion.secrets.prefilter import Engine, Prefilter, prefilter

_PIECE: Final = 1 << 17  # characters of one line that the rules see at once; some of them take the square of it
_STEP: Final = _PIECE - texts.OVERLAP_BYTES
_ENV_RANK: Final = -1  # a value that is known is the surest finding there is
# The library rewrites such files before it looks at them: it joins a key with a value on a later line.
_REWRITTEN: Final = {".yml": 1 << 18, ".yaml": 1 << 18, ".ini": 1 << 16, ".cfg": 1 << 16, ".conf": 1 << 16}


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
        limit = _REWRITTEN.get(path.suffix.lower(), 0)
        seen: set[tuple[str, str]] = set()
        small = None
        for block in texts.blocks(path, progress):
            if limit and block.number == 1 and len(block.data) <= limit:
                small = block.data
            for number, match, secret in self.block(block):
                seen.add((match.rule, secret))
                yield number, match, secret
        if small is not None:
            for number, match, secret in self._rewritten(path.name, texts.decode(small)):
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
    """
    done = Scan(findings, scanner.engine)
    started = time.monotonic()
    sources = [path.resolve() for path in leave_out]

    def count(size: int) -> None:
        done.progress.bytes += size
        if tell is not None:
            tell(done.progress)

    for name, path in files(root, within, done.survey, logs=logs):
        if sources and path.resolve() in sources:
            done.survey.skipped.append((name, "the file whose values are looked for"))
            continue
        named = list(scanner.block(texts.Block(name.encode("utf-8", "replace"), 0, (), ())))
        done.progress.path = shown = _shown(name, named)
        for _, match, secret in named:
            findings.add(shown, 0, match, secret)
        try:
            for number, match, secret in scanner.file(path, count):
                findings.add(shown, number, match, secret)
        except texts.Binary:
            done.binary.append(shown)
        except Exception as problem:  # noqa: BLE001 - the scan fails, and the other files are still looked at
            done.unreadable.append((shown, _why(problem)))
        else:
            done.progress.files += 1
    done.duration_s = time.monotonic() - started
    return done


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
