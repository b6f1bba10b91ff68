"""How people write: accents in two forms, full-width letters, names with signs, identifiers; and which files are read."""

from __future__ import annotations

import json
import unicodedata

import pytest

from pytest_promotion.suites.release.knowledge import cases, corpus, index, words

pytestmark = pytest.mark.slow


def found(texts, query, engine="fts5"):
    documents = [corpus.Document(name, "txt", name, words.composed(text)) for name, text in texts.items()]
    with index.opened(documents, engine) as library:
        return [hit.document.source_name for hit in library.search(query, 5)]


@pytest.mark.parametrize("engine", index.ENGINES)
@pytest.mark.parametrize(
    ("text", "queries", "not_for"),
    [
        ("the résumé parser", ["résumé", unicodedata.normalize("NFD", "résumé"), "RÉSUMÉ"], []),
        (unicodedata.normalize("NFD", "die Kürzung der Beiträge"), ["kürzung", "beiträge"], []),
        ("\uff21\uff30\uff29\u3000\uff4b\uff45\uff59 \uff11\uff12\uff13", ["api key", "123", "\uff41\uff50\uff49"], []),
        ("the ﬁle system", ["file"], []),
        ("written in C++ and tested", ["c++", "C++"], ["c#", "c"]),
        ("a C# client", ["c#", "C#", "csharp"], ["c++", "f#"]),
        ("an F# library", ["f#"], ["c#"]),
        ("runs on .NET 8", [".net", "dotnet"], ["net"]),
        ("an ASP.NET page", ["asp.net", ".NET"], []),
        ("call getUserName first", ["get user name", "getUserName", "getusername", "get_user_name"], []),
        ("call get_user_name first", ["get user name", "getUserName", "get_user_name"], []),
        ("an HTTPServer of ours", ["http server", "HTTPServer"], []),
        ("the utf8Decoder", ["decoder", "utf8Decoder"], []),
    ],
)
def test_a_text_is_found_as_people_write_it(engine, text, queries, not_for):
    """A question typed on a Mac found nothing, and `C#` found every page with a C."""
    pytest.importorskip("tantivy", reason="the extra kb-large is not installed")
    texts = {"it": text, "other": "something else altogether, about boats and tides"}
    assert {query: found(texts, query, engine) for query in queries} == {query: ["it"] for query in queries}
    assert {query: found(texts, query, engine) for query in not_for} == {query: [] for query in not_for}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_labels_and_keywords_are_compared_in_one_form(base, form):
    """A file that a Mac wrote has another name than the label that was typed."""
    (base.corpus / unicodedata.normalize(form, "Gebühren.txt")).write_text(
        unicodedata.normalize(form, "Rückerstattung für Maker")
    )
    for typed in ("NFC", "NFD"):
        label, keyword = (unicodedata.normalize(typed, word) for word in ("Gebühren.txt", "Rückerstattung"))
        base.write_cases({"query": keyword, "expected_keywords": [keyword], "relevant": {label: 3}})
        report = base.measure()
        assert (report["content_recall"], report["results"][0]["strict"]["mrr"]) == (1.0, 1.0)


# Files


def test_markdown_and_html_are_read_below_folders_too(base):
    """A folder of documentation was an empty corpus."""
    place = base.corpus / "guides" / "deep"
    place.mkdir(parents=True)
    (place / "zeppelin.md").write_text("# Mooring a zeppelin\n\nThe mast stands at *berth nine*.\n")
    (base.corpus / "guides" / "balloon.html").write_text(
        "<html><head><title>Hot air &amp; balloons</title><style>.burner{}</style><script>var quill = 1</script></head>"
        "<body><nav>Home</nav><p>Light the <b>bur</b>ner.</p><p>Then rise.</p></body></html>"
    )
    kept = {one.source_name: one for one in corpus.read(base.corpus).documents}
    page = kept["benchmark::guides/balloon.html"]
    assert (page.title, page.text) == ("Hot air & balloons", "Home\nLight the burner.\nThen rise.")
    note = kept["benchmark::guides/deep/zeppelin.md"]
    assert (note.title, "berth nine" in note.text) == ("Mooring a zeppelin", True)
    base.write_cases(
        {"query": "zeppelin mast", "expected_keywords": ["berth"], "relevant": {"guides/deep/zeppelin.md": 3}}
    )
    assert base.measure()["content_recall"] == 1.0


