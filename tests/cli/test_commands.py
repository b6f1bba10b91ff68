"""The `promotion` command."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def promotion(*args, cwd=None, env=None):
    """Runs the command as it is installed."""
    code = "from pytest_promotion.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *args], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


def test_the_schemas_are_printed():
    """Whoever validates a policy in an editor or a decision in a service needs them."""
    assert json.loads(promotion("schema").stdout)["title"] == "Promotion policy"
    assert json.loads(promotion("schema", "decision").stdout)["title"] == "Promotion decision"


@pytest.mark.parametrize("words", [("--nope",), ("nope",), ("schema", "nope"), ("gates", "--max-report-age-min", "x")])
def test_wrong_words_end_with_4(words):
    """2 means no; a typo is not a no."""
    done = promotion(*words)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("gates",), ("schema",)])
def test_help_shows_an_example(words):
    """Help without an example is read by those who need none."""
    done = promotion(*words, "--help")
    assert done.returncode == 0
    assert not words or "Example:" in done.stdout


@pytest.mark.parametrize(("score", "code"), [(0.9, 0), (0.1, 2)])
def test_gates_say_yes_and_no(good_place, score, code):
    """A command whose no is pytest's 1 cannot be told from its crash."""
    data = json.loads((good_place.path / "evidence" / "good.json").read_text())
    good_place.file("evidence/good.json", data | {"score": score})
    done = promotion("gates", "-q", cwd=good_place.path)
    assert done.returncode == code
    assert "promotion: " in done.stdout


def test_the_flags_of_the_contract_reach_the_policy(good_place):
    """An explicit flag wins over the profile, and what it weakens is named."""
    good_place.file(
        "promotion.yaml",
        """\
        version: 1
        gates: {good: {thresholds: {require_day2_go: false, skip_replay_cycle: false}}}
        profiles: {ci: {timestamps: {max_report_age_min: 15}}}
        """,
    )
    done = promotion(
        "gates", "--ci", "--max-report-age-min", "20", "--require-day2-go", "--skip-replay-cycle", cwd=good_place.path
    )
    assert done.returncode == 0, done.stdout
    decision = good_place.latest()
    assert decision["profile"] == "ci"
    assert decision["overrides"] == {
        "timestamps.max_report_age_min": 20.0,
        "gates.good.thresholds.require_day2_go": True,
        "gates.good.thresholds.skip_replay_cycle": True,
    }
    assert len(decision["weakened"]) == 2


def test_a_policy_that_cannot_be_read_ends_with_4(good_place):
    """Wrong usage is neither yes nor no."""
    good_place.file("promotion.yaml", "version: 3")
    assert promotion("gates", cwd=good_place.path).returncode == 4


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_a_long_wait_is_told_to_a_terminal_and_to_nobody_else(terminal):
    """Whoever sees nothing for a minute presses Ctrl-C; a log full of counters is read by nobody."""
    code = (
        "import time; from pytest_promotion.cli.progress import waiting\nwith waiting('strict cycle'): time.sleep(1.3)"
    )
    ours, theirs = pty.openpty() if terminal else os.pipe()[:2]
    done = subprocess.Popen([sys.executable, "-c", code], stderr=theirs)
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # what a terminal says when nobody writes to it any more
        while part := os.read(ours, 1024):
            said += part
    os.close(ours)
    assert done.wait() == 0
    assert said == (b"\r\x1b[Kstrict cycle: 1 s\r\x1b[K" if terminal else b"")


@pytest.mark.parametrize(
    ("words", "apart"),
    [(("--ci",), True), (("--apart",), True), ((), False), (("--ci", "--together"), False), (("--ci", "-n2"), True)],
)
def test_what_decides_runs_no_gate_where_it_is_apart(good_place, words, apart):
    """A gate that patches this plugin must not reach the decision: with --ci it runs in another process."""
    good_place.file("promotion.yaml", "version: 1\nprofiles:\n  ci: {}\n")
    good_place.write(
        test_patching="""
        import pytest
        from pytest_promotion.decision import assembly

        @pytest.mark.critical
        def test_patching(artifact):
            assembly.VERSION = "patched"
            assert artifact("evidence/good.json")["score"] >= 0.5
        """
    )
    promotion("gates", *words, cwd=good_place.path)
    assert (good_place.latest()["tool"]["version"] == "patched") is not apart


@pytest.mark.parametrize("words", [(), ("--ci",), ("--promotion-run-id=x",)])
def test_gates_without_the_plugin_are_an_error(tmp_path, words):
    """Plain pytest exited 0, and the PASS of the day before stayed where it was."""
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "test_a.py").write_text("import pytest\n\n@pytest.mark.critical\ndef test_a():\n    pass\n")
    (tmp_path / "promotion.yaml").write_text("version: 1\nprofiles: {ci: {}}\n")
    for addopts in ("-p no:promotion", ""):
        off = {} if addopts else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        code = "from pytest_promotion.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "gates", *words],
            cwd=tmp_path,
            env={**clean, **off, "PYTEST_ADDOPTS": addopts},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 4, done.stdout + done.stderr
        assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "x", "1e99"])
@pytest.mark.parametrize("command", [("gates",), ("trading", "cycle", "strict")], ids=["gates", "cycle"])
def test_a_window_that_is_none_is_the_fault_of_its_flag(tmp_path, command, minutes):
    """`promotion.yaml line 37` was blamed for what was typed."""
    done = promotion(*command, "--max-report-age-min", minutes, cwd=tmp_path)
    assert (done.returncode, "'--max-report-age-min'" in done.stderr) == (4, True)
