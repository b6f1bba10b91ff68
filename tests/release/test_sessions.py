"""Whole sessions of the release gates: each profile, each flag, each tool that is missing or lies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures import release
from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose import engine
from tests.release.conftest import REPOSITORY, check_of
from tests.sessions import environment

DEV = [
    *("required_files", "env_policy", "git_clean", "backend_tests", "frontend_lint", "frontend_unit"),
    *("frontend_build", "threshold_change_governance"),
]
STAGING = [*DEV, "compose_config", "release_tag_signature", "kb_benchmark"]


def outcomes(decision):
    return {check["name"]: check["outcome"] for check in decision["checks"]}


def has_compose() -> bool:
    try:
        engine.find(Path())
    except Unproven:
        return False
    return True


needs_compose = pytest.mark.skipif(not has_compose(), reason="neither docker compose nor docker-compose is installed")


def reports_of(root):
    """The reports for release tooling, oldest first."""
    found = sorted((root / ".runtime").glob("release_gate_*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text()) for path in found]


def put(root, name, text):
    """Commits a file of the release, and moves the tag there as the release would."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    release.git(root, "add", "-A")
    release.git(root, "commit", "-q", "-m", f"another {name}")
    release.git(root, "tag", "-d", release.TAG)
    release.sign(root, root / ".runtime/release_key", release.TAG)


@pytest.mark.parametrize(
    ("profile", "gates"),
    [
        ("dev", DEV),
        pytest.param("staging", STAGING, marks=needs_compose),
        pytest.param("prod", STAGING, marks=needs_compose),
    ],
)
def test_a_release_that_is_in_order_goes_on(whole, decide, profile, gates):
    """Gates that stop what is in order are skipped by flag from then on."""
    decision, done = decide(whole, "--profile", profile)
    assert (decision["status"], done.returncode) == ("PASS", 0), done.stdout
    assert outcomes(decision) == dict.fromkeys(gates, "PASS")
    assert decision["weakened"] == []
    [report] = reports_of(whole)
    assert (report["passed"], report["profile"], report["blockers"]) == (True, profile, [])
    assert {check["name"] for check in report["checks"]} == set(gates)
    assert release.git(whole, "status", "--porcelain") == ""


def test_a_release_is_stopped_by_each_thing_that_is_wrong_with_it(whole, decide):
    """Each gate has to be seen red once, in a session that somebody would really run."""
    env = whole / "backend/.env"
    secret = "harbour" * 6
    env.write_text(f"ALLOW_SIM_BACKTEST=true\nSECRET_KEY={secret}\nAPP_ENV=Production\n")
    (whole / "backend/config/ingestion_jobs.json").write_text("")
    put(whole, "frontend/src/format.js", "export function clearance(metres) {\n  return metre;\n}\n")
    put(
        whole,
        "backend/tidebook/clearance.py",
        "def clearance_m(*_):\n    return 0\n\n\ndef may_enter(*_):\n    return True\n",
    )
    put(whole, "frontend/scripts/build.js", "// nothing yet\n")
    release.git(whole, "tag", "-d", release.TAG)
    (whole / "backend/config/kb_benchmark_policy.json").write_text('{"prod": {"mode": "off"}}')
    shutil.rmtree(whole / "backend/config/kb_benchmark_corpus")
    decision, done = decide(whole, "--profile", "prod", "--skip-docker")
    assert (decision["status"], done.returncode) == ("FAIL", 2)
    assert {name for name, outcome in outcomes(decision).items() if outcome == "PASS"} == set()
    assert decision["warnings"] == ["release_tag_signature"]
    [report] = reports_of(whole)
    assert report["passed"] is False
    assert {line.partition(":")[0] for line in report["blockers"]} >= set(decision["critical_failures"])
    everything = done.stdout + json.dumps(decision) + json.dumps(report)
    assert secret not in everything


def test_staging_may_go_on_without_compose_and_the_decision_says_so(whole, decide):
    """A pass that does not name what was left out is taken for a whole one."""
    decision, done = decide(whole, "--profile", "staging", "--skip-docker")
    assert (decision["status"], done.returncode) == ("PASS", 0), done.stdout
    found = check_of(decision, "compose_config")
    assert (found["outcome"], found["pass"]) == ("NOT_APPLICABLE", False)
    assert "--skip-docker" in found["reason"]
    assert decision["not_applicable"] == ["compose_config"]
    assert [one.split(":")[0] for one in decision["weakened"]] == ["gates.compose_config.thresholds.skip_docker"]


