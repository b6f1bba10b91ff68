"""People who approve that a candidate enters a stage: this candidate, this stage, and enough of them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.custody import approvals
from pytest_promotion.trust import keys
from tests.custody.conftest import POLICY, Repository

pytestmark = pytest.mark.slow
GATE = "approved_for[prod]"


@pytest.fixture
def asking(decided: Repository) -> Repository:
    """The repository, in which `prod` needs one release manager and one more person."""
    people = {"ana": "release", "ben": "sre", "eve": "intern"}
    lines = []
    for name, role in people.items():
        private, _ = keys.generate(decided.path.parent / "keys" / name)
        pem = private.with_name(f"{name}.pub").read_text().replace("\n", "\n      ")
        lines.append(f"- name: {name}\n  roles: [{role}]\n  key: |\n      {pem}\n")
    (decided.path / "signers.yaml").write_text("version: 1\nsigners:\n" + "".join(lines))
    stages = "signers: signers.yaml\nstages:\n  prod: {approvals: {release: 1, sre: 1}}\n  second: {}\n"
    (decided.path / "promotion.yaml").write_text(POLICY + stages)
    decided.git("add", ".")
    decided.git("commit", "-qm", "approvals")
    return decided


def approve(repository: Repository, by: str, *words: str, stage: str = "prod", key: str = ""):
    """`promotion approve`."""
    place = repository.path.parent / "keys" / (key or by)
    where = ["--policy", repository.path / "promotion.yaml", "--reports", repository.path / "reports"]
    given = ["approve", stage, "--key", place, "--as", by, *where, *words]
    return CliRunner().invoke(main, [str(word) for word in given])


def outcome(repository: Repository) -> tuple[str, str]:
    """What the gate says in a new decision of `prod`."""
    document = repository.decide(stage="prod")
    [found] = [one for one in document["checks"] if one["name"] == GATE]
    return found["outcome"], found["reason"]


def test_enough_people_approve(asking, saying):
    """A quorum that counts signatures and not people is met by one person."""
    assert outcome(asking) == ("FAIL", "it lacks the approval of release, sre")
    done = approve(asking, "ana")
    assert done.exit_code == 0
    assert "ana approves git (gitCommit:" in done.output
    assert approve(asking, "eve").exit_code == 0
    assert outcome(asking) == ("FAIL", "it lacks the approval of sre")
    assert json.loads(approve(asking, "ben", "--json").output)["by"] == "ben"
    assert outcome(asking) == ("PASS", "approved by ana, eve, ben")
    assert "may be acted on: yes" in saying(0, "--stage", "prod", "--rerun", profile="")


def test_an_approval_is_for_one_candidate(asking):
    """What was approved yesterday is another commit."""
    for name in ("ana", "ben"):
        assert approve(asking, name).exit_code == 0
    (asking.path / "src/app.py").write_text("ANSWER = 43\n")
    asking.git("commit", "-qam", "two")
    assert outcome(asking)[0] == "FAIL"


def test_a_line_that_was_written_by_hand(asking):
    """The file lies in a folder that jobs write to."""
    for name in ("ana", "ben"):
        assert approve(asking, name).exit_code == 0
    path = asking.latest.parent / approvals.NAME
    path.write_text(path.read_text().replace('"by":"ben"', '"by":"eve"'))
    found = outcome(asking)
    assert (found[0], "the signature of eve is not good" in found[1]) == ("FAIL", True)
    path.write_text("{}\n")
    found = outcome(asking)
    assert (found[0], "approvals.jsonl line 1 is not what belongs there" in found[1]) == ("INCONCLUSIVE", True)


def test_what_cannot_be_approved(asking):
    """An approval that no gate will accept is refused to the person who gives it."""
    unknown = approve(asking, "zoe", key="ana")
    assert (unknown.exit_code, "'zoe' is nobody who may sign" in unknown.output) == (3, True)
    wrong = approve(asking, "ana", key="ben")
    assert (wrong.exit_code, "the signature of ana is not good" in wrong.output) == (3, True)
    assert approve(asking, "ana").exit_code == 0
    twice = approve(asking, "ana")
    assert (twice.exit_code, "ana has approved it twice" in twice.output) == (3, True)
    none = approve(asking, "ana", stage="second")
    assert (none.exit_code, "the stage second asks for no approvals" in none.output) == (4, True)
    misspelt = approve(asking, "ana", stage="prd")
    assert (misspelt.exit_code, "has no stage 'prd'; did you mean 'prod'?" in misspelt.output) == (4, True)


def test_a_named_subject_is_approved(asking):
    """What is promoted is a file, and the commit is another one each day."""
    subject = "wheel=sha256:" + "ab" * 32
    for name in ("ana", "ben"):
        assert approve(asking, name, "--subject", subject).exit_code == 0
    document = asking.decide(0.95, "--promotion-subject", subject, stage="prod")
    assert document["status"] == "PASS", document["reasons"]
