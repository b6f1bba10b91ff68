"""
How fast a knowledge base is indexed and asked.

    python benchmarks/knowledge.py [--cases FILE --corpus DIR]

The benchmark's own questions over its own small corpus, 1,000 documents of 400 words, and 100,000 of 100, each on
SQLite's FTS5 and on tantivy. The earlier system was measured on the machine of benchmarks/README.md: 2.7 ms a question
over 28 documents, 14.3 s for the index of 1,000 documents. It cannot be run beside this, because it may not be
copied; so its figures stand in the table as they were found.

Words are drawn by Zipf's law from 30,000, and questions are four of them, once drawn likewise (every other one then
holds a word that is in half of all documents, as a question with its stop words would) and once as people ask: by words
that are in about a hundredth of the documents or fewer.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import time
from pathlib import Path

from side_by_side import table

from pytest_promotion.suites.release.knowledge import cases, corpus, index

HANDBOOK = Path(__file__).parents[1] / "fixtures" / "knowledge"
EARLIER_QUERY_MS, EARLIER_INDEX_S = 2.7, 14.3
WORDS = [f"word{number}" for number in range(30_000)]
TOTALS = list(itertools.accumulate(1 / (number + 10) for number in range(len(WORDS))))
RARE = 1_200  # from this rank on a word is in less than about a hundredth of the documents of 100 words


def documents(count: int, length: int, chance: random.Random) -> list[corpus.Document]:
    """Documents that say nothing, in as many words."""
    return [
        corpus.Document(f"d{n}", "txt", f"Note {n}", " ".join(chance.choices(WORDS, cum_weights=TOTALS, k=length)))
        for n in range(count)
    ]


def asked(library: index.Library, questions: list[str], rounds: int) -> tuple[float, float]:
    """Median and 95th percentile of a question in milliseconds, each question at its best of all rounds."""
    best = dict.fromkeys(questions, float("inf"))
    for _ in range(rounds):
        for question in questions:
            started = time.perf_counter()
            library.search(question, 5)
            best[question] = min(best[question], time.perf_counter() - started)
    found = sorted(best.values())
    return statistics.median(found) * 1000, found[int(len(found) * 0.95)] * 1000


def own(folder: Path, questions: Path) -> list[tuple[str, ...]]:
    """The benchmark's own questions."""
    texts = [case.query for case in cases.read(questions)[0]]
    rows = []
    for engine in index.ENGINES:
        with index.opened(corpus.read(folder).documents, engine) as library:
            middle, slow = asked(library, texts, 200)
        target = f"{EARLIER_QUERY_MS / middle:.0f}x (50x)" if engine == "fts5" else "-"
        rows.append((f"own cases, {engine}", "-", f"{middle:.3f} / {slow:.3f} ms", f"{EARLIER_QUERY_MS} ms", target))
    return rows


def drawn(count: int, length: int) -> list[tuple[str, ...]]:
    """Questions that were drawn."""
    chance = random.Random(7)
    kept = documents(count, length, chance)
    common = [" ".join(chance.choices(WORDS, cum_weights=TOTALS, k=4)) for _ in range(100)]
    rare = [" ".join(chance.choices(WORDS[RARE:], k=4)) for _ in range(100)]
    rows = []
    for engine in index.ENGINES:
        started = time.perf_counter()
        with index.opened(kept, engine) as library:
            built = time.perf_counter() - started
            for what, questions in (("people's words", rare), ("any words", common)):
                middle, slow = asked(library, questions, 3)
                before = f"{EARLIER_INDEX_S} s to index" if count == 1000 else "-"
                target = {("fts5", 1000): "< 0.3 s to index", ("fts5", 100_000): "< 5 s to index"}.get(
                    (engine, count), "-"
                )
                target = "p95 < 1 ms" if engine == "tantivy" and count == 100_000 else target
                label = f"{count:,} documents, {engine}, {what}"
                rows.append((label, f"{built:.2f} s", f"{middle:.3f} / {slow:.3f} ms", before, target))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=HANDBOOK / "kb_benchmark_cases.held_out.json")
    parser.add_argument("--corpus", type=Path, default=HANDBOOK / "corpus")
    given = parser.parse_args()
    table(
        "Knowledge base (questions: median / 95th percentile)",
        ("what", "index", "question", "earlier", "target"),
        [*own(given.corpus, given.cases), *drawn(1000, 400), *drawn(100_000, 100)],
    )


if __name__ == "__main__":
    main()