def test_what_a_flag_skips_in_production_did_not_run_and_the_decision_says_so(whole, decide):
    """`prod` with everything skipped once passed in 0.05 s."""
    decision, done = decide(whole, "--profile", "prod", "--skip-docker", "--allow-dirty-git")
    assert (decision["status"], done.returncode) == ("FAIL", 2)
    assert outcomes(decision)["compose_config"] == "NOT_RUN"
    assert decision["critical_failures"] == ["compose_config"]
    assert [one.split(".")[1] for one in decision["weakened"]] == ["compose_config", "git_clean"]
    [report] = reports_of(whole)
    assert [check["status"] for check in report["checks"] if check["name"] == "compose_config"] == ["fail"]
    assert report["weakened"] == decision["weakened"]


def test_a_knowledge_base_that_finds_too_little_warns_in_staging_and_blocks_in_prod(target, decide):
    """`optional` once turned every failure into a pass, and nobody was told before production."""
    cases = [{"query": "zeppelin", "expected_keywords": ["zeppelin"]}]
    (target / "backend/config/kb_benchmark_cases.json").write_text(json.dumps(cases))
    for profile, listed in (("staging", "warnings"), ("prod", "critical_failures")):
        words = ("--profile", profile, "--promotion-set=refresh=kb_benchmark")
        decision, _ = decide(target, *words, "--promotion-set=required=required_files,kb_benchmark")
        assert decision[listed] == ["kb_benchmark"], decision["checks"]
        assert decision["status"] == ("FAIL" if profile == "prod" else "PASS")


def test_a_dirty_tree_is_accepted_by_flag_and_told(target, decide):
    """What nobody can find again afterwards was not released by anyone."""
    (target / "stray.py").write_text("1\n")
    decision, _ = decide(target, only="git_clean")
    assert "stray.py (untracked)" in check_of(decision, "git_clean")["reason"]
    decision, _ = decide(target, "--allow-dirty-git", only="git_clean")
    found = check_of(decision, "git_clean")
    assert (found["outcome"], "1 files differ" in found["reason"]) == ("PASS", True)
    assert "gates.git_clean.thresholds.allow_dirty_git: false to true" in decision["weakened"]


def _no_repository(root):
    shutil.rmtree(root / ".git")


def _half_a_repository(root):
    (root / ".git/HEAD").unlink()


@pytest.mark.parametrize("spoil", [_no_repository, _half_a_repository], ids=["none", "half"])
def test_a_folder_that_is_no_repository_is_not_clean(target, decide, spoil):
    """git says no there, and its exit code is all that tells."""
    spoil(target)
    found = check_of(decide(target, only="git_clean")[0], "git_clean")
    assert (found["outcome"], "git ended with exit code 128" in found["reason"]) == ("FAIL", True)


def test_variables_that_lead_git_elsewhere_are_not_followed(target, decide, tmp_path):
    """`GIT_DIR` of some hook shows the gate another repository, which is clean."""
    (target / "stray.py").write_text("1\n")
    clean = release.build(tmp_path / "clean")
    variables = {"GIT_DIR": str(clean / ".git"), "GIT_WORK_TREE": str(clean)}
    assert check_of(decide(target, only="git_clean", variables=variables)[0], "git_clean")["outcome"] == "FAIL"


@pytest.fixture
def tools(tmp_path):
    """`tools(**programs)`: a folder of programs, each a shell script, or None for one that is not there."""

    def make(**programs):
        place = tmp_path / "bin"
        place.mkdir()
        for name in ("git", "sh", "sleep", "node", "npm"):
            found = shutil.which(name)
            if name not in programs and found:
                (place / name).symlink_to(found)
        for name, script in programs.items():
            if script is not None:
                (place / name).write_text(f"#!/bin/sh\n{script}\n")
                (place / name).chmod(0o755)
        return {"PATH": str(place)}

    return make


