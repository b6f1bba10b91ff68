"""What is promoted: the commit of the folder that is judged, whatever the environment tells git."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from pytest_promotion.errors import PolicyError
from pytest_promotion.evidence.provenance import for_git, git_state, named_subject
from pytest_promotion.model import GitState

pytestmark = pytest.mark.slow


def repository(folder, text):
    """A repository with one commit; its name."""
    folder.mkdir()
    (folder / "file").write_text(text)
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")

    def git(*words):
        done = subprocess.run(
            ["git", *who, *words], cwd=folder, env=for_git(os.environ), capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    git("init", "-q")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    return git("rev-parse", "HEAD")


def test_the_commit_is_that_of_the_folder(tmp_path):
    """A decision about another commit than was judged promotes what nobody looked at."""
    commit = repository(tmp_path / "mine", "mine")
    found = git_state(tmp_path / "mine")
    assert (found.commit, found.dirty, found.changes) == (commit, False, ())
    assert re.fullmatch("[0-9a-f]{40}", found.tree)
    assert found.tree != commit
    (tmp_path / "mine/file").write_text("changed")
    (tmp_path / "mine/new file").write_text("")
    changed = git_state(tmp_path / "mine")
    assert (changed.commit, changed.tree, changed.dirty) == (commit, found.tree, True)
    assert changed.changes == ("file", "new file")
    assert git_state(tmp_path) == GitState()


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CEILING_DIRECTORIES"]
)
def test_the_environment_leads_git_nowhere_else(tmp_path, monkeypatch, name):
    """Hooks and build systems leave variables behind that name another repository."""
    commit = repository(tmp_path / "mine", "mine")
    repository(tmp_path / "other", "other")
    (tmp_path / "mine/below").mkdir()
    found = {
        "GIT_DIR": ".git",
        "GIT_WORK_TREE": ".",
        "GIT_INDEX_FILE": ".git/index",
        "GIT_OBJECT_DIRECTORY": ".git/objects",
    }
    value = tmp_path / "other" / found[name] if name in found else tmp_path / "mine"
    monkeypatch.setenv(name, str(value))
    found = git_state(tmp_path / "mine/below")
    assert (found.commit, found.dirty) == (commit, False)


def test_a_commit_is_named_with_or_without_a_name():
    """The option said that it takes a commit, and refused one."""
    for text, name in ((f"gitCommit:{'ab' * 20}", "git"), (f"shop=gitCommit:{'ab' * 20}", "shop")):
        found = named_subject(text)
        assert (found.name, found.digest) == (name, {"gitCommit": "ab" * 20})
    for text in ("gitCommit:abcdef123456", f"sha256:{'ab' * 32}", f"=gitCommit:{'ab' * 20}"):
        with pytest.raises(PolicyError, match="gitCommit:HEX with 40"):
            named_subject(text)


def test_a_sparse_checkout_is_no_change(tmp_path):
    """Files that were never written out would make every decision one from a changed tree."""
    repository(tmp_path / "mine", "mine")
    git = ["git", "-C", str(tmp_path / "mine")]
    (tmp_path / "mine/below").mkdir()
    (tmp_path / "mine/below/other").write_text("x")
    subprocess.run([*git, "add", "."], check=True)
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, "-C", str(tmp_path / "mine"), "commit", "-qm", "two"], check=True)
    subprocess.run([*git, "sparse-checkout", "set", "--no-cone", "/file"], check=True)
    assert not (tmp_path / "mine/below/other").exists()
    assert git_state(tmp_path / "mine").dirty is False
    (tmp_path / "mine/below").mkdir(exist_ok=True)
    (tmp_path / "mine/below/other").write_text("edited")
    assert git_state(tmp_path / "mine").changes == ("below/other",)
