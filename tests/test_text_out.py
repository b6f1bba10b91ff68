"""Sessions and commands that are given hostile text: no output has a line of its making, and none has a secret."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

import pytest_promotion
from pytest_promotion.cli import main
from tests.test_schema import check
from tests.verifying import LOOSE

TOKEN = "ghp_" + "a1B2c3D4e5" * 4
OTHER = "ghp_" + "z9Y8x7W6v5" * 4
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
LITERAL = "correct-horse-battery"
SECRETS = ("a1B2c3D4e5", "z9Y8x7W6v5", "eyJhbGci", LITERAL, "AKIAABCDEFGHIJKLMNOP", "hunter2-hunter2")
# Controls but the line end, and what changes the order of what is read.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f\u061c]")

GATES = f'''
import os, sys
import pytest

TOKEN, JWT = {TOKEN!r}, {JWT!r}
FORGED = "\\n::error::forged\\npromotion: PASS (9 of 9 gates passed)\\n##[error]x\\x1b[2J\\u202e"

@pytest.mark.critical(owner="ops" + FORGED, fix="run" + FORGED)
@pytest.mark.parametrize("value", [
    pytest.param(1, id="a" + FORGED), pytest.param(2, id=TOKEN), pytest.param(3, id={OTHER!r}),
])
def test_parameters(value, measure):
    """A rule.\\x1b[2J"""
    measure.at_least("value" + FORGED, value, 9)

@pytest.mark.critical
def test_command(command):
    done = command([sys.executable, "-c", "raise SystemExit(3)", "--token", "hunter2-hunter2", JWT, os.environ["DB_PASSWORD"]])
    assert done.exit_code == 0, "it said" + FORGED

@pytest.mark.critical
def test_exception():
    print(FORGED, TOKEN)
    raise ValueError("AKIAABCDEFGHIJKLMNOP" + FORGED + os.environ["DB_PASSWORD"])

@pytest.mark.warning
def test_value(measure, record_property):
    record_property("note" + FORGED, TOKEN)
    measure.equals("answer", TOKEN, "x")

@pytest.fixture
def broken():
    raise RuntimeError("fixture" + FORGED + TOKEN)

@pytest.mark.critical
def test_fixture(broken):
    assert broken

@pytest.mark.critical
def test_missing(artifact):
    artifact("reports/https://bob:hunter2-hunter2@host/x" + FORGED.replace("\\0", ""))

@pytest.mark.critical
def test_there(artifact):
    assert artifact("evidence/" + TOKEN + "\\n::error::there").text == "x"

@pytest.mark.critical
@pytest.mark.xfail(reason="known" + FORGED + TOKEN)
def test_expected():
    import warnings
    warnings.warn("old" + FORGED + TOKEN)
    assert TOKEN == ""

@pytest.mark.critical
def test_skipped():
    pytest.skip("no" + FORGED + TOKEN)
'''
INI = """
[tool.pytest.ini_options]
addopts = ["-p", "pytest_promotion.plugin", "-p", "xdist", "-p", "pytest_timeout"]
disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true
"""
FORMS = ("--junit-xml=reports/junit.xml", "--promotion-sarif=reports/a.sarif", "--promotion-ctrf=reports/ctrf.json")


@pytest.fixture
def hostile(place, monkeypatch):
    """A project in which everything that has a name or a message attacks its reader."""
    monkeypatch.setenv("DB_PASSWORD", LITERAL)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place.path / "reports" / "summary.md"))
    place.file("pyproject.toml", INI)
    place.file(f"evidence/{TOKEN}\n::error::there", "x")
    (place.path / "reports").mkdir()
    place.write(test_all=GATES)
    return place


def run(place, *args, forms=FORMS):
    """The session in a process of its own, as a CI log has it."""
    words = [sys.executable, "-m", "pytest", "gates", "-p", "no:cacheprovider", *forms, *args]
    done = subprocess.run(words, cwd=place.path, capture_output=True, encoding="utf-8", timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def texts(value):
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def forged(log):
    """The lines of a log that a CI system or a reader would take for something that they are not."""
    lines = [line.strip() for line in log.split("\n")]
    return [line for line in lines if line.startswith(("::", "promotion: PASS")) or "##[" in line]


@pytest.mark.parametrize("args", [(), ("-v",), ("-n", "2"), ("--tb=native", "-rA"), ("--tb=line",)], ids=" ".join)
def test_the_log_has_no_line_of_theirs(hostile, args):
    """`::error` at the start of a line is a command, and the verdict is what the last line says."""
    code, log = run(hostile, "--promotion-github=off", *args)
    assert code == 1
    assert forged(log) == []
    assert not STEERING.search(log)
    assert log.rstrip().split("\n")[-1].startswith("promotion: FAIL (")


def test_annotations_are_those_of_the_decision(hostile):
    """What a gate says stands inside of the one command that is about it."""
    _, log = run(hostile, "--promotion-github=on")
    found = forged(log)
    assert len(found) == 1 + 9 + 1  # the decision, the critical failures, and the warning
    assert all(
        re.match("::(error|warning) (file=gates/test_all.py,line=\\d+,)?title=Promotion", line) for line in found
    )


@pytest.mark.parametrize("args", [(), ("-n", "2")], ids=["one", "workers"])
def test_no_file_has_a_secret_or_a_control_character(hostile, args):
    """JSON, Markdown, JUnit, SARIF, CTRF, the step's summary and the history are all made of the same texts."""
    run(hostile, *args)
    folder = hostile.path / "reports"
    files = [path for path in folder.rglob("*") if path.is_file() and "sha256" not in path.parts]
    assert {path.suffix for path in files} >= {".json", ".md", ".xml", ".sarif", ".jsonl"}
    for path in files:
        content = path.read_text()
        source = content.replace('"--token", "hunter2-hunter2"', "")  # the line of the gate, in pytest's own traceback
        assert [one for one in SECRETS if one in source] == [], path.name
        assert not STEERING.search(content), path.name
    for path in (folder / "promotion_gates/latest.json", folder / "a.sarif", folder / "ctrf.json"):
        document = json.loads(path.read_text())
        assert all("\n" not in text and not STEERING.search(text) for text in texts(document)), path.name
    check("decision", hostile.latest())
    for node in ET.parse(folder / "junit.xml").iter("property"):
        assert not STEERING.search(node.get("name") + node.get("value"))
        assert "\n" not in node.get("name") + node.get("value")


def test_workers_decide_the_same(hostile):
    """What a worker masks and what the controller masks is the same text."""
    run(hostile)
    run(hostile, "-n", "2")
    one, two = hostile.decisions()[-2:]
    assert one["evidence_bundle"] == two["evidence_bundle"]
    assert [check["reason"] for check in one["checks"]] == [check["reason"] for check in two["checks"]]
    assert [check["failure"] for check in one["checks"]] == [check["failure"] for check in two["checks"]]


def test_a_shard_has_no_secret_and_merges_to_the_same_bundle(hostile, monkeypatch):
    """The file of a shard is uploaded as the decision is."""
    run(hostile)
    whole = hostile.latest()
    for share in ("1/2", "2/2"):
        code, log = run(hostile, f"--promotion-shard={share}", "--promotion-run-id=r1", forms=())
        assert code == 1, log
    shards = sorted(hostile.folder.glob("shard_*.json"))
    assert len(shards) == 2
    for path in shards:
        assert [one for one in SECRETS if one in path.read_text()] == []
    monkeypatch.chdir(hostile.path)
    done = CliRunner().invoke(main, ["merge", *map(str, shards), "--reports", "merged", "--json"])
    assert done.exit_code == 2, done.output
    assert json.loads(done.output)["evidence_bundle"] == whole["evidence_bundle"]


def test_gates_that_differ_in_a_secret_only_stay_apart(hostile):
    """Two gates of one name would hide each other."""
    run(hostile)
    names = [check["name"] for check in hostile.latest()["checks"]]
    assert "parameters[***]" in names
    assert "parameters[*** (2)]" in names
    assert len(set(names)) == len(names) == 11


def test_the_decision_agrees_with_itself(hostile):
    """The bundle id is that of the names that it lists: anyone who has the decision can compute it."""
    run(hostile)
    result = CliRunner().invoke(main, ["verify", *LOOSE, str(hostile.folder / "latest.json")])
    assert result.exit_code == 2
    assert "bundle id" not in result.output
    assert "cannot be read from the vault" not in result.output
    assert forged(result.output) == []


@pytest.mark.parametrize(
    "name", ["gates/test_a\n::error::b.py", "gates/a\n::error::b/test_a.py"], ids=["file", "folder"]
)
def test_a_file_whose_name_pytest_could_not_print_is_refused(place, name):
    """Pytest writes the name of a file as it is, before any gate runs."""
    place.file(name, "import nothing_of_that_name")
    code, log = run(place)
    assert code == 4
    assert forged(log) == []
    assert "may hold no control characters" in log


def test_a_run_that_is_ended_early_says_so_on_one_line(place):
    """Pytest prints the reason as it is."""
    place.write(test_bad=f"import pytest\npytest.exit('no\\n::error::forged\\npromotion: PASS (1 of 1) {TOKEN}')")
    code, log = run(place)
    assert code != 0
    assert forged(log) == []
    assert TOKEN not in log


def test_a_collection_error_is_one_line(place):
    """A module that cannot be imported chooses what its exception says."""
    place.write(test_bad=f"raise ValueError('no\\n::error::forged\\npromotion: PASS (1 of 1) {TOKEN}')")
    code, log = run(place)
    assert code == 2
    assert forged(log) == []
    assert TOKEN not in log
    assert TOKEN not in (place.folder / "latest.json").read_text()


def test_a_usage_error_is_one_line(place):
    """A policy is a file like any other."""
    place.file("promotion.yaml", 'version: 1\n"x\\n::error::forged": 1\n')
    place.write(test_all="import pytest\n@pytest.mark.critical\ndef test_a():\n    assert 1 + 1 == 2\n")
    code, log = run(place)
    assert code == 4
    assert forged(log) == []


def test_a_page_keeps_its_lines_in_json(place, monkeypatch):
    """A Markdown page on one line is no page."""
    monkeypatch.chdir(place.path)
    place.write(
        test_all="import pytest\n@pytest.mark.critical\ndef test_a(measure):\n    measure.at_least('n', 1, 1)\n"
    )
    place.run()
    done = CliRunner().invoke(main, ["render", "--json", str(place.folder / "latest.json")])
    assert json.loads(done.output)["content"] == (place.folder / "latest.md").read_text()


HOSTILE = "x\n::error::forged\npromotion: PASS (1 of 1)\x1b[2J\u202e" + TOKEN


def poisoned(value):
    """*value* with hostile text wherever a text may be anything."""
    fixed = {
        "status",
        "kind",
        "scope",
        "outcome",
        "severity",
        "ts_utc",
        "now_utc",
        "name",
        "sha256",
        "path",
        "fingerprint",
    }
    if isinstance(value, dict):
        return {
            key: item
            if key in fixed
            else HOSTILE
            if isinstance(item, str) and not re.fullmatch("[0-9a-f]{64}|", item)
            else poisoned(item)
            for key, item in value.items()
        }
    return [poisoned(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "FILE"),
        ("verify", "FILE", "--json"),
        ("explain", "FILE"),
        ("explain", "FILE", "--json"),
        ("explain", "FILE", "--gate", f"x\n::error::{TOKEN}"),
        ("diff", "FILE", "FILE"),
        ("diff", "FILE", "OTHER"),
        ("diff", "FILE", "OTHER", "--json"),
        *(("render", "FILE", "--format", form) for form in ("markdown", "sarif", "ctrf", "github")),
        ("render", f"no\n::error::{TOKEN}"),
        ("verify", f"no\n::error::{TOKEN}"),
        ("bundle", "export", f"no\n::error::{TOKEN}", "x.zip"),
        ("merge", "FILE"),
        ("merge", f"no\n::error::{TOKEN}"),
        ("waiver", "check", "YAML"),
        ("policy", "check", "YAML"),
        ("policy", "diff", "YAML", "YAML"),
        ("override", "check", "YAML", "FILE"),
        ("scan-check", "SARIF"),
        ("plan", "check", "FILE"),
        ("slo", "FILE"),
        ("nothing\n::error::x",),
        ("verify", f"--no\n::error::{TOKEN}"),
    ],
    ids=" ".join,
)
def test_commands_print_no_line_of_the_file_they_were_given(place, monkeypatch, words):
    """A decision that is checked was often written by somebody else."""
    monkeypatch.chdir(place.path)
    place.write(
        test_all="import pytest\n@pytest.mark.critical(owner='o', fix='f')\ndef test_a(measure):\n    measure.at_least('n', 1, 2)\n"
    )
    place.run()
    document = place.latest()
    place.file("FILE", json.dumps(poisoned(document)))
    place.file("OTHER", json.dumps(document))
    place.file("YAML", json.dumps({"version": 1, "waivers": [{"gate": HOSTILE, "reason": HOSTILE}], HOSTILE: HOSTILE}))
    result = {"ruleId": HOSTILE, "level": "error", "message": {"text": HOSTILE}}
    run_of = {"tool": {"driver": {"name": HOSTILE}}, "results": [result]}
    place.file("SARIF", json.dumps({"version": "2.1.0", "runs": [run_of]}))
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code in range(6), done.output
    assert isinstance(done.exception, SystemExit | None)
    assert "Traceback" not in done.output
    assert forged(done.output) == []
    assert not STEERING.search(done.output)
    assert "a1B2c3D4e5" not in done.output


