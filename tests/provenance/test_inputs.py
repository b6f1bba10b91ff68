"""The digest of an input: one value for the same files, another for any others, and a sentence for what has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from hashlib import sha256

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.provenance.inputs import below, differences, image, normal, scan
from tests.provenance.conftest import digests, git


def test_the_digest_of_a_file_is_its_sha256(root):
    """Other tools compute it, `sha256sum` among them."""
    [found] = digests(root, "src/app.py")
    assert (found.kind, found.sha256) == ("file", sha256(b"VALUE = 1\n").hexdigest())


def test_the_digest_of_a_folder_is_as_documented(root):
    """A program that checks a statement without this package has to arrive at the same value."""
    records = [
        ("app.py", "file", "10", sha256(b"VALUE = 1\n").hexdigest()),
        ("package/part.py", "file", "9", sha256(b"PART = 1\n").hexdigest()),
    ]
    text = "".join(f"{field}\0" for record in records for field in record)
    assert digests(root, "src")[0].sha256 == sha256(text.encode()).hexdigest()


def test_a_clean_tree_a_changed_one_and_a_copy_outside_of_git_agree(repository, tmp_path):
    """What was produced on a clean checkout is checked where something else is uncommitted."""
    [clean] = digests(repository, "src")
    (repository / "tests/test_app.py").write_text("changed\n")
    (repository / "src/debug.log").write_text("ignored\n")
    assert digests(repository, "src") == [clean]
    copy = tmp_path / "copy"
    shutil.copytree(repository / "src", copy / "src", ignore=shutil.ignore_patterns("*.log"))
    assert digests(copy, "src") == [clean]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda src: (src / "app.py").write_text("VALUE = 2\n"), "src/app.py changed"),
        (lambda src: (src / "new.py").write_text(""), "src/new.py was added"),
        (lambda src: (src / "package/part.py").unlink(), "src/package/part.py was removed"),
        (lambda src: (src / "app.py").chmod(0o755), "src/app.py changed"),
        (lambda src: (src / "app.py").rename(src / "main.py"), "src/app.py was removed"),
    ],
)
@pytest.mark.parametrize("place", ["root", "repository"])
def test_a_change_is_named(request, place, change, difference):
    """A digest that misses one kind of change is one that a change can hide behind."""
    folder = request.getfixturevalue(place)
    [before] = digests(folder, "src")
    change(folder / "src")
    [after] = digests(folder, "src")
    assert before.sha256 != after.sha256
    assert differences(before, after)[0] == difference


def test_the_same_bytes_under_two_names_are_not_one_file(root):
    """Without separators the end of one name and the start of the next could trade places."""
    [before] = digests(root, "src")
    (root / "src/app.py").rename(root / "src/package/app.py")
    assert digests(root, "src")[0].sha256 != before.sha256


def test_a_link_is_its_target_and_may_not_lead_out(root, tmp_path):
    """What a link leads to outside of the root is nothing that a commit or an image holds."""
    (root / "src/link").symlink_to("app.py")
    [before] = digests(root, "src")
    assert ("link", "link") in [entry[:2] for entry in before.entries]
    (root / "src/link").unlink()
    (root / "src/link").symlink_to("package/part.py")
    assert differences(before, digests(root, "src")[0]) == ["src/link changed"]
    (root / "src/link").unlink()
    (tmp_path / "outside.py").write_text("")
    (root / "src/link").symlink_to("../../outside.py")
    with pytest.raises(Unproven, match="src/link is a link that leads outside the promotion root"):
        digests(root, "src")


def test_what_is_no_input_is_refused_with_a_sentence(root):
    """An input that is silently nothing fits whatever comes later."""
    (root / "empty").mkdir()
    (root / "other").symlink_to("src")
    os.mkfifo(root / "fifo")
    cases = {
        "missing": "the input missing is missing",
        "empty": "the input empty has no files",
        "other": "the input other is a link",
        "other/app.py": "the input other/app.py is a link, or is reached through one",
        "fifo": "the input fifo is neither a file nor a folder",
    }
    for name, message in cases.items():
        with pytest.raises(Unproven, match=message):
            digests(root, name)
    for name in ("../root/src", "/etc/hosts", "", "..", "a\0b"):
        with pytest.raises(Unproven, match="not a path below the promotion root"):
            normal(name)


def test_a_name_that_is_not_utf8_is_refused(repository):
    """Statements are JSON: such a name would be another one there."""
    (repository / "src" / os.fsdecode(b"caf\xe9.py")).write_text("")
    for folder in (repository, repository.parent):
        with pytest.raises(Unproven, match="is not UTF-8: rename it"):
            digests(folder, "src" if folder == repository else "root")


def test_a_submodule_is_refused(repository, tmp_path):
    """Git lists it as one entry, whatever its files are."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "file").write_text("")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "one")
    git(repository, "submodule", "add", "-q", str(other), "src/vendored")
    for name in ("src", "src/vendored"):
        with pytest.raises(Unproven, match="submodule|repository of its own"):
            digests(repository, name)


