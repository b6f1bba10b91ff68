"""One type for the answer of a rule, whichever suite it belongs to."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import pytest_promotion
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.judgement import Judged, Judgement
from pytest_promotion.suites.deployment.determinism.comparison import Comparison
from pytest_promotion.suites.deployment.determinism.e2e import Exchange
from pytest_promotion.suites.deployment.plan_rules import PlanJudgement
from pytest_promotion.suites.deployment.scan_rules import ScanJudgement

NO, OPEN = ("too many",), ("nothing was scanned",)


@pytest.mark.parametrize(
    ("against", "open_questions", "status", "code"),
    [((), (), "pass", 0), (NO, (), "fail", 2), ((), OPEN, "inconclusive", 3), (NO, OPEN, "fail", 2)],
)
def test_a_no_is_a_no_whatever_else_is_open(against, open_questions, status, code):
    """An open question that hides a failure, or no answer that counts as a yes, promotes what should not be."""
    found = Judgement(against=against, open_questions=open_questions)
    assert (found.status, found.exit_code, found.reasons) == (status, code, against + open_questions)


def test_a_gate_passes_on_a_yes_only():
    """Missing evidence that fails as an assertion could be turned into success by `pytest.raises`."""
    Judgement().demand()
    with pytest.raises(GateFailed, match="too many; nothing was scanned"):
        Judgement(against=NO, open_questions=OPEN).demand()
    with pytest.raises(Unproven, match="nothing was scanned"):
        Judgement(open_questions=OPEN).demand()


def test_the_answer_is_written_as_a_word():
    """Reports are read by other programs: `Judged.PASS` is no status that they know."""
    assert json.dumps(Judgement().status) == '"pass"'
    assert f"{Judged.INCONCLUSIVE}" == "inconclusive"


def test_comparing_nothing_is_no_yes():
    """Zero of zero steps agree."""
    assert Comparison().judgement.status is Judged.INCONCLUSIVE
    assert Comparison(steps=3).judgement.status is Judged.PASS
    assert Comparison(steps=3, against=NO).judgement.status is Judged.FAIL
    assert Exchange().judgement.status is Judged.INCONCLUSIVE
    assert Exchange(comparison=Comparison(steps=3)).judgement.status is Judged.PASS
    assert Exchange(comparison=Comparison(steps=3), unknown=["no answer"]).judgement.status is Judged.INCONCLUSIVE


def test_the_rules_of_the_deployment_suite_return_it():
    """A status that is a bare text can be misspelt, and then it is none of the three."""
    assert issubclass(PlanJudgement, Judgement)
    assert issubclass(ScanJudgement, Judgement)
    package = Path(pytest_promotion.__file__).parent / "suites" / "deployment"
    written = [
        (path.name, node.lineno)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.IfExp)
        and {"'pass'", "'inconclusive'"} & {ast.unparse(node.body), ast.unparse(node.orelse)}
    ]
    assert [name for name, _ in written] == ["parity.py"]  # two programs agree or not; nothing is left open
