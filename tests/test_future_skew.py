"""One tolerance for clocks that disagree: the policy's, and one default where there is no policy."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

import pytest_promotion
from pytest_promotion.clock import FUTURE_SKEW, iso, parse_moment
from pytest_promotion.decision.waivers import untimely
from pytest_promotion.model import Severity, ValidUntil, Waiver
from pytest_promotion.policy.shape import Timestamps
from pytest_promotion.readers.scan_file import read as read_scan
from pytest_promotion.readers.terraform import read as read_plan
from pytest_promotion.suites.deployment import plan_rules, scan_rules
from pytest_promotion.suites.release import change_check
from pytest_promotion.trust.verify import Demands, verify
from tests.plans.test_plans import plan
from tests.scans.test_scans import trivy
from tests.trust.conftest import GATES, POLICY, SUBJECT, Signed, decide

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = "2026-11-21T12:05:00Z"  # five minutes ahead of NOW


def test_the_default_is_the_policys():
    """Two defaults drift apart, and then the gate and the command say different things of one file."""
    assert Timestamps().skew == FUTURE_SKEW == change_check.Demands().future_skew == timedelta(minutes=2)


def test_no_other_module_has_a_tolerance_of_its_own():
    """A constant of its own ignores what the policy says, and a change of the policy has no effect there."""
    names = {
        (path.name, target.id)
        for path in Path(pytest_promotion.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and "SKEW" in target.id
    }
    assert names == {("clock.py", "FUTURE_SKEW")}


@pytest.mark.parametrize(("skew", "status"), [(FUTURE_SKEW, "inconclusive"), (timedelta(minutes=6), "pass")])
def test_a_plan_is_judged_with_the_skew_that_is_given(skew, status):
    """A policy that tolerates six minutes for a slow builder would be ignored for plans alone."""
    found = read_plan(json.dumps(plan(timestamp=LATER)).encode(), "plan.json")
    assert plan_rules.judge(found, plan_rules.rules({}), NOW, skew).status == status


@pytest.mark.parametrize(("skew", "status"), [(FUTURE_SKEW, "inconclusive"), (timedelta(minutes=6), "pass")])
def test_a_scan_is_judged_with_the_skew_that_is_given(skew, status):
    """A scanner on a fast clock is no reason to refuse what the policy accepts."""
    found = read_scan(json.dumps(trivy(CreatedAt=LATER)).encode(), "scan.json")
    assert scan_rules.judge([("scan.json", found)], scan_rules.limits({}), NOW, skew).status == status


def test_a_waiver_is_judged_with_the_skew_that_is_given():
    """A waiver that is signed on a fast clock is refused on the build machine, whatever the policy says."""
    expires = iso(NOW + timedelta(days=1))
    waiver = Waiver(
        gate="score", severity=Severity.CRITICAL, subjects=(), fingerprint="", limits={}, reason="", owner="",
        requested_by="", created=LATER, expires=expires, approvers=(), ends=ValidUntil(expires, ""), where="",
    )  # fmt: skip
    assert "yet to come" in untimely(waiver, NOW)
    assert untimely(waiver, NOW, timedelta(minutes=6)) == ""


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A decision under a policy that tolerates ten minutes."""
    path = tmp_path_factory.mktemp("slow-clock")
    for name, text in {
        "gates/test_gates.py": GATES,
        "promotion.yaml": POLICY + "timestamps: {future_skew: 10m}\n",
        "pytest.ini": "[pytest]\n",
        "evidence/notes.txt": "complete\n",
        "evidence/score.json": json.dumps({"ts_utc": iso(datetime.now(UTC) + timedelta(minutes=5)), "score": 0.9}),
    }.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    done = decide(path, f"--promotion-subject={SUBJECT}")
    assert done.returncode == 0, done.stdout + done.stderr
    return Signed(path, None)


def test_verify_uses_the_skew_of_the_decisions_policy(decided):
    """The session accepted evidence that is five minutes ahead, and verify would refuse a decision that is."""
    taken = parse_moment(decided.document()["ts_utc"])
    assert verify(decided.case, Demands(at=taken - timedelta(minutes=9))).yes
    assert "in the future" in verify(decided.case, Demands(at=taken - timedelta(minutes=11))).against[0]


def test_verify_has_the_default_where_the_policy_is_gone(decided, tmp_path):
    """Without the policy its tolerance is unknown, and a decision from the future must still be refused."""
    case = decided.case
    digest = sha256((decided.path / "promotion.yaml").read_bytes()).hexdigest()
    hidden = tmp_path / "policy"
    place = next(path for path in (decided.latest.parent / "evidence").rglob(digest))
    place.rename(hidden)
    try:
        taken = parse_moment(decided.document()["ts_utc"])
        answer = verify(case, Demands(at=taken - timedelta(minutes=9)))
    finally:
        hidden.rename(place)
    assert "in the future" in answer.against[0]
