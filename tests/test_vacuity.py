"""Reading off a gate's source that it cannot fail: what is caught, and what is left alone."""

from __future__ import annotations

import ast
import textwrap

import pytest

from pytest_promotion.decision.declared_gates import written_in
from pytest_promotion.decision.vacuity import judge


def findings(body):
    """What is said of a gate with that body: (cannot fail, may have judged nothing)."""
    source = "def test_a():\n" + textwrap.indent(textwrap.dedent(body), "    ")
    vacuous, thin = judge(ast.parse(source).body[0])
    return bool(vacuous), bool(thin)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("assert x == 1", (False, False)),
        ("assert not x", (False, False)),
        ("assert not x in y", (False, False)),
        ("assert 0 <= age < 60", (False, False)),
        ("assert age >= 0\nassert age < 60", (False, False)),
        ("assert abs(age) < 60", (False, False)),
        ("assert average < 60", (False, False)),
        ("for x in y:\n    assert x\nassert y", (False, False)),
        ("if a:\n    assert b\nelse:\n    assert c", (False, False)),
        ("with pytest.raises(ValueError):\n    f()", (False, False)),
        ("try:\n    f()\nexcept ValueError:\n    pass\nassert x", (False, False)),
        ("try:\n    f()\nexcept Exception:\n    pytest.fail('no')\nassert x", (False, False)),
        ("try:\n    f()\nexcept Exception:\n    raise\nassert x", (False, False)),
        ("assert (x, 'y')", (True, False)),
        ("assert x == 'a' or 'b'", (True, False)),
        ("assert x == 1 or (y or f'{z}')", (True, False)),
        ("assert 'a'", (True, False)),
        ("assert (one for one in x)", (True, False)),
        ("assert lambda: x", (True, False)),
        ("assert len(x) >= 0", (True, False)),
        ("assert x and 'a'", (False, False)),
        ("assert x == 'a' or x == 'b'", (False, False)),
        ("assert len(x) >= 1", (False, False)),
        ("assert x, 'why'", (False, False)),
        ("with pytest.raises((Exception,)):\n    f()", (True, False)),
        ("with pytest.raises(expected_exception=Exception):\n    f()", (True, False)),
        ("with pytest.raises((ValueError, BaseException)):\n    f()", (True, False)),
        ("with contextlib.suppress(AssertionError):\n    assert x", (True, False)),
        ("with contextlib.suppress(OSError):\n    f()\nassert x", (False, False)),
        ("assert not x > 1", (True, False)),
        ("assert not (x <= 1)", (True, False)),
        ("with pytest.raises(Exception):\n    f()", (True, False)),
        ("with suppress(BaseException):\n    assert x", (True, False)),
        ("try:\n    assert x\nexcept:\n    pass", (True, False)),
        ("try:\n    assert x\nexcept (ValueError, AssertionError):\n    y = 1", (True, False)),
        ("for x in y:\n    assert x", (False, False)),
        ("while y:\n    assert y.pop()", (False, False)),
        ("if a:\n    assert b", (False, False)),
        ("assert age < 60", (False, True)),
        ("assert report.age_min <= 60", (False, True)),
        ("assert time() - ts < 60", (False, True)),
        ("assert now - ts < 60", (False, True)),
    ],
)
def test_what_is_said_of_a_source(body, found):
    """A rule that misses its case is silent; one that hits a good gate is switched off."""
    assert findings(body) == found


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import pytest\n@pytest.mark.critical\ndef test_a(): pass", ["test_a"]),
        ("from pytest import mark\n@mark.warning(owner='x')\nasync def test_a(): pass", ["test_a"]),
        ("import pytest\npytestmark = pytest.mark.critical\ndef test_a(): pass\ndef helper(): pass", ["test_a"]),
        ("import pytest\npytestmark = [pytest.mark.slow, pytest.mark.critical]\ndef test_a(): pass", ["test_a"]),
        (
            "import pytest\nclass TestA:\n    pytestmark = pytest.mark.critical\n    def test_b(self): pass",
            ["TestA::test_b"],
        ),
        ("import pytest\n@pytest.mark.critical\nclass TestA:\n    def test_b(self): pass", ["TestA::test_b"]),
        ("import pytest\n@pytest.mark.critical\ndef check(): pass", ["check"]),
        ("def test_a(): 'critical'", []),
        (
            "import pytest\n@pytest.fixture\ndef critical(): pass\n@pytest.mark.critical\n@pytest.fixture\ndef x(): pass",
            [],
        ),
        ("critical syntax error (", []),
    ],
)
def test_gates_are_found_without_running_them(tmp_path, source, names):
    """What is only found by importing is lost together with the import."""
    (tmp_path / "any_name.py").write_text(source)
    assert [gate.name for gate in written_in(tmp_path, tmp_path) if gate.severity is not None] == names
