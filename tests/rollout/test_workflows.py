"""The workflows that come with the project: what they ask of a runner, and what they leave to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from pytest_promotion.cli import main
from tests.rollout.own_workflows import own

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
OWN = ("fuzz", "tests", "release")  # of this project alone; the others are templates
TEMPLATES = [path for path in WORKFLOWS if path.stem not in OWN]
RESTORE = FOLDER / "actions" / "restore-history" / "action.yml"
SIGNING = {("release", "attest"): {"id-token", "attestations"}, ("release", "publish"): {"id-token"}}
TOOLS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def tool(name):
    """The program, where it is installed."""
    found = shutil.which(name, path=TOOLS)
    if found is None:
        pytest.skip(f"{name} is not installed: it is in the group `test`")
    return found


def steps(path):
    """Every step of a workflow or action."""
    document = yaml.safe_load(path.read_text())
    jobs = document["jobs"].values() if "jobs" in document else [document["runs"]]
    return [step for job in jobs for step in job["steps"]]


def test_the_workflows_of_the_release_suite_are_those_that_it_writes():
    """What runs here and what others are given would differ, and one of the two would never have been run."""
    for name, content in own().items():
        assert (ROOT / name).read_bytes() == content, "python -m tests.rollout.own_workflows"


def test_actionlint_finds_nothing():
    """A workflow with a misspelt key runs without what the key should have done."""
    done = subprocess.run(
        [tool("actionlint"), *map(str, WORKFLOWS)],
        cwd=ROOT,
        env={**os.environ, "PATH": TOOLS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing():
    """Text of an input that reaches the shell, a token that may write: each is somebody else's promotion."""
    words = [tool("zizmor"), "--offline", "--no-progress", "--color=never", str(FOLDER)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, RESTORE], ids=lambda path: path.stem)
