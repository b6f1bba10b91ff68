"""What git writes out is what the commit has, whatever its filters and attributes are configured to do."""

from __future__ import annotations

import os
import shutil
from hashlib import sha256

import pytest

from pytest_promotion.suites.release.rollout.checkout import check_out
from pytest_promotion.suites.release.rollout.permission import Refused
from tests.rollout.test_candidate import PATH, commit, git

TEXT = b"serve this\nand that\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


class Repository:
    """A repository with `app/serve`, and the folder that its commit is written to."""

    def __init__(self, path, **more):
        self.path = path
        self.source = path / ".runtime" / "source"
        (path / "app").mkdir()
        (path / "app" / "serve").write_bytes(more.pop("content", TEXT))
        (path / "other").write_bytes(TEXT)
        for name, text in more.items():
            (path / name.replace("_", ".", 1)).write_text(text)
        self.commit = commit(path)

    def written(self, environment=PATH):
        """The bytes of `app/serve` as they are written out."""
        shutil.rmtree(self.source, ignore_errors=True)
        check_out(self.path, self.commit, self.source, environment)
        return (self.source / "app" / "serve").read_bytes()

    def refused(self, environment=PATH):
        with pytest.raises(Refused, match="app/serve is not written as the commit has it: a git filter or attribute"):
            self.written(environment)


def test_a_filter_of_the_configuration(tmp_path):
    """The commit calls the filter by its name, and what it does was changed after the decision."""
    repository = Repository(tmp_path, _gitattributes="app/serve filter=stamp\n")
    assert repository.written() == TEXT
    git(tmp_path, "config", "filter.stamp.smudge", "sed s/this/THAT/")
    repository.refused()
    git(tmp_path, "config", "filter.stamp.smudge", "cat")
    assert repository.written() == TEXT


def test_a_filter_that_leaves_a_byte_out_or_empties_the_file(tmp_path):
    """A comparison of what is there alone would accept an empty file."""
    repository = Repository(tmp_path, _gitattributes="app/serve filter=stamp\n")
    for smudge in ("head -c 5", "true", "tr -d '\\n'", "cat - /dev/null | sed '$a\\\\'x"):
        git(tmp_path, "config", "filter.stamp.smudge", smudge)
        repository.refused()


@pytest.mark.parametrize("line", ["text eol=crlf", "ident", "text working-tree-encoding=UTF-16", "filter=stamp"])
def test_attributes_of_the_repository_alone(tmp_path, line):
    """`.git/info/attributes` is in no commit, and so in no review."""
    repository = Repository(tmp_path, content=b"$Id$\n")
    git(tmp_path, "config", "filter.stamp.smudge", "sed s/Id/no/")
    (tmp_path / ".git" / "info").mkdir(exist_ok=True)
    (tmp_path / ".git" / "info" / "attributes").write_text(f"app/serve {line}\n")
    repository.refused()


@pytest.mark.parametrize("line", ["text eol=crlf", "ident", "filter=stamp"])
def test_attributes_outside_of_the_commit_are_not_used(tmp_path, line):
    """Those of the working folder, of the user and of the machine made other bytes of the same commit."""
    repository = Repository(tmp_path, content=b"$Id$\n")
    git(tmp_path, "config", "filter.stamp.smudge", "sed s/Id/no/")
    (tmp_path / ".gitattributes").write_text(f"* {line}\n")
    git(tmp_path, "config", "core.attributesFile", str(tmp_path / ".gitattributes"))
    git(tmp_path, "config", "core.eol", "crlf")
    assert repository.written() == b"$Id$\n"


def test_line_ends_that_the_commit_demands(tmp_path):
    """Scripts for Windows have them; the commit says so, and nothing else differs."""
    repository = Repository(tmp_path, _gitattributes="app/* text eol=crlf\n")
    assert repository.written() == TEXT.replace(b"\n", b"\r\n")
    (tmp_path / ".git" / "info" / "attributes").parent.mkdir(exist_ok=True)
    (tmp_path / ".git" / "info" / "attributes").write_text("\n")
    assert repository.written() == TEXT.replace(b"\n", b"\r\n")
    (tmp_path / ".git" / "info" / "attributes").write_text("other -text\n")
    repository.refused()