def test_two_thousand_names_are_not_printed(place):
    """What matters is above the list, and a terminal keeps so many lines."""
    place.write(
        test_all="""
        import pytest

        @pytest.mark.critical
        @pytest.mark.parametrize("number", range(60))
        def test_bad(number, measure):
            measure.at_least("n", number, 99)

        @pytest.mark.warning
        @pytest.mark.parametrize("number", range(60))
        def test_idle(number):
            assert number >= 0
        """
    )
    code, _ = run(place, "-q", "--no-summary", "--tb=no")
    assert code == 1
    document = place.latest()
    assert len(document["critical_failures"]) == len(document["without_evidence"]) == 60
    assert (
        "60 of 60 critical gates did not pass: bad[0], bad[10], bad[11], bad[12], bad[13] and 55 more"
        in document["reasons"]
    )
    markdown = (place.folder / "latest.md").read_text()
    assert (
        "Passed without evidence: idle\\[0\\], idle\\[10\\], idle\\[11\\], idle\\[12\\], idle\\[13\\] and 55 more"
        in markdown
    )


def test_the_terminal_ends_after_a_few_gates(place):
    """A thousand gates that fail alike say the same thing a thousand times."""
    place.write(
        test_all="""
        import pytest

        @pytest.mark.critical
        @pytest.mark.parametrize("number", range(60))
        def test_bad(number, measure):
            measure.at_least("n", number, 99)
        """
    )
    _, log = run(place, "-q", "--tb=no", "-rN")
    assert log.count("FAIL bad[") == 20
    assert "and 40 more critical failures: see the decision" in log


def test_commands_print_through_one_module_only():
    """A command that calls click itself prints what it was given."""
    # What draws a line that is wiped again, and what prints a page or a schema that is clean already.
    exempt = {"cli/output.py", "cli/progress.py", "cli/render.py", "cli/schema.py"}
    exempt |= {"suites/trading/commands/secrets.py", "suites/trading/commands/tests.py"}
    exempt |= {"suites/deployment/commands/parity.py"}
    calls = re.compile(r"click\.s?echo\(|(?<![\w.])print\(")
    package = Path(pytest_promotion.__file__).parent
    files = [*package.glob("cli/*.py"), *package.glob("suites/*/commands/*.py")]
    found = {path.relative_to(package).as_posix() for path in files if calls.search(path.read_text())}
    assert found == exempt