def test_no_script_has_an_expression_in_it(path):
    """An input called `; curl …` is a command."""
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert scripts
    assert not any("${{" in script for script in scripts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_permitted_but_reading(path):
    """A job that may write can change what it judges."""
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        written = {scope for scope, access in job["permissions"].items() if access != "read"}
        assert written == SIGNING.get((path.stem, name), set())


def test_what_is_published_was_tested_and_attested():
    """A wheel that is built again for publishing is not the one that the tests saw."""
    jobs = yaml.safe_load((FOLDER / "workflows" / "release.yml").read_text())["jobs"]
    assert [jobs[name].get("needs") for name in ("test", "attest", "publish")] == ["build", "test", "attest"]
    assert [name for name, job in jobs.items() if "hatchling build" in str(job["steps"])] == ["build"]
    for name in ("test", "attest", "publish"):
        assert any("actions/download-artifact@" in step.get("uses", "") for step in jobs[name]["steps"])
        assert "if" not in jobs[name]
    assert not any("checkout" in str(jobs[name]["steps"]) for name in ("attest", "publish"))


@pytest.mark.parametrize("path", [*WORKFLOWS, RESTORE], ids=lambda path: path.stem)
def test_actions_are_pinned_by_digest_and_name_their_version(path):
    """A tag can be moved to another commit by an attacker who takes over the action's repository."""
    used = re.findall(r"^\s*(?:- )?uses: (?!\./)(.*)$", path.read_text(), re.MULTILINE)
    assert used or path == RESTORE
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_the_lowest_pytest_of_the_matrix_is_the_one_that_is_declared():
    """A lower bound that nothing runs under is a guess."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [floor] = [one.removeprefix("pytest>=") for one in declared if one.startswith("pytest>=")]
    jobs = yaml.safe_load((FOLDER / "workflows" / "tests.yml").read_text())["jobs"]
    rows = jobs["pytest"]["strategy"]["matrix"]["include"]
    assert {"pytest": "lowest", "requirement": f"pytest=={floor}"} in rows
    assert any("--resolution lowest-direct" in step.get("run", "") for step in jobs["lowest"]["steps"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_hidden_folders_are_uploaded_and_their_absence_is_an_error(path):
    """Uploads leave `.runtime` out, with a warning that nobody reads."""
    uploads = [step for step in steps(path) if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert uploads
    for step in uploads:
        assert step["if"] == "always()"
        assert step["with"]["if-no-files-found"] == "error"
        assert ".runtime" not in step["with"]["path"] or step["with"]["include-hidden-files"] is True


@pytest.mark.parametrize(
    "path", [p for p in TEMPLATES if p.stem.startswith(("kb", "rollback"))], ids=lambda path: path.stem
)
def test_what_runs_by_the_clock_brings_its_history(path):
    """A runner starts empty: drift is never found in a history of one."""
    document = yaml.safe_load(path.read_text())
    assert document[True]["schedule"]
    assert any(step.get("uses") == "./.github/actions/restore-history" for step in steps(path))


@pytest.mark.parametrize(
    "path",
    [p for p in TEMPLATES if any("promotion " in step.get("run", "") for step in steps(p))],
    ids=lambda path: path.stem,
)
def test_the_commands_have_the_flags_that_workflows_give_them(path):
    """A flag that is not there ends the job with 4, on the first of the month."""
    scripts = [step["run"] for step in steps(path) if "promotion " in step.get("run", "")]
    assert scripts
    for script in scripts:
        called = re.search(
            r"promotion (\w+)(?: (benchmark|monitor|review|checkpoint|e2e|python-js|root-hash))?", script
        )
        context = click.Context(main)
        command = main.get_command(context, called[1])
        command = getattr(command, "commands", {}).get(called[2], command)
        known = {option for one in command.get_params(context) for option in (*one.opts, *one.secondary_opts)}
        given = {
            flag for flag in re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", script) if not flag.startswith("--promotion-")
        }
        assert given <= known, called[0]


def test_a_deployment_can_ask_for_parity_and_puts_no_load_on_what_it_deployed():
    """The check that follows a production deployment was never started, and would have loaded production."""
    document = yaml.safe_load((FOLDER / "workflows" / "e2e-parity-check.yml").read_text())
    called = document[True]["workflow_call"]["inputs"]
    assert {name for name, one in called.items() if one.get("required")} == {"target_env", "base_url"}
    assert called["run_k6"] == document[True]["workflow_dispatch"]["inputs"]["run_k6"]
    assert called["run_k6"]["default"] is False
    [job] = document["jobs"].values()
    by_name = {step.get("name"): step for step in job["steps"]}
    assert by_name["Start"]["if"] == "inputs.base_url == ''"
    for name in ("Load", "Objectives"):
        assert by_name[name]["if"] == "github.event_name == 'pull_request' && inputs.base_url == '' || inputs.run_k6"


@pytest.mark.parametrize(
    ("traces", "good"),
    [("fixtures/traces/*.trace.json", True), ("no-such/*.trace.json", False), ("fixtures/traces/golden.json", False)],
)
def test_the_determinism_check_looks_at_traces(traces, good):
    """A pattern that means no file would be green for ever."""
    path = FOLDER / "workflows" / "determinism-check.yml"
    scripts = [step["run"] for step in steps(path) if "promotion parity root-hash" in step.get("run", "")]
    environment = {**os.environ, "PATH": TOOLS, "TRACES": traces}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", *scripts],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is good, done.stdout + done.stderr


GH = """#!/bin/sh
case "$*" in
  "run list"*) test "$FAIL" = list && exit 1; printf '%s' "$RUNS";;
  "api repos/o/r/actions/runs/2/artifacts"*) printf 77;;
  "api "*) ;;
  "run download 2 --repo o/r --name kept --dir place") mkdir -p place && echo point > place/point.json;;
  *) echo "not asked before: $*" >&2; exit 9;;
esac
"""


class TestRestoring:
    """The script that fetches what an earlier run kept, with a `gh` that plays GitHub."""

    def restore(self, tmp_path, **variables):
        program = tmp_path / "bin" / "gh"
        program.parent.mkdir()
        program.write_text(GH)
        program.chmod(0o755)
        given = {
            "GITHUB_REPOSITORY": "o/r",
            "WORKFLOW": "w.yml",
            "BRANCH": "main",
            "ARTIFACT": "kept",
            "PLACE": "place",
        }
        environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "START_AFRESH": "false", **given, **variables}
        [step] = steps(RESTORE)
        return subprocess.run(
            ["bash", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    def test_the_newest_that_was_kept_is_taken(self, tmp_path):
        """A run that failed before it kept anything must not hide the one before it."""
        done = self.restore(tmp_path, RUNS="3\n2\n1\n")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "place" / "point.json").exists()

    def test_the_first_run_has_no_history(self, tmp_path):
        """Otherwise nobody could ever start."""
        assert self.restore(tmp_path, RUNS="").returncode == 0

    @pytest.mark.parametrize("variables", [{"RUNS": "9\n8\n"}, {"FAIL": "list"}], ids=["nothing-kept", "no-answer"])
    def test_a_history_that_is_lost_is_an_error(self, tmp_path, variables):
        """An empty history looks like a good one."""
        assert self.restore(tmp_path, **variables).returncode != 0

    def test_a_history_that_is_lost_can_be_given_up(self, tmp_path):
        """By somebody, in writing."""
        assert self.restore(tmp_path, RUNS="9\n", START_AFRESH="true").returncode == 0
