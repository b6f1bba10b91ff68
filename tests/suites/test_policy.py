"""The policy of a project that names suites: theirs is the ground, its own is laid on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_promotion import policy as policies
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.document import from_disk
from tests.suites.conftest import forget


def test_a_named_suite_brings_its_rules(acme, policy_file):
    """A project that names a suite and gets none of its rules is ungoverned and does not know."""
    found = policies.load(policy_file("suites: [acme]\n"), None)
    assert found.rules.required == ["score"]
    assert found.rules.evidence == "required"
    assert found.gate("score").thresholds == {"min_score": 0.5}
    assert found.suites == ("acme",)
    assert found.weakened == ()


def test_the_profile_of_the_suite_is_used(acme, policy_file):
    """`prod` of the suite without `prod` of the project would otherwise be the weaker default."""
    assert policies.load(policy_file("suites: [acme]\n"), "prod").rules.required == ["score", "signed"]


def test_a_profile_that_only_the_project_has_lies_on_the_default_of_the_suite(acme, policy_file):
    """A profile of the project's own must not lose the suite's rules."""
    found = policies.load(policy_file("suites: [acme]\nprofiles: {lab: {partial: allow}}\n"), "lab")
    assert (found.rules.required, found.rules.partial) == (["score"], "allow")


def test_a_profile_can_extend_one_of_the_suite(acme, policy_file):
    """A project that renames a profile still wants what the suite demands in it."""
    found = policies.load(policy_file("suites: [acme]\nprofiles: {eu: {extends: prod}}\n"), "eu")
    assert found.rules.required == ["score", "signed"]


def test_the_project_adds_to_what_is_required(acme, policy_file):
    """A list of its own that replaced the suite's would drop all of its gates without a word."""
    found = policies.load(policy_file("suites: [acme]\nrequired: [mine]\n"), "prod")
    assert found.rules.required == ["score", "signed", "mine"]


@pytest.mark.parametrize(
    ("own", "weakened"),
    [
        ("gates: {score: {thresholds: {min_score: 0.9}}}", False),
        ("gates: {score: {thresholds: {min_score: 0.1}}}", True),
        ("gates: {score: {severity: warning}}", True),
        ("evidence: optional", True),
        ("gates: {score: {max_age: 10d}}", True),
        ("gates: {score: {not_applicable: {because: we have no scores, when: {profiles: [prod]}}}}", True),
        ("gates: {mine: {thresholds: {limit: 1}, max_age: 10d, severity: warning}}", False),
        ("required: [mine]", False),
    ],
)
def test_what_a_project_weakens_is_named(acme, policy_file, own, weakened):
    """Tightening is nobody's business; weakening has to be read by those who act on the decision."""
    assert bool(policies.load(policy_file(f"suites: [acme]\n{own}\n"), None).weakened) is weakened


@pytest.mark.parametrize(
    ("own", "refused"),
    [
        ("suites: [acmee]", "did you mean 'acme'"),
        ("suites: [acme, acme]", "named twice"),
        (
            "suites: [acme]\ngates: {score: {thresholds: {min_scor: 1}}}",
            "score of the suite acme has no threshold 'min_scor'",
        ),
        ("suites: [acme]\nprofiles: {eu: {extends: prd}}", "no profile 'prd'; did you mean 'prod'"),
    ],
)
def test_what_cannot_be_meant_is_refused(acme, policy_file, own, refused):
    """A misspelt name changes nothing, and a policy that changes nothing looks as if it held."""
    with pytest.raises(PolicyError, match=refused):
        policies.load(policy_file(f"{own}\n"), "eu" if "eu:" in own else None)


def test_a_profile_that_nobody_has_is_refused(acme, policy_file):
    """The default in its place would be another set of rules than the one asked for."""
    with pytest.raises(PolicyError, match="no profile 'prdo'; did you mean 'prod'"):
        policies.load(policy_file("suites: [acme]\n"), "prdo")