@pytest.mark.parametrize(
    ("gate", "missing", "said"),
    [
        ("git_clean", "git", "git is not installed: install it from"),
        ("frontend_lint", "npm", "npm is not installed: install Node.js 20"),
        ("compose_config", "docker", "docker is not installed; docker-compose is not installed; install Docker"),
    ],
)
def test_a_missing_tool_is_a_fail_that_says_how_to_get_it(target, decide, tools, gate, missing, said):
    """A machine without the tool would otherwise be the one on which everything passes."""
    found = check_of(decide(target, only=gate, variables=tools(**{missing: None}))[0], gate)
    assert (found["outcome"], said in found["reason"]) == ("FAIL", True), found["reason"]


def test_a_tool_that_hangs_is_ended(target, decide, tools):
    """A gate that waits for ever holds the release, and whoever is tired of it skips the gate."""
    slow = tools(npm="sleep 600")
    decision, _ = decide(
        target, "--promotion-set=gates.frontend_lint.thresholds.timeout_s=1", only="frontend_lint", variables=slow
    )
    found = check_of(decision, "frontend_lint")
    assert (found["outcome"], "did not end within 1 s" in found["reason"]) == ("INCONCLUSIVE", True)


def test_a_docker_without_compose_did_not_accept_the_file(target, decide, tools):
    """It ends with 125 and its usage text, which is no word about the file."""
    lame = tools(docker="echo 'docker: unknown command: docker compose'\nexit 125")
    found = check_of(decide(target, only="compose_config", variables=lame)[0], "compose_config")
    assert (found["outcome"], "docker compose has no compose plugin" in found["reason"]) == ("FAIL", True)


@needs_compose
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services:\n  backend:\n    imagee: x\n", "ended with exit code"),
        ("services: {}\n", "has no services"),
        ("services:\n  backend:\n    image: x\n    environment: {A: '${NOT_SET_ANYWHERE}'}\n", "NOT_SET_ANYWHERE"),
    ],
    ids=["unknown key", "no services", "unset variable"],
)
def test_a_compose_file_that_cannot_be_deployed_is_refused(target, decide, text, said):
    """Compose takes an empty text for a variable without a value, and ends with zero."""
    (target / "docker-compose.yml").write_text(text)
    found = check_of(decide(target, only="compose_config")[0], "compose_config")
    assert found["outcome"] != "PASS"
    assert said in found["reason"]


def test_a_frontend_that_is_not_installed_is_told_how(target, decide):
    """`eslint: not found` is the last line of a thousand."""
    found = check_of(decide(target, only="frontend_lint")[0], "frontend_lint")
    assert (found["outcome"], "run `npm ci` in frontend first" in found["reason"]) == ("FAIL", True)


def scripts(root, **changed):
    path = root / "frontend/package.json"
    package = json.loads(path.read_text())
    package["scripts"].update({name.replace("_", ":"): line for name, line in changed.items()})
    path.write_text(json.dumps(package))


@pytest.mark.parametrize(
    ("gate", "changed", "said"),
    [
        ("frontend_unit", {"test_unit": "true"}, "the script test:unit did not write frontend/reports/unit.xml"),
        ("frontend_unit", {"test_unit": "mkdir -p reports && echo '<testsuites/>' > reports/unit.xml"}, "passed is 0"),
        ("frontend_unit", {"test_unit": "mkdir -p reports && : > reports/unit.xml"}, "is empty"),
        ("frontend_build", {"build": "true"}, "did not write frontend/dist/index.html"),
        ("frontend_build", {"build": "mkdir -p dist && : > dist/index.html"}, "bytes of frontend/dist/index.html is 0"),
        ("frontend_build", {"build": "exit 3"}, "npm run build ended with exit code 3"),
        ("frontend_lint", {"lint": ""}, "the script lint"),
    ],
    ids=["no report", "no tests", "empty report", "no build", "empty build", "failed build", "no script"],
)
def test_a_script_that_does_nothing_has_shown_nothing(target, decide, gate, changed, said):
    """Exit code zero is what a script ends with that was emptied to make the pipeline green."""
    scripts(target, **changed)
    found = check_of(decide(target, only=gate)[0], gate)
    assert found["outcome"] != "PASS"
    assert said in found["reason"], found["reason"]


def test_what_an_earlier_build_wrote_is_not_what_this_one_wrote(target, decide):
    """A build that stopped working leaves the last one that did."""
    (target / "frontend/dist").mkdir()
    (target / "frontend/dist/index.html").write_text("of last week")
    scripts(target, build="true")
    found = check_of(decide(target, only="frontend_build")[0], "frontend_build")
    assert (found["outcome"], "did not write" in found["reason"]) == ("FAIL", True)


