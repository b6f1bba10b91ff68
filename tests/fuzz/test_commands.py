"""Whatever is in the file that a command is given, it ends with an exit code of the contract, and without a traceback."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from pytest_promotion.cli import main
from tests.fuzz.commands import COMMANDS, Command, found
from tests.fuzz.mutation import hostile, no_documents
from tests.fuzz.test_parsers import EXAMPLES, MEMORY, fuzzed, share

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
few = settings(fuzzed, max_examples=max(1, EXAMPLES // 40))


@pytest.fixture(scope="module")
def good() -> Iterator[Path]:
    """A folder with a good file of each kind."""
    with tempfile.TemporaryDirectory(prefix="fuzz-good-", dir=MEMORY) as path:
        found(Path(path))
        yield Path(path)


@pytest.fixture
def place(good: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a command runs: an empty folder, which `run` fills each time."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY) as path:
        monkeypatch.chdir(path)
        yield Path(path)


def run(command: Command, content: bytes, good: Path, place: Path) -> None:
    """Runs *command* with *content* for its bad file. What it raises, it raises here too."""
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(good, place, dirs_exist_ok=True)
    (place / command.file).parent.mkdir(parents=True, exist_ok=True)
    (place / command.file).write_bytes(content)
    done = CliRunner().invoke(main, command.words.split())
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in command.codes, done.output
    assert "Traceback" not in done.output
    assert done.exit_code == 0 or done.output.strip(), "it ends without a word"


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_what_is_wrong_in_a_file_ends_a_command_in_a_sentence(command, good, place):
    """A traceback says nothing to the reader of a build log, and its exit code is that of a no."""
    count = settings(few, max_examples=max(1, few.max_examples // 5)) if command.slow else few

    @count
    @given(hostile(command.seed or (good / "key.pub").read_bytes(), command.form))
    def check(content: bytes) -> None:
        run(command, content, good, place)

    check()


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_what_is_no_document_at_all_ends_a_command_in_a_sentence(command, good, place):
    """Nothing, half a download, UTF-16, a hundred thousand brackets."""
    seed = command.seed or (good / "key.pub").read_bytes()
    for name, content in share(no_documents(seed), COMMANDS.index(command))[:: 4 if command.slow else 1]:
        try:
            run(command, content, good, place)
        except Exception as problem:
            raise AssertionError(f"{name}: {type(problem).__name__}: {problem}") from problem


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_what_is_no_file_ends_a_command_in_a_sentence(command, good, place):
    """A folder where a file belongs, and a FIFO without a writer."""
    for make in (os.mkdir, os.mkfifo):
        path = place / command.file
        shutil.copytree(good, place, dirs_exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        make(path)
        done = CliRunner().invoke(main, command.words.split())
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        assert done.exit_code in command.codes
        shutil.rmtree(path) if path.is_dir() else path.unlink()
