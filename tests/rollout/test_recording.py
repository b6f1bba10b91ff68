"""What was deployed to a stage, and what was taken back, is on record: the next stage and the board go by it."""

from __future__ import annotations

import pytest

from pytest_promotion.custody import deployments, jsonl
from pytest_promotion.custody.deployments import Deployment
from pytest_promotion.suites.release.rollout.permission import Permission
from tests.compose_programs import CURRENT
from tests.rollout.site import QUICK
from tests.verifying import LENIENT

pytestmark = pytest.mark.real


@pytest.fixture
def compose_path(compose_programs):
    """The Compose that starts in a fifth of the time: which one it is makes no difference here."""
    return compose_programs.get(CURRENT, "")


@pytest.fixture
def deployed(site, decision, tmp_path):
    """`deployed(…)`: the report of a deployment on the decision, recorded in `tmp_path / "history"`."""
    more = {"permission": Permission(decision.latest, acting=LENIENT), "history": tmp_path / "history"}
    return lambda way="new", **plan: site.deploy(way, **(more | plan))


def recorded(tmp_path):
    """How each deployment ended, and the stages and decisions they were of."""
    found = jsonl.read(tmp_path / "history" / deployments.NAME, Deployment)
    return [one.ended for one in found], {(one.stage, one.run_id, one.sha256) for one in found}


def test_a_deployment_that_was_reverted_is_no_longer_deployed(site, deployed, tmp_path):
    """Staging was reverted at night, and in the morning the candidate went on to production: the board showed it as deployed."""
    assert deployed()["status"] == "deployed"
    assert deployed(roll_back=False)["status"] == "deployed"
    assert site.deploy("revert")["status"] == "rolled back", "neither a decision nor a folder is named"
    endings, of = recorded(tmp_path)
    assert (endings, len(of)) == (["deployed", "deployed", "rolled back"], 1)
    assert deployments.running(tmp_path / "history")["staging"].ended == "deployed"
    assert site.deploy("revert")["status"] == "not done"
    assert len(recorded(tmp_path)[0]) == 3, "nothing was changed, and nothing is recorded"


def test_one_that_failed_or_was_interrupted_and_was_rolled_back_by_hand(site, deployed, tmp_path):
    """What runs in between is the new version or half of it, whatever was deployed before."""

    def interrupt():
        raise KeyboardInterrupt

    assert deployed(stage="eu")["status"] == "deployed"
    site.write("2", "exit 1")
    assert deployed(stage="eu", roll_back=False, limits=QUICK)["status"] == "failed"
    assert site.deploy("rollback")["status"] == "rolled back"
    site.write("1")
    assert deployed(stage="eu", forced_failure=interrupt)["status"] == "interrupted"
    assert deployed("resume", stage="eu")["status"] == "deployed"
    endings, of = recorded(tmp_path)
    assert endings == ["deployed", "failed", "rolled back", "interrupted", "deployed"]
    assert {stage for stage, _, _ in of} == {"eu"}


def test_what_cannot_be_recorded_is_a_note(deployed, tmp_path):
    """It is deployed, and the stage after does not know: it has to be in the report."""
    (tmp_path / "history").write_text("a file")
    document = deployed()
    assert document["status"] == "deployed"
    assert any(note.startswith("what became of it cannot be recorded in ") for note in document["notes"])