def test_a_backend_without_tests_did_not_pass_them(target, decide):
    """pytest ends with five there, which is not one."""
    shutil.rmtree(target / "backend/tests/unit")
    (target / "backend/tests/unit").mkdir()
    decision, done = decide(target, "--promotion-set=refresh=backend_tests", only="backend_tests")
    assert done.returncode == 2
    assert check_of(decision, "backend_tests")["outcome"] == "FAIL"
    assert any("the producer backend_tests ended with exit code" in reason for reason in decision["reasons"])


def test_results_of_an_earlier_day_are_not_those_of_this_release(target, decide):
    """A report that stays behind passes for every commit after it."""
    (target / "reports/tests").mkdir(parents=True)
    report = {"ts_utc": "2026-01-01T00:00:00+00:00", "status": "pass", "finished": True}
    report |= {"groups": {"unit": {"passed": 3, "failed": 0}}, "coverage_percent": 99.0}
    (target / "reports/tests/latest.json").write_text(json.dumps(report))
    found = check_of(decide(target, only="backend_tests")[0], "backend_tests")
    assert (found["outcome"], "reports/tests/latest.json is " in found["reason"]) == ("FAIL", True), found["reason"]


@pytest.mark.parametrize(
    ("profile", "line", "said"),
    [
        ("dev", "ALLOW_SIM_BACKTEST=yes", "ALLOW_SIM_BACKTEST in backend/.env line 1"),
        ("dev", "A=1", "ALLOW_SIM_BACKTEST is set nowhere"),
        ("staging", "ALLOW_SIM_BACKTEST=0", "SECRET_KEY is set nowhere"),
        ("staging", f"ALLOW_SIM_BACKTEST=0\nSECRET_KEY={'k' * 32}", "stands for a secret and is none"),
        ("prod", f"ALLOW_SIM_BACKTEST=0\nSECRET_KEY={os.urandom(32).hex()}", "APP_ENV is set nowhere"),
        ("prod", f"ALLOW_SIM_BACKTEST=0\nSECRET_KEY={os.urandom(32).hex()}\nAPP_ENV=staging", "none of production"),
    ],
    ids=["simulated", "unsaid", "no secret", "equal characters", "no environment", "another environment"],
)
def test_each_profile_asks_of_the_environment_what_it_owes(target, decide, profile, line, said):
    """A secret that staging does not ask for is first missed in production."""
    (target / "backend/.env").write_text(f"{line}\n")
    decision, _ = decide(target, "--profile", profile, "--promotion-set=refresh=", only="env_policy")
    found = check_of(decision, "env_policy")
    assert found["outcome"] != "PASS"
    assert said in found["reason"]


def test_a_value_of_the_process_is_judged_beside_that_of_the_file(target, decide):
    """A pipeline's own variable wins over the file, and nobody sees it in the repository."""
    decision, _ = decide(target, only="env_policy", variables={"ALLOW_SIM_BACKTEST": "1"})
    assert "ALLOW_SIM_BACKTEST in the environment" in check_of(decision, "env_policy")["reason"]


@pytest.mark.slow
def test_a_secret_that_was_committed_once_is_refused_wherever_it_is_set(target, decide):
    """Whoever has a clone of the repository has the key that production signs its sessions with."""
    secret = next(line for line in (target / "backend/.env").read_text().splitlines() if line.startswith("SECRET_KEY="))
    (target / "notes.md").write_text(f"we rotated to {secret.partition('=')[2]}\n")
    for words in (("add", "notes.md"), ("commit", "-q", "-m", "notes"), ("rm", "-q", "notes.md")):
        release.git(target, *words)
    release.git(target, "commit", "-q", "-m", "no notes")
    decision, done = decide(target, "--profile", "prod", "--promotion-set=refresh=", only="env_policy")
    found = check_of(decision, "env_policy")
    assert found["outcome"] == "FAIL"
    assert "SECRET_KEY in backend/.env line 3, object " in found["reason"]
    assert secret.partition("=")[2] not in json.dumps(decision) + done.stdout


