"""
Finding passages by words: SQLite's FTS5 in a temporary file, or tantivy for large corpora.

Both rank by BM25 over stems, and their scores are cut at a share of the best one: what matched
only a common word is worth little beside what matched the question.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.release.knowledge.corpus import Document
from pytest_promotion.suites.release.knowledge.words import any_of, passages, spaced, terms

ENGINES: Final = ("fts5", "tantivy")
# What a hit has to be worth, as a share of the best hit of its question. A third keeps what matched a
# second subject of the question and drops what matched one word in passing; the measured benefit is the
# same over a wide range (docs/how-to/knowledge.md). `recall` keeps all that matched.
FLOORS: Final = {"strict": 1 / 2, "balanced": 1 / 3, "recall": 0.0}
_MANY: Final = 4  # passages asked for, for each document wanted: several may be of one document
_MEMORY_BYTES: Final = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found, by its best passage. The score is BM25's: higher is better."""

    document: Document
    passage: str
    score: float


class Index(Protocol):
    """What ranks passages; a passage is named by its number."""

    name: str
    version: str

    def ranked(self, query: str, limit: int) -> Sequence[tuple[int, float]]:
        """At most *limit* passages with their scores, best first."""
        ...


class Library:
    """The documents and the index over them."""

    def __init__(self, documents: Sequence[Document], index: Index, where: Sequence[tuple[int, int, int]]) -> None:
        self.documents = documents
        self.index = index
        self._where = where
        self._many = 1 if len(where) == len(documents) else _MANY

    def search(self, query: str, k: int, profile: str = "balanced") -> list[Hit]:
        """At most *k* documents, best first, each once; ties in the order of the corpus."""
        wanted = terms(query)
        if not wanted:
            return []
        asked, limit, floor = any_of(wanted), k * self._many, FLOORS[profile]
        while True:
            rows = self.index.ranked(asked, limit)
            found = self._documents(rows, k, floor)
            if len(found) == k or len(rows) < limit or (rows and rows[-1][1] < floor * rows[0][1]):
                return found
            limit *= 2

    def _documents(self, rows: Sequence[tuple[int, float]], k: int, floor: float) -> list[Hit]:
        found: dict[int, Hit] = {}
        for passage, score in rows:
            if len(found) == k or score < floor * rows[0][1]:
                break
            number, start, end = self._where[passage]
            if number not in found:
                document = self.documents[number]
                found[number] = Hit(document, document.text[start:end], score)
        return list(found.values())


def installed(engine: str) -> bool:
    """Whether *engine* can be used here."""
    return engine == "fts5" or importlib.util.find_spec(engine) is not None


@contextlib.contextmanager
def opened(documents: Sequence[Document], engine: str = "fts5") -> Iterator[Library]:
    """
    A library over *documents*, built now in a temporary place that is gone afterwards.

    Raises:
        PolicyError: where there is no such engine, or it is not installed.
        Unproven: where the index cannot be built, as on a full disk.
    """
    where = [
        (number, start, end) for number, document in enumerate(documents) for start, end in passages(document.text)
    ]
    with contextlib.ExitStack() as stack:
        index: Index
        if engine == "fts5":
            index = stack.enter_context(_fts5(_rows(documents, where)))
        elif engine == "tantivy":
            index = _Tantivy(_rows(documents, where))
        else:
            raise PolicyError(f"there is no engine {engine!r}; known are {', '.join(ENGINES)}")
        yield Library(documents, index, where)


def _rows(documents: Sequence[Document], where: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, str]]:
    for passage, (number, start, end) in enumerate(where):
        document = documents[number]
        yield passage, spaced(f"{document.title}\n{document.text[start:end]}")


@contextlib.contextmanager
def _fts5(rows: Iterator[tuple[int, str]]) -> Iterator[Index]:
    with tempfile.TemporaryDirectory(prefix="promotion-kb-") as folder:
        database = sqlite3.connect(Path(folder) / "index.sqlite3", isolation_level=None)
        try:
            yield _Fts5(database, rows)
        except sqlite3.Error as problem:
            raise Unproven(f"SQLite cannot index the corpus: {problem}") from None
        finally:
            database.close()


class _Fts5:
    name = "fts5"
    version = sqlite3.sqlite_version

    def __init__(self, database: sqlite3.Connection, rows: Iterator[tuple[int, str]]) -> None:
        self._database = database
        # Nobody reads the file but this process, and it is gone afterwards: nothing needs a journal. The texts
        # stay in memory, so the table holds the words only.
        database.executescript(
            """
            pragma journal_mode = off; pragma synchronous = off; pragma locking_mode = exclusive;
            pragma cache_size = -131072; -- KiB
            create virtual table passage using fts5(text, content = '', tokenize = 'porter unicode61');
            """
        )
        database.execute("insert into passage(passage, rank) values ('hashsize', ?)", (_MEMORY_BYTES,))
        database.execute("begin")
        database.executemany("insert into passage(rowid, text) values (?, ?)", rows)
        database.execute("commit")
        database.execute("begin")  # one lock for all questions instead of one for each

    def ranked(self, query: str, limit: int) -> Sequence[tuple[int, float]]:
        return self._database.execute(
            "select rowid, -rank from passage where passage match ? order by rank, rowid limit ?", (query, limit)
        ).fetchall()


class _Tantivy:
    name = "tantivy"

    def __init__(self, rows: Iterator[tuple[int, str]]) -> None:
        try:
            import tantivy  # the extra `kb-large`
        except ImportError:
            raise PolicyError("the engine tantivy is not installed: pip install 'pytest-promotion[kb-large]'") from None
        self.version = importlib.metadata.version("tantivy")
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("text", tokenizer_name="en_stem")
        schema.add_integer_field("passage", stored=True)
        self._index: Any = tantivy.Index(schema.build())
        writer = self._index.writer(_MEMORY_BYTES // 2, 1)  # one thread: several would number ties by chance
        for passage, text in rows:
            writer.add_document(tantivy.Document(text=text, passage=passage))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher: Any = self._index.searcher()

    def ranked(self, query: str, limit: int) -> Sequence[tuple[int, float]]:
        asked = self._index.parse_query(query, ["text"])
        hits = self._searcher.search(asked, limit, count=False).hits
        return [(self._searcher.doc(address)["passage"][0], score) for score, address in hits]
