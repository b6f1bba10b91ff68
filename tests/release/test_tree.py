"""What git says of a tree, and what it keeps to itself unless it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from fixtures import release
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release import tree


def asked(root, env=None):
    """The tree at *root* as the gate reads it."""
    outputs = [
        subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, check=True).stdout
        for words in (tree.STATUS, tree.LISTED)
    ]
    return tree.read(*outputs)


def test_a_clean_tree_is_one_commit(target):
    """A report that does not say what was judged is one about something else."""
    found = asked(target)
    assert found.changes == ()
    assert (found.branch, found.commit) == ("main", release.git(target, "rev-parse", "HEAD").strip())


def test_a_detached_tree_is_told_as_such(target):
    """CI checks out commits, not branches: that is no dirt, and no branch either."""
    release.git(target, "checkout", "-q", "--detach")
    assert str(asked(target)).endswith("detached")


def write(root, name, text="more\n"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _changed(root):
    write(root, "docker-compose.yml")


def _staged(root):
    write(root, "docker-compose.yml")
    release.git(root, "add", "-A")


def _untracked(root):
    write(root, "backend/tidebook/new module.py")


def _renamed(root):
    release.git(root, "mv", "docker-compose.yml", "compose.yml")


def _silenced(root):
    write(root, "stray.py")
    release.git(root, "config", "status.showUntrackedFiles", "no")


def _ignored_by_one_user(root):
    write(root.parent, "mine", "stray.py\n")
    release.git(root, "config", "core.excludesFile", str(root.parent / "mine"))
    write(root, "stray.py")


def _assumed_unchanged(root):
    release.git(root, "update-index", "--assume-unchanged", "docker-compose.yml")
    write(root, "docker-compose.yml")


def _left_out_of_the_work_tree(root):
    release.git(root, "update-index", "--skip-worktree", "docker-compose.yml")
    write(root, "docker-compose.yml")


@pytest.mark.parametrize(
    ("dirty", "said"),
    [
        (_changed, "docker-compose.yml (changed)"),
        (_staged, "docker-compose.yml (changed)"),
        (_untracked, "backend/tidebook/new module.py (untracked)"),
        (_renamed, "compose.yml (renamed)"),
        (_silenced, "stray.py (untracked)"),
        (_ignored_by_one_user, "stray.py (untracked)"),
        (_assumed_unchanged, "docker-compose.yml (hidden from git)"),
        (_left_out_of_the_work_tree, "docker-compose.yml (hidden from git)"),
    ],
    ids=lambda value: value.__name__.strip("_").replace("_", " ") if callable(value) else "",
)
def test_what_differs_is_named(target, dirty, said):
    """A tree that only looks clean is released with what nobody committed."""
    dirty(target)
    assert asked(target).changes == (said,)


def test_a_conflict_is_no_clean_tree(target):
    """A file with conflict marks in it builds somewhere."""
    release.git(target, "checkout", "-q", "-b", "other")
    write(target, "docs/note.md", "one\n")
    release.git(target, "add", "-A")
    release.git(target, "commit", "-q", "-m", "one")
    release.git(target, "checkout", "-q", "main")
    write(target, "docs/note.md", "two\n")
    release.git(target, "add", "-A")
    release.git(target, "commit", "-q", "-m", "two")
    with pytest.raises(subprocess.CalledProcessError):
        release.git(target, "merge", "-q", "other")
    assert "docs/note.md (in conflict)" in asked(target).changes


def test_a_dirty_submodule_is_dirt_though_git_was_told_to_ignore_it(target, tmp_path):
    """What is in a submodule is released as well, and `ignore = all` is one line in a file."""
    part = tmp_path / "part"
    part.mkdir()
    write(part, "lib.py", "a = 1\n")
    release.git(part, "init", "-q", "-b", "main")
    release.git(part, "add", "-A")
    release.git(part, "commit", "-q", "-m", "part")
    release.git(target, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "part")
    release.git(target, "config", "-f", ".gitmodules", "submodule.part.ignore", "all")
    release.git(target, "add", "-A")
    release.git(target, "commit", "-q", "-m", "with a part")
    assert asked(target).changes == ()
    write(target, "part/lib.py", "a = 2\n")
    assert asked(target).changes == ("part (submodule)",)


def test_a_folder_that_a_repository_ignores_is_not_clean(target, tmp_path):
    """git has nothing to say about a folder that it ignores, and that looks like a clean one."""
    shutil.rmtree(target / ".git")
    write(tmp_path, ".gitignore", "tidebook/\n")
    write(tmp_path, "readme", "here\n")
    release.git(tmp_path, "init", "-q", "-b", "main")
    release.git(tmp_path, "add", ".gitignore", "readme")
    release.git(tmp_path, "commit", "-q", "-m", "around")
    with pytest.raises(Unproven, match="no file of this folder is in the repository"):
        asked(target)


def test_a_repository_without_a_commit_has_nothing_to_release(tmp_path):
    """`git status` of an empty repository is as short as that of a clean one."""
    release.git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(Unproven, match="no commit yet"):
        asked(tmp_path)


@pytest.mark.parametrize(
    ("status", "listed"),
    [
        ("", "H a\0"),
        ("# branch.oid abc\0# branch.head main\0", ""),
        ("# branch.oid abc\0# branch.head main\0 M a.py\0", "H a\0"),
        ("# branch.oid abc\0# branch.head main\0001 .M N...\0", "H a\0"),
        ("usage: git status", "H a\0"),
    ],
    ids=["nothing", "nothing listed", "another format", "half a line", "usage"],
)
def test_an_answer_that_is_none_is_not_a_clean_tree(status, listed):
    """A git that was killed, or another program of that name, prints nothing about any change."""
    with pytest.raises(Unproven):
        tree.read(status, listed)


def test_asking_writes_nothing(target):
    """A gate that refreshes the index races with whoever commits."""
    index = target / ".git/index"
    os.utime(target / "docker-compose.yml")
    before = index.read_bytes()
    asked(target, {**os.environ, "GIT_OPTIONAL_LOCKS": "0"})
    assert index.read_bytes() == before
