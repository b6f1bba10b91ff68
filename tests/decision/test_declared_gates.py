"""The gates that the sources define: found without running them, so that one that was not collected is noticed."""

from __future__ import annotations

import textwrap

import pytest

from pytest_promotion.decision.declared_gates import Written, gate_id, written_in
from pytest_promotion.model import Severity

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
BODY = "    assert report"


@pytest.fixture
def found(tmp_path):
    """`found(source)`: the gates of one file, `gates/test_x.py`."""

    def of(source, name="gates/test_x.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return list(written_in(tmp_path / "gates", tmp_path))

    return of


def names(gates):
    """Names and severities of those that are marked."""
    return [(gate.name, gate.severity) for gate in gates if gate.severity is not None]


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("gates/t.py::test_a", "a"),
        ("gates/t.py::TestB::test_a", "a"),
        ("test_a", "a"),
        ("a", "a"),
        ("t.py::test_test_a", "test_a"),
        ("t.py::test_a[one]", "a[one]"),
        ("t.py::test_a[x::test_y]", "a[x::test_y]"),
        ("t.py::test_a[x[y]]", "a[x[y]]"),
        ("TestB::test_a[]", "a[]"),
    ],
)
def test_the_id_is_the_name_of_the_function_and_its_parameter(nodeid, expected):
    """A policy names gates by their ids; one letter more or less is another gate."""
    assert gate_id(nodeid) == expected


def test_a_gate_has_its_place_and_its_severity(found):
    """The sentence about a missing gate leads to the line that defines it."""
    [gate] = found(
        """
        import pytest

        @pytest.mark.critical(owner="ops")
        def test_a(report):
            assert report
        """
    )
    assert gate == Written("gates/test_x.py", "test_a", 5, CRITICAL, start=4)
    assert (gate.id, gate.vacuous, gate.thin, gate.shadows) == ("a", "", "", 0)


