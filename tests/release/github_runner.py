"""
Runs the jobs of a GitHub workflow on this machine, on clean clones.

Scripts run as they stand, by the shell and with the variables that GitHub gives them. Actions are replaced by what they do
here: a checkout by a clone, Python by an environment that has this package, artifacts by a folder. GitHub's own API is a
program `gh` that knows that folder.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.release import expressions
from tests.release.expressions import Expression
from tests.sessions import WITHOUT_OTHERS

TREE = Path(__file__).resolve().parents[2]
STEP_S = 300
PIP = "python -m pip install "
INSTALLED: set[tuple[Path, str]] = set()  # environments, and scripts that installed into them and nothing else
GH = """#!/usr/bin/env bash
# What a run kept, by workflow and artifact, below $KEPT. There is one run of each workflow: its newest.
case "$1 $2" in
  "run list") while [ "$1" != --workflow ]; do shift; done; test ! -d "$KEPT/$2" || echo "$2";;
  "api "*) run="${2%/artifacts}"; test ! -d "$KEPT/${run##*/}/$ARTIFACT" || echo 1;;
  "run download") run="$3"; while [ "$1" != --dir ]; do shift; done; mkdir -p "$2"; cp -R "$KEPT/$run/$ARTIFACT/." "$2";;
  *) echo "not known: $*" >&2; exit 9;;
esac
"""
LAUNCHER = "#!{python}\nimport sys\nfrom {module} import {name} as main\nsys.exit(main())\n"


@dataclass
class Step:
    """What became of a step."""

    name: str
    outcome: str
    code: int = 0
    output: str = ""


@dataclass
class Job:
    """What became of a job."""

    result: str
    steps: list[Step] = field(default_factory=list)
    workspace: Path = Path()

    @property
    def output(self) -> str:
        return "\n".join(f"--- {step.name}: {step.outcome} {step.code}\n{step.output}" for step in self.steps)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


@functools.cache
def python_environment(place: Path) -> Path:
    """An environment of Python that has this tree and what is installed here; its folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True, capture_output=True)
    [packages] = place.glob("lib/python*/site-packages")
    lines = [str(TREE), f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"]
    (packages / "this_tree.pth").write_text("\n".join([*lines, ""]))
    programs = place / "bin"
    for program, module, name in (("promotion", "pytest_promotion.cli", "main"), ("pytest", "pytest", "console_main")):
        path = programs / program
        path.write_text(LAUNCHER.format(python=programs / "python", module=module, name=name))
        path.chmod(0o755)
    return programs


class Runner:
    """A repository at *origin*, and what GitHub knows of it. What a run keeps is there for the next one."""

    def __init__(self, origin: Path, place: Path, python: Path, path: str = "") -> None:
        self.origin, self.place, self.python = origin, place, python
        self.path = os.pathsep.join(filter(None, (path, os.environ["PATH"])))
        self.machine: dict[str, str] = {}  # variables that are there before any step
        self.secrets: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.count = 0
        (place / "home").mkdir(parents=True)
        (place / "tools").mkdir()
        gh = place / "tools" / "gh"
        gh.write_text(GH)
        gh.chmod(0o755)

    def run(self, name: str, event: str = "schedule", **given: Any) -> dict[str, Job]:
        """The jobs of the workflow *name* by their names, after *event*, with the inputs *given*."""
        document = yaml.safe_load((self.origin / ".github/workflows" / name).read_text())
        assert event in document[True], f"{name} does not run on {event}"
        declared = (document[True].get("workflow_dispatch") or {}).get("inputs", {})
        assert given.keys() <= declared.keys()
        inputs = {key: given.get(key, one.get("default")) for key, one in declared.items()}
        head = self._git("rev-parse", "HEAD").strip()
        github = {"event_name": event, "actor": "quay", "sha": head, "ref_name": "main", "token": "none"}
        contexts = {
            "github": github | {"repository": "o/r"},
            "inputs": inputs if event == "workflow_dispatch" else {},
            "vars": self.variables,
            "secrets": self.secrets,
        }
        jobs: dict[str, Job] = {}
        kept = self.place / "artifacts" / str(self.count)
        for key, body in document["jobs"].items():
            needs = [body["needs"]] if isinstance(body.get("needs"), str) else body.get("needs", [])
            good = all(jobs[one].result == "success" for one in needs)
            functions = {
                "success": lambda good=good: good,
                "always": lambda: True,
                "failure": lambda good=good: not good,
            }
            condition = str(body.get("if", "success()"))
            if not re.search(r"\b(success|always|failure)\(", condition):
                condition = f"success() && ({condition})"
            if expressions.truth(Expression(condition, contexts, functions).value()):
                assert isinstance(body["timeout-minutes"], int)
                jobs[key] = _JobRun(self, document, body, contexts, kept).run()
            else:
                jobs[key] = Job("skipped")
        self.count += 1
        newest = self.place / "kept" / name
        shutil.rmtree(newest, ignore_errors=True)
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copytree(kept, newest)
        return jobs

    def _git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.origin, check=True, capture_output=True, text=True).stdout


