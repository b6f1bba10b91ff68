"""What ends a command, and the files that it is given."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from filelock import FileLock, Timeout

import pytest_promotion
from pytest_promotion.cli.errors import command_errors
from pytest_promotion.errors import GateFailed, PolicyError, Unanswered, Unproven
from pytest_promotion.evidence.files import read_file, read_given
from pytest_promotion.evidence.typed import converted

PACKAGE = Path(pytest_promotion.__file__).parent
PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]


@pytest.mark.parametrize(
    ("problem", "usage", "code", "message"),
    [
        (PolicyError("odd rule"), True, 4, "odd rule"),
        (PolicyError("odd rule"), False, 3, "odd rule"),
        (Unproven("no file"), True, 3, "no file"),
        (Unanswered("no answer"), True, 3, "no answer"),
        (GateFailed("too many"), True, 3, "too many"),
        (
            OSError(28, "No space left on device", "x.json"),
            True,
            3,
            "the report cannot be written: no space left on device",
        ),
        (Timeout("x.lock"), True, 3, "the report cannot be written: another process is writing it"),
    ],
    ids=["policy", "policy-file", "unproven", "unanswered", "failed", "disk", "lock"],
)
def test_every_error_ends_a_command_in_a_sentence(problem, usage, code, message):
    """A traceback says nothing to the reader of a build log, and its exit code is that of a gate that failed."""
    with pytest.raises(click.ClickException) as ended, command_errors("the report cannot be written", usage=usage):
        raise problem
    assert ended.value.message == message
    assert (4 if isinstance(ended.value, click.UsageError) else 3) == code


def test_without_a_sentence_of_its_own_a_command_names_the_file():
    """A reason without a file leaves everybody to guess which one."""
    with pytest.raises(click.ClickException, match="x.json: permission denied"), command_errors():
        raise PermissionError(13, "Permission denied", "x.json")


def test_a_lock_that_another_process_holds_is_no_traceback(tmp_path):
    """Two people approve the same waiver at once."""
    with FileLock(tmp_path / "lock"), pytest.raises(click.ClickException, match="another process"), command_errors():
        FileLock(tmp_path / "lock", timeout=0, is_singleton=False).acquire()


def test_other_errors_are_not_hidden():
    """A mistake of ours that reads like one of the user's is never found."""
    with pytest.raises(ZeroDivisionError), command_errors():
        raise ZeroDivisionError


def test_no_command_translates_errors_by_hand():
    """Fourteen did, and each forgot another kind of error."""
    files = [*PACKAGE.glob("cli/*.py"), *PACKAGE.glob("suites/*/commands/*.py")]
    assert len(files) > 30
    found = {
        (path.name, node.lineno)
        for path in files
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and node.type is not None
        and any(name in ast.unparse(node.type) for name in ("Unproven", "PolicyError", "OSError"))
        and isinstance(node.body[0], ast.Raise)
        and ast.unparse(node.body[0]).startswith("raise click.")
    }
    # Their exit code 4 is for more than a policy, and 3 is not for what it is elsewhere.
    assert {name for name, _ in found} == {"verify.py", "secrets.py", "tests.py"}


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "missing", "large"])
def test_only_a_regular_file_of_bounded_size_is_read(tmp_path, kind):
    """A FIFO without a writer hangs a command for ever, and /dev/zero fills the memory."""
    path = tmp_path / "x"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.write_bytes(b"x" * 1025)
    with pytest.raises(OSError) as refusal:  # noqa: PT011 - which one is compared below
        read_file(path, 1024)
    expected = {"missing": "No such file", "large": "larger than 1 kilobytes"}.get(kind, "not a regular file")
    assert str(refusal.value.strerror).startswith(expected)
    assert refusal.value.filename == str(path)


def test_a_file_as_large_as_may_be_is_read_whole(tmp_path):
    """A limit that is off by one cuts a document, and what is cut may still parse."""
    (tmp_path / "x").write_bytes(b"x" * 1024)
    (tmp_path / "link").symlink_to("x")
    assert len(read_file(tmp_path / "link", 1024)) == 1024


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "check"],
        ["scan-check"],
        ["slo"],
        ["parity", "root-hash"],
        ["canonical"],
        ["verify"],
        ["waiver", "check", "--policy", "promotion.yaml"],
    ],
    ids=" ".join,
)
def test_a_command_does_not_wait_for_a_fifo(tmp_path, words):
    """A build that waits for ever for a file that nothing writes is stopped by hand, hours later."""
    os.mkfifo(tmp_path / "x")
    (tmp_path / "promotion.yaml").write_text("version: 1\n")
    done = subprocess.run(
        [*PROMOTION, *words, "x"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "not a regular file" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("refusal", "name"), [(Unproven, None), (PolicyError, "the plan")])
def test_a_file_that_cannot_be_read_is_named_in_the_sentence(tmp_path, refusal, name):
    """Twenty callers wrote that sentence; one of them would be left behind when it changes."""
    with pytest.raises(refusal, match=f"^{name or tmp_path / 'x'} cannot be read: no such file or directory$"):
        read_given(tmp_path / "x", name, refusal=refusal)


@pytest.mark.parametrize("refusal", [Unproven, PolicyError])
def test_plain_values_of_a_wrong_type_are_refused_with_their_place(refusal):
    """Rules that are taken for evidence end a command with another exit code."""
    assert converted({"a": 1}, dict[str, int], "x") == {"a": 1}
    with pytest.raises(refusal, match=r"^the limits: Expected `int`, got `str` - at `\$\[\.\.\.\]`$"):
        converted({"a": "1"}, dict[str, int], "the limits", refusal)
