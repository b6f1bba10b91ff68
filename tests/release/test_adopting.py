"""`promotion init --suite release` in repositories that know nothing of it, decided from a clean clone."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fixtures.release import KNOWLEDGE, git
from pytest_promotion import policy as policies
from pytest_promotion.suites.release import thresholds
from pytest_promotion.suites.release.adoption.adopt import adopt as look
from pytest_promotion.suites.release.pipelines.workflows import workflows
from tests.release import adopters

pytestmark = pytest.mark.slow
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
NO_VITE = {**adopters.SCRIPTS, "build": "node build.mjs # vite build"}
DEMO_PIN = "15ce148608fcea390f454ab11728ce099f0fed4bf26beb886827abb104643735"


def settings_of(tmp_path, files):
    return look(adopters.repository(tmp_path, files)).settings


def outcomes(decision):
    return {check["name"]: check["outcome"] for check in decision["checks"]}


@needs_npm
def test_a_clean_clone_of_an_adopted_repository_passes(tmp_path):
    """What passes only where somebody had installed everything by hand fails in CI, and is then skipped there."""
    files = {**adopters.javascript("web", NO_VITE), **adopters.PYTHON, ".gitignore": ".env\n"}
    origin = adopters.repository(tmp_path / "origin", files)
    printed = adopters.adopt(origin)
    assert "frontend: npm in web/, scripts lint, test, build" in printed
    assert "Python tests: tests in backend/" in printed
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True)
    decision, done = adopters.decide(clone, "dev")
    assert (decision["status"], done.returncode) == ("PASS", 0), done.stdout
    found = outcomes(decision)
    ran = {name for name, outcome in found.items() if outcome == "PASS"}
    assert ran == {"required_files", "git_clean", "backend_tests", "frontend_lint", "frontend_unit", "frontend_build"}
    assert set(found.values()) == {"PASS", "NOT_APPLICABLE"}
    assert git(clone, "status", "--porcelain") == ""
    variables = {"SECRET_KEY": secrets.token_hex(32), "APP_ENV": "production"}
    for profile in ("staging", "prod"):
        decision, done = adopters.decide(clone, profile, **variables)
        assert (decision["status"], decision["critical_failures"]) == ("PASS", []), done.stdout
    decision, _ = adopters.decide(clone, "staging")
    assert decision["critical_failures"] == ["env_policy"]


@needs_npm
def test_an_adopted_repository_is_stopped_by_what_is_wrong_with_it(tmp_path):
    """Conditions that excuse what fails would make every adopted gate a decoration."""
    root = adopters.repository(tmp_path / "root", {**adopters.javascript("web", NO_VITE), **adopters.PYTHON})
    adopters.adopt(root)
    (root / "web/unit.test.mjs").write_text(adopters.UNIT.replace("2));", "3));"))
    (root / "backend/app/__init__.py").write_text("def total(*prices):\n    return 0\n")
    (root / "web/build.mjs").write_text("")
    decision, done = adopters.decide(root, "dev")
    assert done.returncode == 2
    assert set(decision["critical_failures"]) == {"backend_tests", "frontend_unit", "frontend_build", "git_clean"}


@needs_npm
@pytest.mark.parametrize(
    "spoil", [lambda web: (web / "package-lock.json").unlink(), lambda web: (web / "package-lock.json").write_text("{")]
)
def test_an_installation_that_fails_is_a_fail(tmp_path, spoil):
    """What is left from an earlier installation would be judged for what the lock file says."""
    root = adopters.repository(tmp_path / "root", adopters.javascript("web", NO_VITE))
    adopters.adopt(root)
    spoil(root / "web")
    decision, _ = adopters.decide(root, "dev", "--allow-dirty-git")
    assert decision["status"] == "FAIL"
    assert any("the producer frontend_install ended with exit code" in reason for reason in decision["reasons"])


@pytest.mark.parametrize(
    ("lock", "folder", "manager"),
    [
        ("web/package-lock.json", "web", "npm"),
        ("web/pnpm-lock.yaml", "web", "pnpm"),
        ("pnpm-lock.yaml", "web", "pnpm"),
        ("yarn.lock", "apps/web", "yarn"),
        ("apps/web/yarn.lock", "apps/web", "yarn"),
        ("bun.lock", "web", "bun"),
    ],
)
def test_the_package_manager_is_that_of_the_lock_file(tmp_path, lock, folder, manager):
    """Another manager installs other versions, and what was tested is not what is shipped."""
    files = {f"{folder}/package.json": json.dumps({"scripts": {"lint": "eslint ."}}), lock: "{}"}
    found = settings_of(tmp_path, files)
    assert found["gates"]["frontend_lint"]["thresholds"]["package_manager"] == manager
    words = found["producers"]["frontend_install"]["command"]
    parent = str(Path(lock).parent)
    assert f"--manager={manager}" in words
    assert ("--folder={root}" if parent == "." else f"--folder={{root}}/{parent}") in words


@pytest.mark.parametrize("manager", ["pnpm", "yarn", "bun"])
def test_other_package_managers_install_and_run(tmp_path, manager):
    """Words of a command that were never run are a guess."""
    if shutil.which(manager) is None:
        pytest.skip(f"{manager} is not installed")
    files = adopters.javascript("web", NO_VITE)
    del files["web/package-lock.json"]
    package = json.loads(files["web/package.json"]) | {"dependencies": {"coins": "file:./coins"}}
    files |= {
        "web/package.json": json.dumps(package),
        "web/coins/package.json": '{"name": "coins", "version": "1.0.0"}',
    }
    root = adopters.repository(tmp_path, {**files, ".gitignore": ".yarn/\n"})
    subprocess.run([manager, "install"], cwd=root / "web", check=True, capture_output=True)
    adopters.adopt(root)
    decision, done = adopters.decide(root, "dev")
    assert decision["status"] == "PASS", done.stdout


@pytest.mark.parametrize(
    ("script", "reporter"),
    [
        ("vitest run", "vitest"),
        ("jest --coverage", "jest"),
        ("react-scripts test", "jest"),
        ("node --test src/a.test.js", "node"),
        ("mocha spec", "mocha"),
        ("bunx playwright test", "playwright"),
        ("tap", None),
        ("node scripts/jest-like.js", None),
        ("node --test --test-reporter=junit", None),
    ],
)
def test_the_test_runner_is_told_to_write_junit_where_it_is_known(tmp_path, script, reporter):
    """A script without a report would have to be rewritten before the first decision."""
    files = {"web/package.json": json.dumps({"scripts": {"test": script}}), "web/package-lock.json": "{}"}
    found = look(adopters.repository(tmp_path, files))
    assert found.settings["gates"]["frontend_unit"]["thresholds"]["reporter"] == reporter
    assert any("write the JUnit results" in note for note in found.notes) is (reporter is None)


def test_a_script_that_appears_later_makes_its_gate_apply(tmp_path):
    """A gate that was left out once is otherwise left out for ever."""
    scripts = {"test": "node --test unit.test.mjs"}
    root = adopters.repository(tmp_path, adopters.javascript("web", scripts))
    adopters.adopt(root)
    words = ("--allow-dirty-git", "--promotion-set=refresh=")
    decision, _ = adopters.decide(root, "dev", *words)
    assert outcomes(decision)["frontend_lint"] == "NOT_APPLICABLE"
    package = json.loads((root / "web/package.json").read_text())
    package["scripts"]["lint"] = "exit 3"
    (root / "web/package.json").write_text(json.dumps(package))
    decision, _ = adopters.decide(root, "dev", *words)
    assert outcomes(decision)["frontend_lint"] == "FAIL"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"pytest.ini": "[pytest]\n", "tests/test_a.py": "", "setup.py": ""}, ["--root={root}", "--group=tests=tests"]),
        (
            {"pyproject.toml": "", "src/shop/__init__.py": "", "tests/test_a.py": ""},
            ["--root={root}", "--group=tests=tests -o pythonpath=src", "--cov=src/shop"],
        ),
        (
            {
                "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\ntestpaths = ["checks"]\n',
                "src/shop/__init__.py": "",
                "checks/test_a.py": "",
            },
            ["--group=tests=checks", "--cov=src/shop"],
        ),
        (
            {"api/requirements.txt": "", "api/app/__init__.py": "", "api/app/tests/test_a.py": ""},
            ["--root={root}/api", "--group=tests=app/tests", "--cov=app"],
        ),
        (
            {"tox.ini": "[pytest]\n", "setup.py": "", "api/app/__init__.py": "", "api/tests/test_a.py": ""},
            ["--root={root}", "--group=tests=api/tests -o pythonpath=api", "--cov=api/app"],
        ),
    ],
    ids=["flat", "src", "own paths", "tests in the package", "configured above"],
)
def test_python_tests_are_run_as_the_project_configures_them(tmp_path, files, words):
    """Run otherwise, they end with `No module named 'app'`, and the gate is switched off."""
    command = settings_of(tmp_path, files)["producers"]["backend_tests"]["command"]
    assert set(words) <= set(command), command


def test_coverage_that_the_project_asks_of_itself_counts(tmp_path):
    """A lower limit than a project's own would let it lose what it has."""
    files = {"pyproject.toml": "[tool.coverage.report]\nfail_under = 91\n", "tests/test_a.py": ""}
    gate = settings_of(tmp_path, files)["gates"]["backend_tests"]
    assert gate["thresholds"]["least_coverage_percent"] == 91


