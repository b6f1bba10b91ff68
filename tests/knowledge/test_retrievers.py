"""The application's own search as what is measured: how it is asked, and what it may not answer."""

from __future__ import annotations

import json
import re
import sys
import time
from urllib.parse import unquote

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from tests.knowledge.conftest import FOLDER

pytestmark = pytest.mark.slow

# A search of plain words over the files, as somebody would write it who knows nothing of this package.
SEARCH = """
import json, pathlib, re
__version__ = "search-7"
def documents():
    folder = pathlib.Path("backend/config/kb_benchmark_corpus")
    for row in json.loads((folder / "corpus_pack.json").read_text()):
        yield row["source_name"], row["content"]
    for path in folder.glob("*.txt"):
        yield path.name, path.read_text()
def search(query, k):
    words = set(re.findall(r"\\w{4,}", query.lower()))
    found = [(sum(word in text.lower() for word in words), name) for name, text in documents()]
    return [name for score, name in sorted(found, key=lambda one: (-one[0], one[1])) if score][:k]
"""
ONE = "import sys, json, search; print(json.dumps(search.search(sys.argv[1], int(sys.argv[2]))))"
LINES = """
import sys, json, search
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"id": asked["id"], "ids": search.search(asked["query"], asked["k"])}))
"""


@pytest.fixture
def app(base):
    """A knowledge base whose application has a search of its own."""
    (base.root / "search.py").write_text(SEARCH)
    (base.root / "one.py").write_text(ONE)
    (base.root / "lines.py").write_text(LINES)
    return base


@pytest.fixture
def program(base):
    """`program(code)`: a retriever that is asked in JSON lines and runs *code* with `rows`, the questions."""

    def make(code):
        start = "import json, sys, time\nrows = [json.loads(line) for line in sys.stdin]\n"
        (base.root / "program.py").write_text(start + code)
        return f"{sys.executable} program.py"

    return make


def scores(report):
    return [report[name] for name in ("avg_precision_at_k", "avg_keyword_recall", "content_recall")]


def test_a_command_lines_and_a_function_give_the_same_figures(app):
    """A figure that depends on how the search is called is one of the call."""
    reports = {
        kind: app.measure(retriever=given)
        for kind, given in {
            "command": f"{sys.executable} one.py {{query}} {{k}}",
            "json-lines": f"{sys.executable} lines.py",
            "function": "search:search",
        }.items()
    }
    assert {kind: report["retriever"]["kind"] for kind, report in reports.items()} == {kind: kind for kind in reports}
    assert len({json.dumps(report["results"]) for report in reports.values()}) == 1
    assert 0 < reports["command"]["content_recall"] <= 1


def test_a_broken_search_is_seen_where_the_built_in_index_finds_everything(app):
    """The benchmark of our own index stayed at 1.0 while the application found nothing."""
    assert app.measure()["passed"] is True
    (app.root / "search.py").write_text("def search(query, k): return []\n")
    report = app.measure(retriever="search:search")
    assert (report["status"], report["passed"]) == ("measured", False)
    assert scores(report) == [0.0, 0.0, 0.0]
    done = app.run("benchmark", "--retriever", "search:search")
    assert done.returncode == 2, done.stderr


