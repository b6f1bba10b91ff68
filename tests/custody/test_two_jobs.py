"""The workflow of the page on CI, step by step, on clones of a repository: one job decides, another signs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_promotion.evidence.provenance import for_git
from tests.conftest import now_iso
from tests.sessions import environment

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "ci.md"


def jobs():
    """The jobs of the workflow on the page."""
    [text] = re.findall(r'^```yaml title="promotion.yml"\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return yaml.safe_load(text)["jobs"]


class Runner:
    """What GitHub does between the steps: checkouts, artifacts, secrets, and a folder for temporary files."""

    def __init__(self, origin, folder, secrets):
        self.origin, self.folder, self.secrets = origin, folder, secrets
        self.artifacts = {}

    def run(self, job, steps):
        """Runs a job on a new machine; gives that machine's temporary folder."""
        here, temporary = self.folder / job / "checkout", self.folder / job / "temp"
        temporary.mkdir(parents=True)
        for step in steps:
            name = step.get("uses", "").partition("@")[0]
            given = step.get("with", {})
            path = Path(str(given.get("path", "")).replace("${{ runner.temp }}", str(temporary)))
            if name == "actions/checkout":
                subprocess.run(["git", "clone", "-q", str(self.origin), str(here)], check=True, env=for_git(os.environ))
            elif name == "actions/upload-artifact":
                self.artifacts[given["name"]] = path
            elif name == "actions/download-artifact":
                shutil.copytree(self.artifacts[given["name"]], path)
            elif "run" in step and "pip install" not in step["run"]:
                self._shell(step, here, temporary)
        return temporary

    def _shell(self, step, here, temporary):
        variables = environment() | {"RUNNER_TEMP": str(temporary)}
        variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        for name, text in step.get("env", {}).items():
            variables[name] = self.secrets[re.fullmatch(r"\$\{\{ secrets\.(\w+) \}\}", text)[1]]
        done = subprocess.run(
            ["bash", "-ec", step["run"]], cwd=here, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def runner(decided, tmp_path):
    """A machine for each job. The evidence is in the repository."""
    shutil.rmtree(decided.path / "reports")
    (decided.path / ".gitignore").write_text("__pycache__/\n")
    (decided.path / "reports").mkdir()
    (decided.path / "reports/score.json").write_text(f'{{"ts_utc": "{now_iso()}", "score": 0.95, "commit": "x"}}')
    decided.git("add", ".")
    decided.git("commit", "-qm", "Add the report")
    return Runner(decided.path, tmp_path / "jobs", {"PROMOTION_KEY_PEM": decided.key.with_suffix("").read_text()})


def test_the_workflow_decides_and_signs(decided, runner):
    """A page that was never typed in is a guess."""
    decide, sign = jobs()["decide"], jobs()["sign"]
    assert sign["needs"] == "decide"
    assert "secrets" not in str(decide)
    first = runner.run("decide", decide["steps"])
    assert not list(first.rglob("*.intoto.jsonl"))
    second = runner.run("sign", sign["steps"])
    signed = runner.artifacts["promotion-signed"] / "promotion_gates" / "latest.json"
    assert signed.is_relative_to(second)
    done = decided.verify("--policy", decided.path / "promotion.yaml", file=signed)
    assert (done.exit_code, done.output) == (0, "may be acted on: yes\n")


def test_a_first_job_that_made_up_its_pass_is_not_signed(decided, runner):
    """Gates that pass are worth nothing where the first job could change what they judge them by."""
    workflow = jobs()
    edit = {"run": 'sed -i \'s/"least"\\]/"least"] * 0/\' gates/test_gates.py && echo gates/ >> .git/info/exclude'}
    steps = [workflow["decide"]["steps"][0], edit, *workflow["decide"]["steps"][1:]]
    runner.run("decide", steps)
    with pytest.raises(AssertionError, match="not signed: no"):
        runner.run("sign", workflow["sign"]["steps"])
    assert not list(runner.folder.rglob("*.intoto.jsonl"))
