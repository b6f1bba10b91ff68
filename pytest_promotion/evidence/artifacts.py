"""
Artifacts: the files a gate asks for, as facts it can assert on.

An artifact is read when it is asked for, once; its digest, its parsed data, its rows and
its timestamp all come from those bytes. Asking is what makes it evidence.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from pytest_promotion.clock import BadTimestamp, Clock, parse_moment
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents, freshness
from pytest_promotion.evidence.other_times import other_times
from pytest_promotion.evidence.reading import HELD_BYTES, Reading, Root, read
from pytest_promotion.model import AGE_IS_JUDGED, Exhibit

if TYPE_CHECKING:
    from pytest_promotion.business_days import BusinessDays
    from pytest_promotion.evidence.event_store.count import Counted
    from pytest_promotion.evidence.event_store.days import Days
    from pytest_promotion.evidence.event_store.scan import StoreFacts
    from pytest_promotion.evidence.evidence_log import Notebook
    from pytest_promotion.evidence.freshness import Window
    from pytest_promotion.evidence.observer import Lens
    from pytest_promotion.evidence.statements import Statements
    from pytest_promotion.evidence.vault import Vault

T = TypeVar("T")
TIMESTAMP_FIELDS = ("ts_utc", "last_update_utc")
STATEMENT = ".intoto.json"  # after the name of an artifact: what it was made from
MODIFIED = "mtime"  # in place of a field: the file's modification time
PROVENANCE = "provenance"  # in place of a field: the statement beside the artifact dates it
_NO_MTIME = "this profile does not accept modification times"
INGESTED = "ingest_ts_utc"  # what dates a row of an event store
_COUNTED_KEPT = 64
_BUFFER = 2**18
_COUNTED: dict[str, Counted] = {}
_KEPT_BYTES = 4 * 2**20  # of rows that are parsed once and kept, at about five times their size
_ROWS: dict[str, Callable[[IO[bytes], str], Iterator[documents.Fields]]] = {
    ".jsonl": documents.json_rows,
    ".ndjson": documents.json_rows,
    ".csv": documents.csv_rows,
}


_PRESENCE = "only whether it is there was asked"
SHORTEST_REASON = 10  # characters, as of every reason in a policy


class Artifact:
    """One file as it was read. Properties are facts; what is wrong with the file fails the gate that asks."""

    __slots__ = (
        "_clock",
        "_data",
        "_fields",
        "_moment",
        "_notebook",
        "_parsed",
        "_reading",
        "_shelf",
        "_window",
        "path",
    )

    def __init__(
        self,
        path: str,
        reading: Reading,
        fields: tuple[str, ...] | None,
        notebook: Notebook,
        window: Window,
        clock: Clock,
        shelf: Shelf | None = None,
    ) -> None:
        self._shelf = shelf
        self.path = path
        self._reading = reading
        self._fields = fields
        self._notebook = notebook
        self._window = window
        self._clock = clock
        self._data: Any = _UNREAD
        self._moment: tuple[datetime, str] | None = None
        self._parsed: list[documents.Fields] | None = None

    def __repr__(self) -> str:
        return f"<artifact {self.path} sha256={self.sha256[:12]}>"

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes that were read, in hex."""
        return self._reading.sha256

    @property
    def size_bytes(self) -> int:
        """How many bytes were read."""
        return self._reading.size_bytes

    def about(self, *inputs: str) -> Artifact:
        """
        Demands that the artifact was made from *inputs* as they are now, files and folders below the promotion root.

        Its statement says what it was made from; `promotion run` writes it.

        Returns:
            the artifact itself.

        Raises:
            GateFailed: where an input has changed since, or the statement is about other bytes.
            Unproven: where there is no statement, or it cannot be read.
        """
        if not inputs or self._shelf is None:
            with self._notebook.noting():
                raise Unproven(f"{self.path}: about() takes the names of one or more inputs")
        self._shelf.about(self.path, inputs)
        return self

    @property
    def data(self) -> Any:
        """The parsed JSON or YAML value. Objects say which field they lack."""
        if self._data is _UNREAD:
            with self._notebook.noting():
                self._data = self._parse()
        return self._data

    def _parse(self) -> Any:
        if self._reading.content is None:
            size = self.size_bytes / 2**20
            raise Unproven(f"{self.path} is {size:.0f} MB: read it by .rows(), not as one document")
        parse = documents.parse_yaml if self.path.endswith((".yml", ".yaml")) else documents.parse_json
        lens = self._notebook.lens
        if lens is None:
            return parse(self._reading.content, self.path)
        lens.asked(self.path, "document")
        return lens.document(self.path, parse(self._reading.content, self.path))

    def __getitem__(self, key: str) -> Any:
        with self._notebook.noting():
            return self._object()[key]

    def __contains__(self, key: str) -> bool:
        return key in self._object()

    def _object(self) -> dict[str, Any]:
        data = self.data
        if not isinstance(data, dict):
            raise Unproven(f"{self.path} is {documents.named(data)} at its top level, expected an object")
        return data

    @property
    def text(self) -> str:
        """The text of the file, which must be UTF-8 and not empty."""
        with self._notebook.noting():
            if self._notebook.lens is not None:
                self._notebook.lens.asked(self.path, "text")
            if self._reading.content is None:
                raise Unproven(f"{self.path} is over {HELD_BYTES >> 20} MB: read it by .rows(), not as one text")
            return documents.decode(self._reading.content, self.path)

    def read(self, reader: Callable[[bytes, str], T]) -> T:
        """
        What *reader* makes of the bytes that were hashed, given them and the path.

        A proof changes the values in the file one by one, as it does for what is read as text.
        """
        with self._notebook.noting():
            if self._notebook.lens is not None:
                self._notebook.lens.asked(self.path, "facts")
            if self._reading.content is None:
                raise Unproven(f"{self.path} is over {HELD_BYTES >> 20} MB: read it by .rows()")
            return reader(self._reading.content, self.path)

    def _date(self, value: object, source: str) -> None:
        """Dates the artifact by *value*, which a reader found in it, unless the gate names another field."""
        if not self._fields:
            with self._notebook.noting():
                self._moment = moment_of(value, source, self.path), source

    def rows(self) -> Iterator[documents.Fields]:
        """The rows of a JSON-lines or CSV file, streamed from the bytes that were hashed; never none."""
        if self._notebook.lens is not None:
            yield from self._seen_through(self._notebook.lens)
            return
        yield from self._rows()

    def _seen_through(self, lens: Lens) -> Iterator[documents.Fields]:
        lens.asked(self.path, "rows")
        for number, row in enumerate(self._rows()):
            yield lens.row(self.path, number, row)

    def _rows(self) -> Iterator[documents.Fields]:
        if self._parsed is not None:
            yield from self._parsed
            return
        suffix = Path(self.path).suffix
        with self._notebook.noting():
            if suffix not in _ROWS:
                raise Unproven(f"{self.path} has no rows: expected one of {', '.join(_ROWS)}")
            with self._open() as lines:
                yield from _ROWS[suffix](lines, self.path)

    def events(self, until: datetime | None = None) -> StoreFacts:
        """What an event store holds, of the rows taken in by *until*, counted from the bytes that were hashed."""
        from pytest_promotion.evidence.event_store.scan import StoreFacts

        with self._notebook.noting():
            if self._notebook.lens is not None:
                self._notebook.lens.asked(self.path, "events")
            return StoreFacts.counted(self.path, self._counted(), self._open, until)

    def _counted(self) -> Counted:
        # By digest: what the same bytes amount to has one answer, whichever gate asks and however often.
        known = _COUNTED.get(self.sha256)
        if known is None:
            known = self._count()
            if len(_COUNTED) >= _COUNTED_KEPT:
                del _COUNTED[next(iter(_COUNTED))]
            _COUNTED[self.sha256] = known
        self._note_remembered(known.before)
        return known

    def _note_remembered(self, size: int) -> None:
        note = f"{self.path}: its first {size:,} bytes were counted in an earlier session"
        if size and note not in self._notebook.notes:
            self._notebook.notes.append(note)

    def _count(self) -> Counted:
        from pytest_promotion.evidence.event_store.checkpoint import counted
        from pytest_promotion.evidence.event_store.count import count
        from pytest_promotion.evidence.event_store.pages import Opened

        if self._reading.large is not None:
            return counted(self._reading.large, self.path, self._remembering)
        with self._open() as file:
            return count(Opened(self.path, file, self.size_bytes, ()), digest=self.sha256)

    @property
    def _remembering(self) -> Path | None:
        # Of what is kept, every session counts every byte: nothing is believed that is not in the vault.
        return self._shelf.checkpoints if self._shelf is not None and not self._reading.kept else None

    def carried(self, rule: str, kind: type[T], add: Callable[[T | None, IO[bytes]], T]) -> T:
        """
        What `add(before, lines)` makes of the lines, where *before* is what it made of those above them, or None.

        Of a large file that is recorded by its digest, what was made is kept beside the decisions, and the next session
        gives *add* only the lines that are new.

        Args:
            rule: what is made, in words that change with the rule by which it is.
            kind: its type, which msgspec can write and read.
        """
        from pytest_promotion.evidence.event_store.remembered import carried

        if self._notebook.lens is not None:
            self._notebook.lens.asked(self.path, "bytes")
        with self._notebook.noting():
            if self._reading.large is not None:
                value, before = carried(self._reading.large, self.path, rule, self._remembering, kind, add)
                self._note_remembered(before)
                return value
            with self._open() as lines:
                return add(None, lines)

    def sha256_until(self, end: int) -> str:
        """SHA-256 of the first *end* bytes, in hex; "" where there are not so many."""
        if self._notebook.lens is not None:
            self._notebook.lens.asked(self.path, "bytes")
        with self._notebook.noting():
            if self._reading.large is not None:
                return self._reading.large.digest_until(end)
        content = self._reading.content or b""
        return sha256(content[:end]).hexdigest() if end <= len(content) else ""

    def open(self) -> IO[bytes]:
        """The bytes that were read, as a binary file. A large one is checked as it is read again: `Unproven`."""
        if self._notebook.lens is not None:
            self._notebook.lens.asked(self.path, "bytes")
        return self._open()

    def _open(self) -> IO[bytes]:
        if self._reading.content is not None:
            return io.BytesIO(self._reading.content)
        if self._reading.large is None:
            raise Unproven(f"{self.path} cannot be read again")
        return cast("IO[bytes]", io.BufferedReader(cast("io.RawIOBase", self._reading.large.open()), _BUFFER))

    @property
    def timestamp(self) -> datetime:
        """When the item says it was made, in UTC. Undated and naive-dated items fail the gate."""
        return self._dated()[0]

    @property
    def timestamp_source(self) -> str:
        """Where `timestamp` comes from: the field's name, `provenance` or `mtime`."""
        return self._dated()[1]

    @property
    def age(self) -> timedelta:
        """How old the item is; negative only within the tolerated clock skew, else the gate fails."""
        self._notebook.ageless.setdefault(self.path, AGE_IS_JUDGED)
        return self._checked_age()

    def _checked_age(self) -> timedelta:
        age = self._clock.now() - self.timestamp
        if age < -self._window.future_skew:
            ahead = format_duration(-age.total_seconds())
            with self._notebook.noting():
                raise Unproven(f"{self.path} is dated {ahead} in the future ({self.timestamp_source})")
        return age

    def _dated(self) -> tuple[datetime, str]:
        if self._moment is None:
            with self._notebook.noting():
                self._moment = self._find_moment()
        return self._moment

    def _find_moment(self) -> tuple[datetime, str]:
        names = self._fields or TIMESTAMP_FIELDS
        if self._fields == (MODIFIED,):
            return self._outside_of_data(names)
        if Path(self.path).suffix in _ROWS:
            if self._fields == (INGESTED,) and (newest := self._newest_event()):
                return newest, INGESTED
            if self._fields:
                return self._newest_row(names)
        elif self._reading.content is not None and self.path.endswith((".json", ".yml", ".yaml")):
            data = self.data
            if not isinstance(data, dict) and (self._fields or self._made() is None):
                raise Unproven(
                    f"{self.path} is {documents.named(data)} at its top level, expected an object; a list is dated by "
                    f"timestamps={MODIFIED!r}, or by the statement of `promotion run`"
                )
            for name in names:
                value = _at(data, name)
                if value is not _MISSING:
                    return moment_of(value, name, self.path), name
        return self._outside_of_data(names)

    def _outside_of_data(self, names: tuple[str, ...]) -> tuple[datetime, str]:
        """The time of an item that has none of the fields *names*: of its statement, or of its file."""
        made = None if self._fields else self._made()
        if made is not None:
            return made, PROVENANCE
        if (self._fields and self._fields != (MODIFIED,)) or not self._window.mtime:
            wanted = " or ".join(names)
            forbidden = "" if self._fields else f", and no statement of `promotion run` that fits; {_NO_MTIME}"
            raise Unproven(f"{self.path} is undated: it has no {wanted}{forbidden}")
        if self._window.own_times and not self._fields:
            self._refuse_older_time()
        return self._modified(), MODIFIED

    def _modified(self) -> datetime:
        return datetime.fromtimestamp(self._reading.mtime_ns / 1e9, UTC)

    def _refuse_older_time(self) -> None:
        """Raises `Unproven` where a field of the data says that it is much older than its file."""
        data = self.data if self.path.endswith((".json", ".yml", ".yaml")) else None
        for name, moment in other_times(data) if isinstance(data, dict) else ():
            if self._modified() - moment > self._window.max_age:
                raise Unproven(
                    f"{self.path} has no {' or '.join(TIMESTAMP_FIELDS)}, and its {name} is of "
                    f"{moment:%Y-%m-%d %H:%M}, long before its modification time: say which counts, by "
                    f"timestamps={name!r} or timestamps={MODIFIED!r}"
                )

    def _made(self) -> datetime | None:
        """When it was made, by a statement that fits its bytes."""
        return None if self._shelf is None else self._shelf.made(self.path)

    def _newest_event(self) -> datetime | None:
        """When the youngest row of an event store was taken in, wherever it stands; None for what is no such store."""
        from pytest_promotion.evidence.event_store.scan import StoreFacts

        try:
            return StoreFacts.counted(self.path, self._counted(), self._open, duplicates="count").newest_ingest
        except Unproven:
            return None  # row by row, then: whoever asks for its events is told what is wrong with them

    def _newest_row(self, names: tuple[str, ...]) -> tuple[datetime, str]:
        newest: tuple[datetime, str] | None = None
        rows: Iterable[documents.Fields] = self._rows()
        if self.size_bytes <= _KEPT_BYTES:
            # A gate that asks how fresh its rows are goes through them next.
            rows = self._parsed = list(rows)
        for row in rows:
            name = next((name for name in names if name in row), names[0])
            moment = moment_of(row[name], name, row.origin)
            if newest is None or moment > newest[0]:
                newest = (moment, name)
        if newest is None:
            raise Unproven(f"{self.path} has no rows")
        return newest


