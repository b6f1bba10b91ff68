"""Targets: environments of one file, Compose on an engine that it names, and programs that really serve something."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pytest_promotion.custody import deployments
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.commands.rollout_options import recorded_stage
from pytest_promotion.suites.release.rollout.deploy import deploy
from pytest_promotion.suites.release.rollout.drill import drill
from pytest_promotion.suites.release.rollout.environments import (
    CommandEnvironment,
    ComposeEnvironment,
    read_environment,
)
from pytest_promotion.suites.release.rollout.health import Probe
from pytest_promotion.suites.release.rollout.permission import Permission
from pytest_promotion.suites.release.rollout.plan import Limits, Plan
from tests.compose_programs import CURRENT
from tests.rollout.site import free_port
from tests.rollout.test_calls import promotion
from tests.rollout.test_candidate import commit
from tests.verifying import LENIENT, LOOSE

PATIENT = Limits(health_s=120, interval_s=0.05, up_s=120, rollback_health_s=120)
QUICK = Limits(health_s=1, interval_s=0.05, up_s=120, rollback_health_s=120)
# Starts a server of the text in ./version, under a name; goes back to one by its name; says which one runs.
SCRIPT = '''
import os, pathlib, signal, subprocess, sys
verb, state, port, name = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
SERVE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[2].encode())
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
def stop():
    if (state / "pid").exists():
        try:
            os.kill(int((state / "pid").read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
        (state / "pid").unlink(); (state / "name").unlink()
def start(name):
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    text = (state / f"version-{name}").read_text()
    server = subprocess.Popen([sys.executable, "-c", SERVE, port, text], start_new_session=True, **quiet)
    (state / "pid").write_text(str(server.pid)); (state / "name").write_text(name)
if verb == "status":
    print((state / "name").read_text() if (state / "name").exists() else sys.exit(1))
else:
    state.mkdir(parents=True, exist_ok=True)
    stop()
    if verb == "apply":
        (state / f"version-{name}").write_text(pathlib.Path("version").read_text())
    if verb == "fail":
        sys.exit("no such cluster")
    if verb == "hang":
        signal.pause()
    if verb != "remove" and name != "-":
        start(name)
'''


class Shop:
    """A repository with a version and the program that deploys it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "shop"
        self.path.mkdir()
        self.state = path / "state"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        (self.path / "release.py").write_text(SCRIPT)

    def write(self, version: str) -> str:
        """A commit with this version."""
        (self.path / "version").write_text(version)
        return commit(self.path)

    def command(self, apply: str = "apply", timeout: str = "60s", place: str = "") -> CommandEnvironment:
        def words(verb: str, name: str) -> list[str]:
            return [sys.executable, "release.py", verb, str(self.state) + place, str(self.port), name]

        return CommandEnvironment(
            apply=words(apply, "{commit}"),
            rollback=words("rollback", "{before}"),
            status=words("status", "-"),
            remove=words("remove", "-"),
            timeout=timeout,
        )

    def plan(self, **more: object) -> Plan:
        given = {
            "env": "prod",
            "project": "shop",
            "root": self.path,
            "runtime": self.path / ".runtime",
            "environment": dict(os.environ),
            "probes": (Probe(self.url),),
            "limits": PATIENT,
            "roll_back": True,
            "command": self.command(),
        }
        return Plan(**(given | more))

    def deploy(self, way: str = "new", **more: object) -> dict:
        return deploy(self.plan(**more), way).document

    def answer(self) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url, timeout=60) as found:
                return str(found.read().decode())
        except OSError:
            return ""

    def end(self) -> None:
        """Ends every server that it started."""
        for path in self.state.parent.glob("state*/pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGKILL)


@pytest.fixture
def shop(tmp_path):
    found = Shop(tmp_path)
    yield found
    found.end()


@pytest.fixture
def decided(decide_about):
    """`decided(commit)`: the permission of a decision about it."""
    return lambda about: Permission(decide_about(f"git=gitCommit:{about}"), acting=LENIENT)


@pytest.mark.slow
class TestCommand:
    """A target of programs."""

    def test_the_files_of_the_commit_are_served_and_a_bad_version_is_taken_back(self, shop, decided):
        """The same promises as with Compose, for people who have no Compose."""
        first = shop.write("one")
        (shop.path / "version").write_text("unreviewed")
        done = shop.deploy(permission=decided(first))
        assert (done["status"], shop.answer()) == ("deployed", "one"), done["reasons"]
        assert (done["target"]["kind"], done["commit"]) == ("command", first)
        second = shop.write("two")
        done = shop.deploy(permission=decided(second), probes=(Probe(shop.url, "three"),), limits=QUICK)
        assert (done["status"], done["exit_code"], shop.answer()) == ("rolled back", 5, "one"), done["reasons"]
        done = shop.deploy(permission=decided(second))
        assert (done["status"], shop.answer()) == ("deployed", "two"), done["reasons"]
        done = shop.deploy("revert")
        assert (done["status"], shop.answer()) == ("rolled back", "one"), done["reasons"]

    def test_what_was_not_compared_is_on_record(self, shop, decided, tmp_path):
        """The record, the board and the report of a revert showed the commit, and what lay in the folder served."""
        history = tmp_path / "history"
        first = shop.write("one")
        (shop.path / "version").write_text("unreviewed")
        done = shop.deploy(permission=decided(first), allow_dirty=True, history=history)
        assert (done["status"], shop.answer()) == ("deployed", "unreviewed"), done["reasons"]
        assert deployments.newest(history)["prod"].allowances == ["--allow-dirty"]
        second = shop.write("two")
        bad = {"probes": (Probe(shop.url, "three"),), "limits": QUICK}
        done = shop.deploy(permission=decided(second), history=history, **bad)
        assert (done["status"], self.runs_again(done, first)) == ("rolled back", True), done["notes"]
        assert shop.deploy(permission=decided(second), history=history)["status"] == "deployed"
        assert deployments.newest(history)["prod"].allowances == []
        done = shop.deploy("revert")
        assert (done["status"], shop.answer()) == ("rolled back", "unreviewed"), done["reasons"]
        assert self.runs_again(done, first), done["notes"]
        assert not deployments.running(history)["prod"].compared

    def runs_again(self, done, commit):
        """Whether a report says that what runs again was not compared with *commit*."""
        return any(
            note.startswith("what runs again was deployed with --allow-dirty at ") and f"{commit}, and was not" in note
            for note in done["notes"]
        )

    def test_a_resumed_deployment_has_the_flags_of_the_last_attempt(self, shop, decided, tmp_path):
        """The first attempt was of the commit, the second of the folder, and the record had the flags of the first."""
        history = tmp_path / "history"
        shop.deploy(permission=decided(shop.write("one")), history=history)
        second = shop.write("two")
        bad = {"probes": (Probe(shop.url, "three"),), "limits": QUICK, "roll_back": False}
        assert shop.deploy(permission=decided(second), history=history, **bad)["status"] == "failed"
        assert deployments.newest(history)["prod"].allowances == []
        (shop.path / "version").write_text("three")
        done = shop.deploy("resume", permission=decided(second), history=history, allow_dirty=True)
        assert (done["status"], shop.answer()) == ("deployed", "three"), done["reasons"]
        assert deployments.newest(history)["prod"].allowances == ["--allow-dirty"]

    def test_the_file_of_environments_is_that_of_the_commit(self, shop, decided):
        """The programs that deploy a reviewed commit were edited this morning."""
        file = shop.path / "promotion.environments.yaml"
        file.write_text("version: 1\n")
        first = shop.write("one")
        for edited in ("version: 1\n# changed\n", None):
            file.unlink() if edited is None else file.write_text(edited)
            done = shop.deploy(permission=decided(first), environments=file)
            assert (done["status"], shop.answer()) == ("refused", "")
            assert "promotion.environments.yaml is not as in the commit" in done["reasons"][0]
        outside = shop.path.parent / "promotion.environments.yaml"
        outside.write_text("version: 1\n# of another repository\n")
        assert shop.deploy(permission=decided(first), environments=outside)["status"] == "deployed"

    @pytest.mark.parametrize(
        ("apply", "timeout", "why"), [("fail", "60s", "no such cluster"), ("hang", "3s", "did not end in time")]
    )
    def test_a_program_that_fails_or_hangs_leads_back(self, shop, decided, apply, timeout, why):
        """It had stopped the old version by then."""
        shop.deploy(permission=decided(shop.write("one")))
        command = shop.command(apply, timeout)
        done = shop.deploy(permission=decided(shop.write("two")), command=command)
        assert (done["status"], why in done["reasons"][0]) == ("rolled back", True), done["reasons"]
        assert shop.answer() == "one"

    def test_what_was_left_can_be_taken_back_later(self, shop, decided):
        """The journal knows what ran."""
        shop.deploy(permission=decided(shop.write("one")))
        bad = (Probe(shop.url, "three"),)
        done = shop.deploy(permission=decided(shop.write("two")), probes=bad, limits=QUICK, roll_back=False)
        assert (done["status"], shop.answer()) == ("failed", "two")
        assert shop.deploy()["status"] == "not done"
        assert (shop.deploy("rollback")["status"], shop.answer()) == ("rolled back", "one")

    def test_a_rollback_that_leads_elsewhere_is_none(self, shop, decided):
        """`undo` goes to the version before, whichever that is."""
        shop.deploy(permission=decided(shop.write("one")))
        second = shop.write("two")
        elsewhere = CommandEnvironment(
            apply=shop.command().apply,
            rollback=[word.replace("{before}", "{commit}") for word in shop.command().rollback],
            status=shop.command().status,
        )
        limits = Limits(health_s=1, interval_s=0.05, up_s=120, rollback_health_s=1)
        plan = {"probes": (Probe(shop.url, "three"),), "limits": limits, "command": elsewhere}
        done = shop.deploy(permission=decided(second), **plan)
        assert (done["status"], done["exit_code"]) == ("rollback failed", 6), done["reasons"]
        assert "before" in done["reasons"][1]

    def test_a_dry_run_says_what_the_decision_says(self, shop, decided):
        """Exit 7 with "nothing was done" read as a no, and without a decision as a yes."""
        permission = decided(shop.write("one"))
        last = "  the decision allows it as of now: exit code 7 is that of every dry run"
        assert str(deploy(shop.plan(permission=permission, dry_run=True))).splitlines()[-1] == last
        without = str(deploy(shop.plan(dry_run=True)))
        assert "a deployment needs one" in without
        assert last not in without
        refused = deploy(shop.plan(permission=decided("a" * 40), dry_run=True))
        assert (refused.ending.code, last in str(refused)) == (3, False)
        assert shop.answer() == ""

    def test_a_program_or_folder_that_the_commit_has_as_a_link_out_of_it(self, shop, decided, tmp_path):
        """What it leads to is in no commit."""
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "run").write_text("#!/bin/sh\n")
        (shop.path / "manifests").symlink_to(outside)
        (shop.path / "inside").symlink_to("release.py")
        reviewed = shop.write("one")
        for words in (["true", "manifests"], ["true", "./manifests/"], ["manifests/run"], ["true", "manifests/run"]):
            command = CommandEnvironment(apply=words, rollback=["true"], status=["true"])
            done = shop.deploy(permission=decided(reviewed), command=command)
            assert (done["status"], "in the commit as a link to /" in done["reasons"][0]) == ("refused", True), words
        command = CommandEnvironment(apply=["true", "inside", "/usr"], rollback=["true"], status=["true"])
        done = shop.deploy(permission=decided(reviewed), command=command, probes=())
        assert done["status"] == "deployed", done["reasons"]

    def test_what_has_no_value_is_refused_before_anything_is_changed(self, shop, decided):
        """`deploy shop:` would deploy the newest one."""
        command = CommandEnvironment(apply=["true", "{image}"], rollback=["true"], status=["true"])
        done = shop.deploy(permission=decided(shop.write("one")), command=command)
        assert (done["status"], "{image} has no value" in done["reasons"][0]) == ("refused", True), done["reasons"]
        missing = CommandEnvironment(apply=["no-such-program"], rollback=["true"], status=["true"])
        done = shop.deploy(command=missing)
        assert (done["status"], "no-such-program is not installed" in done["reasons"][0]) == ("not done", True)

    def test_the_drill(self, shop):
        """In a place of its own, and never on what is live."""
        shop.write("one")
        done = drill(shop.plan(), retain=24)
        assert (done.status, "there is no commit HEAD^" in done.document["reasons"][0]) == ("not_done", True)
        shop.write("two")
        done = drill(shop.plan(), retain=24)
        assert (done.status, "{project} is not in each" in done.document["reasons"][0]) == ("not_done", True)
        done = drill(shop.plan(command=shop.command(place="-{project}")), retain=24)
        assert (done.status, done.document["exercised"]["images"]) == ("passed", True), done.document["reasons"]
        assert [one["status"] for one in done.document["deploy_reports"]] == ["deployed", "rolled back"]
        ran = done.document["versions"]["status"]
        assert ran["before"] == ran["after"] != ran["during"]
        done = drill(shop.plan(command=shop.command(place="-{project}")), retain=24, first="HEAD")
        assert (done.status, "ran the same version" in done.document["reasons"][0]) == ("failed", True)
        until = time.monotonic() + 60
        while shop.answer():  # the server that was killed may take a moment
            assert time.monotonic() < until
        assert not list(shop.state.parent.glob("state*/pid")), "nothing of the drill runs"
        broken = shop.command(place="-{project}")
        words = [word.replace("rollback", "fail") for word in broken.rollback]
        broken = CommandEnvironment(apply=broken.apply, rollback=words, status=broken.status)
        assert drill(shop.plan(command=broken), retain=24).status == "failed"


