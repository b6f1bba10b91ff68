"""The benchmark: what it measures, and what it refuses to call a measurement."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.release.knowledge import benchmark, cases, corpus, index, metrics, policy, words
from tests.knowledge.conftest import FOLDER, HANDBOOK, NOW, noise

pytestmark = pytest.mark.slow

QUESTION = {"query": "maker rebates", "expected_keywords": ["rebates"]}


def test_questions_nobody_tuned_for_are_answered(base):
    """A cut-off that is picked on the cases it is judged by proves nothing: these were held out."""
    tuned = base.measure(cases=str(FOLDER / "kb_benchmark_cases.tuning.json"))
    held_out = base.measure()
    for report in (tuned, held_out):
        assert report["avg_precision_at_k"] >= 0.9
        assert report["avg_keyword_recall"] == 1.0
        assert report["strict"]["mrr"] == 1.0
        assert report["strict"]["ndcg"] >= 0.95
    assert held_out["status"] == "measured"
    assert held_out["passed"] is True


@pytest.mark.parametrize("floor", [0.0, 0.2, 0.25, 0.3, 0.4, 0.5])
def test_no_figure_hangs_on_the_cut_off(base, monkeypatch, floor):
    """A benchmark that only a magic number passes measures the number."""
    monkeypatch.setitem(index.FLOORS, "balanced", floor)
    report = base.measure()
    assert report["strict"]["mrr"] == 1.0
    assert report["avg_keyword_recall"] == 1.0


@pytest.mark.parametrize("engine", index.ENGINES)
@pytest.mark.parametrize("count", [0, 300, 3000])
def test_noise_does_not_hide_what_is_there(base, engine, count):
    """The earlier system looked at the newest 200 passages: 300 other documents made it blind."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    rows = json.loads((base.corpus / corpus.PACK).read_text())
    rows += [
        {"source_name": f"noise_{number}.txt", "source_type": "txt", "title": f"Note {number}", "content": text}
        for number, text in enumerate(noise(count))
    ]
    (base.corpus / corpus.PACK).write_text(json.dumps(rows))
    report = benchmark.run(base.settings(), NOW, engine)
    assert report["seeded_documents"] == 25 + count
    assert report["avg_keyword_recall"] >= 0.95
    assert report["avg_precision_at_k"] >= 0.85
    assert report["strict"]["mrr"] >= 0.95


def test_both_engines_find_the_same(base):
    """A figure that depends on which extra is installed is not one figure."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    documents = corpus.read(base.corpus).documents
    asked, _ = cases.read(base.cases)
    found = {}
    for engine in index.ENGINES:
        with index.opened(documents, engine) as library:
            found[engine] = [[hit.document.source_name for hit in library.search(one.query, 3)] for one in asked]
    assert found["fts5"] == found["tantivy"]


def test_the_same_files_give_the_same_report(base):
    """A figure that changes by itself makes every drift look like chance."""
    assert base.measure() == base.measure()


def test_twenty_runs_at_once_do_not_meet(base):
    """The earlier system kept one database for all: six runs at once were six crashes."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: base.measure(), range(20)))
    assert all(one == found[0] for one in found)