def test_line_ends_and_more(tmp_path):
    """The attribute of the commit is no reason to look away from what a filter did besides."""
    repository = Repository(tmp_path, _gitattributes="app/* text eol=crlf filter=stamp\n")
    git(tmp_path, "config", "filter.stamp.smudge", "sed s/this/THAT/")
    repository.refused()


def test_a_pointer_of_git_lfs_and_what_it_points_to(tmp_path):
    """The digest in the pointer is part of the commit: its content is accepted, and no other one."""
    pointer = POINTER.format(sha256(TEXT).hexdigest(), len(TEXT)).encode()
    attributes = "app/serve filter=lfs\n"
    repository = Repository(tmp_path, content=pointer, _gitattributes=attributes)
    assert repository.written() == pointer, "without Git LFS"
    large = tmp_path / "large"
    large.write_bytes(TEXT)
    git(tmp_path, "config", "filter.lfs.smudge", f"cat '{large}'")
    assert repository.written() == TEXT
    for other in (TEXT + b"\n", b"", TEXT.replace(b"this", b"that"), TEXT.replace(b"\n", b"\r\n")):
        large.write_bytes(other)
        repository.refused()


def test_what_only_looks_like_a_pointer(tmp_path):
    """A text with a digest in it is no reason to accept the content with that digest."""
    for number, form in enumerate((POINTER + "more\n", "# " + POINTER, POINTER.replace("git-lfs", "git-lfx"))):
        path = tmp_path / str(number)
        path.mkdir()
        content = form.format(sha256(TEXT).hexdigest(), len(TEXT)).encode()
        repository = Repository(path, content=content, _gitattributes="app/serve filter=lfs\n")
        (path / "large").write_bytes(TEXT)
        git(path, "config", "filter.lfs.smudge", f"cat '{path / 'large'}'")
        repository.refused()


def test_links_are_compared_by_their_text(tmp_path):
    """With `core.symlinks` off, a link is written as a file with its target as the content."""
    (tmp_path / "app").mkdir()
    os.symlink("nowhere/at all", tmp_path / "link")
    (tmp_path / "app" / "serve").write_bytes(TEXT)
    reviewed = commit(tmp_path)
    found = check_out(tmp_path, reviewed, tmp_path / ".runtime" / "source", PATH)
    assert os.readlink(found.folder / "link") == "nowhere/at all"
    git(tmp_path, "config", "core.symlinks", "false")
    with pytest.raises(Refused, match="link is not written as the commit has it"):
        check_out(tmp_path, reviewed, tmp_path / ".runtime" / "again", PATH)


def test_names_with_spaces_line_ends_and_letters(tmp_path):
    """A list of paths by lines takes one of these for two."""
    names = ["a b", "a\nb", "ä", '"q"', "-x", "tab\there"]
    for name in names:
        (tmp_path / name).write_bytes(TEXT)
    found = check_out(tmp_path, commit(tmp_path), tmp_path / ".runtime" / "source", PATH)
    assert all((found.folder / name).read_bytes() == TEXT for name in names)


def test_a_submodule_and_its_configuration(tmp_path):
    """Its filters are its own; a file beside it that is called like an index is part of the commit."""
    library, whole = tmp_path / "library", tmp_path / "whole"
    library.mkdir()
    (library / "code").write_bytes(TEXT)
    (library / ".gitattributes").write_text("code filter=stamp\n")
    commit(library)
    whole.mkdir()
    git(whole, "init", "-q")
    (whole / ".gitignore").write_text(".runtime/\n")
    (whole / "lib.index").write_bytes(TEXT)
    git(whole, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    reviewed = commit(whole)
    found = check_out(whole, reviewed, whole / ".runtime" / "source", PATH)
    assert (found.folder / "lib.index").read_bytes() == (found.folder / "lib" / "code").read_bytes() == TEXT
    git(whole / "lib", "config", "filter.stamp.smudge", "tr a-z A-Z")
    with pytest.raises(Refused, match="code is not written"):
        check_out(whole, reviewed, whole / ".runtime" / "again", PATH)


def test_a_repository_with_sha256(tmp_path):
    """The ids of its files are of another algorithm; taken for SHA-1, nothing of it could be deployed."""
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / ".gitignore").write_text(".runtime/\n")
    repository = Repository(tmp_path, _gitattributes="app/serve filter=stamp\n")
    assert (len(repository.commit), repository.written()) == (64, TEXT)
    git(tmp_path, "config", "filter.stamp.smudge", "sed s/this/THAT/")
    repository.refused()