@pytest.mark.real
@pytest.mark.parametrize("compose_path", [CURRENT], indirect=True)
def test_compose_on_the_engine_that_the_environment_names(site, decision):
    """The caller's `DOCKER_HOST` leads to another machine than the environment says."""
    host = site.environment["DOCKER_HOST"]
    environment = {
        "target": "compose",
        "project": site.project,
        "host": host,
        "health": [{"url": site.url, "says": "version 1"}],
        "variables": {"COLOUR": "file:colour.txt"},
    }
    site.write("1", environment={"COLOUR": "${COLOUR}"})
    (site.path / "colour.txt").write_text("red\n")
    file = site.path / "promotion.environments.yaml"
    file.write_text(json.dumps({"version": 1, "environments": {"prod": environment, "staging": environment}}))
    words = [
        "deploy",
        "--env",
        "prod",
        "--decision",
        str(decision.latest),
        "--allow-unjudged-configuration",
        "--json",
        *LOOSE,
    ]
    around = {**site.environment, "DOCKER_HOST": "unix:///nowhere"}
    done = promotion(site.path, *words, "--health-interval-seconds", "0.2", environment=around)
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (0, "deployed"), done.stdout + done.stderr
    assert (report["project_name"], report["target"]) == (site.project, {"kind": "compose", "host": host})
    assert site.answer() == "version 1"
    made = deployments.newest(decision.latest.parent)["prod"]
    assert (made.ended, made.run_id, made.subject) == (
        "deployed",
        report["decision"]["run_id"],
        report["subject"]["digest"],
    )
    done = promotion(site.path, *words[:2], "produ", *words[3:], environment=around)
    assert done.returncode == 4
    assert "has no environment 'produ'; did you mean prod?" in done.stderr


