"""The pipelines that `promotion init --ci` writes for GitLab and Jenkins: their scripts, run in order on clean clones."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fixtures.northlight import Northlight, serving
from fixtures.release import git
from tests.release import adopters
from tests.release.github_runner import INSTALLED, PIP, python_environment
from tests.sessions import WITHOUT_OTHERS

pytestmark = pytest.mark.slow
SCRIPT_S = 300


class Pipeline:
    """Clones of a repository, and the variables of a CI system; what jobs keep, the next ones find."""

    def __init__(self, root, place):
        self.root, self.place = root, place
        self.python = python_environment(root.parent / "python")
        (place / "home").mkdir(parents=True)
        self.secrets = {
            "SECRET_KEY": secrets.token_hex(32),
            "PROMOTION_KEY_PEM": (root.parent / "promotion.key").read_text(),
            "RUNTIME": str(place / "runtime"),
        }

    def clone(self, name):
        folder = self.place / name
        subprocess.run(["git", "clone", "-q", f"file://{self.root}", str(folder)], check=True)
        return folder

    def run(self, folder, script, variables):
        """Exit code and output of *script* in *folder*."""
        lines = [line for line in script.strip().splitlines() if not line.startswith(("#!", "set -"))]
        if all(line.startswith(PIP) for line in lines):
            if (self.python, script) in INSTALLED:
                return 0, ""
            INSTALLED.add((self.python, script))
        environment = {
            "PATH": f"{self.python}:{os.environ['PATH']}",
            "HOME": str(self.place / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTEST_ADDOPTS": WITHOUT_OTHERS,
            "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"],
            **self.secrets,
            **variables,
        }
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SCRIPT_S,
        )
        return done.returncode, done.stdout


class GitLab(Pipeline):
    """Jobs in the order of their `needs`, with `extends`, artifacts, caches, and rules that compare variables."""

    def __init__(self, root, place):
        super().__init__(root, place)
        including = yaml.safe_load((root / ".gitlab-ci.yml").read_text())
        self.document = yaml.safe_load((root / including["include"][0]["local"]).read_text())
        self.count = 0

    def pipeline(self, source, **variables):
        """Exit codes of the jobs that run for *source*, `push`, `web` or `schedule`, until one fails; and their outputs."""
        given = {"CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": "main", "GITLAB_USER_LOGIN": "quay", **variables}
        codes, outputs, kept = {}, {}, self.place / f"kept_{self.count}"
        self.count += 1
        for name, job in self.document.items():
            if name.startswith(".") or name == "variables" or not self.runs(job["rules"], given):
                continue
            if any(codes.get(one) != 0 for one in job.get("needs", [])):
                continue
            codes[name], outputs[name] = self.job(name, job, given, kept)
        return codes, outputs

    def runs(self, rules, given):
        """Whether the first rule that applies lets the job run; who asks for a manual one starts it."""
        for rule in rules:
            name, _, value = rule["if"].removeprefix("$").partition(" == ")
            found = given.get(name, "")
            if found == value.strip('"') if value else found:
                return rule.get("when") != "never"
        return False

    def job(self, name, job, given, kept):
        base = self.document[job["extends"]]
        declared = {**self.document["variables"], **base["variables"], **job.get("variables", {})}
        variables = {key: self.filled(value, {**declared, **given}) for key, value in declared.items()} | given
        folder = self.clone(f"{name}_{self.count}")
        assert variables["GIT_DEPTH"] == "0"
        shutil.copytree(kept, folder, dirs_exist_ok=True) if kept.exists() else kept.mkdir()
        cache = job.get("cache")
        place = self.place / "cache" / self.filled(cache["key"], variables) if cache else Path("/nowhere")
        if place.exists():
            shutil.copytree(place, folder, dirs_exist_ok=True)
        code, output = 0, ""
        for script in (*job.get("before_script", base["before_script"]), *job["script"]):
            if code == 0:
                code, printed = self.run(folder, script, variables)
                output += printed
        for script in job.get("after_script", []):
            self.run(folder, script, variables)
        self.keep(folder, kept, job["artifacts"]["paths"])
        if cache and cache.get("policy") != "pull":
            self.keep(folder, place, cache["paths"])
        return code, output

    def filled(self, text, variables):
        return re.sub(r"\$(\w+)", lambda one: variables.get(one[1], ""), str(text))

    def keep(self, folder, place, patterns):
        for path in (path for pattern in patterns for path in folder.glob(pattern)):
            target = place / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(path, target, dirs_exist_ok=True) if path.is_dir() else shutil.copy(path, target)


class Jenkins(Pipeline):
    """The `sh` steps of a declarative pipeline whose stages have a `when` of comparisons."""

    def __init__(self, root, place):
        super().__init__(root, place)
        self.text = (root / "Jenkinsfile").read_text()
        programs = place / "programs"
        programs.mkdir()
        # The agent's Python: an environment that it makes is one that has this package.
        maker = programs / re.search(r"^(python\S+) -m venv", self.text, re.MULTILINE)[1]
        maker.write_text(f'#!/bin/sh\nmkdir -p "${{3%/*}}"\ncp -a "{self.python.parent}" "$3"\n')
        maker.chmod(0o755)

    def build(self, **given):
        """Exit codes of the `sh` steps by stage, until one fails; and their output."""
        folder = self.clone(f"build_{len(list(self.place.glob('build_*')))}")
        values = dict(re.findall(r"(?:string|booleanParam)\(name: '(\w+)', defaultValue: '?([^',]*)'?", self.text))
        values |= dict(re.findall(r"choice\(name: '(\w+)', choices: \['(\w+)'", self.text))
        assert given.keys() <= values.keys()
        values |= given | {"RUNTIME": self.secrets["RUNTIME"], "WORKSPACE": str(folder)}
        block = re.search(r"\n    environment \{\n(.*?)\n    \}", self.text, re.DOTALL)[1]
        for name, value in re.findall(r"^ *(\w+) = ['\"](.*)['\"]$", block, re.MULTILINE):
            path = f"{self.place / 'programs'}:{self.python}:{os.environ['PATH']}"
            values[name] = value.replace("${env.WORKSPACE}", str(folder)).replace("${env.PATH}", path)
        codes, output = {}, ""
        for stage in re.split(r"\n        stage\(", self.text)[1:]:
            name, condition = stage.split("'")[1], re.search(r"expression \{ (.*?) \}\s*\}", stage)
            if condition and not self.holds(condition[1], values):
                continue
            for script in re.findall(r"sh '''(.*?)'''", stage, re.DOTALL):
                code, printed = self.run(folder, script.replace("\\\\", "\\"), values)
                codes.setdefault(name, []).append(code)
                output += f"--- {name}\n{printed}"
                if code:
                    return folder, codes, output
        return folder, codes, output

    def holds(self, condition, values):
        for part in condition.split(" && "):
            name, sign, value = re.fullmatch(r"params\.(\w+)(?: (==|!=) '(\w+)')?", part).groups()
            good = values[name] == "true" if not sign else (values[name] == value) is (sign == "==")
            if not good:
                return False
        return True


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """The repository of each of the two CI systems."""
    return {kind: adopters.shop(tmp_path_factory.mktemp(kind), kind) for kind in ("gitlab", "jenkins")}


def deployed(root, env="staging"):
    return (root.parent / f"outside/shop-{env}").read_text()


def test_every_job_of_gitlab_ends_as_it_should(shops, tmp_path):
    """Lines of a file for another system than our own are otherwise run by the first adopter."""
    gitlab = GitLab(shops["gitlab"], tmp_path / "gitlab")
    with serving(Northlight()) as url:
        codes, outputs = gitlab.pipeline("web", E2E_URL=url)
    assert codes == dict.fromkeys(("promotion-gate", "promotion-sign", "promotion-deploy", "promotion-parity"), 0), (
        outputs
    )
    assert deployed(gitlab.root) == git(gitlab.root, "rev-parse", "HEAD").strip()
    codes, outputs = gitlab.pipeline("schedule", PROMOTION_SCHEDULE="knowledge")
    assert codes == {"kb-monitor": 1}, outputs
    assert "START_AFRESH=true" in outputs["kb-monitor"]
    for number in range(3):
        codes, outputs = gitlab.pipeline(
            "schedule", PROMOTION_SCHEDULE="knowledge", START_AFRESH="true" if number == 0 else "false"
        )
        assert codes == {"kb-monitor": 0, "kb-review": 0 if number == 2 else 3}, outputs
    month = json.loads(next((gitlab.place / "cache").rglob("monitor_*.json")).read_text())["ts_utc"][:7]
    codes, outputs = gitlab.pipeline("schedule", PROMOTION_SCHEDULE="checkpoint", MONTH=month)
    assert codes == {"kb-checkpoint": 0}, outputs
    codes, outputs = gitlab.pipeline("schedule", PROMOTION_SCHEDULE="drill", START_AFRESH="true")
    assert codes == {"promotion-drill": 0}, outputs
    ran = {"promotion-gate", "promotion-sign", "promotion-deploy", "promotion-parity", "promotion-drill"}
    jobs = {name for name in gitlab.document if not name.startswith(".")} - {"variables"}
    assert jobs == ran | {"kb-monitor", "kb-review", "kb-checkpoint"}


def test_every_stage_of_jenkins_ends_as_it_should(shops, tmp_path):
    """The same for a pipeline that needs a server to be looked at."""
    jenkins = Jenkins(shops["jenkins"], tmp_path / "jenkins")
    with serving(Northlight()) as url:
        folder, codes, output = jenkins.build(DEPLOY="true", E2E_URL=url)
    assert codes == {"Install": [0, 0], "Gates": [0], "Sign": [0], "Deploy": [0, 0], "Parity": [0]}, output
    assert deployed(jenkins.root) == git(folder, "rev-parse", "HEAD").strip()
    _, codes, output = jenkins.build(RUN="knowledge")
    assert codes == {"Install": [0, 0], "Knowledge base": [0, 3]}, output
    _, codes, output = jenkins.build(RUN="checkpoint")
    assert codes == {"Install": [0, 0], "Checkpoint": [3]}, output  # nothing was watched in that workspace
    _, codes, output = jenkins.build(RUN="drill")
    assert codes == {"Install": [0, 0], "Drill": [0]}, output
    stages = set(re.findall(r"stage\('([^']+)'\)", jenkins.text)) - {"Checkout"}
    assert stages == {"Install", "Gates", "Sign", "Deploy", "Parity", "Drill", "Knowledge base", "Checkpoint"}


@pytest.mark.parametrize("kind", ["gitlab", "jenkins"])
def test_a_gate_that_fails_stops_what_comes_after_it(shops, tmp_path, kind):
    """A key that signs what was not decided is worth nothing."""
    if kind == "gitlab":
        gitlab = GitLab(shops[kind], tmp_path / kind)
        gitlab.secrets["SECRET_KEY"] = ""
        codes, outputs = gitlab.pipeline("web", E2E_URL="http://127.0.0.1:9")
        assert codes == {"promotion-gate": 2}, outputs
    else:
        jenkins = Jenkins(shops[kind], tmp_path / kind)
        jenkins.secrets["SECRET_KEY"] = ""
        _, codes, output = jenkins.build(DEPLOY="true")
        assert codes == {"Install": [0, 0], "Gates": [2]}, output