def test_nothing_stays_behind(base, tmp_path, monkeypatch):
    """A database that is found again is a corpus of another day; one that is deleted was perhaps somebody's."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    before = sorted(base.root.rglob("*"))
    base.measure()
    assert sorted(place.iterdir()) == []
    assert sorted(base.root.rglob("*")) == before


def test_a_changed_document_counts_at_once(base):
    """The earlier system knew documents by name: with every text destroyed its score stayed."""
    whole = base.measure()
    for path in base.corpus.glob("*.txt"):
        path.write_text("The same sentence in every file.")
    rows = json.loads((base.corpus / corpus.PACK).read_text())
    (base.corpus / corpus.PACK).write_text(json.dumps([row | {"content": "And in every row."} for row in rows]))
    spoiled = base.measure()
    assert spoiled["corpus_sha256"] != whole["corpus_sha256"]
    assert spoiled["strict"]["word_recall"] < 0.5
    assert whole["strict"]["word_recall"] > 0.9


@pytest.mark.parametrize(
    "query",
    [
        "risk AND", "NOT rebates", "NEAR(maker rebates, 2)", '"', "'; drop table passage; --", "maker* ^rebates : -x",
        "\U0001f600", "maker \U0001f600 rebates", "最大回撤", "the of and", "rebates " * 4000, "x\x00y", "٣٤", "e\u0301te\u0301",
        " ".join(f"word{number}" for number in range(3000)),
    ],
    ids=[
        "and", "not", "near", "quote", "sql", "operators", "emoji", "word and emoji", "cjk", "only stop words", "long",
        "nul", "other digits", "combining", "3000 words",
    ],
)  # fmt: skip
@pytest.mark.parametrize("engine", index.ENGINES)
def test_any_question_may_be_asked(base, engine, query):
    """Operators of the index's own language in a question ended the earlier system with a traceback."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    with index.opened(corpus.read(base.corpus).documents, engine) as library:
        hits = library.search(query, 5, "recall")
    assert len(hits) <= 5
    if "rebates" in query:
        assert hits[0].document.title == "Fee tiers"
    if query == "最大回撤":
        assert hits[0].document.source_name == "benchmark::zh_risk.txt"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.pdf", b"%PDF-1.4 and then nothing", "not a readable PDF"),
        ("no.pdf", b"", "not a readable PDF"),
        ("latin.txt", "Kürzung".encode("latin-1"), "not UTF-8"),
        ("torn.json", b'{"title": "x', "not JSON"),
        ("nan.json", b'{"title": NaN}', "NaN"),
        ("half.json", b'{"title": "\\ud800"}', "half of a surrogate pair"),
        ("deep.json", b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (os.fsdecode(b"\xff.txt"), b"text", "half of a character"),
    ],
    ids=[
        "torn pdf", "empty pdf", "not utf-8", "torn json", "nan", "half a character", "deep", "name",
    ],
)  # fmt: skip
def test_an_unreadable_document_is_named_and_judges_nothing(base, name, content, said):
    """The earlier system ended at the first bad file; one that leaves it out in silence measures another corpus."""
    (base.corpus / name).write_bytes(content)
    report = base.measure()
    assert report["status"] == "incomplete"
    assert report["passed"] is False
    assert report["seeded_documents"] == 25
    assert said in report["corpus_problems"][0]
    done = base.run("benchmark", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["corpus_problems"] == report["corpus_problems"]


def test_a_pack_with_half_of_a_character_is_refused_whole(base):
    """Its other documents are another corpus than the one to be measured."""
    rows = json.loads((base.corpus / corpus.PACK).read_text())
    (base.corpus / corpus.PACK).write_text(json.dumps([*rows, rows[0] | {"source_name": "x", "title": "\ud800"}]))
    assert "half of a surrogate pair" in corpus.read(base.corpus).problems[0]
    done = base.run("benchmark", "--json")
    assert done.returncode in (3, 4)
    assert "Traceback" not in done.stderr


def test_a_byte_order_mark_changes_nothing_of_a_text(base):
    """Editors on Windows write one, and the earlier system's own samples have it."""
    plain = base.measure()
    for path in base.corpus.iterdir():
        if path.suffix != ".pdf":
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert base.measure() == plain


@pytest.mark.parametrize(
    "row",
    [
        {"source_type": "docx"},
        {"source_name": ""},
        {"content": None},
        {"source_name": "handbook_fee_tiers.pdf"},
    ],
    ids=["unknown type", "no name", "null", "name twice"],
)
def test_a_bad_row_of_the_pack_is_named(base, row):
    """Rows that the earlier system could not use were dropped, and the corpus shrank unseen."""
    rows = json.loads((base.corpus / corpus.PACK).read_text())
    (base.corpus / corpus.PACK).write_text(json.dumps([*rows, rows[0] | {"source_name": "new"} | row]))
    report = base.measure()
    assert report["status"] == "incomplete"
    assert "[20]" in report["corpus_problems"][0]


def test_a_corpus_without_documents_measures_nothing(base):
    """Nothing to search in is no failure of the search, and no success."""
    for path in base.corpus.iterdir():
        path.unlink()
    with pytest.raises(Unproven, match="no documents"):
        base.measure()
    assert base.run("benchmark").returncode == 3


# The policy


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"mode": "requried"}, "enum"),
        ({"min_precision": "NaN"}, "float"),
        ({"min_precision": -0.1}, ">= 0"),
        ({"min_recall": 1.01}, "<= 1"),
        ({"min_recall": True}, "float"),
        ({"min_percision": 0.9}, "min_percision"),
        ({"cases": "backend/config/none.json"}, "no such file"),
    ],
    ids=["mode", "nan", "negative", "above one", "boolean", "unknown key", "no cases"],
)
def test_a_policy_that_says_nothing_usable_is_refused(base, rules, said):
    """Each of these let a promotion pass: nothing is below NaN, and a misspelt mode was an optional one."""
    content = json.loads(base.policy.read_text())
    base.write_policy(content | {"prod": content["prod"] | rules})
    with pytest.raises(PolicyError, match=said):
        base.settings()
    done = base.run("benchmark")
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "{}", "\ufeff{}", '{"prod": {"min_recall": NaN}}', '{"prod": {}, "prod": {}}']
)
def test_a_policy_of_another_form_is_refused(base, content):
    """The earlier system took an array for an empty policy and judged production by built-in thresholds."""
    base.policy.write_text(content)
    with pytest.raises(PolicyError):
        base.settings()


