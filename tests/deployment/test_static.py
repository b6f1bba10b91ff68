"""Static checks on Northlight: what linters find, what they do not look at, and what they were told not to say."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from fixtures import deployment, release
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import Completed
from pytest_promotion.suites.deployment import linters
from tests.release.conftest import copied

BAD_PYTHON = "def price():\n    return undefined\n"
BAD_JAVASCRIPT = "export function price() {\n  return undefinedPrice;\n}\n"


@pytest.fixture(scope="session")
def _installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("northlight") / "root"
    folder.mkdir()
    deployment.repository(folder)
    missing = release.install(folder, "web")
    if missing:
        pytest.skip(f"ESLint cannot be installed here: {missing}")
    return folder


@pytest.fixture
def target(_installed, tmp_path):
    """Northlight with its linters, to be broken."""
    return copied(_installed, tmp_path / "root")


@pytest.fixture
def judged(pytester, monkeypatch):
    """`judged(folder)`: the gate by itself, its outcome and its reason."""

    def judge(folder, **thresholds):
        monkeypatch.chdir(folder)
        said = [f"--promotion-set=gates.static_checks.thresholds.{name}={value}" for name, value in thresholds.items()]
        words = (
            "gates",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--rootdir={folder}",
            "--promotion-set=required=static_checks",
        )
        done = pytester.runpytest_inprocess(*words, *said)
        [check] = json.loads((folder / "reports/promotion_gates/latest.json").read_bytes())["checks"]
        assert (done.ret == 0) == (check["outcome"] == "PASS"), done.stdout
        return check["outcome"], check["reason"]

    return judge


def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_code_without_findings_goes_on(target, judged):
    """Both linters have to have looked: each ends well where it looked at nothing."""
    assert judged(target) == ("PASS", "nothing is found; files looked at: Ruff 5, ESLint 1")


def _python(folder):
    (folder / "northlight/price.py").write_text(BAD_PYTHON)


def _own_rule(folder):
    (folder / "northlight/price.py").write_text("import os\nPRICE = 1\n")


def _syntax(folder):
    (folder / "northlight/price.py").write_text("def price(:\n")


def _javascript(folder):
    (folder / "web/src/price.js").write_text(BAD_JAVASCRIPT)


def _broken_javascript(folder):
    (folder / "web/src/price.js").write_text("export function {\n")


def _no_rules(folder):
    _python(folder)
    (folder / "ruff.toml").write_text('[lint]\nselect = []\nignore = ["ALL"]\n')


def _per_file(folder):
    _python(folder)
    (folder / "ruff.toml").write_text('[lint.per-file-ignores]\n"*" = ["ALL"]\n')


def _noqa(folder):
    (folder / "northlight/price.py").write_text("# ruff: noqa\n" + BAD_PYTHON)


def _no_eslint_rules(folder):
    _javascript(folder)
    (folder / "web/eslint.config.js").write_text("export default [{ rules: {} }];\n")


def _eslint_comment(folder):
    (folder / "web/src/price.js").write_text("/* eslint-disable */\n" + BAD_JAVASCRIPT)


def _excluded(folder):
    _python(folder)
    edited(folder / "ruff.toml", "line-length", 'extend-exclude = ["price.py"]\nline-length')


def _ignored(folder):
    _javascript(folder)
    edited(folder / "web/eslint.config.js", "[js", '[{ ignores: ["**/price.js"] }, js')


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_python, r"Ruff finds 1: northlight/price\.py:2 F821"),
        (_own_rule, r"Ruff finds \d: .*northlight/price\.py:1 F401"),
        (_syntax, r"Ruff finds \d: northlight/price\.py:1"),
        (_javascript, r"ESLint finds 1: web/src/price\.js:2 no-undef"),
        (_broken_javascript, r"ESLint finds 1: web/src/price\.js:1 cannot be read"),
        (_no_rules, r"northlight/price\.py:2 F821"),
        (_per_file, r"northlight/price\.py:2 F821"),
        (_noqa, r"northlight/price\.py:3 F821"),
        (_no_eslint_rules, r"web/src/price\.js:2 no-undef"),
        (_eslint_comment, r"web/src/price\.js:3 no-undef"),
        (_excluded, r"northlight/price\.py:2 F821|does not look at 1 files: northlight/price\.py"),
        (_ignored, r"ESLint does not look at 1 files: web/src/price\.js"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_finding_and_a_linter_that_was_silenced_are_both_seen(target, judged, spoil, said):
    """A linter that is told to say nothing, or to look elsewhere, is green for good."""
    spoil(target)
    outcome, why = judged(target)
    assert (outcome, bool(re.search(said, why))) == ("FAIL", True), why


def _all_excluded(folder):
    edited(folder / "ruff.toml", "line-length", 'exclude = ["*"]\nline-length')


def _all_ignored(folder):
    edited(folder / "web/eslint.config.js", "[js", '[{ ignores: ["**"] }, js')


def _no_config(folder):
    (folder / "web/eslint.config.js").unlink()


def _broken_config(folder):
    (folder / "web/eslint.config.js").write_text("export default [\n")


def _nothing_there(folder):
    (folder / "web/src/table.js").unlink()


def _unknown_ruff_setting(folder):
    (folder / "ruff.toml").write_text("no-such-setting = 1\n")


def _not_installed(folder):
    (folder / "web/node_modules/.bin/eslint").unlink()


@pytest.mark.parametrize(
    "spoil",
    [_all_excluded, _all_ignored, _no_config, _broken_config, _nothing_there, _unknown_ruff_setting, _not_installed],
)
def test_a_linter_that_looked_at_nothing_shows_nothing(target, judged, spoil):
    """`ruff check` of no file says that all checks passed."""
    spoil(target)
    outcome, why = judged(target)
    assert outcome in ("FAIL", "INCONCLUSIVE"), why


@pytest.mark.parametrize(
    "threshold", [{"ruff": "ruff-is-not-here"}, {"eslint": "web/no-eslint"}, {"min_files": 9}], ids=range(3)
)
def test_a_program_that_is_missing_is_no_answer(target, judged, threshold):
    """What did not run found nothing."""
    outcome, why = judged(target, **threshold)
    assert outcome == ("FAIL" if "min_files" in threshold else "INCONCLUSIVE"), why


@pytest.mark.parametrize(
    ("code", "output"),
    [(0, ""), (1, ""), (2, "[]"), (1, "[]"), (0, "warning: x\n[]"), (0, "{}"), (0, "[1]"), (-9, "[]")],
    ids=range(8),
)
def test_an_answer_that_is_none_is_not_taken_for_no_finding(code, output, tmp_path):
    """A linter that crashed printed no finding either."""
    done = Completed(("ruff",), code, output, 0.1)
    with pytest.raises(Unproven):
        linters.of_ruff(done, tmp_path)
    with pytest.raises(Unproven):
        linters.of_eslint(done, tmp_path)


def _without(folder, *names):
    for name in names:
        shutil.rmtree(folder / name)


def test_a_service_without_javascript_passes(target, judged):
    """Its policy named no configuration of ESLint, and could never pass."""
    _without(target, "web")
    outcome, why = judged(target)
    assert (outcome, why) == ("PASS", "nothing is found; files looked at: Ruff 5")
    _python(target)
    assert judged(target)[0] == "FAIL"


def test_a_service_without_python_passes(target, judged):
    """A project of JavaScript alone has no use for Ruff, and its ESLint is found where it is."""
    _without(target, "northlight", "migrations")
    for name in ("eslint: web/node_modules/.bin/eslint", "eslint_config: web/eslint.config.js"):
        edited(target / "promotion.yaml", name, f"{name.partition(':')[0]}: null")
    outcome, why = judged(target)
    assert (outcome, why) == ("PASS", "nothing is found; files looked at: ESLint 1"), why
    _javascript(target)
    outcome, why = judged(target)
    assert outcome == "FAIL"
    assert "no-undef 'undefinedPrice' is not defined" in why


def test_what_nobody_named_is_looked_at(target, judged):
    """A folder that was renamed is not a language that the project does not have."""
    (target / "northlight").rename(target / "service")
    _without(target, "migrations")
    (target / "service" / "price.py").write_text(BAD_PYTHON)
    outcome, why = judged(target)
    assert (outcome, "service/price.py:2 F821 Undefined name `undefined`" in why) == ("FAIL", True), why


def test_javascript_that_nobody_lints_is_no_pass(target, judged):
    """A repository whose JavaScript has no configuration was never linted."""
    (target / "web").rename(target / "frontend")
    (target / "frontend" / "eslint.config.js").unlink()
    outcome, why = judged(target)
    assert (outcome, "configure ESLint" in why) == ("INCONCLUSIVE", True), why


def test_a_project_of_no_language_is_no_pass(target, judged):
    """A gate that found no code has checked none."""
    edited(target / "promotion.yaml", "python: [northlight, migrations]", "python: []")
    edited(target / "promotion.yaml", "javascript: [web/src]", "javascript: []")
    outcome, why = judged(target)
    assert (outcome, "nothing was checked" in why) == ("FAIL", True), why


@pytest.mark.skipif(shutil.which("flake8") is None, reason="flake8 is not installed")
@pytest.mark.parametrize(
    ("configuration", "code", "said"),
    [
        ("[flake8]\nmax-line-length = 100\n", "X = 1\n", None),
        ("[flake8]\n", BAD_PYTHON, "F821"),
        ("[flake8]\nextend-ignore = F\n", BAD_PYTHON, "F821"),
        (
            "[flake8]\n",
            "X = dict(a=1,\n  b=2)\n",
            r"Flake8 finds 1: northlight/price\.py:2 E128 continuation line under-indented",
        ),
        ("[flake8]\nexclude = northlight/price.py\n", "X = 1\n", "Flake8 does not look at"),
        ("[flake8]\nselect = \nno-such = [\n", "X = 1;\n", ""),
    ],
    ids=range(6),
)
def test_flake8_is_asked_where_the_project_configures_it(target, judged, configuration, code, said):
    """The policy names Flake8; a project that uses it has rules that Ruff does not know."""
    for path in [*target.glob("northlight/**/*.py"), *target.glob("migrations/**/*.py")]:
        path.write_text("X = 1\n")
    (target / ".flake8").write_text(configuration)
    (target / "northlight/price.py").write_text(code)
    outcome, why = judged(target, flake8=shutil.which("flake8"))
    assert (outcome == "PASS") is (said is None), why
    assert said is None or re.search(said, why), why
