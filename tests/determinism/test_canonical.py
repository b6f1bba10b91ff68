"""Canonical JSON: the published vectors, what is refused, and a second runtime that has to agree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promotion.canonical import canonical
from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.deployment.determinism import node, parity
from pytest_promotion.suites.deployment.determinism.documents import _STRING, DEEPEST, _depth, canonical_bytes, read
from pytest_promotion.suites.deployment.determinism.node import Question
from tests.determinism.numbers import PUBLISHED, doubles

pytestmark = pytest.mark.slow

REAL = Path(os.environ.get("PROMOTION_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
OFFICIAL = REAL / "canonical-json"
needs_vectors = pytest.mark.skipif(
    not OFFICIAL.is_dir(), reason="the official RFC 8785 vectors are not beside the check-out"
)
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
SCRIPTS = Path(node.__file__).parent / "js"
VECTORS = ["arrays", "french", "structures", "unicode", "values", "weird"]


@pytest.mark.parametrize("count", PUBLISHED)
def test_the_number_suite_has_its_published_digest(count):
    """One number in a hundred thousand that is written otherwise is a signature that fails on a good day."""
    running = sha256()
    for bits, value in doubles(count):
        running.update(b"%x,%s\n" % (bits, canonical(value)))
    assert running.hexdigest() == PUBLISHED[count]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _slowly(value):
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return None


@settings(deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(VALUES | st.floats(-1e22, 1e22) | st.integers(-(2**54), 2**54).map(float))
def test_the_short_way_writes_the_same_bytes(value):
    """One value that is written otherwise when it is written quickly has two digests."""
    try:
        found = canonical(value)
    except rfc8785.CanonicalizationError:
        found = None
    assert found == _slowly(value)


class _Loud(str):
    __slots__ = ()

    def __str__(self):
        return "LOUD"


@pytest.mark.parametrize(
    "value",
    [
        *(
            0.0,
            -0.0,
            1e-4,
            9.999999999999999e-05,
            1e15 + 0.5,
            1e16,
            2.0**53,
            2.0**53 - 1,
            -(2.0**53),
            -1e-4,
            1e21,
            5e-324,
        ),
        *([1.0, (2.0,)], {}, [], {"b": 1, "a": {"\u20ac": 1, "\U0001f600": 2, "\ufb33": 3}}, {"\x7f": "\x7f"}),
        *(_Loud("x"), {_Loud("x"): 1}, [True, 1, 1.0], "\u2028\x00\x1f/", 2**53 - 1, -(2**53) + 1),
    ],
    ids=range(23),
)
def test_the_edges_of_the_short_way(value):
    """Where one way of writing ends and the other begins, both are right or neither is noticed."""
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), {1: 2}, {None: 1}, {True: 1}, b"x", {1, 2}, "\ud800", {"\ud800": 1}],
    ids=range(11),
)
def test_what_has_no_form_has_none_the_short_way_either(value):
    """`json` writes NaN, and makes a text of a key that is a number."""
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical(value)


@settings(deadline=None, max_examples=500)
@given(st.text('[]{}"\\\n a', max_size=30))
def test_depth_is_counted_outside_of_texts_whatever_is_wrong_with_them(text):
    """A bracket in a text opens nothing, and a text that never ends swallows the rest."""
    deepest = here = 0
    quoted = escaped = False
    for letter in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = letter == "\\", letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            here += 1
            deepest = max(deepest, here)
        elif letter in "]}":
            here -= 1
    assert _depth(_STRING.sub("", text)) == deepest


@settings(deadline=None, max_examples=500)
@given(
    st.lists(st.integers(-(10**17), 10**17) | st.text(st.characters(codec=None), max_size=3), max_size=4), st.booleans()
)
def test_large_integers_and_half_pairs_are_refused_wherever_they_stand(value, spaced):
    """What is only looked for where the text gives cause must be found wherever it is."""
    content = json.dumps(value, separators=(", ", ":") if spaced else (",", ":")).encode()
    bad = any(
        abs(one) > 2**53 - 1
        if isinstance(one, int)
        else any("\ud800" <= c <= "\udfff" for c in json.loads(json.dumps(one)))
        for one in value
    )
    if bad:
        with pytest.raises(Unproven):
            read(content, "x")
    else:
        assert read(content, "x") == json.loads(content)


@needs_vectors
@pytest.mark.parametrize("name", VECTORS)
def test_the_official_vectors(name):
    """What is nearly the RFC is another format."""
    found = canonical_bytes((OFFICIAL / "input" / f"{name}.json").read_bytes(), name)
    assert found == (OFFICIAL / "output" / f"{name}.json").read_bytes()
    assert found.hex() == "".join((OFFICIAL / "outhex" / f"{name}.txt").read_text().split())


@needs_vectors
@needs_node
def test_python_and_javascript_agree_on_the_tricky_cases():
    """Two runtimes that each pass their own tests have different hashes of the same data."""
    cases = json.loads((OFFICIAL / "cases.json").read_text())
    asked = [Question(name, "canonical", text.encode("utf-8", "surrogatepass")) for name, text in cases.items()]
    assert len(asked) == 46
    assert parity.compare(asked) == []
    refused = {one.name for one in asked if parity.python(one).refused}
    assert refused == {
        "int_2^53", "int_2^53+1", "int_2^63", "int_10^25", "NaN", "Infinity", "lone_surrogate", "dup_key",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":{"b":[1,{"c":1,"c":2}]}}', "$.a.b[1].c stands twice"),
        ('{"a":[1,9007199254740992]}', "$.a[1] is 9007199254740992, an integer beyond 2**53 - 1"),
        ('{"a":["\\ud800"]}', "$.a[0] has half of a surrogate pair"),
        ('{"\\udc00":1}', "$ key '\\udc00' has half of a surrogate pair"),
        ("[NaN]", "found NaN"),
        ("[1e999]", "too large to be a number"),
        ("\ufeff1", "byte order mark"),
        ("", "is empty"),
        ("[1", "is not JSON"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper than 200 levels"),
        ("[" * 100_000, "nested deeper than 200 levels"),
    ],
    ids=range(11),
)
def test_what_reads_differently_elsewhere_is_refused_with_its_place(text, said):
    """The last of two keys wins here and the first one there; both sides then sign what they read."""
    with pytest.raises(Unproven) as refusal:
        canonical_bytes(text.encode(), "x.json")
    assert said in str(refusal.value)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@needs_node
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, min_size=80, max_size=80))
def test_both_runtimes_agree_on_whatever_is_made_up(values):
    """Fifty cases that somebody thought of are fifty cases that somebody mended."""
    asked = [
        Question(
            str(number), "canonical", json.dumps(value, ensure_ascii=number % 2 == 0).encode("utf-8", "surrogatepass")
        )
        for number, value in enumerate(values)
    ]
    assert parity.compare(asked) == []


@needs_node
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.binary(max_size=12) | st.text(alphabet='[]{}",:0123456789.eE+-\\utrfalsn "', max_size=14),
        min_size=80,
        max_size=80,
    )
)
def test_both_runtimes_refuse_the_same(texts):
    """Where one reads a broken text and the other does not, whoever chooses the reader chooses the verdict."""
    asked = [
        Question(str(number), "canonical", text if isinstance(text, bytes) else text.encode())
        for number, text in enumerate(texts)
    ]
    assert parity.compare(asked) == []


@needs_node
def test_thousands_of_values_from_a_seed():
    """The command's own values, more of them, and not those that it takes by default."""
    found = parity.report([], 6000, 20260522, parity_now())
    assert (found["status"], found["values_compared"], found["disagreements"]) == ("pass", 6000, 0)