def test_the_references_stand_in_the_same_table(app):
    """A figure alone does not say whether the questions are hard or the search is bad."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    report = app.measure(retriever="search:search")
    assert [row["given"] for row in report["retrievers"]] == ["search:search", "fts5", "tantivy"]
    assert report["retrievers"][1]["content_recall"] == app.measure()["content_recall"]
    done = app.run("benchmark", "--retriever", "search:search")
    assert [line.split()[0] for line in done.stdout.splitlines()[:3]] == ["search:search", "fts5", "tantivy"]


def test_a_report_says_what_was_measured(app):
    """A figure of nobody knows which search is a figure of none."""
    found = app.measure(retriever=f"{sys.executable} lines.py")["retriever"]
    assert found["files"].keys() >= {"lines.py"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found["files"].values())
    function = app.measure(retriever="search:search")["retriever"]
    assert (function["version"], list(function["files"])) == ("search-7", ["search.py"])
    assert app.measure(retriever="search:search", retriever_version="build 9")["retriever"]["version"] == "build 9"


def test_the_policy_may_name_the_retriever(app):
    """What only a flag connects is forgotten in the next pipeline."""
    app.write_policy({"prod": {"mode": "required", "cases": str(app.cases), "retriever": "search:search"}})
    assert app.measure()["retriever"]["given"] == "search:search"
    assert app.measure()["sources"]["retriever"] == "policy"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("sys.exit('the index is gone')", "exit code 1 after 0 of 12 answers; it said: the index is gone"),
        ("raise RuntimeError('no connection')", "no connection"),
        ("pass", "without an answer to case-1"),
        ("print('Loading model...')", "it begins with 'Loading model...'"),
        ("print(json.dumps({'id': 'case-99', 'ids': []}))", "'case-99', which is not waiting"),
        ("print(json.dumps({'ids': []}))", "'None', which is not waiting"),
        ("[print(json.dumps({'id': 'case-1', 'ids': []})) for _ in '12']", "which is not waiting"),
        ("[print(json.dumps({'id': r['id'], 'ids': ['nowhere.txt']})) for r in rows]", "'nowhere.txt', which the corpus does not have"),
        ("print(json.dumps({'id': 'case-1', 'ids': [7]}))", "at [0] is a number"),
        ("print(json.dumps({'id': 'case-1', 'ids': [None]}))", "expected the name of a document"),
        ("print(json.dumps({'id': 'case-1', 'ids': 'zh_risk.txt'}))", "expected an array"),
        ("print(json.dumps({'id': 'case-1'}))", "either ids or hits"),
        ("print(json.dumps({'id': 'case-1', 'hits': [{'id': 'zh_risk.txt', 'score': float('nan')}]}))", "NaN"),
        ("print(json.dumps({'id': 'case-1', 'hits': [{'id': 'zh_risk.txt', 'score': '0.9'}]}))", "finite number"),
        ("print(json.dumps({'id': 'case-1', 'hits': [{'score': 0.9}]}))", "has no id"),
        ("print(json.dumps({'id': 'case-1', 'ids': [], 'query': 'another one'}))", "another question"),
        ("print(json.dumps({'id': 'case-1', 'error': 'quota exceeded'}))", "quota exceeded"),
        ("print()", "empty line"),
        ("print('[]')", "no object"),
        ("[print(json.dumps({'id': r['id'], 'ids': []})) for r in rows]; sys.exit(3)", "exit code 3 after 12 of 12"),
    ],
    ids=[
        "exits", "raises", "says nothing", "logs", "unknown question", "no question", "answers twice", "unknown document",
        "number", "null", "text", "no ids", "nan score", "score as text", "hit without id", "other question", "error",
        "empty line", "array", "fails at the end",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_inconclusive_with_the_words_of_the_retriever(base, program, code, said):
    """A search that crashed scored zero, or worse: one that answered half of the questions scored the other half."""
    given = program(code)
    with pytest.raises(Unproven) as caught:
        base.measure(retriever=given)
    assert said in str(caught.value)
    done = base.run("benchmark", "--retriever", given, "--json")
    assert (done.returncode, "Traceback" in done.stderr) == (3, "RuntimeError" in code)


@pytest.mark.parametrize("words", ["one.py {query}", "lines.py"], ids=["command", "lines"])
def test_a_search_that_hangs_ends_in_time(base, words):
    """A gate that waits for ever decides nothing, and the process would go on without it."""
    name = words.split()[0]
    (base.root / name).write_text("import time; time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(Unproven, match=r"within 0\.5 s|silent for 0\.5 s"):
        base.measure(retriever=f"{sys.executable} {words}", retriever_timeout_s=0.5)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "with nothing; no hits are"),
        ("import sys; sys.exit('down')", "exit code 1 at case-1; it said: down"),
        ("print('no results')", "it begins with 'no results'"),
        ("print('{}')", "either ids or hits"),
        ("print('[NaN]')", "NaN"),
    ],
    ids=["nothing", "fails", "words", "no ids", "nan"],
)  # fmt: skip
def test_a_command_that_does_not_answer_is_inconclusive(base, code, said):
    """An empty output is no empty answer: the program may have printed its hits elsewhere."""
    (base.root / "one.py").write_text(code)
    with pytest.raises(Unproven) as caught:
        base.measure(retriever=f"{sys.executable} one.py {{query}}")
    assert said in str(caught.value)


def test_passages_of_one_document_and_more_than_k_are_no_advantage(base, program):
    """A search over passages names a document several times; counted each time, one good document is five."""
    good = "print(json.dumps({'id': r['id'], 'ids': %s}))"
    base.write_cases({"query": "maker rebates", "expected_keywords": ["rebates"], "top_k": 2})
    names = ["handbook_fee_tiers.pdf"] * 3 + ["zh_risk.txt", "hedging.pdf", "drawdown_halt.txt"]
    given = program(f"for r in rows: {good % names}")
    [result] = base.measure(retriever=given)["results"]
    assert result["found"] == ["handbook_fee_tiers.pdf", "benchmark::zh_risk.txt"]
    assert (result["duplicates"], result["surplus"]) == (2, 2)


def test_a_question_is_one_word_of_a_command(base):
    """A question with quotes, or with a semicolon, in a shell runs what it says."""
    base.write_cases({"query": "a; touch broken \"b\" 'c' $(touch broken) {k}", "expected_keywords": ["x"]})
    (base.root / "one.py").write_text("import sys, json; json.dump(sys.argv, open('asked', 'w')); print('[]')")
    base.measure(retriever=f"{sys.executable} one.py {{query}} {{k}}")
    assert json.loads((base.root / "asked").read_text())[1:] == [
        "a; touch broken \"b\" 'c' $(touch broken) {k}", "5"
    ]  # fmt: skip
    assert not (base.root / "broken").exists()


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "'unclosed",
        "http://[bad/{query}",
        "http://host/search",
        "http://user:word@host/{query}",
        "http://h{query}/",
    ],
)
def test_a_connection_that_names_nothing_is_wrong_usage(base, given):
    """A mistyped retriever must not fall back to the built-in index."""
    with pytest.raises((PolicyError, Unproven)):
        base.measure(retriever=given)
    assert base.run("benchmark", "--retriever", given).returncode in (3, 4)


def test_a_program_or_function_that_is_missing_is_said(base):
    """Nothing was measured: that is no score."""
    for given in ("no-such-program {query}", "no-such-program", "nowhere:search", "json:nothing"):
        with pytest.raises(Unproven, match="retriever"):
            base.measure(retriever=given)


def test_what_a_function_prints_is_no_answer(app):
    """A progress bar in the middle of the answers would spoil them."""
    (app.root / "search.py").write_text(
        SEARCH.replace("    words = set", "    print('searching', query)\n    words = set")
    )
    assert app.measure(retriever="search:search")["status"] == "measured"


# Over HTTP


@pytest.fixture
def service(app, httpserver):
    """The application's search behind an endpoint, and the URL of it."""
    scope = {}
    exec(SEARCH, scope)

    def answer(request):
        from werkzeug import Response

        asked = request.get_json(silent=True) or {key: unquote(value) for key, value in request.args.items()}
        import os

        here = os.getcwd()
        os.chdir(app.root)
        try:
            names = scope["search"](asked["q"], int(asked["n"]))
        finally:
            os.chdir(here)
        hits = [{"document": {"name": name}, "score": 1.0} for name in names]
        return Response(json.dumps({"took": 3, "result": {"hits": hits}}), content_type="application/json")

    httpserver.expect_request("/search").respond_with_handler(answer)
    httpserver.expect_request("/broken").respond_with_data("index not loaded", status=503)
    httpserver.expect_request("/page").respond_with_data("<html>sign in</html>")
    httpserver.expect_request("/moved").respond_with_data("", status=302, headers={"Location": "/search"})
    httpserver.expect_request("/plain").respond_with_json([])
    return httpserver.url_for("").rstrip("/")


