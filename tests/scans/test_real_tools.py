"""Scanners that run here: what they write today is read, found by its severity, and refused where it is no scan."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.readers import coverage, junit, scan_file

pytestmark = [pytest.mark.real, pytest.mark.slow]
TOOLS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
BAD = "import subprocess\n\n\ndef run(words):\n    return subprocess.call(words, shell=True)\n"
RULE = """rules:
- id: shell
  languages: [python]
  severity: ERROR
  message: a shell is started
  pattern: subprocess.call(..., shell=True)
"""
BUCKET = 'resource "aws_s3_bucket" "logs" {\n  bucket = "logs"\n  acl    = "public-read"\n}\n'


def tool(name, package=None):
    """The program, where it is installed."""
    found = shutil.which(name, path=TOOLS)
    if found is None:
        pytest.skip(f"{name} is not installed: pip install {package or name}")
    return found


@pytest.fixture
def run(tmp_path):
    """`run(argv)`: what a program prints in a folder with bad code; it may end with 0 or 1."""
    (tmp_path / "app.py").write_text(BAD)
    (tmp_path / "rules.yaml").write_text(RULE)
    (tmp_path / "main.tf").write_text(BUCKET)

    def called(*argv):
        variables = {"HOME": str(tmp_path), "PATH": TOOLS, "SEMGREP_SEND_METRICS": "off"}
        done = subprocess.run(argv, cwd=tmp_path, env=variables, capture_output=True, check=False, timeout=300)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    return called


def found(content):
    scan = scan_file.read(content, "report")
    return {(one.id, one.severity, one.part.rpartition("/")[2]) for one in scan.counted}, scan


def test_ruff(run, tmp_path):
    """It lists the rules that it found, and no severity but the level."""
    results, scan = found(run(tool("ruff"), "check", "--select=S", "--output-format=sarif", "app.py"))
    assert ("S602", "high", "app.py:5") in results
    assert (scan.kinds, scan.incomplete) == ({"code"}, ())
    (tmp_path / "app.py").write_text("X = 1\n")
    assert found(run(tool("ruff"), "check", "--select=S", "--output-format=sarif", "app.py"))[0] == set()


def test_bandit(run, tmp_path):
    """Its SARIF has the severity as the level; its JSON is not read, and says so."""
    bandit = tool("bandit", "bandit[sarif]")
    results, scan = found(run(bandit, "-q", "-f", "sarif", "app.py"))
    assert ("B602", "high", "app.py:5") in results
    assert scan.created is not None
    with pytest.raises(Unproven, match="JSON of Bandit"):
        found(run(bandit, "-q", "-f", "json", "app.py"))
    (tmp_path / "app.py").write_text("def broken(:\n")
    broken = found(run(bandit, "-q", "-f", "sarif", "app.py"))[1]
    assert (broken.counted, bool(broken.incomplete)) == ((), True)


def test_cyclonedx_bom(run):
    """A bill of materials is no scan: nothing was looked for."""
    program = tool("cyclonedx-py", "cyclonedx-bom")
    with pytest.raises(Unproven, match="CycloneDX bill of materials without vulnerabilities"):
        found(run(program, "environment", sys.executable))


def test_semgrep(run, tmp_path):
    """Its own JSON and its SARIF say the same, and a file that it cannot parse is no clean one."""
    semgrep = tool("semgrep")
    words = (semgrep, "scan", "--metrics=off", "--disable-version-check", "--config=rules.yaml", "-q")
    for form in ("--json", "--sarif"):
        results, scan = found(run(*words, form, "app.py"))
        assert {(one[0].rpartition(".")[2], *one[1:]) for one in results} == {("shell", "high", "app.py:5")}
        assert (scan.kinds, scan.gaps()) == ({"code"}, [])
    (tmp_path / "empty").mkdir()
    assert found(run(*words, "--json", "empty"))[1].gaps() == ["nothing was scanned"]


def test_checkov(run):
    """Without its platform there is no severity: unknown, and not low."""
    results, scan = found(
        run(tool("checkov"), "-f", "main.tf", "--compact", "--quiet", "-o", "json", "--skip-download")
    )
    assert results
    assert {severity for _, severity, _ in results} == {"unknown"}
    assert (scan.kinds, scan.gaps()) == ({"misconfigurations"}, [])


def test_coverage_and_pytest(run, tmp_path):
    """What pytest and coverage.py write today, and not what a page says that they write."""
    (tmp_path / "test_app.py").write_text("import app\n\ndef test_it():\n    assert app.run(['true']) == 0\n")
    words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=j.xml", "test_app.py")
    run(*words, "--cov=app", "--cov-branch", "--cov-report=json:c.json", "--cov-report=xml:c.xml")
    counts = junit.read_file((tmp_path / "j.xml").read_bytes(), "j.xml")
    assert (counts.passed, counts.failed) == (1, 0)
    by_json = coverage.read((tmp_path / "c.json").read_bytes(), "c.json", "UTC")
    by_xml = coverage.read((tmp_path / "c.xml").read_bytes(), "c.xml")
    assert by_json.percent == by_xml.percent == 100
    assert json.loads((tmp_path / "c.json").read_bytes())["totals"]["percent_covered"] == by_json.percent
    assert by_xml.created is not None
    (tmp_path / "test_app.py").write_text("import no_such_module\n")
    subprocess.run(words, cwd=tmp_path, check=False, capture_output=True)
    broken = junit.read_file((tmp_path / "j.xml").read_bytes(), "j.xml")
    assert (broken.passed, broken.failed) == (0, 1)
