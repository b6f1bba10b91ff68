"""PASS is built in one place: `decide()`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_promotion.decision import verdict
from tests.pass_construction import constructions

PACKAGE = Path(__file__).resolve().parents[1] / "pytest_promotion"
DECIDES = Path(verdict.__file__)


def test_no_other_code_of_the_package_builds_a_pass():
    """A second place that can say PASS is a second place that can say it wrongly."""
    paths = sorted(PACKAGE.rglob("*.py"))
    assert DECIDES in paths
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in paths
        for line, text in constructions(path.read_text(), allowed="decide" if path == DECIDES else "")
    ]
    assert found == []


def test_the_one_place_is_found():
    """A checker that sees nothing anywhere would pass as well."""
    found = [text for _, text in constructions(DECIDES.read_text())]
    assert "Status.PASS" in found
    assert any(text.startswith("Verdict(") for text in found)


@pytest.mark.parametrize(
    "source",
    [
        "status = Status.PASS",
        "status: Status = Status.PASS",
        "def f(status=Status.PASS): ...",
        "def f(*, status=Status.PASS): ...",
        "def f():\n    return Status.PASS",
        "def f():\n    yield Status.PASS",
        "f = lambda: Status.PASS",
        "replace(found, status=Status.PASS)",
        "dataclasses.replace(found, status=Status.PASS)",
        "replace(found, status='PASS')",
        "replace(found, status=other)",
        "from pytest_promotion.model import Verdict\nreplace(found, **{'status': x})",
        "Verdict(Status.FAIL, scope)",
        "Verdict(status=Status.PASS)",
        "model.Verdict(status, scope)",
        "from pytest_promotion.model import Verdict as V\nV(status, scope)",
        "make(Status.PASS)",
        "make(status=Status.PASS)",
        "make(*[Status.PASS])",
        "x = Status.PASS if good else Status.FAIL",
        "x = good and Status.PASS",
        "x = Status.PASS or other",
        "if (x := Status.PASS): ...",
        "x = (Status.FAIL, Status.PASS)[good]",
        "x = (Status.FAIL, Status.PASS)[good] == y",
        "x = {'a': Status.PASS}",
        "x = {**{Status.FAIL: Status.PASS}}",
        "x = [Status.PASS for _ in y]",
        "for x in (Status.PASS,): ...",
        "x, y = Status.PASS, 1",
        "x.status = Status.PASS",
        "x = model.Status.PASS",
        "x = pytest_promotion.model.Status.PASS",
        "from pytest_promotion.model import Status as S\nx = S.PASS",
        "S = Status\nx = S.PASS",
        "S = model.Status\nT = S\nx = T.PASS",
        "T = S\nS = Status\nx = T.PASS",
        "x.kind = Status",
        "getattr(Status, 'PASS')",
        "getattr(Status, name)",
        "Status('PASS')",
        "Status(value)",
        "Status['PASS']",
        "Status[name]",
        "Status.__members__",
        "list(Status)",
        "for x in Status: ...",
        "x = Status.PASS.value",
        "setattr(found, 'status', x)",
        "object.__setattr__(found, 'status', 'PASS')",
        "class A:\n    def decide(self):\n        return Status.PASS",
        "def f():\n    def decide():\n        return Status.PASS",
        "print(f'{Status.PASS}')",
    ],
)
def test_every_way_of_building_a_pass_is_seen(source):
    """Also the roundabout ones: an earlier checker saw only the plain assignment."""
    assert list(constructions(source, allowed="decide"))


@pytest.mark.parametrize(
    "source",
    [
        "x = found.status is Status.PASS",
        "x = Status.PASS == found.status",
        "x = found.status in (Status.PASS, Status.FAIL)",
        "x = found.status not in {Status.PASS}",
        "if found.status is not Status.PASS: ...",
        "match status:\n    case Status.PASS: ...",
        "colours = {Status.PASS: 'green', Status.FAIL: 'red'}",
        "x = Status.FAIL",
        "replace(found, status=Status.FAIL)",
        "replace(found, outcome=Outcome.WAIVED)",
        "'text'.replace('a', 'b')",
        "replace(entry, **fields)",
        "x = Outcome.PASS",
        "def f(status: Status) -> Status: ...",
        "status: Status",
        "isinstance(x, Status)",
        "from pytest_promotion.model import Status",
        "def decide():\n    return Verdict(Status.PASS)",
    ],
)
def test_what_only_looks_at_a_status_is_let_through(source):
    """A checker that refuses comparisons would be switched off."""
    assert list(constructions(source, allowed="decide")) == []
