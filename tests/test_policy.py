"""The policy: strict to read, resolved by profile, overridden in the open."""

from __future__ import annotations

import pytest

from pytest_promotion import policy
from pytest_promotion.errors import PolicyError

POLICY = """\
version: 1
required: [a, b]
timestamps: {max_report_age_min: 20}
gates:
  a: {max_age: 5m, thresholds: {skip_it: false, limit: 0.5, files: [x]}}
profiles:
  ci:
    timestamps: {max_report_age_min: 15, mtime: forbid}
  strict:
    extends: ci
    gates: {a: {thresholds: {limit: 0.7}}}
"""


@pytest.fixture
def load(tmp_path):
    """Reads a policy given as text."""

    def read(text=POLICY, profile=None, *assignments):
        path = tmp_path / "promotion.yaml"
        path.write_text(text)
        return policy.load(path, profile, assignments)

    return read


def test_a_profile_lies_on_what_it_extends(load):
    """A profile that forgets its parent's rules is laxer than its name."""
    rules = load(POLICY, "strict").rules
    assert (rules.timestamps.max_report_age_min, rules.timestamps.mtime) == (15, "forbid")
    assert rules.gates["a"].thresholds == {"skip_it": False, "limit": 0.7, "files": ["x"]}


def test_without_a_profile_the_policy_itself_holds(load):
    """A default that differs from what stands in the file surprises whoever reads the file."""
    assert load().rules.timestamps.max_report_age_min == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_age: 5m", "max_aeg: 5m", "line 5: unknown key 'max_aeg'; did you mean 'max_age'?"),
        ("max_age: 5m", "max_age: 5x", "line 5: gates.a.max_age: '5x' is not a length of time"),
        ("max_age: 5m", "max_age: -5", "line 5: gates.a.max_age"),
        ("max_age: 5m", "max_age: .inf", "line 5: .inf is not a finite number"),
        ("limit: 0.5", "limit: .nan", "line 5: .nan is not a finite number"),
        ("version: 1", "version: 2", "line 1: version"),
        ("version: 1\n", "", "version"),
        ("version: 1\n", "version: 1\nversion: 1\n", "line 2: the key 'version' stands twice"),
        (
            "required: [a, b]",
            "required: [a, 9.10]",
            "line 2: required.1: expected a gate id, or a mapping of `gate` and `parameters`, got `float`",
        ),
        ("required: [a, b]", "required: []", "line 2: `required` is empty"),
        ("required: [a, b]", "requried: [a, b]", "line 2: unknown key 'requried'; did you mean 'required'?"),
        ("extends: ci", "extends: cii", "line 10: no profile 'cii'; did you mean 'ci'?"),
        ("extends: ci", "extends: strict", "extend in a circle"),
        ("{limit: 0.7}", "{limt: 0.7}", "line 11: the policy gives a no threshold 'limt'; did you mean 'limit'?"),
        ("mtime: forbid", "mtime: no", "line 8: profiles.ci.timestamps.mtime"),
        ("max_report_age_min: 20", 'max_report_age_min: "20"', "line 3: timestamps.max_report_age_min"),
        ("max_report_age_min: 20", "max_report_age_min: 0", "line 3: timestamps.max_report_age_min"),
        ("required: [a, b]", "refresh: [parity]", "no producer is called so"),
        ("required: [a, b]", "waivers: w.yaml", "line 2: waivers need `signers`"),
        ("gates:\n", "9.10: {}\ngates:\n", "line 4: the key 9.10 is not a text; put it in quotes"),
        ("gates:\n", "<<: {}\ngates:\n", "merge keys"),
        ("version: 1", "version: [", "promotion.yaml line"),
        (POLICY, "- a", "is not a policy"),
        (POLICY, "", "is not a policy"),
    ],
)
def test_a_mistake_ends_with_the_line_and_the_nearest_key(load, old, new, said):
    """A setting that is misspelt is a gate that is not there."""
    with pytest.raises(PolicyError) as refused:
        load(POLICY.replace(old, new, 1), "strict")
    assert said in str(refused.value)


def test_a_profile_that_is_not_there_is_refused(load):
    """A typo in the name of the strictest profile must not select the laxest."""
    with pytest.raises(PolicyError, match="has no profile 'strit'; did you mean 'strict'"):
        load(POLICY, "strit")


def test_default_is_the_policy_itself_where_no_profile_is_called_so(load):
    """`--help` names it as the default; naming it must not be an error."""
    assert load(POLICY, "default").rules == load(POLICY, None).rules


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("max_report_age_min=16", "timestamps.max_report_age_min", 16),
        ("gates.a.thresholds.limit=0.9", "gates.a.thresholds.limit", 0.9),
        ("skip_it=true", "gates.a.thresholds.skip_it", True),
        ("files=x,y", "gates.a.thresholds.files", ["x", "y"]),
        ("required=a", "required", ["a"]),
    ],
)
def test_an_override_is_typed_and_recorded(load, assignment, key, value):
    """What was changed by hand has to be in the decision, under the name it has in the file."""
    found = load(POLICY, None, assignment)
    assert found.overrides == {key: value}
    assert found.resolved_sha256 != load().resolved_sha256


