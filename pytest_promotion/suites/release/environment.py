"""
The variables a release runs with, from its `.env` file and from the process: what they say, never what they are.

Readers of such files disagree about byte order marks, Windows line ends, keys that stand twice and
blanks at the end of a line. A file in which they would disagree is refused: nobody could tell which
value the release gets. A variable is judged wherever it is set, not only where it wins.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_promotion import git_environment
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.release.published_secrets import is_template

_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"0", "false", "no", "off"})
_PROCESS: Final = "the environment"
_BLANKS: Final = re.compile(r"=[^'\"#\r\n]*[ \t]\Z")
_LONGEST: Final = (
    72  # characters that are looked at: the estimate takes quadratic time, and so many random ones are enough
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable at one place. Its value is no part of what is printed of it."""

    name: str
    where: str  # the file with the line, or "the environment"
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Environment:
    """Every variable wherever it is set."""

    settings: tuple[Setting, ...]

    def of(self, name: str) -> list[Setting]:
        """Where *name* is set, at least once. Raises `Unproven` where it is not."""
        found = [one for one in self.settings if one.name == name]
        if not found:
            raise Unproven(f"{name} is set nowhere: neither in the env file nor in {_PROCESS}")
        return found


def read(path: Path | None, name: str, process: Mapping[str, str]) -> Environment:
    """
    The variables in the file at *path*, which reports call *name*, and in *process*.

    A file that is not there says nothing; the process may say all of it.

    Raises:
        Unproven: where the file cannot be read, or readers would disagree about it. The message names a
            line, never what stands in it.
    """
    settings: list[Setting] = []
    if path is not None:
        try:
            content = read_file(path)
        except FileNotFoundError:
            content = b""
        except OSError as problem:
            raise Unproven(f"{name} cannot be read: {(problem.strerror or 'failed').lower()}") from None
        settings += parse(content, name)
    settings += [Setting(key, _PROCESS, value) for key, value in process.items()]
    return Environment(tuple(settings))


def parse(content: bytes, name: str) -> Iterator[Setting]:
    """The variables in the env file *content*, called *name*. Raises `Unproven`, see `read`."""
    try:
        from dotenv.parser import parse_stream
    except ImportError:
        raise Unproven("env files need python-dotenv: pip install 'pytest-promotion[release]'") from None
    import io

    seen: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(_text(content, name), newline="")):
        line = binding.original.line
        if binding.error:
            raise Unproven(f"{name} line {line} is not KEY=VALUE")
        if binding.key is None:
            continue
        if binding.key in seen:
            raise Unproven(f"{name} sets {binding.key} in line {seen[binding.key]} and in line {line}: which one wins?")
        if binding.value is None:
            raise Unproven(f"{name} line {line} names {binding.key} and gives it no value")
        if _BLANKS.search(binding.original.string.removesuffix("\n")):
            raise Unproven(f"{name} line {line} ends in a blank, which some readers take for part of {binding.key}")
        if binding.value.startswith("#"):
            raise Unproven(f"{name} line {line} gives {binding.key} a comment, which some readers take for its value")
        seen[binding.key] = line
        yield Setting(binding.key, f"{name} line {line}", binding.value)


def _text(content: bytes, name: str) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        raise Unproven(f"{name} starts with a byte order mark, which some readers take for part of the first name")
    if b"\r" in content:
        raise Unproven(f"{name} has Windows line ends, which a shell takes for part of each value")
    if b"\0" in content:
        raise Unproven(f"{name} holds a zero byte: it is no text")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Unproven(f"{name} is not UTF-8: byte {problem.start}") from None


def asked_for(names: Sequence[str], unmentioned: str, said: Environment, root: Path) -> list[str]:
    """
    Those of *names* that have to be set; with *unmentioned* `leave_out` not those that nothing sets and no file names.

    Raises:
        Unproven: for another word than `demand` and `leave_out`.
    """
    if unmentioned not in ("demand", "leave_out"):
        raise Unproven(f"unmentioned is {unmentioned!r}, expected demand or leave_out")
    if unmentioned == "demand":
        return list(names)
    return [name for name in names if any(one.name == name for one in said.settings) or _is_mentioned(root, name)]


def _is_mentioned(root: Path, name: str) -> bool:
    """Whether a file that git does not ignore, but for the policy, names it; also where git cannot be asked."""
    words = ["git", "grep", "-qiF", "--untracked", "-e", name, "--", ".", ":!promotion.yaml"]
    try:
        done = subprocess.run(
            words, cwd=root, capture_output=True, timeout=60, check=False, env=git_environment(os.environ)
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode != 1


def switch(setting: Setting) -> bool:
    """Whether *setting* is on. Raises `Unproven` for words that programs do not agree on."""
    word = setting.value.lower()
    if word in _ON or word in _OFF:
        return word in _ON
    raise Unproven(f"{setting.name} in {setting.where} is neither true nor false")


def one_of(setting: Setting, allowed: list[str]) -> None:
    """Demands that *setting* is, letter for letter, one of *allowed*. Raises `GateFailed`."""
    if setting.value not in allowed:
        raise GateFailed(f"{setting.name} in {setting.where} is none of {', '.join(allowed)}")


def secret_bits(setting: Setting) -> int:
    """
    How strong the secret is, in bits: the logarithm of the guesses that zxcvbn estimates, rounded down.

    Words, repetitions, sequences and keyboard rows are guessed early, so that length alone is worth little.
    D. L. Wheeler, zxcvbn: Low-Budget Password Strength Estimation, USENIX Security 2016.

    Raises:
        GateFailed: for what only stands for a secret, such as a published default.
    """
    from pytest_promotion.secrets.placeholders import is_placeholder

    try:
        from zxcvbn import zxcvbn  # type: ignore[import-untyped]
    except ImportError:
        raise Unproven("the strength of a secret needs zxcvbn: pip install 'pytest-promotion[release]'") from None
    if not setting.value.strip():
        raise GateFailed(f"{setting.name} in {setting.where} is empty")
    if is_placeholder(setting.value) or is_template(setting.value):
        raise GateFailed(f"{setting.name} in {setting.where} stands for a secret and is none")
    guesses = float(zxcvbn(setting.value[:_LONGEST], max_length=_LONGEST)["guesses_log10"])
    return math.floor(guesses / math.log10(2))
