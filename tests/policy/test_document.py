"""Reading `promotion.yaml` strictly: every mistake with its line, every include with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.document import Document, PolicySource, merge

PATH = Path("some/p.yaml")


def parsed(text, *more):
    """The document in a text, or in bytes."""
    return Document.parse(PATH, text if isinstance(text, bytes) else text.encode(), *more)


def read(start="p.yaml", **files):
    """The policy and its sources; in names of files, `__` is a slash and the rest is `.yaml`."""
    contents = {f"some/{name.replace('__', '/')}.yaml": text for name, text in files.items()}

    def reader(path):
        if path.as_posix() not in contents:
            raise FileNotFoundError(2, "No such file or directory")
        return contents[path.as_posix()].encode()

    return Document.read(Path("some") / start, reader)


def refused(function, *args, **kwargs):
    """The sentence of a refusal."""
    with pytest.raises(PolicyError) as problem:
        function(*args, **kwargs)
    return str(problem.value)


# --- one file ---


def test_every_key_has_its_line():
    """An error leads to the line, in lists and in mappings."""
    found = parsed("version: 1\nrequired:\n  - a\n  - b\ngates:\n  a:\n    thresholds: {x: [1,\n      2]}\n")
    assert found.path == "p.yaml"
    assert found.data == {"version": 1, "required": ["a", "b"], "gates": {"a": {"thresholds": {"x": [1, 2]}}}}
    assert found.lines == {
        ("version",): "p.yaml line 1",
        ("required",): "p.yaml line 2",
        ("required", "0"): "p.yaml line 3",
        ("required", "1"): "p.yaml line 4",
        ("gates",): "p.yaml line 5",
        ("gates", "a"): "p.yaml line 6",
        ("gates", "a", "thresholds"): "p.yaml line 7",
        ("gates", "a", "thresholds", "x"): "p.yaml line 7",
        ("gates", "a", "thresholds", "x", "0"): "p.yaml line 7",
        ("gates", "a", "thresholds", "x", "1"): "p.yaml line 8",
    }


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("gates", "a", "max_age"), "p.yaml line 3"),
        (("gates", "a"), "p.yaml line 3"),
        (("gates", "zzz", "max_age"), "p.yaml line 2"),
        (("timestamps", "mtime"), "p.yaml"),
        ((), "p.yaml"),
    ],
)
def test_the_nearest_place_is_known(path, place):
    """A setting that a profile inherits has no line of its own."""
    assert parsed("version: 1\ngates:\n  a: {}\n").where(path) == place


def test_the_built_in_policy_has_no_place():
    """There is no file."""
    assert Document("", {}, {}).where(("gates",)) == "the policy"


@pytest.mark.parametrize("text", ["2026-05-01", "2026-05-01T12:00:00Z", "2026-05-01 12:00:00"])
def test_a_moment_stays_the_text_that_it_is(text):
    """YAML's own dates lose the offset."""
    assert parsed(f"version: 1\nx: {text}\n").data["x"] == text