@pytest.mark.parametrize(
    "words_",
    [
        ("--policy", "no/such.json"), ("--profile", "production"), ("--corpus", "nowhere"), ("--cases", "none.json"),
        ("--min-precision", "nan"), ("--min-recall", "-0.5"), ("--min-recall", "1.5"), ("--mode", "sometimes"),
        ("--policy", "", "--profile", "qa"), ("--profile", "../prod"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_words_are_wrong_usage(base, words_):
    """A mistyped path that is taken for no policy lets through what the policy refuses."""
    done = base.run("benchmark", *words_)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr


def test_flags_win_over_the_policy_and_the_policy_over_what_is_built_in(base):
    """Whoever reads a threshold has to know who set it."""
    settings = base.settings("staging", min_precision=0.9, mode="required")
    assert (settings.mode, settings.min_precision, settings.min_recall) == ("required", 0.9, 0.75)
    assert settings.sources == {"mode": "flag", "cases": "policy", "min_precision": "flag", "min_recall": "policy"}


def test_without_a_policy_the_profile_decides(base):
    """`--policy ""` goes without on purpose; production is judged by its own cases where there are some."""
    sample = base.root / policy.SAMPLE
    sample.write_text(json.dumps([QUESTION]))
    found = {name: base.settings(name, policy="") for name in ("dev", "staging", "prod")}
    assert {name: one.mode for name, one in found.items()} == {"dev": "off", "staging": "optional", "prod": "required"}
    assert {one.cases for one in found.values()} == {sample}
    assert {(one.min_precision, one.min_recall) for one in found.values()} == {(0.45, 0.45)}
    production = base.root / policy.PRODUCTION
    production.write_text(json.dumps([QUESTION]))
    assert base.settings("prod", policy="").cases == production
    assert base.settings("staging", policy="").cases == sample


# The cases


@pytest.mark.parametrize(
    "case",
    [
        {}, {"query": "x"}, {"query": " ", "expected_keywords": ["a"]}, QUESTION | {"expected_keywords": []},
        QUESTION | {"expected_keywords": "rebates"}, QUESTION | {"expected_keywords": [" "]}, QUESTION | {"top_k": 0},
        QUESTION | {"top_k": 2.5}, QUESTION | {"mode": "vector"}, QUESTION | {"policy_profile": "lax"},
        QUESTION | {"topk": 3}, QUESTION | {"query": "\ud800"}, QUESTION | {"relevant": {"x": 9}}, [],
    ],
    ids=[
        "empty", "no keywords", "blank query", "no keyword", "keywords as text", "blank keyword", "top_k 0", "half a hit",
        "vectors", "unknown profile", "unknown key", "half a character", "grade", "array",
    ],
)  # fmt: skip
def test_a_case_that_cannot_fail_is_refused(base, case):
    """Without keywords recall was 1, and keywords given as a text matched by their letters."""
    base.write_cases(case)
    assert base.run("benchmark").returncode == 4


def test_a_label_for_no_document_is_refused(base):
    """A typo in a label is a case that nothing can answer."""
    base.write_cases(QUESTION | {"relevant": {"handbook_fees.pdf": 3}})
    with pytest.raises(Unproven, match=r"handbook_fees\.pdf"):
        base.measure()


# The measures


def test_the_earlier_measures_are_as_they_were():
    """Figures compare only while they are computed alike: parts of words, in names too, by what came back."""
    case = cases.Case(query="quotes", expected_keywords=["Use", "fees ", "missing"], top_k=5)
    hits = [
        index.Hit(corpus.Document("a_fees.txt", "txt", "A", "nothing"), "nothing", 2.0),
        index.Hit(corpus.Document("b.txt", "txt", "B", "unused quotes"), "unused quotes", 1.0),
        index.Hit(corpus.Document("c.txt", "txt", "C", "nothing"), "nothing", 0.5),
    ]
    found = metrics.compatible(case, hits)
    assert found["precision_at_k"] == 0.6667
    assert found["keyword_recall"] == 0.6667
    assert (found["hits"], found["matched_hits"], found["matched_keywords"]) == (3, 2, ["use", "fees"])
    assert metrics.strict(case, hits, {})["word_recall"] == 0.0


def test_the_strict_measures_are_those_of_the_books():
    """Computed by hand: three of five found at ranks 2, 3 and 5, with grades 1, 3 and 2 of four relevant."""
    case = cases.Case(query="x", expected_keywords=["x"], top_k=5)
    hits = [index.Hit(corpus.Document(name, "txt", name, "x"), "x", 1.0) for name in "abcde"]
    found = metrics.strict(case, hits, {"b": 1, "c": 3, "e": 2, "z": 3})
    assert found["precision_at_k"] == 0.6
    assert found["recall_at_k"] == 0.75
    assert found["mrr"] == 0.5
    # (1/log2(3) + 7/2 + 3/log2(6)) / (7 + 7/log2(3) + 3/2 + 1/log2(5)) = 5.29149 / 13.34719
    assert found["ndcg"] == 0.3964


def test_returning_less_does_not_make_a_search_better():
    """By what came back, one good hit of five wanted is perfect; by what was wanted it is a fifth."""
    case = cases.Case(query="x", expected_keywords=["x"], top_k=5)
    hit = [index.Hit(corpus.Document("a", "txt", "a", "x"), "x", 1.0)]
    assert metrics.compatible(case, hit)["precision_at_k"] == 1.0
    assert metrics.strict(case, hit, {"a": 1})["precision_at_k"] == 0.2


def test_nothing_found_is_nothing_right():
    """A search that answers nothing has made no mistake, and must not score."""
    case = cases.Case(query="x", expected_keywords=["x"])
    assert metrics.compatible(case, [])["precision_at_k"] == 0.0
    assert metrics.strict(case, [], {"a": 1}) == {
        "relevant": 1, "precision_at_k": 0.0, "recall_at_k": 0.0, "mrr": 0.0, "ndcg": 0.0, "word_precision": 0.0,
        "word_recall": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "text", "there"),
    [
        ("us", "we use it", False), ("us", "the us, and", True), ("us", "us_only", True), ("cn", "cnn", False),
        ("回撤", "最大回撤控制", True), ("c++", "in c++ only", True), ("overfit", "overfitting", False),
    ],
)  # fmt: skip
def test_whole_words_are_whole(word, text, there):
    """`us` in `use` counted as a hit: by such words every document is relevant."""
    assert bool(words.whole(word).search(text)) is there


@pytest.mark.parametrize(("threshold", "failed"), [(0.5, []), (0.5001, ["precision", "recall", "content_recall"])])
def test_a_threshold_that_is_met_exactly_is_met(base, threshold, failed):
    """Equal is enough, and a ten-thousandth below is not."""
    base.write_cases(QUESTION, {"query": "zeppelin", "expected_keywords": ["zeppelin"]})
    report = base.measure(min_precision=threshold, min_recall=threshold)
    assert (report["avg_precision_at_k"], report["avg_keyword_recall"]) == (0.5, 0.5)
    assert (report["failed"], report["passed"]) == (failed, not failed)


def test_long_documents_are_found_by_each_of_their_passages(base):
    """What stands on the ninth page is in the document, and a document is one hit, however often it matches."""
    filler = "Nothing that anybody would ask for stands on this page at all. " * 400
    (base.corpus / "long.txt").write_text(
        f"{filler} The zeppelin is moored at dawn. {filler} A zeppelin again. {filler}"
    )
    with index.opened(corpus.read(base.corpus).documents) as library:
        [hit] = library.search("where is the zeppelin moored", 5, "strict")
    assert "moored at dawn" in hit.passage
    assert len(hit.passage) <= words.PASSAGE


@pytest.mark.parametrize("length", [1, 799, 800, 801, 5000])
@pytest.mark.parametrize("text", ["x", "word "], ids=["no spaces", "words"])
def test_passages_leave_nothing_out(length, text):
    """A sentence that falls between two passages cannot be found."""
    text = (text * length)[:length]
    found = list(words.passages(text))
    assert found[0][0] == 0
    assert found[-1][1] == len(text)
    assert all(after[0] < before[1] for before, after in pairwise(found))
    assert max(end - start for start, end in found) <= words.PASSAGE


def test_sqlite_without_its_index_is_said(base, monkeypatch):
    """A Python whose SQLite was built without FTS5 cannot measure, which is no measurement of zero."""

    class Bare(sqlite3.Connection):
        def executescript(self, script: str) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("no such module: fts5")

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **more, factory=Bare))
    with pytest.raises(Unproven, match="fts5"):
        base.measure()


def test_the_environment_changes_nothing(base):
    """The earlier system's figures changed with APP_ENV, CORS_ORIGINS and KB_BLOCKED_SOURCE_KEYWORDS."""
    strange = {"APP_ENV": "production", "CORS_ORIGINS": "a,b", "KB_BLOCKED_SOURCE_KEYWORDS": '["handbook"]'}
    plain, other = (json.loads(base.run("benchmark", "--json", env=os.environ | more).stdout) for more in ({}, strange))
    assert plain["results"] == other["results"]


def test_the_handbook_is_whole():
    """The fixtures are the example in the docs: a broken one is copied by everybody."""
    kept = corpus.read(HANDBOOK / "corpus")
    assert kept.problems == []
    assert {one.source_type for one in kept.documents} == {"txt", "json", "pdf"}
