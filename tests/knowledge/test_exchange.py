"""Collections of other tools: what goes out comes back as it was, and what is not whole does not come in."""

from __future__ import annotations

import json

import pytest

from tests.knowledge.conftest import HANDBOOK

pytestmark = pytest.mark.slow

CORPUS = '{"_id": "d1", "title": "Fees", "text": "maker rebates"}\n{"_id": "d2", "title": "", "text": "tides"}\n'
QUERIES = '{"_id": "q1", "text": "which rebates"}\n{"_id": "q2", "text": "never judged"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"


def collection(folder, corpus=CORPUS, queries=QUERIES, qrels=QRELS):
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(corpus)
    (folder / "queries.jsonl").write_text(queries)
    (folder / "qrels" / "test.tsv").write_text(qrels)


def imported(base):
    return base.run("import", "beir", "beir", "--corpus", "corpus", "--cases", "cases.json")


def test_a_collection_of_beir_is_a_corpus_with_cases(base):
    """Questions that the split does not judge, and documents that are judged not relevant, are no expectations."""
    collection(base.root / "beir")
    done = imported(base)
    assert (done.returncode, done.stdout) == (0, "2 documents, 1 cases\n")
    assert json.loads((base.root / "cases.json").read_text()) == [
        {"id": "q1", "query": "which rebates", "relevant": {"d1": 2}}
    ]
    pytest.importorskip("pytrec_eval", reason="the extra kb-graded is not installed")
    words = ("--policy", "", "--cases", "cases.json", "--corpus", "corpus", "--json")
    report = json.loads(base.run("benchmark", *words).stdout)
    assert (report["ndcg"], report["mrr"], report["content_recall"]) == (1.0, 1.0, None)


def test_what_is_exported_is_imported_as_it_was(base):
    """A format that loses something on the way gives figures of something else."""
    given = ("--cases", str(base.cases), "--corpus", str(base.corpus))
    assert base.run("export", "beir", *given, "--output-dir", "beir").returncode == 0
    assert imported(base).returncode == 0
    asked = json.loads((HANDBOOK / "kb_benchmark_cases.held_out.json").read_text())
    back = json.loads((base.root / "cases.json").read_text())
    assert [one["query"] for one in back] == [one["query"] for one in asked]
    labels = [{name.removeprefix("benchmark::"): grade for name, grade in one["relevant"].items()} for one in back]
    assert labels == [
        {name.removeprefix("benchmark::"): grade for name, grade in one["relevant"].items()} for one in asked
    ]
    pytest.importorskip("pytrec_eval", reason="the extra kb-graded is not installed")
    reports = [base.measure(), base.measure(policy="", cases="cases.json", corpus="corpus")]
    assert reports[0]["seeded_documents"] == reports[1]["seeded_documents"]
    assert reports[0]["strict"]["recall_at_k"] == reports[1]["strict"]["recall_at_k"]


def test_a_run_in_trecs_format_has_the_figures_of_the_report(base):
    """Whoever checks our figures with trec_eval has to find the same ones."""
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="the extra kb-graded is not installed")
    assert base.run("benchmark", "--output", "kb.json").returncode == 0
    given = ("--cases", str(base.cases), "--corpus", str(base.corpus), "--output-dir", "trec", "--report", "kb.json")
    assert base.run("export", "trec", *given).returncode == 0
    with (base.root / "trec/qrels.txt").open() as qrels, (base.root / "trec/run.txt").open() as run:
        judged, answers = pytrec_eval.parse_qrel(qrels), pytrec_eval.parse_run(run)
    found = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.5"}).evaluate(answers)
    report = json.loads((base.root / "kb.json").read_text())
    assert sum(one["ndcg_cut_5"] for one in found.values()) / 12 == pytest.approx(report["ndcg"], abs=1e-4)
    done = base.run("import", "trec", "--qrels", "trec/qrels.txt", "--queries", "trec/queries.tsv", "--cases", "c.json")
    assert (done.returncode, done.stdout) == (0, "12 cases\n")


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("corpus", CORPUS + '{"_id": "d1", "title": "", "text": "again"}\n', "duplicate"),
        ("corpus", CORPUS + '{"_id": "d3", "title": ""}\n', "text is None, expected a text"),
        ("corpus", CORPUS + '{"_id": 3, "text": "x"}\n', "expected a text"),
        ("corpus", CORPUS + '{"_id": "d3", "te', "half written"),
        ("corpus", "", "has no rows"),
        ("queries", QUERIES + QUERIES, "duplicate"),
        ("queries", '{"_id": "q9", "text": "x"}\n', "no question has that id"),
        ("qrels", QRELS + "q1\td9\t1\n", "'d9' is judged"),
        ("qrels", QRELS + "q1\td1\t1\n", "judged twice"),
        ("qrels", QRELS + "q1\td1\n", "2 fields"),
        ("qrels", "q1\td1\t2.5\n", "whole number"),
        ("qrels", "q1\td1\t4\n", "up to 3"),
        ("qrels", QRELS + "q2\td2\tgood\n", "whole number"),
        ("qrels", "q1\td1\t0\n", "no question has a relevant document"),
    ],
)
def test_a_collection_that_is_not_whole_is_refused_and_nothing_is_written(base, part, content, said):
    """Half a collection is easier than the whole one, and has its name."""
    collection(base.root / "beir", **{part: content})
    done = imported(base)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert said in done.stderr
    assert not (base.root / "cases.json").exists()
    assert not (base.root / "corpus").exists()


def test_nothing_is_written_over(base):
    """An import into the folder of another corpus is a mixture of two."""
    collection(base.root / "beir")
    assert imported(base).returncode == 0
    assert imported(base).returncode == 4


def test_a_name_with_a_blank_is_refused_by_a_format_of_blanks(base):
    """Two fields more are a line of something else."""
    (base.corpus / "two words.txt").write_text("zeppelin")
    base.write_cases({"query": "zeppelin", "relevant": {"two words.txt": 1}})
    given = ("--cases", str(base.cases), "--corpus", str(base.corpus), "--output-dir", "trec")
    done = base.run("export", "trec", *given)
    assert (done.returncode, "has a blank in it" in done.stderr) == (3, True)
    assert not (base.root / "trec").exists()