def test_an_untracked_repository_is_refused(repository):
    """Git lists a folder with a repository in it as one entry too."""
    (repository / "src/clone").mkdir()
    git(repository / "src/clone", "init", "-q")
    (repository / "src/clone/file").write_text("")
    git(repository / "src/clone", "add", ".")
    git(repository / "src/clone", "commit", "-q", "-m", "one")
    with pytest.raises(Unproven, match="src/clone is a git repository of its own"):
        digests(repository, "src")


def test_a_folder_that_git_ignores_whole_has_all_its_files(repository):
    """Else what is below an ignored folder would be no input at all."""
    (repository / "reports").mkdir()
    (repository / "reports/data.json").write_text("{}")
    (repository / "reports/__pycache__").mkdir()
    (repository / "reports/__pycache__/x.pyc").write_text("")
    assert [entry[0] for entry in digests(repository, "reports")[0].entries] == ["data.json"]


def test_a_part_of_an_input_is_compared_by_itself(root):
    """A gate may ask for less than its producer read."""
    [whole] = digests(root, "src")
    assert below(whole, "src/package") == digests(root, "src/package")[0]
    assert below(whole, "src/app.py") == digests(root, "src/app.py")[0]
    assert below(whole, "src/nothing") is None
    assert below(whole, "tests") is None
    assert below(digests(root, ".")[0], "src/package") == digests(root, "src/package")[0]


def test_an_image_has_its_digest_in_its_name():
    """A tag can be moved after the tests ran."""
    name = f"registry.example/app@sha256:{'a' * 64}"
    assert image(f"image:{name}").sha256 == image(f"docker-image://{name}").sha256 == "a" * 64
    for wrong in ("image:app:latest", "image:app@sha256:abc", f"image:@sha256:{'a' * 64}"):
        with pytest.raises(Unproven, match="names no digest"):
            image(wrong)


def test_an_output_in_an_input_is_left_out_by_name(root):
    """Each run would change its own input."""
    [before] = digests(root, "src")
    (root / "src/out.json").write_text("{}")
    from pytest_promotion.provenance.digest_cache import DigestCache

    place = os.path.realpath(root)
    [after] = scan(place, ["src"], DigestCache(place), ["src/out.json"])
    assert (after.sha256, after.left_out) == (before.sha256, ("src/out.json",))


def test_git_that_cannot_answer_is_a_refusal(repository, monkeypatch):
    """The files of a walk are not those of git: the difference would look like a change."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unproven, match="git cannot say which files are inputs"):
        digests(repository, "src")


def test_git_settings_of_a_hook_change_nothing(repository, monkeypatch):
    """Git sets GIT_DIR and GIT_INDEX_FILE for hooks, and would list another repository's files."""
    [before] = digests(repository, "src")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert digests(repository, "src") == [before]


def test_a_tracked_file_that_was_removed_is_removed(repository):
    """Git lists it until the removal is committed."""
    [before] = digests(repository, "src")
    (repository / "src/app.py").unlink()
    assert differences(before, digests(repository, "src")[0]) == ["src/app.py was removed"]
    subprocess.run(["git", "-C", repository, "commit", "-qam", "x"], check=False, capture_output=True)