def test_a_python_project_without_tests_owes_them(tmp_path):
    """A gate that does not apply because nobody wrote a test passes the worst repositories."""
    found = look(adopters.repository(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n"}))
    assert "backend_tests" not in found.settings["gates"]
    assert any("no Python tests were found" in note for note in found.notes)


@pytest.mark.parametrize(
    ("files", "env_file"),
    [
        ({".env.example": "A=1\n"}, ".env"),
        ({"backend/.env.example": "A=1\n"}, "backend/.env"),
        ({"frontend/.env.example": "A=1\n"}, None),
        ({"README.md": "x"}, None),
    ],
)
def test_an_example_is_no_env_file(tmp_path, files, env_file):
    """What stands in an example is published."""
    assert settings_of(tmp_path, files)["gates"]["env_policy"]["thresholds"]["env_file"] == env_file


def test_the_file_that_compose_lays_over_is_judged_too(tmp_path):
    """What is judged would not be what `docker compose up` starts."""
    services = "services: {web: {image: shop}}\n"
    files = {"compose.yaml": services, "compose.override.yaml": services, "docker-compose.yml": services}
    gate = settings_of(tmp_path, files)["gates"]["compose_config"]["thresholds"]
    assert gate["compose"] == ["compose.yaml", "compose.override.yaml"]
    [text] = [
        content for path, content in workflows(tmp_path, "github").files.items() if path.endswith("promotion-gate.yml")
    ]
    assert b"--compose compose.yaml --compose compose.override.yaml" in text


def test_a_switch_that_the_code_knows_is_asked_for(tmp_path):
    """Simulated trades are what the rule is there for."""
    knows = settings_of(tmp_path, {"app/settings.py": "ALLOW_SIM_BACKTEST = False\n"})["gates"]["env_policy"]
    assert "not_applicable" not in knows
    assert "switched_off" not in knows["thresholds"]


def test_the_policy_of_a_knowledge_base_is_pinned_as_it_is(tmp_path):
    """With the pin of a demo, the first run fails and the rule is removed."""
    files = {
        "config/kb_benchmark_policy.json": (KNOWLEDGE / "kb_benchmark_policy.json").read_text(),
        "README.md": "x",
    }
    found = look(adopters.repository(tmp_path, files))
    rules = found.settings["gates"]["threshold_change_governance"]["thresholds"]
    policy = thresholds.checked(json.loads(files["config/kb_benchmark_policy.json"]), "policy")
    assert rules["approved_sha256"] == thresholds.sha256(policy) != DEMO_PIN
    assert found.files[rules["approved"]] == files["config/kb_benchmark_policy.json"].encode()


def test_the_records_of_a_knowledge_base_are_laid_out_and_none_is_written_over(tmp_path):
    """A checklist that a team has made its own must not be lost, nor keep the gates from being written."""
    files = {
        "config/kb_benchmark_policy.json": (KNOWLEDGE / "kb_benchmark_policy.json").read_text(),
        "docs/QA/README.md": "ours",
    }
    root = adopters.repository(tmp_path, files)
    adopters.adopt(root)
    assert (root / "docs/QA/README.md").read_text() == "ours"
    names = ("KB_Weekly_Review_Checklist.md", "KB_Monthly_Checkpoint_Template.md", "KB_Monthly_Checkpoints/README.md")
    assert all((root / "docs/Ops" / name).read_text() for name in names)
    assert not (adopters.repository(tmp_path / "other", {"README.md": "x"}) / "docs").exists()


def knowledge(root):
    """A repository with a knowledge base, adopted."""
    files = {"config/kb_benchmark_policy.json": (KNOWLEDGE / "kb_benchmark_policy.json").read_text(), "a": "b"}
    adopters.adopt(adopters.repository(root, files))
    return root


GOVERNED = ("--promotion-set=refresh=", "--promotion-set=required=threshold_change_governance", "--allow-dirty-git")


def test_a_policy_that_nobody_changed_needs_no_record(tmp_path):
    """Where there was no change yet there is no record, and a gate that needs one can never pass."""
    decision, done = adopters.decide(knowledge(tmp_path), "dev", *GOVERNED)
    assert outcomes(decision)["threshold_change_governance"] == "PASS", done.stdout


@pytest.mark.parametrize("name", ["kb_benchmark_policy.json", "kb_benchmark_policy.approved.json"])
def test_a_policy_that_somebody_changed_is_refused(tmp_path, name):
    """The pin is in another file than both, so that neither can be edited alone."""
    path = knowledge(tmp_path) / "config" / name
    policy = json.loads(path.read_text())
    policy["prod"]["min_recall"] = 0.01
    path.write_text(json.dumps(policy))
    decision, _ = adopters.decide(tmp_path, "dev", *GOVERNED)
    assert outcomes(decision)["threshold_change_governance"] in ("FAIL", "INCONCLUSIVE")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"prod": {"min_recall": 2}}'])
def test_a_policy_that_cannot_be_read_is_not_pinned(tmp_path, text):
    """A digest of something broken would approve it."""
    found = look(adopters.repository(tmp_path, {"config/kb_benchmark_policy.json": text or "\n", "a": "b"}))
    rules = found.settings["gates"]["threshold_change_governance"]["thresholds"]
    assert (rules["approved_sha256"], rules["approved"] in found.files) == (None, False)


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "x"},
        {"package.json": "[]", "README.md": "x"},
        {"package.json": "{", "web/pyproject.toml": "[", "compose.yml": "\t", "README.md": "x"},
        {"package.json": '{"scripts": []}', "api/pytest.ini": "[", "api/tests/test_a.py": "", "api/setup.cfg": "["},
        {"package.json": '{"scripts": {"lint": 3}}', "setup.py": "", "compose.yaml": "a: 1\na: 2\n"},
    ],
)
def test_whatever_is_there_the_policy_that_is_written_can_be_used(tmp_path, files):
    """A policy that has to be mended before its first use is mended wrongly."""
    root = adopters.repository(tmp_path, files)
    adopters.adopt(root)
    assert DEMO_PIN not in (root / "promotion.yaml").read_text()
    for profile in ("dev", "staging", "prod"):
        policies.load(root / "promotion.yaml", profile)
    decision, done = adopters.decide(root, "dev", "--promotion-set=refresh=")
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert decision["finished"] is True


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "x"},
        adopters.PYTHON,
        adopters.javascript("web", {"test": "node --test unit.test.mjs"}),
        {**adopters.PYTHON, **adopters.javascript(".", NO_VITE), "compose.yaml": "services: {web: {image: shop}}\n"},
        {**adopters.PYTHON, **adopters.knowledge_base(), ".env.example": "ALLOW_SIM_BACKTEST=false\n"},
    ],
    ids=["nothing", "python", "javascript", "compose", "knowledge"],
)
def test_what_a_repository_says_of_itself_weakens_nothing(tmp_path, files):
    """A list that is never empty is not read, and `--refuse-weakened` could never be used."""
    root = adopters.repository(tmp_path, files)
    adopters.adopt(root)
    for profile in ("dev", "staging", "prod"):
        assert policies.load(root / "promotion.yaml", profile).weakened == ()


