"""Stages in a policy: they are read strictly, compared, and part of the digest."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pytest_promotion import policy
from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.comparing import between
from pytest_promotion.policy.strictness import Strictness

STAGES = """\
version: 1
required: [score]
signers: signers.yaml
profiles: {prod: {evidence: required}, desk: {}}
stages:
  dev: {profile: desk}
  staging: {after: dev}
  prod: {after: staging, soak: 24h, approvals: {release: 1}}
"""


@pytest.fixture
def written(tmp_path):
    """`written(text)`: the path of a policy with that text, beside its file of signers."""
    (tmp_path / "signers.yaml").write_text("version: 1\nsigners: []\n")

    def write(text: str, name: str = "promotion.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_stage_has_the_profile_of_its_name_or_the_default_one(written):
    """A stage whose profile is guessed otherwise is decided by the rules of another stage."""
    path = written(STAGES)
    profiles = {name: policy.load(path, None, stage=name).profile for name in ("dev", "staging", "prod")}
    assert profiles == {"dev": "desk", "staging": "default", "prod": "prod"}


def test_a_stage_brings_its_gates(written):
    """A list of required gates that lacks the step before is complete without it."""
    path = written(STAGES)
    assert policy.load(path, None, stage="dev").built_in == ()
    assert policy.load(path, None, stage="staging").built_in == ("promoted_from[dev]",)
    prod = policy.load(path, None, stage="prod")
    assert prod.built_in == ("promoted_from[staging]", "approved_for[prod]")
    assert prod.required_ids == ["score", "promoted_from[staging]", "approved_for[prod]"]
    assert policy.load(path, None, ["required=score"], stage="prod").required_ids == prod.required_ids


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("after: staging", "after: stagin"), "line 8: stages.prod.after: no stage 'stagin'; did you mean 'staging'?"),
        (
            ("dev: {profile: desk}", "dev: {after: prod}"),
            "line 6: stages follow each other in a circle: dev > prod > staging > dev",
        ),
        (("after: staging, soak", "soak"), "line 8: stages.prod.soak needs `after`"),
        (("soak: 24h", "soak: long"), "line 8: stages.prod.soak: 'long' is not a length of time"),
        (("profile: desk", "profile: desl"), "line 6: stages.dev.profile: no profile 'desl'; did you mean 'desk'?"),
        (("after: dev", "afte: dev"), "line 7: unknown key 'afte'; did you mean 'after'?"),
        (("signers: signers.yaml\n", ""), "line 7: stages.prod.approvals need `signers`"),
        (("release: 1", "release: 1, any: 1"), "line 8: stages.prod.approvals: `any` cannot stand beside other roles"),
        (("  dev:", '  "a b":'), "line 6: the stage 'a b' is not a name"),
        (("soak: 24h", "keys: [gone.pub]"), "names gone.pub, which cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(written, change, sentence):
    """A misspelt stage is a step that is skipped."""
    assert change[0] in STAGES
    done = CliRunner().invoke(main, ["policy", "check", str(written(STAGES.replace(*change)))])
    assert done.exit_code == 4
    assert sentence in done.output


def test_a_decision_is_of_a_stage_that_there_is(written):
    """A misspelt stage would be decided by the default profile."""
    path = written(STAGES)
    with pytest.raises(PolicyError, match="has no stage 'prd'; did you mean 'prod'"):
        policy.load(path, None, stage="prd")
    with pytest.raises(PolicyError, match="the stage prod is decided by the profile prod, not by desk"):
        policy.load(path, "desk", stage="prod")
    assert policy.load(path, "prod", stage="prod").stage == "prod"


def test_the_digest_contains_the_stages(written):
    """A decision whose soak was shortened afterwards would be judged by the same rules."""
    path = written(STAGES)
    digests = {policy.load(path, None, stage=name).resolved_sha256 for name in ("", "staging", "prod")}
    shorter = policy.load(written(STAGES.replace("24h", "1h"), "other.yaml"), None, stage="staging")
    assert len({*digests, shorter.resolved_sha256}) == 4
    without = "version: 1\nrequired: [score]\n"
    assert policy.load(written(without, "plain.yaml"), None).resolved_sha256 == (
        "0b572db2968a43d75b942e5f6c3bd33654913b7d2f5032908e473907903f8e06"
    )


@pytest.mark.parametrize(
    ("old", "new", "strictness"),
    [
        ("soak: 24h", "soak: 1h", "weaker"),
        ("soak: 24h", "soak: 48h", "stronger"),
        (", soak: 24h", "", "weaker"),
        ("after: staging, soak: 24h, ", "", "weaker"),
        ("after: staging", "after: dev", "incomparable"),
        ("release: 1", "release: 2", "stronger"),
        (", approvals: {release: 1}", "", "weaker"),
        ("  staging: {after: dev}\n", "  staging: {}\n", "weaker"),
        ("dev: {profile: desk}", "dev: {profile: prod}", "incomparable"),
        ("  dev: {profile: desk}\n", "  dev: {profile: desk}\n  qa: {after: dev}\n", "stronger"),
    ],
)
def test_stages_are_compared(written, old, new, strictness):
    """A soak that gets shorter in a pull request is what a reviewer has to see."""
    assert old in STAGES
    before, after = written(STAGES), written(STAGES.replace(old, new), "new.yaml")
    found = between(policy.load(before, None), policy.load(after, None))
    worst = min((change.strictness for change in found), key=list(Strictness).index)
    assert (worst.value, {change.place[0] for change in found}) == (strictness, {"stages"})
    done = CliRunner().invoke(main, ["policy", "diff", str(before), str(after)])
    assert done.exit_code == (0 if strictness == "stronger" else 2)


def test_check_prints_the_stages(written):
    """Which profile a stage has by its name is not written anywhere else."""
    path = written(STAGES)
    done = CliRunner().invoke(main, ["policy", "check", str(path)])
    stages = yaml.safe_load(done.stdout)["stages"]
    assert {name: one["profile"] for name, one in stages.items()} == {
        "dev": "desk",
        "staging": "default",
        "prod": "prod",
    }
    assert stages["prod"]["soak"] == "24h"
    assert stages["prod"]["resolved_sha256"] == policy.load(path, None, stage="prod").resolved_sha256


def test_the_policy_of_a_suite_has_no_stages():
    """Stages are an order of a project; a suite that brings some would add steps to all of its users."""
    from pytest_promotion.policy import suite_rules

    with pytest.raises(PolicyError, match="`stages` has no place in the policy of a suite"):
        suite_rules.read_suites(["trading"], lambda _: b"version: 1\nstages: {dev: {}}\n")


def test_the_keys_of_an_included_policy_lie_beside_it(tmp_path):
    """A key that is looked for in another folder is another key."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/release.pub").write_bytes(b"key")
    (tmp_path / "shared/stages.yaml").write_text("version: 1\nstages: {dev: {keys: [release.pub]}}\n")
    (tmp_path / "promotion.yaml").write_text("version: 1\ninclude: [shared/stages.yaml]\n")
    found = policy.load(tmp_path / "promotion.yaml", None)
    assert [key.content for key in found.keys["dev"]] == [b"key"]
    assert b"key" in [source.content for source in found.sources]