def test_what_is_hidden_or_elsewhere_is_no_document(base, tmp_path):
    """A link that leads out of the folder, or round in it, is another corpus on each machine."""
    before = base.measure()["corpus_sha256"]
    (base.corpus / ".git").mkdir()
    (base.corpus / ".git" / "notes.txt").write_text("hidden")
    (base.corpus / "round").symlink_to(base.corpus)
    (base.corpus / "picture.png").write_bytes(b"\x89PNG")
    report = base.measure()
    assert report["corpus_sha256"] == before
    assert sorted(report["corpus_ignored"]) == ["picture.png", "round"]


@pytest.mark.parametrize("content", ["", " \n\t"], ids=["empty", "blank"])
@pytest.mark.parametrize("kind", ["txt", "md", "html", "row"])
def test_one_empty_document_is_named_and_spoils_nothing(base, kind, content):
    """One stray file made the whole benchmark inconclusive, and people took it away without a word."""
    name = "left_blank" if kind == "row" else f"benchmark::left_blank.{kind}"
    if kind == "row":
        rows = json.loads((base.corpus / corpus.PACK).read_text())
        row = rows[0] | {"source_name": name, "content": content}
        (base.corpus / corpus.PACK).write_text(json.dumps([*rows, row]))
    else:
        (base.corpus / f"left_blank.{kind}").write_text(content)
    report = base.measure()
    assert (report["status"], report["passed"], report["corpus_empty"]) == ("measured", True, [name])
    assert f"empty: {name}" in base.run("benchmark").stdout


def test_many_empty_documents_are_no_corpus(base):
    """An export that went wrong leaves names without texts, and names are found."""
    for number in range(3):
        (base.corpus / f"gone{number}.txt").write_text("")
    report = base.measure()
    assert (report["status"], report["passed"]) == ("incomplete", False)
    assert "3 of 28 documents are empty" in report["corpus_problems"][0]


def test_a_blank_page_of_a_pdf_is_no_lost_page(base):
    """Each chapter that begins on a right-hand page would make the corpus incomplete."""
    pypdf = pytest.importorskip("pypdf", reason="the extra kb is not installed")
    reader = pypdf.PdfReader(base.corpus / "hedging.pdf")
    writer = pypdf.PdfWriter()
    writer.append(reader)
    writer.add_blank_page(width=200, height=200)
    writer.write(base.corpus / "hedging.pdf")
    assert base.measure()["status"] == "measured"


def test_a_page_that_shows_something_and_says_nothing_is_named(base):
    """Four scanned pages of five vanished, and the corpus counted as whole."""
    pypdf = pytest.importorskip("pypdf", reason="the extra kb is not installed")
    from pypdf.generic import DecodedStreamObject, NameObject

    reader = pypdf.PdfReader(base.corpus / "hedging.pdf")
    writer = pypdf.PdfWriter()
    writer.append(reader)
    page = writer.add_blank_page(width=200, height=200)
    drawing = DecodedStreamObject()
    drawing.set_data(b"q 10 0 0 10 5 5 cm 0 0 1 1 re f Q")
    page[NameObject("/Contents")] = writer._add_object(drawing)
    writer.write(base.corpus / "hedging.pdf")
    report = base.measure()
    assert (report["status"], report["passed"]) == ("incomplete", False)
    assert report["corpus_problems"] == ["hedging.pdf: 1 of 2 pages have no text, as scans do: page 2"]


def test_a_label_for_an_empty_document_can_be_answered(base):
    """It is there: the search may find it by name, and its text says nothing."""
    (base.corpus / "zeppelin.txt").write_text("")
    base.write_cases({"query": "zeppelin", "expected_keywords": ["mast"], "relevant": {"zeppelin.txt": 3}})
    assert base.measure()["content_recall"] == 0.0
    assert cases.read(base.cases)[0][0].id == "case-1"
