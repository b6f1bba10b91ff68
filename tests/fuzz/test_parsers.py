"""Whatever is in a document, its parser returns what it read or says in a sentence why not."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import pytest_promotion.readers
from pytest_promotion.canonical import canonical
from pytest_promotion.errors import PromotionError, Unproven
from pytest_promotion.evidence.documents import parse_json, parse_yaml
from pytest_promotion.readers import scan_file
from tests.fuzz import seeds
from tests.fuzz.mutation import at, hostile, no_documents, paths, replaced, written
from tests.fuzz.parsers import PARSERS, Parser

# A document that holds a very long number is a long one.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
EXAMPLES = int(os.environ.get("PROMOTION_FUZZ_EXAMPLES", "200"))
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # the same small file is written ten thousand times
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="PROMOTION_FUZZ_EXAMPLES" not in os.environ,  # the same documents wherever a change is tested
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def share(items: Iterable[Any], index: int) -> list[Any]:
    """All of *items* at night, else every fourth: each of them for a quarter of the parsers."""
    return list(items) if EXAMPLES > 200 else list(items)[index % 4 :: 4]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as path:
        yield Path(path)


def refused(parser: Parser, content: bytes, folder: Path) -> str:
    """Why *content* is refused, "" where it is read. What is no `PromotionError` is raised."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    try:
        parser.read(content, folder)
    except PromotionError as problem:
        return str(problem) or type(problem).__name__
    return ""


@pytest.mark.parametrize("parser", PARSERS, ids=lambda one: one.name)
def test_what_is_wrong_in_a_document_is_refused_in_a_sentence(parser, folder):
    """An exception of another kind ends a command in a traceback, and a gate as broken."""

    @fuzzed
    @given(st.one_of([hostile(seed, parser.form) for seed in parser.seeds]))
    def check(content: bytes) -> None:
        sentence = refused(parser, content, folder)
        sentence.encode()  # half of a surrogate pair in it could not be printed

    check()


@pytest.mark.parametrize("parser", PARSERS, ids=lambda one: one.name)
def test_what_is_no_document_at_all_is_refused_in_a_sentence(parser, folder):
    """Half a download, a text in UTF-16, a hundred thousand brackets."""
    for seed in parser.seeds:
        for name, content in share(no_documents(seed), PARSERS.index(parser)):
            try:
                refused(parser, content, folder)
            except Exception as problem:
                raise AssertionError(f"{parser.name}: {name}: {type(problem).__name__}: {problem}") from problem


@pytest.mark.parametrize("parser", PARSERS, ids=lambda one: one.name)
def test_the_documents_that_it_starts_from_are_read(parser, folder):
    """Of a document that is refused at its first member nothing else is tried."""
    if parser.name in ("envelopes", "research evidence", "readiness"):
        return  # these name what is elsewhere
    for seed in parser.seeds:
        assert refused(parser, seed, folder) == ""


def test_every_reader_is_fuzzed():
    """A format that is read from tomorrow on needs a line in `parsers.PARSERS`."""
    prefix = "pytest_promotion."
    found = {
        one.name.removeprefix(prefix)
        for one in pkgutil.walk_packages(pytest_promotion.readers.__path__, f"{prefix}readers.")
        if not one.ispkg
    }
    # These read no file: one gives the others to gates, one runs Compose, one finds which files there are.
    assert found - {module for parser in PARSERS for module in parser.modules} == {
        "readers.artifact",
        "readers.compose.engine",
        "readers.compose.sources",
        "readers.compose.tags",
    }


@pytest.mark.parametrize("seed", [seeds.TRIVY, seeds.SNYK, seeds.SARIF], ids=["trivy", "snyk", "sarif"])
@pytest.mark.parametrize("other", [0, False, "", {}, []], ids=repr)
def test_no_scan_is_clean_because_a_value_is_of_another_kind(seed, other):
    """`0` where the list of findings belongs is half a file, and no scan that found nothing."""
    whole = json.loads(seed)
    found = scan_file.read(seed, "the file").findings
    tried = 0
    for path in paths(whole):
        if isinstance(at(whole, path), (dict, list)) and type(other) is not type(at(whole, path)) and path:
            tried += 1
            try:
                scan = scan_file.read(written(replaced(whole, path, other)).encode(), "the file")
            except Unproven:
                continue
            assert len(scan.findings) == len(found), path
            assert [one.severity for one in scan.findings] == [one.severity for one in found], path
    assert tried > 3


def test_a_mapping_of_yaml_says_which_field_it_lacks():
    """A bare `KeyError` is a gate that broke, and not evidence that is missing."""
    with pytest.raises(Unproven, match="the file has no field 'score' there"):
        parse_yaml(b"a: {b: 1}\n", "the file")["a"]["score"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("? [a]\n: b\n", "a sequence is used as a key at line 1"),
        ("? {a: b}\n: c\n", "a mapping is used as a key at line 1"),
        ("x: 1\na: .inf\n", "found a number that is not finite at line 2"),
        ("a: -.inf\n", "found a number that is not finite at line 1"),
        ("a: " + "9" * 400, "found a number that is not finite at line 1"),
        ("a: " + "9" * 5000, "found a value that is no int at line 1"),
        ("a: 2026-13-45\n", "found a value that is no timestamp at line 1"),
        ("a: !!bool x\n", "found a value that is no bool at line 1"),
        ("a: !!binary aGk=\n", "found !!binary, of which JSON has none at line 1"),
        ("a: !!set {b}\n", "found !!set, of which JSON has none at line 1"),
        ("a: !!int {b: c}\n", "at line 1"),
        ("a: \0\n", "unacceptable character #x0000"),
    ],
)
def test_yaml_names_the_line_of_what_is_no_value(text, sentence):
    """PyYAML raises a `KeyError` for one of them, a `TypeError` for another, and takes the others for values."""
    with pytest.raises(Unproven, match=re.escape(sentence)) as refusal:
        parse_yaml(text.encode(), "the file")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('["\\ud800"]', "$[0] has half of a surrogate pair"),
        ('{"\\udc00": 1}', "$ key '\\udc00' has half of a surrogate pair"),
        ("1" + "0" * 400, "which is too large to be a number"),
        ("[-" + "9" * 5000 + "]", "which is too large to be a number"),
    ],
)
def test_json_that_no_report_could_hold_is_refused(text, sentence):
    """It cannot be printed, written, compared with a float or hashed: each place that tries ends in a traceback."""
    with pytest.raises(Unproven, match=re.escape(sentence)):
        parse_json(text.encode(), "the file")


def test_a_whole_surrogate_pair_is_a_letter():
    """Python's own `json` writes every emoji as two escapes."""
    assert parse_json(rb'["\ud83d\ude00", "\\ud800", 9007199254740993]', "x") == ["😀", "\\ud800", 2**53 + 1]


@pytest.mark.parametrize("value", [2**53, -(10**30), "\ud800", {"\ud800": 1}, float("nan"), {1: 1}])
def test_what_has_no_canonical_form_is_unproven(value):
    """Code that hashes what a user wrote catches `Unproven`, and no error of another library."""
    with pytest.raises(Unproven):
        canonical([value])