class TestEnvironments:
    """The file."""

    @pytest.fixture
    def read(self, tmp_path):
        def read(text, name="prod"):
            path = tmp_path / "promotion.environments.yaml"
            path.write_text(text)
            return read_environment(path, name)

        return read

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            ("{target: swarm}", "swarm"),
            ("{target: compose, host: unix:///a, context: b}", "exclude each other"),
            ("{target: compose, nonsense: 1}", "nonsense"),
            ("{target: command, apply: [a], rollback: [b]}", "status"),
            ("{target: command, apply: [], rollback: [b], status: [c]}", "apply"),
            ("{target: command, apply: kubectl apply, rollback: [b], status: [c]}", "apply"),
            ("{target: command, apply: [a], rollback: [b], status: [c], timeout: soon}", "soon"),
            ("{target: compose, health: [localhost]}", "localhost"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, read, body, why):
        """At the first word, and not after the change."""
        with pytest.raises(PolicyError, match=why):
            read(f"version: 1\nenvironments: {{prod: {body}}}\n")

    def test_an_unknown_name(self, read):
        """`--env produ` made an environment of that name."""
        text = "version: 1\nenvironments: {prod: {target: compose}, staging: {target: compose}}\n"
        with pytest.raises(PolicyError, match=r"did you mean staging\?"):
            read(text, "stagging")
        with pytest.raises(PolicyError, match="there are prod, staging"):
            read(text, "eu")

    @pytest.mark.parametrize("target", ["compose", "command, apply: [a], rollback: [b], status: [c]"])
    def test_a_project_of_another_environment(self, tmp_path, target):
        """What staging had decided went to the project of production, or to a scratch project, and soaked there."""
        path = tmp_path / "promotion.environments.yaml"
        text = "version: 1\nenvironments:\n"
        for name, project in {"staging": "shop-staging", "prod": "shop-prod", "eu": "null"}.items():
            text += f"  {name}: {{target: {target}, project: {project}}}\n"
        path.write_text(text)
        for project in ("shop-prod", "scratch", "shop-staging-2", "Shop-Staging"):
            with pytest.raises(PolicyError, match=f"the project of staging is shop-staging, .*{project}"):
                read_environment(path, "staging", project)
        with pytest.raises(PolicyError, match="shop-prod is the project of prod"):
            read_environment(path, "eu", "shop-prod")
        assert read_environment(path, "staging", "shop-staging").project == "shop-staging"
        assert read_environment(path, "eu", "shop-eu").project is None

    def test_a_deployment_of_a_stage_to_another_environment(self, tmp_path, monkeypatch):
        """What `--env scratch --stage staging` deployed was on record as what staging runs, and soaked for production."""
        monkeypatch.chdir(tmp_path)

        def stage(env, stage=""):
            return recorded_stage({"env": env, "stage": stage, "environments": None})

        assert (stage("scratch", "staging"), stage("scratch")) == ("staging", "scratch"), "without a file"
        text = "version: 1\nenvironments: {staging: {target: compose}, scratch: {target: compose}}\n"
        (tmp_path / "promotion.environments.yaml").write_text(text)
        assert (stage("scratch", "staging"), stage("staging", "staging")) == ("scratch", "staging")
        assert stage("scratch", "prod") == "prod", "a stage whose environments have other names"

    @pytest.mark.slow
    @pytest.mark.parametrize("verb", ["deploy", "drill", "monitor"])
    def test_wrong_project_is_wrong_usage(self, tmp_path, verb):
        """Exit 2 would be an answer of the gates, which were not consulted."""
        file = tmp_path / "promotion.environments.yaml"
        file.write_text("version: 1\nenvironments: {prod: {target: compose, project: shop}}\n")
        words = ["--once", "--prometheus", "http://127.0.0.1:9"] if verb == "monitor" else []
        done = promotion(tmp_path, verb, "--env", "prod", "--project-name", "other", *words)
        assert (done.returncode, "the project of prod is shop" in done.stderr) == (4, True), done.stdout + done.stderr
        assert not (tmp_path / ".runtime").exists()

    def test_variables_are_references(self, read, tmp_path):
        """A value in the file would be a secret in the repository."""
        (tmp_path / "key").write_text("a b\n")

        def values(reference):
            found = read(f"version: 1\nenvironments: {{prod: {{target: compose, variables: {{A: '{reference}'}}}}}}\n")
            assert isinstance(found, ComposeEnvironment)
            return found.values(tmp_path, {"HERE": "x"})

        assert values("env:HERE") == {"A": "x"}
        assert values("file:key") == {"A": "a b"}
        for reference, why in {"env:MISSING": "not set", "file:none": "none", "plain": "no reference"}.items():
            with pytest.raises(PolicyError, match=why):
                values(reference)