def test_the_env_file_is_not_in_the_vault(target, decide, tmp_path):
    """The vault is uploaded, and evidence is what is asked for as an artifact."""
    secret = next(line for line in (target / "backend/.env").read_text().splitlines() if line.startswith("SECRET_KEY"))
    decide(target, "--profile", "prod", "--promotion-set=refresh=", only="env_policy")
    value = secret.partition("=")[2].encode()
    kept = [path for folder in tmp_path.glob("reports*") for path in folder.rglob("*") if path.is_file()]
    kept += list((target / ".runtime").glob("*.json"))
    assert kept
    assert [path for path in kept if value in path.read_bytes()] == []


def test_reports_of_one_second_stand_side_by_side(target, decide):
    """A passing run must not overwrite the failing one that was there first."""
    for _ in range(2):
        decide(target, only="required_files")
    assert len(reports_of(target)) == 2
    assert len({report["run_id"] for report in reports_of(target)}) == 2


def test_a_report_that_cannot_be_written_is_told(target, decide):
    """Whoever waits for the report must not find an older one in silence."""
    (target / ".runtime").rename(target / "elsewhere")
    (target / ".runtime").write_text("a file")
    _, done = decide(target, only="required_files")
    assert "the release report could not be written" in done.stdout


def test_a_flag_that_contradicts_another_is_wrong_usage():
    """To build what is skipped means nothing."""
    for words in (["--docker-build", "--skip-docker"], ["--kb-min-recall", "nan"], ["--kb-min-precision", "1.1"]):
        assert CliRunner().invoke(main, ["gates", *words]).exit_code == 4


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (
            ("--kb-benchmark-mode", "optional", "--kb-cases", "cases.json", "--kb-min-precision", "0.5"),
            {
                "gates.kb_benchmark.thresholds.require_kb_benchmark": True,
                "gates.kb_benchmark.severity": "warning",
                "gates.kb_benchmark.thresholds.cases": "cases.json",
                "gates.kb_benchmark.thresholds.min_precision": 0.5,
            },
        ),
        (
            ("--kb-benchmark-mode", "off", "--kb-policy", "policy.json"),
            {
                "gates.kb_benchmark.thresholds.skip_kb_benchmark": True,
                "gates.threshold_change_governance.thresholds.policy": "policy.json",
                "gates.kb_benchmark.thresholds.policy": "policy.json",
            },
        ),
        (("--kb-benchmark-mode", "auto"), {}),
    ],
    ids=["optional", "off", "auto"],
)
def test_a_flag_is_a_setting_that_the_decision_names(target, decide, words, settings):
    """A flag that the policy has never heard of is one that everybody believes was applied."""
    decision, _ = decide(target, *words, only="required_files")
    assert decision["overrides"] == {"required": ["required_files"], **settings}


@needs_compose
def test_an_image_is_built_where_that_is_asked_for(target, decide, docker_engine):
    """A compose file that Compose accepts names a folder that does not build."""
    variables = {name: docker_engine.environment[name] for name in ("DOCKER_HOST", "DOCKER_BUILDKIT")}
    variables["COMPOSE_DOCKER_CLI_BUILD"] = "0"
    words = ("--promotion-set=required=required_files,image_build", "--docker-build")
    decision, done = decide(target, *words, variables=variables)
    assert outcomes(decision) == {"required_files": "PASS", "image_build": "PASS"}, done.stdout
    assert "tidebook-backend" in docker_engine.docker("images", "--format", "{{.Repository}}")
    (target / "backend/Dockerfile").write_text("FROM scratch\nCOPY not-there /\n")
    decision, _ = decide(target, *words, variables=variables)
    assert outcomes(decision)["image_build"] == "FAIL"


@needs_compose
def test_every_release_gate_can_fail(whole, decide):
    """A gate that passes whatever is wrong is a line in a document."""
    decide(whole, "--profile", "prod")
    words = ["--promotion-policy=fixtures/release_policy.yaml", "--promotion-profile=prod", "--promotion-prove"]
    reports = whole.parent / "proof"
    words += [f"--promotion-root={whole}", f"--promotion-reports={reports}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "gates/release", "-q", "-p", "no:cacheprovider", *words],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    [path] = (reports / "promotion_gates").glob("prove_*.json")
    table = json.loads(path.read_text())
    assert [line for gate in table["gates"] for line in gate["survivors"]] == []
    assert (done.returncode, {gate["name"] for gate in table["gates"]}) == (0, set(STAGING)), done.stdout
    assert {gate["name"] for gate in table["gates"] if gate["excused"]} == {"env_policy"}