class _JobRun:
    """One job, from its clone to its last step."""

    def __init__(self, runner: Runner, document: Any, body: Any, contexts: dict[str, Any], kept: Path) -> None:
        self.runner, self.body, self.kept = runner, body, kept
        folder = runner.place / f"job_{runner.count}_{len(list(runner.place.glob('job_*')))}"
        self.workspace, self.temp = folder / "work", folder / "temp"
        for one in (self.workspace, self.temp):
            one.mkdir(parents=True)
        self.path = f"{runner.place / 'tools'}{os.pathsep}{runner.path}"
        self.job = Job("success", workspace=self.workspace)
        self.outputs: dict[str, dict[str, Any]] = {}
        self.written: dict[str, str] = {}
        self.contexts = contexts | {"runner": {"temp": str(self.temp)}, "steps": self.outputs}
        self.levels = {**self._filled(document.get("env", {})), **self._filled(body.get("env", {}))}
        self.contexts["env"] = self.levels

    def run(self) -> Job:
        for step in self.body["steps"]:
            name = step.get("name") or step.get("uses") or step["run"].splitlines()[0]
            condition = str(step.get("if", "success()")).removeprefix("${{").removesuffix("}}")
            good = self.job.result == "success"
            functions = {
                "success": lambda good=good: good,
                "always": lambda: True,
                "failure": lambda good=good: not good,
            }
            if not re.search(r"\b(success|always|failure)\(", condition):
                condition = f"success() && ({condition})"
            if not expressions.truth(Expression(condition, self.contexts, functions).value()):
                self.job.steps.append(Step(name, "skipped"))
                continue
            done = self._script(step, name) if "run" in step else self._action(step, name)
            self.job.steps.append(done)
            if done.outcome == "failure" and not step.get("continue-on-error"):
                self.job.result = "failure"
        return self.job

    def _text(self, text: Any) -> str:
        """*text* with its expressions filled in."""
        if not isinstance(text, str):
            return expressions.shown(text)
        return re.sub(
            r"\$\{\{(.*?)\}\}",
            lambda one: expressions.shown(Expression(one[1], self.contexts, {}).value()),
            text,
        )

    def _filled(self, values: Any) -> dict[str, str]:
        return {name: self._text(value) for name, value in values.items()}

    def _script(self, step: Any, name: str, more: dict[str, str] | None = None) -> Step:
        assert "${{" not in step["run"], f"an expression in the script of {name}"
        files = {key: self.temp / key for key in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.write_text("")
        if (self.runner.python, step["run"]) in INSTALLED:
            return Step(name, "success", 0, "installed before")
        script = self.temp / "script.sh"
        script.write_text(step["run"])
        github = self.contexts["github"]
        environment = {
            "PATH": self.path,
            "HOME": str(self.runner.place / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "PIP_NO_INDEX": "1",  # all of it is here
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTEST_ADDOPTS": WITHOUT_OTHERS,  # for the sake of time: what is installed here is for other tests
            "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"],
            "GITHUB_ACTIONS": "true",
            "GITHUB_SHA": github["sha"],
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            "KEPT": str(self.runner.place / "kept"),
            **{key: str(path) for key, path in files.items()},
            **self.runner.machine,
            **self.levels,
            **self.written,
            **(more or {}),
            **self._filled(step.get("env", {})),
        }
        # Without `shell: bash` there is no pipefail.
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["bash", "-e"]
        done = subprocess.run(
            [*words, str(script)],
            cwd=self.workspace / self._text(step.get("working-directory", ".")),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=STEP_S,
        )
        if done.returncode == 0 and all(line.startswith(PIP) for line in step["run"].splitlines()):
            INSTALLED.add((self.runner.python, step["run"]))  # which takes seconds, and does nothing a second time
        self.written |= _pairs(files["GITHUB_ENV"])
        if "id" in step:
            self.outputs[step["id"]] = {"outputs": _pairs(files["GITHUB_OUTPUT"])}
        added = files["GITHUB_PATH"].read_text().split()
        self.path = os.pathsep.join([*reversed(added), self.path])
        return Step(name, "failure" if done.returncode else "success", done.returncode, done.stdout)

    def _action(self, step: Any, name: str) -> Step:
        action, given = step["uses"].partition("@")[0], self._filled(step.get("with", {}))
        if action.startswith("./"):
            return self._composite(action, given, name)
        does = {
            "actions/checkout": self._checkout,
            "actions/setup-python": self._python,
            "actions/setup-node": self._node,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        problem = does[action](given)
        return Step(name, "failure" if problem else "success", int(bool(problem)), problem)

    def _composite(self, action: str, given: dict[str, str], name: str) -> Step:
        document = yaml.safe_load((self.workspace / action / "action.yml").read_text())
        inputs = {key: given.get(key, one.get("default", "")) for key, one in document["inputs"].items()}
        before, self.contexts = self.contexts, self.contexts | {"inputs": inputs}
        try:
            [step] = document["runs"]["steps"]
            return self._script(step, name)
        finally:
            self.contexts = before

    def _checkout(self, given: dict[str, str]) -> str:
        depth = given.get("fetch-depth", "1")
        words = [] if depth == "0" else ["--depth", depth, "--no-tags"]
        done = subprocess.run(
            ["git", "clone", "-q", *words, f"file://{self.runner.origin}", str(self.workspace)],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr if done.returncode else ""

    def _python(self, given: dict[str, str]) -> str:
        assert given.get("python-version") or (self.workspace / given["python-version-file"]).is_file()
        self.path = f"{python_environment(self.runner.python)}{os.pathsep}{self.path}"
        return ""

    def _node(self, given: dict[str, str]) -> str:
        assert given.get("node-version") or (self.workspace / given["node-version-file"]).is_file()
        return "" if shutil.which("node") else "node is not installed"

    def _upload(self, given: dict[str, str]) -> str:
        patterns = [line.strip() for line in given["path"].splitlines() if line.strip()]
        places = [self.workspace / pattern for pattern in patterns]
        base = Path(os.path.commonpath([_fixed(one) for one in places]))
        target = self.kept / given["name"]
        hidden = given.get("include-hidden-files") == "true"
        found = []
        for place in places:
            for one in map(Path, glob.glob(str(place), include_hidden=True)):
                found += [path for path in (one.rglob("*") if one.is_dir() else [one]) if path.is_file()]
        for path in found:
            inside = path.relative_to(base)
            if hidden or not any(part.startswith(".") for part in path.relative_to(self.workspace.parent).parts):
                (target / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / inside)
        there = target.is_dir()
        return "" if there or given.get("if-no-files-found") != "error" else f"no files were found: {given['path']}"

    def _download(self, given: dict[str, str]) -> str:
        source = self.kept / given["name"]
        if not source.is_dir():
            return f"no artifact is called {given['name']}"
        shutil.copytree(source, self.workspace / given["path"], dirs_exist_ok=True)
        return ""


def _fixed(place: Path) -> str:
    """The part of a pattern before its first wildcard, as a folder or file."""
    parts = place.parts
    at = next((number for number, part in enumerate(parts) if "*" in part), len(parts))
    return str(Path(*parts[:at]))


def _pairs(path: Path) -> dict[str, str]:
    """What a script wrote to one of GitHub's files, as NAME=VALUE or with a delimiter."""
    found, lines = {}, iter(path.read_text().splitlines())
    for line in lines:
        if match := re.fullmatch(r"(\w+)<<(.+)", line):
            found[match[1]] = "\n".join(iter(lambda end=match[2]: next(lines), match[2]))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found