PATH = "$.result.hits[*].document.name"


def test_an_endpoint_gives_the_figures_of_the_function_behind_it(app, service):
    """Whoever deploys a service wants it measured where it runs."""
    pytest.importorskip("jsonpath", reason="the extra kb-http is not installed")
    behind = app.measure(retriever="search:search")
    got = app.measure(retriever=f"{service}/search?q={{query}}&n={{k}}", retriever_ids=PATH)
    posted = app.measure(retriever=f"{service}/search", retriever_ids=PATH, retriever_body='{"q": "{query}", "n": {k}}')
    assert got["results"] == posted["results"] == behind["results"]
    assert got["retriever"]["kind"] == "http"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("broken", "status 503: index not loaded"),
        ("page", "<html>"),
        ("moved", "sent elsewhere"),
        ("none", "status 500"),
    ],
)
def test_an_endpoint_that_fails_is_inconclusive_with_its_words(app, service, path, said):
    """A page to sign in on is not an empty list of hits."""
    with pytest.raises(Unproven) as caught:
        app.measure(retriever=f"{service}/{path}?q={{query}}")
    assert said in str(caught.value)


def test_an_endpoint_that_finds_nothing_says_so_in_its_own_form(app, service):
    """A JSONPath that misses and a search that finds nothing look alike, and only one of them is a score."""
    pytest.importorskip("jsonpath", reason="the extra kb-http is not installed")
    assert scores(app.measure(retriever=f"{service}/plain?{{query}}", retriever_ids="$[*].id")) == [0.0, 0.0, 0.0]
    with pytest.raises(Unproven, match="finds nothing"):
        app.measure(retriever=f"{service}/search?q={{query}}&n={{k}}", retriever_ids="$.hits[*].name")
    for path in ("$.hits[", "hits"):
        with pytest.raises(PolicyError):
            app.measure(retriever=f"{service}/search?q={{query}}", retriever_ids=path)