_UNREAD = object()


_MISSING = object()


def _at(data: object, name: str) -> object:
    """The field *name*, which may be `outer.inner`; `_MISSING` where there is none."""
    if isinstance(data, dict) and name in data:
        return data[name]
    outer, dot, inner = name.partition(".")
    return _at(data[outer], inner) if dot and isinstance(data, dict) and outer in data else _MISSING


def moment_of(value: object, name: str, origin: str) -> datetime:
    """The moment a field means. Raises `Unproven` with what stands there instead."""
    try:
        return parse_moment(value)
    except BadTimestamp as problem:
        raise Unproven(f"{origin}: {name} is {problem}") from None


class Shelf:
    """
    Hands out artifacts below the promotion root and notes each as evidence of its gate.

    A gate that asks twice for a path gets the same artifact: what it judged is one set of bytes.
    """

    __slots__ = (
        "_clock",
        "_demanded",
        "_given",
        "_kind",
        "_notebook",
        "_read_digests",
        "_root",
        "_statements",
        "_vault",
        "_window",
        "checkpoints",
    )

    def __init__(
        self,
        root: Root,
        vault: Vault | None,
        notebook: Notebook,
        window: Window,
        clock: Clock,
        statements: Statements | None = None,
        demanded: Callable[[str], Sequence[str] | None] = lambda _: None,
        checkpoints: Path | None = None,
        kind: type[Artifact] = Artifact,
    ) -> None:
        self._kind = kind  # what is handed out
        self.checkpoints = checkpoints  # the folder of what large event stores amounted to in earlier sessions
        # By path the inputs that the policy wants an artifact to be about: none for all of its statement, None where
        # it needs no statement.
        self._demanded = demanded
        self._statements = statements
        self._read_digests: dict[str, str] = {}  # as they are, whatever a lens shows
        self._root = root
        self._vault = vault
        self._notebook = notebook
        self._window = window
        self._clock = clock
        self._given: dict[str, Reading] = {}

    def get(self, path: str, fields: str | Iterable[str] | None = None, *, secret: bool = False) -> Artifact:
        """
        The artifact at *path*, which is about the inputs that the policy says.

        Raises:
            Unproven: for whatever is not a readable file below the root, or has no statement where it needs one.
            GateFailed: where it was made from other inputs than those that are there.
        """
        artifact = self._get(path, fields, secret=secret)
        self._as_demanded(artifact.path)
        return artifact

    def _as_demanded(self, path: str) -> None:
        demanded = self._demanded(path)
        if demanded is not None:
            self.about(path, demanded)

    def about(self, path: str, inputs: Sequence[str]) -> None:
        """Demands that the artifact at *path* is about *inputs*; where there are none, about all of its statement."""
        with self._notebook.noting():
            if self._statements is None:
                raise Unproven(f"{path}: statements of what it was made from are not judged here")
            seen, refusal = self._statements.examine(
                path,
                self._read_digests[path],
                self._beside,
                inputs,
                self._clock.now(),
                self._window.future_skew,
            )
            if seen is not None:
                known = self._notebook.provenance.get(path)
                if known is not None:
                    seen = replace(seen, inputs=tuple(dict.fromkeys((*known.inputs, *seen.inputs))))
                self._notebook.provenance[path] = seen
            elif f"{path}{STATEMENT}" not in self._notebook.exhibits:
                self._notebook.exhibits[f"{path}{STATEMENT}"] = Exhibit(f"{path}{STATEMENT}", "", 0, exists=False)
            if refusal is not None:
                raise refusal

    def made(self, path: str) -> datetime | None:
        """When the artifact at *path* was made, by a statement that fits its bytes; None where there is none."""
        # Of the bytes that the gate gets: what a sabotage changed has no statement.
        if self._statements is None or path not in self._given:
            return None
        return self._statements.finished(
            path, self._given[path].sha256, self._beside, self._clock.now(), self._window.future_skew
        )

    def _beside(self, relative: str) -> bytes | None:
        """A statement, or what it names, read once and listed as evidence; None where it is not there."""
        reading = self._given.get(relative)
        if reading is None:
            try:
                reading = read(self._root, self._root.relative(relative), self._vault)
            except FileNotFoundError:
                return None
            self._keep(relative, reading)
            self._given[relative] = reading
            self._notebook.ageless.setdefault(relative, "a statement, dated by what it says itself")
        if reading.content is None:
            raise Unproven(f"{relative} is over {HELD_BYTES >> 20} MB, which no statement is")
        return reading.content

    def _get(self, path: str, fields: str | Iterable[str] | None = None, *, secret: bool = False) -> Artifact:
        with self._notebook.noting():
            relative = self._root.relative(path)
            reading = self._given.get(relative)
            if reading is None:
                reading = self._given[relative] = self._read(relative, secret=secret)
            elif secret and not reading.secret:
                raise Unproven(f"{relative} is secret, and this gate read it before without secret=True: it was kept")
        if self._notebook.ageless.get(relative) == _PRESENCE:
            del self._notebook.ageless[relative]
        names = (fields,) if isinstance(fields, str) else tuple(fields) if fields else None
        return self._kind(relative, reading, names, self._notebook, self._window, self._clock, self)

    def ageless(self, artifact: Artifact, because: str) -> None:
        """Notes that the age of the artifact makes no difference. Raises `Unproven` where no reason is given."""
        with self._notebook.noting():
            if len(because.strip()) < SHORTEST_REASON:
                raise Unproven(f'{artifact.path}: max_age="none" needs because="…", a reason that can be reviewed')
        self._notebook.ageless[artifact.path] = because

    def exists(self, path: str) -> bool:
        """Whether there is a file. The answer is evidence too: an absent file is listed as absent."""
        relative = self._root.relative(path)
        if self._notebook.lens is not None:
            self._notebook.lens.asked(relative, "exists")
        before, known = list(self._notebook.refusals), relative in self._given
        try:
            self._get(relative)
        except Unproven:
            if (self._root.path / relative).exists():
                raise
            self._notebook.refusals[:] = before  # asked for on purpose, so its absence is an answer
            return False
        if not known:
            self._notebook.ageless.setdefault(relative, _PRESENCE)
        return True

    def _read(self, relative: str, *, secret: bool) -> Reading:
        try:
            reading = read(self._root, relative, self._vault, secret=secret)
            self._read_digests[relative] = reading.sha256
            if self._notebook.lens is not None:
                reading = self._notebook.lens.reading(relative, reading)
        except FileNotFoundError:
            self._notebook.exhibits[relative] = Exhibit(relative, "", 0, exists=False)
            raise Unproven(f"{relative} is missing{self._nearby(relative)}") from None
        except Unproven:
            self._notebook.exhibits[relative] = Exhibit(relative, "", 0, exists=False)
            raise
        self._keep(relative, reading)
        for pattern, because in self._window.ageless:
            if fnmatchcase(relative, pattern):
                self._notebook.ageless.setdefault(relative, because)
        return reading

    def _keep(self, relative: str, reading: Reading) -> None:
        """Lists what was read as evidence."""
        self._notebook.exhibits[relative] = Exhibit(
            relative, reading.sha256, reading.size_bytes, exists=True, secret=reading.secret, kept=reading.kept
        )
        self._notebook.witnesses[relative] = (
            relative,
            reading.size_bytes,
            reading.mtime_ns,
            reading.ctime_ns,
            reading.inode,
        )

    def latest(self, pattern: str, fields: str | Iterable[str] | None = None) -> Artifact:
        """
        The newest match of a glob *pattern* by the time in its content, never by its name.

        Raises:
            Unproven: where nothing matches, and where a match is undated or from the
                future: it might be the newest, and nobody could tell.
        """
        relative = self._root.relative(pattern)
        found = self._matches(relative)
        if not found:
            with self._notebook.noting():
                raise Unproven(f"nothing matches {relative} below the promotion root")
        dated = []
        for name in found:
            artifact = self._get(name, fields)
            artifact._checked_age()  # noqa: SLF001 - refuses one from the future
            dated.append((artifact.timestamp, name, artifact))
        dated.sort(key=lambda item: item[:2])
        for moment, name, _ in dated[:-1]:
            self._notebook.ageless.setdefault(name, "a newer one is judged")
            self._notebook.notes.append(f"passed over {name}, dated {moment.isoformat()}")
        self._as_demanded(dated[-1][1])
        return dated[-1][2]

    def days(self, pattern: str, back: int) -> Days:
        """
        The days of an event store that is a file a day: the youngest, and *back* days before it, all counted.

        Raises:
            Unproven: where nothing matches, a name has no day or two have the same, and for a
                file that is no whole event store.
        """
        from pytest_promotion.evidence.event_store.days import Days, by_day, set_aside

        relative = self._root.relative(pattern)
        with self._notebook.noting():
            names = by_day(self._matches(relative), back)
            if not names:
                raise Unproven(f"nothing matches {relative} below the promotion root")
        days = {day: self.get(name, INGESTED).events() for day, name in names.items()}
        for name in names.values():
            self._notebook.ageless.setdefault(name, "a day of an event store, dated by its name")
        return Days.of(names, days, self._matches(set_aside(relative)))

    def _matches(self, relative: str) -> list[str]:
        found = (entry for entry in self._root.path.glob(relative) if entry.is_file())
        return sorted(entry.relative_to(self._root.path).as_posix() for entry in found)

    def fresh(
        self,
        artifact: Artifact,
        limit: timedelta | BusinessDays,
        timestamp: object = None,
        source: str = "its timestamp",
    ) -> None:
        """Notes the age of the artifact, or of the item in it that *timestamp* dates; refuses one outside *limit*."""
        if timestamp is None:
            moment, source = artifact.timestamp, artifact.timestamp_source
        else:
            with self._notebook.noting():
                moment = timestamp if isinstance(timestamp, datetime) else moment_of(timestamp, source, artifact.path)
        with self._notebook.noting():
            seen, refusal = freshness.judge(
                artifact.path,
                moment,
                source,
                self._clock.now(),
                limit,
                self._window.future_skew,
                self._window.calendar,
            )
        self._notebook.freshness[artifact.path, seen.max_age_s] = seen
        if refusal is not None:
            with self._notebook.noting():
                raise refusal
        self._notebook.tally.judge_age()

    def _nearby(self, relative: str) -> str:
        parent = (self._root.path / relative).parent
        if not parent.is_dir():
            return f" (there is no folder {parent.relative_to(self._root.path).as_posix()})"
        import difflib

        near = difflib.get_close_matches(Path(relative).name, [entry.name for entry in parent.iterdir()], n=1)
        return f" (there is {near[0]})" if near else ""