@pytest.mark.parametrize("key", ["include: [x.yaml]", "suites: [trading]", "waivers: w.yaml", "signers: s.yaml"])
def test_a_suite_cannot_name_files_of_the_project(acme, policy_file, key):
    """A path in the policy of a suite is relative to a folder that the project does not have."""
    path = acme / "gates" / "promotion.yaml"
    path.write_text(path.read_text() + key + "\n")
    with pytest.raises(PolicyError, match="has no place in the policy of a suite"):
        policies.load(policy_file("suites: [acme]\n"), None)


def test_two_suites_are_joined_by_the_stricter_rule(acme, policy_file):
    """With the last one winning, adding a suite could make another one weaker."""
    path = acme / "gates" / "promotion.yaml"
    path.write_text(path.read_text() + "timestamps: {max_report_age_min: 5, mtime: forbid}\nrefresh: []\n")
    found = policies.load(policy_file("suites: [trading, acme]\n"), None)
    assert (found.rules.timestamps.max_report_age_min, found.rules.timestamps.mtime) == (5, "forbid")
    assert {"score", "parity_thresholds"} <= set(found.rules.required)
    assert "parity" in found.producers


def test_the_bundled_suites_can_be_beside_each_other(policy_file):
    """Suites that cannot be combined are four tools."""
    names = ("trading", "release", "deployment", "research")
    for profile in (None, "dev", "staging", "prod"):
        found = policies.load(policy_file(f"suites: [{', '.join(names)}]\n"), profile)
        assert found.suites == names


def test_two_suites_with_one_gate_are_refused(acme, policy_file):
    """Nothing could tell whose rules hold for it."""
    path = acme / "gates" / "promotion.yaml"
    path.write_text(path.read_text().replace("gates:\n", "gates:\n  parity_thresholds: {max_age: 1h}\n"))
    with pytest.raises(PolicyError, match="the gate parity_thresholds is in the policy of another suite"):
        policies.load(policy_file("suites: [trading, acme]\n"), None)


def test_the_policy_is_resolved_again_from_what_was_kept(acme, policy_file):
    """Verified with the suite of today, a decision of yesterday would be judged by other rules."""
    path = policy_file("suites: [acme]\n")
    before = policies.load(path, "prod")
    kept = {source.path: source.content for source in before.sources}
    assert list(kept) == [path.as_posix(), "suite:acme"]
    (acme / "gates" / "promotion.yaml").write_text("version: 1\nrequired: [other]\n")
    again = policies.load(path, "prod", reader=lambda place: kept[Path(place).as_posix()])
    assert again.resolved_sha256 == before.resolved_sha256
    assert policies.load(path, None, reader=from_disk).resolved_sha256 != before.resolved_sha256


def test_a_condition_is_one_line_of_what_is_weakened(acme, policy_file):
    """Five lines for each of eleven gates are not read by anyone."""
    own = "gates: {score: {not_applicable: {because: we have no scores, when: {profiles: [prod], no_files: [y]}}}}"
    assert policies.load(policy_file(f"suites: [acme]\n{own}\n"), None).weakened == (
        "gates.score.not_applicable: has a condition",
    )


def test_a_suite_brings_producers(acme, policy_file):
    """They can be refreshed by name, and replaced by the project's own."""
    found = policies.load(policy_file("suites: [acme]\nrefresh: [scores]\n"), None)
    assert (found.producers["scores"].writes, found.rules.refresh) == (["evidence/scores.json"], ["scores"])
    own = "suites: [acme]\nproducers: {scores: {command: [make, scores], writes: [x.json]}}\n"
    assert policies.load(policy_file(own), None).producers["scores"].command == ["make", "scores"]
    module = (acme / "__init__.py").read_text()
    (acme / "__init__.py").write_text(module.replace('"writes"', '"write"'))
    sys.modules.pop("acme_suite", None)
    forget()
    with pytest.raises(PolicyError, match="the suite acme: the producer scores cannot be used"):
        policies.load(policy_file("suites: [acme]\n"), None)