@pytest.mark.parametrize(
    ("marker", "severity"),
    [
        ("@pytest.mark.critical", CRITICAL),
        ("@mark.warning", WARNING),
        ("@critical", CRITICAL),
        ("@pytest.mark.warning(fix='x')", WARNING),
        ("@other\n@pytest.mark.warning\n@pytest.mark.timeout(3)", WARNING),
        ("@pytest.mark.slow", None),
        ("@marks['critical']", CRITICAL),
        ("# critical", None),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_severity_is_known_by_its_marker(found, marker, severity, kind):
    """However the marker is imported, and whatever stands beside it."""
    gates = found(f"{marker}\n{kind} test_a(report):\n{BODY}\n")
    assert names(gates) == ([] if severity is None else [("test_a", severity)])


@pytest.mark.parametrize(
    "source",
    [
        "pytestmark = pytest.mark.warning\ndef test_a():\n    assert 1\n",
        "pytestmark = [pytest.mark.slow, pytest.mark.warning()]\ndef test_a():\n    assert 1\n",
        "pytestmark = (pytest.mark.warning,)\ndef test_a():\n    assert 1\n",
        "other = pytestmark = pytest.mark.warning\ndef test_a():\n    assert 1\n",
        "pytestmark = pytest.mark.slow\npytestmark = pytest.mark.warning\ndef test_a():\n    assert 1\n",
        "def test_a():\n    assert 1\npytestmark = pytest.mark.warning\n",
    ],
)
def test_a_module_marks_its_tests(found, source):
    """A marker at the top of a file makes gates of all tests in it, and of nothing else."""
    assert names(found(source)) == [("test_a", WARNING)]
    assert names(found(source.replace("test_a", "helper"))) == []
    assert names(found(source.replace("pytestmark", "marks"))) == []


CLASS = """
{module}
{decorator}
class TestB:
    {own}
    {marker}
    def test_a(self):
        assert self
"""


@pytest.mark.parametrize(
    ("places", "severity"),
    [
        ({"module": "pytestmark = warning"}, WARNING),
        ({"decorator": "@critical", "module": "pytestmark = warning"}, CRITICAL),
        ({"own": "pytestmark = critical", "module": "pytestmark = warning"}, CRITICAL),
        ({"decorator": "@critical", "own": "pytestmark = warning"}, CRITICAL),
        ({"marker": "@critical", "decorator": "@warning", "own": "pytestmark = warning"}, CRITICAL),
        ({"marker": "@warning"}, WARNING),
    ],
)
def test_the_nearest_marker_counts(found, places, severity):
    """The one on the function, else that of its class, else that of the module."""
    filled = dict.fromkeys(("module", "decorator", "own", "marker"), "") | places
    assert names(found(CLASS.format(**filled))) == [("TestB::test_a", severity)]


def test_classes_nest(found):
    """The name of a gate in a class in a class is that of its node id."""
    gates = found(
        """
        @critical
        class TestB:
            class TestC:
                def test_a(self):
                    assert self
                def helper(self):
                    assert self
            def test_z(self):
                assert self
        def test_outside():
            assert 1
        """
    )
    assert names(gates) == [("TestB::TestC::test_a", CRITICAL), ("TestB::test_z", CRITICAL)]
    assert [gate.id for gate in gates] == ["a", "z", "outside"]
    assert {gate.file for gate in gates} == {"gates/test_x.py"}


def test_fixtures_are_no_gates(found):
    """A fixture called `test_data` in a module of gates is not one that did not run."""
    source = "pytestmark = critical\n@pytest.fixture{}\ndef test_data():\n    return 1\n"
    assert found(source.format("")) == found(source.format("(scope='module')")) == []


def test_functions_within_functions_are_none(found):
    """pytest does not collect them either."""
    assert names(found("@critical\ndef test_a():\n    @critical\n    def test_b():\n        pass\n    assert 1\n")) == [
        ("test_a", CRITICAL)
    ]


def test_a_gate_that_replaces_another_says_which(found):
    """The first of two functions with one name never runs."""
    source = "@critical\ndef test_a():\n    assert 1\n@critical\ndef test_a():\n    assert 2\n@critical\ndef test_a():\n    assert 3\n"
    assert [(gate.line, gate.shadows) for gate in found(source)] == [(2, 0), (5, 2), (8, 2)]


def test_a_plain_function_is_replaced_too(found):
    """And names in different classes do not collide."""
    source = "def test_a():\n    pass\n@critical\ndef test_a():\n    assert 1\n@critical\nclass TestB:\n    def test_a(self):\n        assert 1\n"
    marked = [gate for gate in found(source) if gate.severity is not None]
    assert [(gate.name, gate.shadows) for gate in marked] == [("test_a", 1), ("TestB::test_a", 0)]


def test_what_cannot_fail_is_seen_in_the_source(found):
    """The reasons are those of the rules for gates that cannot fail; here they reach the gate."""
    source = "@critical\ndef test_a():\n    assert (False, 'x')\n@critical\ndef test_b(age):\n    assert age < 20\n"
    first, second = found(source)
    assert first.vacuous == "line 3 asserts a tuple, which is always true; remove the parentheses"
    assert (first.thin, second.vacuous) == ("", "")
    assert second.thin == "line 6 limits an age from above only, so that a timestamp from the future passes"


def test_files_are_read_in_order_and_from_all_folders(found, tmp_path):
    """A gate whose file name does not match `test_*.py` is the one that has to be found here."""
    gate = "@critical\ndef test_{0}():\n    assert 1\n"
    for name, letter in (
        ("gates/z.py", "c"),
        ("gates/a/deep/b.py", "a"),
        ("gates/notes.txt", "n"),
        ("other/x.py", "x"),
    ):
        found(gate.format(letter), name)
    gates = found(gate.format("b"), "gates/b.py")
    assert [(gate.file, gate.id) for gate in gates] == [
        ("gates/a/deep/b.py", "a"),
        ("gates/b.py", "b"),
        ("gates/z.py", "c"),
    ]


def test_a_folder_outside_of_the_root_keeps_its_path(found, tmp_path):
    """Gates of an installed suite are not below the project."""
    found("@critical\ndef test_a():\n    assert 1\n")
    [gate] = written_in(tmp_path / "gates", tmp_path / "elsewhere")
    assert gate.file == (tmp_path / "gates" / "test_x.py").as_posix()


@pytest.mark.parametrize("content", [b"@critical\ndef test_a(:\n", b"@critical\x00\n", b"# critical \xff\n", b""])
def test_a_file_that_cannot_be_parsed_yields_nothing_and_hides_nothing(found, tmp_path, content):
    """Collecting it fails by itself; the gates of the other files are still there."""
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "a.py").write_bytes(content)
    assert names(found("@critical\ndef test_b():\n    assert 1\n")) == [("test_b", CRITICAL)]


def test_a_file_that_cannot_be_read_yields_nothing_and_hides_nothing(found, tmp_path):
    """A folder that is called like a Python file is no reason to read no other."""
    (tmp_path / "gates" / "a.py").mkdir(parents=True)
    assert names(found("@warning\ndef test_b():\n    assert 1\n")) == [("test_b", WARNING)]


ALIASES = {
    "an alias": "C = pytest.mark.critical(owner='ml')\n@C\ndef test_a(): pass",
    "an alias of an alias": "M = pytest.mark\nC = M.critical\nD = C(owner='x')\n@D\ndef test_a(): pass",
    "annotated": "C: object = pytest.mark.critical\n@C\ndef test_a(): pass",
    "a walrus": "@(C := pytest.mark.critical)\ndef test_a(): pass",
    "getattr": "@getattr(pytest.mark, 'critical')\ndef test_a(): pass",
    "partial": "C = functools.partial(pytest.mark.critical, owner='x')\n@C(fix='y')\ndef test_a(): pass",
    "a mapping": "M = {'hard': pytest.mark.critical}\n@M['hard']\ndef test_a(): pass",
    "a class": "class Marks:\n    hard = pytest.mark.critical\n@Marks.hard\ndef test_a(): pass",
    "a decorator": "def hard(f):\n    return pytest.mark.critical(f)\n@hard\ndef test_a(): pass",
    "a factory": "def hard(owner):\n    return pytest.mark.critical(owner=owner)\n@hard('x')\ndef test_a(): pass",
    "another file": "from marks import C\n@C\ndef test_a(): pass",
    "a module": "import marks\n@marks.C\ndef test_a(): pass",
    "a relative import": "from .marks import C as K\n@K\ndef test_a(): pass",
    "an annotated pytestmark": "pytestmark: list = [pytest.mark.critical]\ndef test_a(): pass",
    "an appended pytestmark": "pytestmark = []\npytestmark.append(pytest.mark.critical)\ndef test_a(): pass",
    "an added pytestmark": "pytestmark = []\npytestmark += [pytest.mark.critical]\ndef test_a(): pass",
    "under if": "if True:\n    @pytest.mark.critical\n    def test_a(): pass",
    "in an else": "try:\n    x = 1\nexcept ValueError:\n    pass\nelse:\n    @pytest.mark.critical\n    def test_a(): pass",
    "with": "with open(__file__):\n    @pytest.mark.critical\n    def test_a(): pass",
    "in a loop": "for n in range(1):\n    @pytest.mark.critical\n    def test_a(): pass",
    "in a case": "match 1:\n    case 1:\n        @pytest.mark.critical\n        def test_a(): pass",
    "in a handler": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    @pytest.mark.critical\n    def test_a(): pass",
}


@pytest.mark.parametrize("kind", ALIASES)
def test_a_mark_is_seen_however_it_is_spelled(found, kind):
    """An alias once switched the whole reading of sources off."""
    found("import pytest\nC = pytest.mark.critical(owner='far')\n", "gates/marks.py")
    gates = found("import functools\nimport pytest\n" + ALIASES[kind] + "\n")
    assert names(gates) == [("test_a", CRITICAL)]


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.parametrize('level', ['critical', 'warning'])\ndef test_a(level): pass",
        "critical_paths = ['x']\n@pytest.mark.slow\ndef test_a(): pass",
        "def hard(f):\n    return f\n@hard\ndef test_a(): pass",
        "A = B\nB = A\n@A\ndef test_a(): pass",
        "from nowhere import C\n@C\ndef test_a(): pass",
    ],
)
def test_what_is_no_mark_is_none(found, source):
    """A test that is called as one still has to be collected; its severity is then pytest's to say."""
    [gate] = found("import pytest\n" + source + "\n")
    assert (gate.name, gate.severity) == ("test_a", None)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class Helper:\n    def test_connection(self): pass", []),
        ("class TestB:\n    def __init__(self): pass\n    def test_a(self): pass", ["TestB::test_a"]),
        ("class Whatever(unittest.TestCase):\n    def test_a(self): pass", ["Whatever::test_a"]),
        ("def make():\n    def test_a(): pass\n    return test_a", []),
        ("@pytest.fixture\ndef test_data(): pass", []),
    ],
)
def test_what_is_called_as_a_test_is_one(found, source, expected):
    """A function that pytest passes over looks like a gate to everyone who reads the file."""
    assert [gate.name for gate in found("import pytest, unittest\n" + source + "\n")] == expected


@pytest.mark.parametrize(
    ("bases", "body", "never"),
    [
        ("unittest.TestCase", "    async def test_a(self):\n        self.fail()", True),
        ("TestCase", "    def test_a(self):\n        yield 1", True),
        ("TestCase", "    def test_a(self):\n        for n in range(3):\n            yield n", True),
        ("TestCase", "    def test_a(self):\n        self.fail()", False),
        (
            "TestCase",
            "    def test_a(self):\n        def inner():\n            yield 1\n        assert list(inner())",
            False,
        ),
        ("unittest.IsolatedAsyncioTestCase", "    async def test_a(self):\n        self.fail()", False),
        ("object", "    async def test_a(self):\n        assert self", False),
    ],
)
def test_a_body_that_a_test_case_never_runs_is_seen(found, bases, body, never):
    """The coroutine is created and thrown away, and the gate passes."""
    [gate] = found(f"class TestB({bases}):\n    pytestmark = pytest.mark.critical\n{body}\n")
    assert ("never runs" in gate.vacuous) is never