def parity_now():
    from datetime import UTC, datetime

    return datetime.now(UTC)


@needs_node
def test_the_javascript_has_tests_of_its_own():
    """A second implementation that is only tested against the first one repeats its mistakes."""
    done = subprocess.run(["node", "--test"], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout
    assert int(done.stdout.split("# pass ")[1].split()[0]) >= 7


@needs_node
def test_a_runtime_that_disagrees_is_named(tmp_path, monkeypatch):
    """A comparison that cannot say no is the one that the earlier system had."""
    copy = tmp_path / "js"
    shutil.copytree(SCRIPTS, copy)
    source = (copy / "canonical.js").read_text()
    (copy / "canonical.js").write_text(source.replace(".sort()", ".sort().reverse()"))
    monkeypatch.setattr(node.resources, "files", lambda _: tmp_path)
    found = parity.report([], 200, 1, parity_now())
    assert found["status"] == "fail"
    assert found["disagreements"] > 0
    assert "python says" in found["problems"][0]
    (copy / "canonical.js").write_text(
        source.replace("export function canonical", "throw 1; export function canonical")
    )
    found = parity.report([], 20, 1, parity_now())
    assert (found["status"], found["disagreements"]) == ("inconclusive", None)


def test_without_node_nothing_is_compared_and_nothing_passes(tmp_path, monkeypatch):
    """A comparison with a runtime that is not there is the commonest green of all."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(main, ["parity", "python-js", "--reports", str(tmp_path)])
    assert done.exit_code == 3
    assert "install Node.js" in done.stdout
    assert json.loads((tmp_path / "determinism/latest.json").read_text())["status"] == "inconclusive"


def test_the_command_prints_the_bytes_and_refuses_the_rest(tmp_path):
    """Whoever pipes it into a signature signs whatever comes out."""
    path = tmp_path / "x.json"
    path.write_text('{ "b": 1.0, "a": "\\u00e9" }')
    assert CliRunner().invoke(main, ["canonical", str(path)]).stdout_bytes == '{"a":"é","b":1}'.encode()
    told = json.loads(CliRunner().invoke(main, ["canonical", str(path), "--json"]).stdout)
    assert told == {"sha256": sha256('{"a":"é","b":1}'.encode()).hexdigest(), "size_bytes": 16}
    assert CliRunner().invoke(main, ["canonical", "-"], input="[1,1.0]").stdout == "[1,1]"
    path.write_text('{"a":1,"a":2}')
    done = CliRunner().invoke(main, ["canonical", str(path)])
    assert (done.exit_code, done.stdout) == (3, "")
    assert CliRunner().invoke(main, ["canonical", str(tmp_path / "gone.json")]).exit_code == 3