def test_other_scalars_are_those_of_yaml():
    """Numbers, booleans and nothing are not texts."""
    assert parsed("a: 1\nb: 1.5\nc: true\nd: null\ne: '1'\nf: 1:30\ng: 1_0.5\nh: 1:30.5\n").data == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": "1", "f": 90, "g": 10.5, "h": 90.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "some/p.yaml is not a policy: expected a mapping that starts with `version: 1`"),
        ("- a", "some/p.yaml is not a policy: expected a mapping that starts with `version: 1`"),
        ("text", "some/p.yaml is not a policy: expected a mapping that starts with `version: 1`"),
        (b"\xff\xfe", "some/p.yaml is not UTF-8"),
        ("a: 1\nb: [", "some/p.yaml line 3: did not find expected node content"),
        ("a: 1\n--- \nb: 2\n", "some/p.yaml line 2: but found another document"),
        ("a: 1\nb: {c: 1,\n    c: 2}\n", "p.yaml line 3: the key 'c' stands twice"),
        ("a: 1\n1: 2\n'1': 3", "p.yaml line 2: the key 1 is not a text; put it in quotes"),
        ("a: 1\ntrue: 2\n", "p.yaml line 2: the key true is not a text; put it in quotes"),
        ("a: &x {}\nb:\n  <<: *x\n", "p.yaml line 3: merge keys are not read in a policy; let a profile `extends` another"),
        ("a: 1\nb: .nan\n", "p.yaml line 2: .nan is not a finite number"),
        ("a: 1\nb: [1, -.inf]\n", "p.yaml line 2: -.inf is not a finite number"),
        ("a: +.INF\n", "p.yaml line 1: +.INF is not a finite number"),
        ("a: .Inf\n", "p.yaml line 1: .Inf is not a finite number"),
        ("a: .NaN\n", "p.yaml line 1: .NaN is not a finite number"),
        ("a: .NAN\n", "p.yaml line 1: .NAN is not a finite number"),
        ("a: 1e999999\nb: 1.0e+999\n", "p.yaml line 2: 1.0e+999 is not a finite number"),
        ("a: !!python/object:os.system x\n", "some/p.yaml line 1: could not determine a constructor"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_its_place(content, message):
    """A policy comes out of a repository; a traceback there is of no use."""
    assert refused(parsed, content).startswith(message)


def test_what_a_file_should_have_been_is_named():
    """Waivers and signers are read by the same reader."""
    assert refused(parsed, "- a", "a file of waivers").startswith("some/p.yaml is not a file of waivers: expected")


def test_a_file_that_nests_without_end_is_refused():
    """It would exhaust the stack."""
    assert "p.yaml" in refused(parsed, "[" * 5000)


# --- types and keys ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2\n", "p.yaml line 1: version: invalid enum value 2"),
        ("required: [a]\n", "p.yaml: the policy: object missing required field `version`"),
        ("version: 1\nrequierd: [a]\n", "p.yaml line 2: unknown key 'requierd'; did you mean 'required'?"),
        ("version: 1\nqqq: 1\n", "p.yaml line 2: unknown key 'qqq'; known here: by_digest, confidence, evidence, exceptions, gates, "),
        ("version: 1\nrequired: [a, 9.10]\n", "p.yaml line 2: required.1: expected a gate id, or a mapping of `gate` and `parameters`, got `float`"),
        ("version: 1\nrequired: a\n", "p.yaml line 2: required: expected `array | null`, got `str`"),
        ("version: 1\ngates: []\n", "p.yaml line 2: gates: expected `object`, got `array`"),
        ("version: 1\ngates: {a: 1}\n", "p.yaml line 2: gates.a: expected `object`, got `int`"),
        ("version: 1\ngates:\n  a: {max_aeg: 1}\n", "p.yaml line 3: unknown key 'max_aeg'; did you mean 'max_age'?"),
        ("version: 1\ngates:\n  a: {severity: hot}\n", "p.yaml line 3: gates.a.severity: invalid enum value 'hot'"),
        ("version: 1\nprofiles:\n  p:\n    partial: no\n", "p.yaml line 4: profiles.p.partial: expected `str | null`, got `bool`"),
        ("version: 1\nprofiles:\n  p:\n    gates:\n      a: {x: 1}\n", "p.yaml line 5: unknown key 'x'; known here: about, because, effective_on, max_age, "),
        ("version: 1\nproducers:\n  q: {command: [], writes: [x]}\n", "p.yaml line 3: producers.q.command: expected `array` of length >= 1"),
        ("version: 1\ntimestamps:\n  mtiem: allow\n", "p.yaml line 3: unknown key 'mtiem'; did you mean 'mtime'?"),
        ("version: 1\nexceptions:\n  waiver:\n    critical: {mx: 1d}\n", "p.yaml line 4: unknown key 'mx'; did you mean 'max'?"),
        ("version: 1\nexceptions:\n  override: {subjects: 1}\n", "p.yaml line 3: unknown key 'subjects'; known here: approvals, max, post_mortem_within"),
        ("version: 1\nprove:\n  equivalent:\n    - {gte: a}\n", "p.yaml line 4: unknown key 'gte'; did you mean 'gate'?"),
    ],
)  # fmt: skip
def test_a_mistake_ends_with_the_line_and_the_nearest_key(text, message):
    """A setting that is misspelt is a rule that is not there."""
    assert refused(read, p=text).startswith(message)


