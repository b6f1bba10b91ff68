"""The two lenses of a proof: one that watches what a gate looks at, and one that shows it sabotaged evidence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple

from pytest_promotion.clock import Clock
from pytest_promotion.evidence.reading import Reading
from pytest_promotion.prove.observations import Touches, watched

ROWS_WATCHED: Final = 2  # of a file of rows, the first ones: what a gate asks of one row it asks of all
READ_AS_IS: Final = frozenset({"text", "bytes", "facts"})  # what the gate does with these is not seen
HANG_S: Final = 0.2  # how long a command that hangs may take while it is being proved


class Answer(NamedTuple):
    """How a program that a gate ran ended, and what it printed."""

    argv: tuple[str, ...]
    exit_code: int
    output: bytes


@dataclass(slots=True)
class Look:
    """What a gate looked at in one file."""

    reading: Reading
    how: set[str] = field(default_factory=set)
    document: Any = None
    touches: Touches = field(default_factory=Touches)
    rows: dict[int, Touches] = field(default_factory=dict)
    first_rows: dict[int, Any] = field(default_factory=dict)


class Answers:
    """The answers of the programs of an earlier run: the same program is not run again, but gives the same answer."""

    def __init__(self, known: Sequence[Answer] = ()) -> None:
        self._known = known
        self.begun = 0

    def answer(self, argv: Sequence[str]) -> tuple[int, bytes] | None:
        """Of the program that was begun last, if it is the one that was begun there."""
        known = self._known[self.begun - 1] if self.begun <= len(self._known) else None
        return (known.exit_code, known.output) if known is not None and known.argv == tuple(argv) else None


class Watching:
    """The lens of the honest run: shows everything as it is."""

    def __init__(self, known: Sequence[Answer] = ()) -> None:
        self.looks: dict[str, Look] = {}
        self.asked_for: dict[str, set[str]] = {}
        self.answers: list[Answer] = []
        self._known = Answers(known)

    def reading(self, path: str, reading: Reading) -> Reading:
        self.looks[path] = Look(reading, self.asked_for.setdefault(path, set()))
        return reading

    def asked(self, path: str, how: str) -> None:
        self.asked_for.setdefault(path, set()).add(how)

    def document(self, path: str, value: Any) -> Any:
        look = self.looks[path]
        if look.document is None:
            look.document = value
        return watched(value, look.touches)

    def row(self, path: str, number: int, row: Any) -> Any:
        if number >= ROWS_WATCHED:
            return row
        look = self.looks[path]
        look.first_rows.setdefault(number, row)
        return watched(row, look.rows.setdefault(number, Touches()))

    def words(self, argv: Sequence[str], timeout: float) -> tuple[Sequence[str], float]:
        self._known.begun += 1
        return argv, timeout

    def answer(self, argv: Sequence[str]) -> tuple[int, bytes] | None:
        return self._known.answer(argv)

    def ended(self, argv: Sequence[str], exit_code: int, output: bytes) -> int:
        self.answers.append(Answer(tuple(argv), exit_code, output))
        return exit_code

    def clock(self, clock: Clock) -> Clock:
        return clock


class Noting(Watching):
    """The lens of a run that decides: the gate gets the very values, and what they look like is noted."""

    def document(self, path: str, value: Any) -> Any:
        look = self.looks[path]
        if look.document is None:
            look.document = value
        return value

    def row(self, path: str, number: int, row: Any) -> Any:
        if number < ROWS_WATCHED:
            self.looks[path].first_rows.setdefault(number, row)
        return row


@dataclass(slots=True)
class Sabotaged:
    """
    The lens of one sabotage; what it does not change it shows as it is.

    `content` stands in place of what is in the file at `path`, which is `gone` or dated `mtime_ns`; None is as it was.
    It is bytes, made before the gate runs: a mistake in making them is ours and must not look like the gate's answer.
    """

    path: str = ""
    content: bytes | None = None
    gone: bool = False
    mtime_ns: int | None = None
    command: int | None = None  # which of the gate's commands, counted from 0
    fault: str = ""  # "missing", "failing", "hanging", "exit code" or "output", which is `content`
    exit_code: int = 0  # of the last two
    now: Clock | None = None
    answers: Answers = field(default_factory=Answers)  # of the honest run

    def reading(self, path: str, reading: Reading) -> Reading:
        if path != self.path or reading.content is None:
            return reading
        if self.gone:
            raise FileNotFoundError(path)
        mtime = reading.mtime_ns if self.mtime_ns is None else self.mtime_ns
        content = reading.content if self.content is None else self.content
        return reading._replace(
            sha256=sha256(content).hexdigest(), size_bytes=len(content), content=content, mtime_ns=mtime
        )

    def asked(self, path: str, how: str) -> None:
        """Nothing has to be known of a sabotaged run but its outcome."""

    def document(self, path: str, value: Any) -> Any:  # noqa: ARG002 - a lens's signature
        return value

    def row(self, path: str, number: int, row: Any) -> Any:  # noqa: ARG002 - a lens's signature
        return row

    @property
    def _is_faulty(self) -> bool:
        """Whether the fault is in the program that is run now."""
        return self.answers.begun - 1 == self.command

    def words(self, argv: Sequence[str], timeout: float) -> tuple[Sequence[str], float]:
        self.answers.begun += 1
        if not self._is_faulty or self.fault not in ("missing", "hanging"):
            return argv, timeout
        if self.fault == "missing":
            return [f"{argv[0]}-is-not-installed", *argv[1:]], timeout
        return [sys.executable, "-c", "import time; time.sleep(3600)"], HANG_S

    def answer(self, argv: Sequence[str]) -> tuple[int, bytes] | None:
        if self._is_faulty and self.fault == "failing":
            return 1, b""
        if self._is_faulty and self.fault == "output":
            return self.exit_code, self.content or b""
        return self.answers.answer(argv)

    def ended(self, argv: Sequence[str], exit_code: int, output: bytes) -> int:  # noqa: ARG002 - a lens's signature
        return self.exit_code if self._is_faulty and self.fault == "exit code" else exit_code

    def clock(self, clock: Clock) -> Clock:
        return self.now or clock