@pytest.mark.parametrize(
    ("gate", "rules", "words"),
    [
        ("kb_benchmark", {"thresholds": {"min_recall": 0.1}}, "min_recall"),
        ("backend_tests", {"thresholds": {"least_coverage_percent": 10}}, "least_coverage_percent"),
        ("env_policy", {"thresholds": {"switched_off": []}}, "switched_off"),
        ("env_policy", {"thresholds": {"min_secret_bits": 8}}, "min_secret_bits"),
        ("git_clean", {"thresholds": {"allow_dirty_git": True}}, "allow_dirty_git"),
        (
            "env_policy",
            {"not_applicable": {"because": "this is left out", "when": {"profiles": ["dev", "prod"]}}},
            "env_policy.not_app",
        ),
        (
            "backend_tests",
            {"not_applicable": {"because": "this is left out", "when": {"no_files": ["a"]}}},
            "backend_tests.not_app",
        ),
        (
            "frontend_unit",
            {
                "not_applicable": {
                    "because": "this is left out",
                    "when": {"no_entry": {"file": "b.json", "entry": ["scripts", "test"]}},
                }
            },
            "frontend_unit.not_app",
        ),
        (
            "git_clean",
            {"not_applicable": {"because": "this is left out", "when": {"no_files": ["package.json"]}}},
            "git_clean.not_app",
        ),
        ("frontend_lint", {"severity": "warning"}, "severity"),
    ],
)
def test_what_is_relaxed_is_still_said(tmp_path, gate, rules, words):
    """Saying where things are must not be a way to say that less is enough."""
    root = adopters.repository(tmp_path, {**adopters.PYTHON, **adopters.knowledge_base()})
    adopters.adopt(root)
    document = yaml.safe_load((root / "promotion.yaml").read_text())
    own = document["gates"].setdefault(gate, {})
    own |= rules | {"thresholds": own.get("thresholds", {}) | rules.get("thresholds", {})}
    (root / "promotion.yaml").write_text(yaml.safe_dump(document))
    profile = "dev" if "coverage" in words else "prod"
    if gate == "kb_benchmark":
        del document["profiles"]["prod"]["gates"]["kb_benchmark"]["thresholds"]["min_recall"]
        document["profiles"]["prod"]["gates"]["kb_benchmark"]["thresholds"]["min_recall"] = 0.1
        (root / "promotion.yaml").write_text(yaml.safe_dump(document))
    assert any(words in one for one in policies.load(root / "promotion.yaml", profile).weakened)