# --- includes ---


def test_a_policy_alone_is_its_own_source():
    """What was read goes into the vault as it was read."""
    found, sources = read(p="version: 1\nrequired: [a]\n")
    assert sources == [PolicySource("some/p.yaml", b"version: 1\nrequired: [a]\n")]
    assert sources[0].sha256 == "ed41c1e5f35c5f889d936e3035efc3596a663e6aeb40230dff2969c77f3315d4"
    assert found.data == {"version": 1, "required": ["a"]}


def test_includes_add_up_and_the_policy_lies_on_top():
    """The required gates of all suites, and the last word for who includes them."""
    found, sources = read(
        p="version: 1\ninclude: [one.yaml, sub/two.yaml]\nrequired: [c, a]\ngates: {a: {max_age: 6m}}\n",
        one="version: 1\nrequired: [a]\ngates: {a: {max_age: 5m, severity: warning}}\n",
        sub__two="version: 1\nrequired: [b, a]\nevidence: required\n",
    )
    assert [one.path for one in sources] == ["some/p.yaml", "some/one.yaml", "some/sub/two.yaml"]
    assert found.data["required"] == ["a", "b", "c"]
    assert found.data["gates"] == {"a": {"max_age": "6m", "severity": "warning"}}
    assert (found.path, found.data["evidence"]) == ("p.yaml", "required")
    assert found.where(("gates", "a", "severity")) == "one.yaml line 3"
    assert found.where(("gates", "a", "max_age")) == "p.yaml line 4"
    assert found.where(("evidence",)) == "two.yaml line 3"


def test_includes_include():
    """Paths are relative to the file that names them."""
    found, sources = read(
        p="version: 1\ninclude: [sub/one.yaml]\n",
        sub__one="version: 1\ninclude: [two.yaml]\nwaivers: w.yaml\nprofiles: {ci: {signers: ../s.yaml}}\n",
        sub__two="version: 1\nsigners: s.yaml\nprofiles: {ci: {}}\n",
    )
    assert [one.path for one in sources] == ["some/p.yaml", "some/sub/one.yaml", "some/sub/two.yaml"]
    assert (found.data["waivers"], found.data["signers"]) == ("sub/w.yaml", "sub/s.yaml")
    assert found.data["profiles"] == {"ci": {"signers": "s.yaml"}}


def test_the_same_file_may_be_included_twice_but_not_by_itself():
    """Two suites that share their base are no circle."""
    base = "version: 1\nrequired: [a]\n"
    found, _ = read(
        p="version: 1\ninclude: [one.yaml, two.yaml]\n",
        one="version: 1\ninclude: [base.yaml]\n",
        two="version: 1\ninclude: [base.yaml]\n",
        base=base,
    )
    assert found.data["required"] == ["a"]
    assert refused(read, p="version: 1\ninclude: [./p.yaml]\n") == "some/p.yaml includes itself"
    circle = refused(read, p="version: 1\ninclude: [sub/one.yaml]\n", sub__one="version: 1\ninclude: [../p.yaml]\n")
    assert circle == "some/sub/../p.yaml includes itself"


@pytest.mark.parametrize("start", ["p.yaml", "gone.yaml"])
def test_a_policy_that_cannot_be_read_is_refused(start):
    """A suite that is silently left out is a suite that is not judged."""
    message = refused(read, start, p="version: 1\ninclude: [gone.yaml]\n")
    assert message == "some/gone.yaml cannot be read: no such file or directory"


