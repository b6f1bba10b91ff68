"""`.ci/run` on a machine that lacks things: what it installs, and what keeps it from running the tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("bash", "cat", "dirname", "git", "ls", "mktemp", "rm", "tar")
APT = """#!/bin/sh
echo "$@" >> "$APT_LOG"
case " $* " in *" prometheus "*) echo "E: Unable to locate package prometheus" >&2; exit 100;; esac
case "$1" in update) exit "${UPDATE:-0}";; esac
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Runs the script in a repository of its own, with a PATH that holds little and an apt-get that keeps a log."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"not installed: {name}")
        (programs / name).symlink_to(found)
    for name, text in {
        "apt-get": APT,
        "id": "#!/bin/sh\necho 0\n",
        "make": '#!/bin/sh\necho "made: $@ in $PWD"\nls -a\n',
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    repository = tmp_path / "repository"
    (repository / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", repository / ".ci" / "run")
    environment = {"PATH": str(programs), "HOME": str(tmp_path), "APT_LOG": str(tmp_path / "apt.log")}
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(repository))
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "Add the script")):
        subprocess.run([*git, *words], check=True, env=environment, capture_output=True)

    def run(**more):
        done = subprocess.run(
            [str(programs / "bash"), ".ci/run"],
            cwd=repository,
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
        )
        log = Path(environment["APT_LOG"])
        return done, log.read_text().splitlines() if log.exists() else []

    run.programs, run.repository = programs, repository
    return run


def test_a_package_that_is_not_there_keeps_no_other_away(machine):
    """apt-get installs none of ten packages where it does not know one of them."""
    done, calls = machine()
    assert done.returncode == 0, done.stderr
    assert "made: test" in done.stdout
    assert "not installed: prometheus" in done.stderr
    installed = [call.split()[-1] for call in calls if call.startswith("install")]
    assert {"redis-server", "docker.io", "prometheus", "chromium", "openssh-client"} <= set(installed)
    assert len(installed) == len(set(installed)) == len(calls) - 1, "one package a call, after one update"


def test_package_lists_that_cannot_be_updated_stop_nothing(machine):
    """A mirror that does not answer for a moment would turn every change red."""
    done, _ = machine(UPDATE="100")
    assert (done.returncode, "made: test" in done.stdout) == (0, True), done.stderr


def test_without_make_nothing_was_tested(machine):
    """A script that goes on without its tests ends green."""
    (machine.programs / "make").unlink()
    done, calls = machine()
    assert (done.returncode, "make is needed" in done.stderr) == (1, True)
    assert any(call.endswith(" make") for call in calls)


def test_the_exported_tree_is_tested_and_removed(machine):
    """What is not committed must not help a change to pass."""
    (machine.repository / "uncommitted.txt").write_text("")
    done, _ = machine()
    [place] = {line.partition(" in ")[2] for line in done.stdout.splitlines() if line.startswith("made:")}
    assert (".ci" in done.stdout, "uncommitted.txt" in done.stdout) == (True, False)
    assert not Path(place).exists()


def test_an_environment_that_cannot_be_made_is_no_success(machine):
    """It is made beside others, and what ends with an error there must not be lost."""
    python = machine.programs / "python3.12"
    python.write_text('#!/bin/sh\n[ "$1" = -c ]\n')
    python.chmod(0o755)
    done, _ = machine()
    assert (done.returncode, "made: test" in done.stdout) == (1, False)