def test_an_override_of_where_things_are_is_said(tmp_path):
    """A flag of one run can point a gate at a folder that was made for it."""
    root = adopters.repository(tmp_path, adopters.PYTHON)
    adopters.adopt(root)
    found = policies.load(root / "promotion.yaml", "dev", ["gates.required_files.thresholds.files=README.md"])
    assert any("required_files" in one for one in found.weakened)


def test_a_switch_that_is_mentioned_later_is_asked_for(tmp_path):
    """A setting that was written when nothing knew the switch would excuse it for ever."""
    root = adopters.repository(tmp_path, adopters.PYTHON)
    adopters.adopt(root)
    variables = {"SECRET_KEY": secrets.token_hex(32)}
    words = ("--promotion-set=refresh=", "--promotion-set=required=env_policy", "--allow-dirty-git")
    decision, done = adopters.decide(root, "staging", *words, **variables)
    assert outcomes(decision)["env_policy"] == "PASS", done.stdout
    decision, _ = adopters.decide(root, "staging", *words, **variables, ALLOW_SIM_BACKTEST="true")
    assert outcomes(decision)["env_policy"] == "FAIL"
    (root / "backend/app/settings.py").write_text("import os\nALLOW = os.environ['ALLOW_SIM_BACKTEST']\n")
    decision, _ = adopters.decide(root, "staging", *words, **variables)
    assert outcomes(decision)["env_policy"] == "INCONCLUSIVE"


def test_two_suites_bring_their_producers_side_by_side(tmp_path):
    """The producers of the second once took the place of those of the first."""
    from pytest_promotion.scaffold.adopting import as_yaml
    from pytest_promotion.suites import Adoption

    one, other = (Adoption(settings={"producers": {name: {"command": [name]}}, "refresh": [name]}) for name in "ab")
    found = yaml.safe_load(as_yaml([one, other]))
    assert found == {"producers": {"a": {"command": ["a"]}, "b": {"command": ["b"]}}, "refresh": ["a", "b"]}


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    """An approved policy that is replaced by the one in use approves it."""
    files = {"config/kb_benchmark_policy.json": "{}", "README.md": "x"}
    root = adopters.repository(
        tmp_path, files | {"config/kb_benchmark_policy.approved.json": '{"prod": {"mode": "off"}}'}
    )
    adopters.adopt(root)
    assert (root / "config/kb_benchmark_policy.approved.json").read_text() == '{"prod": {"mode": "off"}}'
    assert os.path.exists(root / "promotion.yaml")
