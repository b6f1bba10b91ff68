"""What a document says counts, not what it is called: the figures that notice destruction."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.release.knowledge import cases, corpus, graded, intervals, measuring
from tests.knowledge.conftest import HANDBOOK, KnowledgeBase

pytestmark = pytest.mark.slow

GARDEN = [
    "The tulips by the pond bloom in spring.",
    "A gardener waters the roses at dawn.",
    "Compost keeps the beds of herbs warm.",
]
LABELLED = HANDBOOK / "kb_benchmark_cases.held_out.json"


def destroyed_one_by_one(documents, asked, seed):
    """The figures of the built-in index, whole and after each body that is replaced."""
    chance = random.Random(seed)
    kept = corpus.Corpus()
    for document in documents:
        kept.add(document)
    found = [measuring.built_in("fts5", asked, kept).means]
    for place in chance.sample(range(len(documents)), len(documents)):
        kept.documents[place] = replace(kept.documents[place], text=chance.choice(GARDEN))
        found.append(measuring.built_in("fts5", asked, kept).means)
    return found


def test_destroying_documents_lowers_the_content_recall_step_by_step():
    """With all bodies replaced by sentences about gardens, precision stayed at 0.84 and recall at 1.0."""
    documents = corpus.read(HANDBOOK / "corpus").documents
    asked, _ = cases.read(LABELLED)
    labelled = {f"benchmark::{name}" if "::" not in name else name for case in asked for name in case.relevant}
    assert labelled
    for seed in range(20):
        found = [means["content_recall"] for means in destroyed_one_by_one(documents, asked, seed)]
        assert all(after <= before for before, after in pairwise(found)), seed
        assert (found[0], found[-1]) == (1, 0)


def test_without_labels_a_body_that_is_gone_adds_no_more_than_one_keyword():
    """A destroyed document leaves its place to another one, which may hold a keyword of one question."""
    documents = corpus.read(HANDBOOK / "corpus").documents
    asked = [
        cases.Case(query=one.query, expected_keywords=one.expected_keywords, id=one.id)
        for one in cases.read(LABELLED)[0]
    ]
    for seed in range(10):
        found = [means["content_recall"] for means in destroyed_one_by_one(documents, asked, seed)]
        assert max(after - before for before, after in pairwise(found)) <= 1 / (2 * len(asked))
        assert (found[0], found[-1]) == (1, 0)


def test_the_benchmark_fails_on_a_destroyed_knowledge_base_by_default(base):
    """No policy had to ask for it: the figures of the names alone pass."""
    assert base.measure()["passed"] is True
    rows = json.loads((base.corpus / corpus.PACK).read_text())
    for number, row in enumerate(rows):
        # The titles still say what each document was about.
        row |= {"title": f"{row['title']} {' '.join(row['content'].split()[:40])}", "content": GARDEN[number % 3]}
    (base.corpus / corpus.PACK).write_text(json.dumps(rows))
    report = base.measure(min_precision=0.5, min_recall=0.5)
    assert report["avg_keyword_recall"] >= 0.5
    assert report["failed"] == ["content_recall"]
    assert base.run("benchmark", "--min-precision", "0.5", "--min-recall", "0.5").returncode == 2


def test_its_threshold_is_that_of_recall_where_nothing_else_is_said(base):
    """A figure that is gated only where somebody thought of it is not gated."""
    assert base.settings().minimums["content_recall"] == base.settings().min_recall == 0.8
    assert base.settings(min_content_recall=0.3).minimums["content_recall"] == 0.3
    assert base.settings("prod", min_recall=0.6).minimums["content_recall"] == 0.6


def test_a_keyword_in_another_document_than_the_labelled_does_not_count(base):
    """Where a case says which document answers it, the same word elsewhere is no answer."""
    base.write_cases(
        {"query": "maker rebates", "expected_keywords": ["rebates"], "relevant": {"zh_risk.txt": 3}},
        {"query": "maker rebates", "expected_keywords": ["rebates"]},
    )
    assert [one["content"]["matched_keywords"] for one in base.measure()["results"]] == [[], ["rebates"]]


# Graded judgements


@pytest.fixture
def graded_base(base):
    pytest.importorskip("pytrec_eval", reason="the extra kb-graded is not installed")
    return base


def test_graded_judgements_are_those_of_trec_eval(graded_base):
    """A figure that other systems publish is compared with theirs, so it is computed by their code."""
    asked = [
        cases.Case(query="x", id="one", top_k=5, relevant={"b": 1, "c": 3, "e": 2, "z": 3}),
        cases.Case(query="x", id="nothing came back", relevant={"a": 1}),
        cases.Case(query="x", id="unlabelled", expected_keywords=["x"]),
    ]
    hits = [corpus_hit(name) for name in "abcde"]
    first, second, third = graded.measured(asked, [hits, [], hits])
    # (1/log2(3) + 3/2 + 2/log2(6)) / (3 + 3/log2(3) + 2/2 + 1/log2(5)) = 2.90464 / 6.32346
    assert first == {"ndcg": 0.4593, "recall_at_k": 0.75, "mrr": 0.5}
    assert second == {"ndcg": 0.0, "recall_at_k": 0.0, "mrr": 0.0}
    assert third is None


def corpus_hit(name):
    from pytest_promotion.suites.release.knowledge.index import Hit

    return Hit(corpus.Document(name, "txt", name, "x"), "x", 1.0)


def test_the_order_of_the_answer_is_what_is_graded(graded_base):
    """trec_eval sorts ties by name: equal scores would grade the alphabet."""
    case = cases.Case(query="x", id="q", top_k=3, relevant={"z": 2})
    [last] = graded.measured([case], [[corpus_hit(name) for name in "abz"]])
    [first] = graded.measured([case], [[corpus_hit(name) for name in "zab"]])
    assert (first["mrr"], last["mrr"]) == (1.0, 0.3333)


def test_a_threshold_of_graded_judgements_is_held(graded_base):
    """A threshold that nothing compares with is a sentence in a file."""
    worse = "def search(query, k): return ['zh_risk.txt', 'hedging.pdf']\n"
    (graded_base.root / "search.py").write_text(worse)
    good, bad = (graded_base.measure(min_ndcg=0.9, **given) for given in ({}, {"retriever": "search:search"}))
    assert (good["failed"], good["ndcg"] > 0.9) == ([], True)
    assert "ndcg" in bad["failed"]


def test_labels_alone_are_a_benchmark_too(graded_base):
    """Public collections have judgements and no keywords."""
    labelled = [
        {key: one[key] for key in ("query", "relevant")}
        for one in json.loads(LABELLED.read_text())
        if "relevant" in one
    ]
    graded_base.write_cases(*labelled)
    report = graded_base.measure(min_ndcg=0.9)
    assert (report["passed"], report["content_recall"]) == (True, None)
    assert report["avg_keyword_recall"] >= 0.9


def test_a_threshold_that_cannot_be_judged_is_inconclusive(base, monkeypatch):
    """A package that is not installed, or cases without labels, would pass every threshold."""
    monkeypatch.setitem(sys.modules, "pytrec_eval", None)
    with pytest.raises(PolicyError, match="kb-graded"):
        base.measure(min_ndcg=0.1)
    labelled = [
        {key: one[key] for key in ("query", "relevant")}
        for one in json.loads(LABELLED.read_text())
        if "relevant" in one
    ]
    base.write_cases(*labelled)
    with pytest.raises(Unproven, match="nothing looks at the texts"):
        base.measure()
    base.write_cases({"query": "maker rebates", "expected_keywords": ["rebates"]})
    with pytest.raises(Unproven, match="no case names relevant documents"):
        base.measure(min_mrr=0.1)


# How many questions


@pytest.mark.parametrize(("least", "status"), [(12, "measured"), (13, "too_few_queries")])
def test_too_few_questions_are_inconclusive(base, least, status):
    """Two questions that are answered say nothing of the third."""
    report = base.measure(min_queries=least)
    assert (report["status"], report["passed"], report["failed"]) == (status, least == 12, [])
    assert base.run("benchmark", "--min-queries", str(least)).returncode == (0 if least == 12 else 3)
    done = base.run("monitor", "--min-queries", str(least), "--json")
    assert done.returncode == (0 if least == 12 else 3)
    codes = [one["code"] for one in json.loads(done.stdout)["alerts"]]
    assert codes == ([] if least == 12 else ["too_few_queries"])


def test_an_interval_holds_the_mean_and_narrows_with_questions():
    """A mean of ten questions is written with four places and is worth one."""
    values = [1.0, 0.0, 1.0, 1.0, 0.5, 1.0, 0.0, 1.0, 1.0, 0.5]
    few, many = (intervals.of_means({"x": values * times})["x"] for times in (1, 20))
    assert few[0] < 0.7 < few[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 3
    assert intervals.of_means({"x": values}) == {"x": few}
    assert intervals.of_means({"x": values[:4], "y": [None] * 10}) == {"x": None, "y": None}


def test_the_report_has_an_interval_for_each_figure(base):
    """A drop that is within the interval may be the choice of the questions."""
    report = base.measure()
    for name, interval in report["intervals"].items():
        assert interval[0] <= report[name] <= interval[1]


@pytest.mark.parametrize("name", ["min_content_recall", "min_ndcg", "min_queries"])
def test_the_new_settings_stand_in_the_policy_too(base, name):
    """A setting that only a flag has is in nobody's review."""
    value = 3 if name == "min_queries" else 0.125
    base.write_policy({"prod": {"mode": "required", "cases": str(base.cases), name: value}})
    assert base.settings().sources[name] == "policy"
    for wrong in (-1, "x", True):
        base.write_policy({"prod": {"mode": "required", "cases": str(base.cases), name: wrong}})
        with pytest.raises(PolicyError):
            base.settings()


def test_two_cases_of_one_name_are_refused(base):
    """Answers are told apart by it."""
    base.write_cases(*[{"id": "a", "query": "maker rebates", "expected_keywords": ["rebates"]}] * 2)
    with pytest.raises(PolicyError, match="is a duplicate"):
        base.measure()


def test_a_fresh_base_is_the_fixture(tmp_path):
    """The handbook's labels name documents that it has."""
    assert KnowledgeBase(tmp_path).measure()["content_recall"] == 1.0