def test_an_included_policy_is_validated_by_itself():
    """The mistake is in its file, not in the one that includes it."""
    message = refused(read, p="version: 1\ninclude: [one.yaml]\n", one="version: 1\nx: 1\n")
    assert message.startswith("one.yaml line 2: unknown key 'x'")


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        ("gates: {a: {max_age: 5m}}", "gates:\n  a: {max_age: 6m}", "two.yaml line 3: gates.a.max_age is set differently by another included policy"),
        ("evidence: required", "evidence: optional", "two.yaml line 2: evidence is set differently by another included policy"),
        ("gates: {a: {thresholds: {required: 1}}}", "gates: {a: {thresholds: {required: 2}}}", "two.yaml line 2: gates.a.thresholds.required is set"),
        ("prove: {min_kill_rate: 1.0}", "prove: {min_kill_rate: 0.5}", "two.yaml line 2: prove.min_kill_rate is set differently"),
        ("waivers: w.yaml", "waivers: v.yaml", "two.yaml line 2: waivers is set differently"),
    ],
)  # fmt: skip
def test_includes_that_disagree_are_refused(one, two, message):
    """No reader could tell which of the two holds."""
    start = "version: 1\ninclude: [one.yaml, two.yaml]\n"
    assert refused(read, p=start, one=f"version: 1\n{one}\n", two=f"version: 1\n{two}\n").startswith(message)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("gates: {a: {max_age: 5m}}", "gates: {a: {max_age: 5m}}"),
        ("gates: {a: {max_age: 5m}}", "gates: {b: {max_age: 6m}}"),
        ("gates: {a: {max_age: 5m}}", "gates: {a: {severity: warning}}"),
        ("required: [a]", "required: [b]"),
        ("prove: {equivalent: [{gate: a, because: it is not read}]}", "prove: {equivalent: [{gate: b, because: it is not read}]}"),
    ],
)  # fmt: skip
def test_includes_that_agree_are_not(one, two):
    """Suites that say the same, or speak of other things, go together."""
    start = "version: 1\ninclude: [one.yaml, two.yaml]\n"
    read(p=start, one=f"version: 1\n{one}\n", two=f"version: 1\n{two}\n")


def test_what_included_policies_excuse_adds_up():
    """A suite with excuses of its own must not throw away those of another."""
    excuse = "version: 1\nprove: {equivalent: [{gate: %s, because: it is not read}]}\n"
    found, _ = read(
        p="version: 1\ninclude: [one.yaml, two.yaml]\n" + (excuse % "c")[11:], one=excuse % "a", two=excuse % "b"
    )
    assert [one["gate"] for one in found.data["prove"]["equivalent"]] == ["a", "b", "c"]


# --- merge ---


@pytest.mark.parametrize(
    ("under", "over", "alone", "joined"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, None),
        ({"a": 1}, {"a": 2}, {"a": 2}, None),
        ({"a": {"x": 1, "y": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}, None),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}, None),
        ({"a": None}, {"a": {"x": 1}}, {"a": {"x": 1}}, None),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}, None),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"required": ["a"]}, {"required": None}, {"required": None}, {"required": ["a"]}),
        ({"required": None}, {"required": ["b"]}, {"required": ["b"]}, None),
        ({"prove": {"equivalent": [1]}}, {"prove": {"equivalent": [2]}}, {"prove": {"equivalent": [2]}}, {"prove": {"equivalent": [1, 2]}}),
        ({"x": {"required": [1]}}, {"x": {"required": [2]}}, {"x": {"required": [2]}}, None),
    ],
)  # fmt: skip
def test_what_lies_on_top_wins(under, over, alone, joined):
    """With `join`, and only then, the required gates and what proving excuses grow."""
    assert merge(under, over) == alone
    assert merge(under, over, join=True) == (alone if joined is None else joined)


_TREES = st.recursive(st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=6)
_MAPPINGS = st.dictionaries(st.sampled_from("abc"), _TREES)


@given(_MAPPINGS, _MAPPINGS)
def test_merging_changes_neither_part(under, over):
    """A profile is merged once for each that extends it."""
    before = repr((under, over))
    found = merge(under, over)
    assert repr((under, over)) == before
    assert merge(found, over) == found
    assert merge({}, over) == over


def test_includes_may_include_different_files():
    """What a suite includes is its own business."""
    found, _ = read(
        p="version: 1\ninclude: [one.yaml, two.yaml]\n",
        one="version: 1\ninclude: [a.yaml]\n",
        two="version: 1\ninclude: [b.yaml]\n",
        a="version: 1\nrequired: [a]\n",
        b="version: 1\nrequired: [b]\n",
    )
    assert found.data["required"] == ["a", "b"]