@pytest.mark.parametrize(
    "assignment",
    [
        "limit=abc",
        "limit=2026-13-45",
        "limit=" + "[" * 2000,
        "limit=true",
        "limit=nan",
        "skip_it=yess",
        "a",
        "=1",
        "required=",
        "max_age_min=3",
        "nope=1",
    ],
)
def test_an_override_that_cannot_be_meant_is_refused(load, assignment):
    """An override that silently does nothing is worse than none."""
    with pytest.raises(PolicyError):
        load(POLICY, None, assignment)


def test_an_ambiguous_override_is_refused(load):
    """Which of the two was meant is not for the tool to guess."""
    with pytest.raises(PolicyError, match=r"may mean gates\.a\.thresholds\.limit, gates\.b\.thresholds\.limit"):
        load(POLICY.replace("profiles:", "  b: {thresholds: {limit: 1}}\nprofiles:"), None, "limit=2")


@pytest.mark.parametrize(
    ("assignment", "weaker"),
    [
        ("max_report_age_min=60", True),
        ("max_report_age_min=5", False),
        ("required=a", True),
        ("partial=allow", True),
        ("skip_it=true", True),
        ("skip_it=false", False),
    ],
)
def test_what_weakens_is_named(load, assignment, weaker):
    """`--skip` in a script is forgotten; in the decision it is read."""
    assert bool(load(POLICY, None, assignment).weakened) == weaker


def test_includes_grow_the_roll_call(tmp_path):
    """A policy of several suites whose roll-call is only the last one's has lost the others."""
    (tmp_path / "one.yaml").write_text("version: 1\nrequired: [a]\ngates: {a: {max_age: 5m}}")
    (tmp_path / "two.yaml").write_text("version: 1\nrequired: [b]")
    (tmp_path / "all.yaml").write_text("version: 1\ninclude: [one.yaml, two.yaml]\ngates: {a: {max_age: 6m}}")
    found = policy.load(tmp_path / "all.yaml", None)
    assert (found.rules.required, found.rules.gates["a"].max_age) == (["a", "b"], "6m")
    assert len(found.sources) == 3


def test_includes_that_disagree_are_refused(tmp_path):
    """Nobody could tell which of the two holds."""
    (tmp_path / "one.yaml").write_text("version: 1\ngates: {a: {max_age: 5m}}")
    (tmp_path / "two.yaml").write_text("version: 1\ngates: {a: {max_age: 6m}}")
    (tmp_path / "all.yaml").write_text("version: 1\ninclude: [one.yaml, two.yaml]")
    with pytest.raises(PolicyError, match=r"gates\.a\.max_age is set differently"):
        policy.load(tmp_path / "all.yaml", None)


@pytest.mark.parametrize("included", ["all.yaml", "gone.yaml"])
def test_an_include_that_cannot_be_read_is_refused(tmp_path, included):
    """A suite that is silently left out is a suite that is not judged."""
    (tmp_path / "all.yaml").write_text(f"version: 1\ninclude: [{included}]")
    with pytest.raises(PolicyError):
        policy.load(tmp_path / "all.yaml", None)


def test_a_policy_survives_the_journey_to_a_worker(load):
    """A worker that judges by other rules than the controller gives another decision."""
    found = load(POLICY, "strict", "limit=0.9")
    again = policy.unpacked(policy.packed(found))
    assert (again.rules, again.overrides, again.resolved_sha256) == (
        found.rules,
        found.overrides,
        found.resolved_sha256,
    )


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "workers"])
def test_a_bad_policy_ends_with_4_and_one_line(good_place, workers):
    """A traceback hides the line that is wrong."""
    good_place.file("promotion.yaml", "version: 1\nrequierd: [a]\n")
    result = good_place.run(*workers)
    assert result.ret == 4
    assert "promotion.yaml line 2: unknown key 'requierd'; did you mean 'required'?" in str(result.stderr) + str(
        result.stdout
    )
    assert "Traceback" not in str(result.stderr) + str(result.stdout)


@pytest.mark.parametrize("bomb", ["[" * 100_000, "version: 1\ngates: &a {x: *a}\n"], ids=["deep", "itself"])
def test_a_policy_that_is_a_bomb_is_refused(place, bomb):
    """A policy comes out of a repository that many can write to; it may be wrong, and may not crash what reads it."""
    place.file("promotion.yaml", bomb)
    assert place.run().ret == 4


def test_what_included_policies_excuse_adds_up(tmp_path):
    """A suite that brings its own excuses may not throw away those of another, nor lower its floor unseen."""
    entry = "prove: {min_kill_rate: 1.0, equivalent: [{gate: %s, because: it makes no difference there}]}"
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(f"version: 1\n{entry % name}\n")
    (tmp_path / "promotion.yaml").write_text("version: 1\ninclude: [a.yaml, b.yaml]\n")
    assert [one.gate for one in policy.load(tmp_path / "promotion.yaml", None).prove.equivalent] == ["a", "b"]
    (tmp_path / "b.yaml").write_text("version: 1\nprove: {min_kill_rate: 0.5}\n")
    with pytest.raises(PolicyError, match="min_kill_rate"):
        policy.load(tmp_path / "promotion.yaml", None)