def test_the_token_of_an_endpoint_is_in_no_report(app, service, httpserver, monkeypatch):
    """A report is kept for years, and read by many."""
    monkeypatch.setenv("KB_RETRIEVER_TOKEN", "tok-3f9a77c1e0")
    report = app.measure(retriever=f"{service}/plain?{{query}}")
    assert httpserver.log[-1][0].headers["Authorization"] == "Bearer tok-3f9a77c1e0"
    assert "tok-3f9a77c1e0" not in json.dumps(report)


def test_details_without_a_retriever_are_refused(base):
    """A JSONPath that nothing is asked by was meant for something."""
    with pytest.raises(PolicyError, match="retriever_ids"):
        base.measure(retriever_ids="$[*]")
    with pytest.raises(PolicyError, match="for retrievers with a URL"):
        base.measure(retriever="search:search", retriever_ids="$[*]")


def test_labels_may_name_files_as_they_are(base):
    """The prefix of source names is ours; nobody who labels questions knows it."""
    base.write_cases({"query": "maximum drawdown", "expected_keywords": ["halt"], "relevant": {"drawdown_halt.txt": 3}})
    [result] = base.measure()["results"]
    assert result["strict"]["mrr"] == 1.0
    assert str(FOLDER) in str(base.cases)


@pytest.mark.parametrize("way", ["", "benchmark::", "kb_benchmark_corpus/", "backend/config/kb_benchmark_corpus/", "/"])
def test_a_document_may_be_named_by_any_way_to_it(base, way):
    """A search names files as it opened them, and was refused for every one of them."""
    if way == "/":
        way = f"{base.corpus.absolute()}/"
    (base.root / "search.py").write_text(f"def search(query, k): return ['{way}drawdown_halt.txt']\n")
    [result] = base.measure(retriever="search:search", cases=one_case(base))["results"]
    assert result["found"] == ["benchmark::drawdown_halt.txt"]


def one_case(base):
    base.write_cases({"query": "maximum drawdown", "expected_keywords": ["halt"], "relevant": {"drawdown_halt.txt": 3}})
    return str(base.cases)


def test_a_long_document_is_shown_by_the_passage_that_was_asked_for(base):
    """By its first lines a search over long pages scored a third of what the built-in index did, with the same pages."""
    filler = "Drawdown is a word that stands here and there. " * 60
    (base.corpus / "long.txt").write_text(f"{filler}The zeppelin is moored at berth nine. {filler}")
    (base.root / "search.py").write_text("def search(query, k): return ['long.txt']\n")
    base.write_cases({"query": "drawdown of the zeppelin moored", "expected_keywords": ["berth"]})
    assert base.measure(retriever="search:search")["avg_keyword_recall"] == 1.0


def test_a_passage_that_was_found_is_what_the_figures_of_passages_look_at(base):
    """A search that shows the right paragraph is judged by it, and not by another one of a long page."""
    filler = "The zeppelin is a word that stands here and there. " * 60
    (base.corpus / "long.txt").write_text(f"{filler}It is moored\nat berth nine. {filler}")
    base.write_cases({"query": "where is the zeppelin", "expected_keywords": ["berth"]})
    hit = "{'hits': [{'id': 'long.txt', 'passage': %r}]}"
    figures = {}
    for passage in ("", "It is moored at berth nine."):
        (base.root / "search.py").write_text(f"def search(query, k): return {hit % passage}\n")
        figures[passage] = base.measure(retriever="search:search")["avg_keyword_recall"]
    assert list(figures.values()) == [0.0, 1.0]


@pytest.mark.parametrize("passage", ["berth nine, made up", 7, ["x"]], ids=["made up", "number", "array"])
def test_a_passage_that_the_document_does_not_have_is_no_answer(base, passage):
    """Whoever writes the passages would write the keywords into them."""
    (base.root / "search.py").write_text(
        f"def search(query, k): return {{'hits': [{{'id': 'drawdown_halt.txt', 'passage': {passage!r}}}]}}\n"
    )
    with pytest.raises(Unproven, match="passage"):
        base.measure(retriever="search:search", cases=one_case(base))
