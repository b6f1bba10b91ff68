"""
From what people write to words that an index can look up.

Any word of a question may match: demanding all of them finds nothing for most questions that
people ask. Scripts without spaces are looked up by pairs of characters, as Lucene's
CJKAnalyzer does, because nobody separated the words when the text was written.

Texts and questions are compared in one Unicode form, names such as `C++` and `.NET` are words, and the parts of
`getUserName` are found as well as the whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

# The English stop words of Lucene's StandardAnalyzer, unchanged.
# fmt: off
STOP: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
    "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
    "will", "with",
})
# fmt: on
PASSAGE: Final = 800  # characters, as many as the earlier system indexed at a time
OVERLAP: Final = 120  # so that what stands across a cut is whole in one of the two
SNIPPET: Final = 240

_UNSPACED: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER: Final = re.compile(f"[{_UNSPACED}]")
_RUN: Final = re.compile(f"([{_UNSPACED}]+)|([^\\W_]+)")
# Names that differ from other words by their punctuation only, as the words that they are indexed by.
_PLUS: Final = re.compile(r"(?<![^\W_])([^\W\d_]+)\+\+(?![^\W_])")
_SHARP: Final = re.compile(r"(?<![^\W_])([A-Za-z])[#\u266f](?![^\W_])")
_NET: Final = re.compile(r"(?<![\d.])\.net\b", re.IGNORECASE)
_MIXED: Final = re.compile(r"[^\W_]*[^\W_A-Z][A-Z][^\W_]*|[A-Z]{2,}[a-z][^\W_]*")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def spaced(text: str) -> str:
    """*text* as it is indexed: compatibility forms folded (NFKC), each character of a script without spaces alone."""
    text = _named(text)
    return text if text.isascii() else _CHARACTER.sub(r" \g<0> ", text)


def composed(text: str) -> str:
    """*text* in Unicode's composed form (NFC), in which texts, questions and keywords are compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def compatibility(text: str) -> str:
    """*text* with full-width letters, ligatures and the like as plain ones (NFKC)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _named(text: str) -> str:
    """*text* with `C++`, `C#` and `.NET` as words, and with the parts of mixed-case identifiers after them."""
    text = compatibility(text)
    if "++" in text:
        text = _PLUS.sub(r"\1plusplus", text)
    if "#" in text or "\u266f" in text:
        text = _SHARP.sub(r"\1sharp", text)
    if ".net" in text.lower():
        text = _NET.sub(" dotnet", text)
    return _MIXED.sub(lambda match: f"{match[0]} {_HUMP.sub(' ', match[0])}", text)


def terms(query: str) -> list[str]:
    """
    What to look up for *query*, each once: words, and pairs of characters with a space between.

    Words that are in nearly every text are left out, unless the query has no others. Operators
    of query languages (AND, NEAR, quotes, stars) are words or nothing.
    """
    found = dict.fromkeys(_terms(_named(query).lower()))
    return [term for term in found if term not in STOP] or list(found)


def _terms(query: str) -> Iterator[str]:
    for run, word in _RUN.findall(query):
        if word or len(run) == 1:
            yield word or run
        else:
            yield from (f"{first} {second}" for first, second in pairwise(run))


def any_of(wanted: list[str]) -> str:
    """The terms as a query of FTS5 and of tantivy: each in quotes, in which nothing is an operator."""
    return " OR ".join(f'"{term}"' for term in wanted)


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Where the passages of *text* start and end: at most `PASSAGE` characters, cut between words, overlapping."""
    start = 0
    while len(text) - start > PASSAGE:
        space = text.rfind(" ", start + PASSAGE // 2, start + PASSAGE)
        end = space if space > 0 else start + PASSAGE
        yield start, end
        start = end - OVERLAP
    yield start, len(text)


def best_passage(text: str, wanted: list[str]) -> str:
    """The passage of *text* with the most of the terms; the first of several."""
    every = [text[start:end] for start, end in passages(text)]
    sought = [term.replace(" ", "") for term in wanted]
    return max(every, key=lambda passage: sum(term in passage.lower() for term in sought))


def snippet(passage: str, wanted: list[str]) -> str:
    """The whole passage, or `SNIPPET` characters of it around the first term that stands in it."""
    if len(passage) <= SNIPPET:
        return passage
    lower = passage.lower()
    first = min((place for term in wanted if (place := lower.find(term.replace(" ", ""))) >= 0), default=0)
    start = min(max(0, first - SNIPPET // 2), len(passage) - SNIPPET)
    return passage[start : start + SNIPPET]


def whole(word: str) -> re.Pattern[str]:
    """A pattern that finds *word* where it is no part of a longer one; text is expected in lower case."""
    before = "" if _CHARACTER.match(word[:1]) else r"(?<![^\W_])"
    after = "" if _CHARACTER.match(word[-1:]) else r"(?![^\W_])"
    return re.compile(f"{before}{re.escape(word)}{after}")
