"""A page of the documentation whose files are written and whose commands are run, in their order, as a reader does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_MARK: Final = "--- the command has ended ---"
_STAMP: Final = r"\d{8}T\d{6}Z(?:_\d+)?"
# What differs between the run that the page shows and any other.
_VARIABLE: Final = {
    r"\d{8}T\d{6}Z": _STAMP,
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\b[0-9a-f]{64}\b": "[0-9a-f]{64}",
    r"\b[0-9a-f]{12}\b": "[0-9a-f]{12}",
    r"\d+(?:\.\d+)? s\b": r"\d+(?:\.\d+)? s",
    r"\d+\.\d+s\b": r"\d+\.\d+s",
}
_ANY: Final = re.compile("|".join(f"({pattern})" for pattern in _VARIABLE))


@dataclass(frozen=True)
class Command:
    """A command of the page, and the lines that the page shows below it; `…` stands for any text, alone for any lines."""

    text: str
    shown: tuple[str, ...]


@dataclass
class ConsolePage:
    """
    A page, and the shell of its reader in `folder`.

    Args:
        replaced: texts of the page that are others here, such as ports.
    """

    text: str
    folder: Path
    environment: Mapping[str, str]
    replaced: dict[str, str] = field(default_factory=dict)
    _code: int = 0

    def steps(self) -> Iterator[tuple[str, str]]:
        """The blocks that a reader acts on: the name and the text of a file, or "" and a console."""
        for language, title, body in _BLOCK.findall(self.text):
            if title or language == "console":
                yield title, body

    def write(self, name: str, text: str) -> None:
        """Saves a file of the page."""
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(self._here(text))

    def run(self, console: str) -> int:
        """
        Runs each command of a console, and compares what it prints with what the page shows. Returns their number.

        Raises:
            AssertionError: where it prints something else.
        """
        found_commands = list(commands(console))
        for command in found_commands:
            text = self._here(command.text)
            printed = self._shell(text)
            if (found := re.fullmatch(self._expected(command), printed)) is None:
                shown = "\n".join(map(self._here, command.shown))
                raise AssertionError(f"$ {text}\n--- the page shows ---\n{shown}\n--- it prints ---\n{printed}")
            self._remember(command, found)
        return len(found_commands)

    def _shell(self, text: str) -> str:
        end = f"code=$?; printf '\\n%s\\n%s\\n%s\\n' '{_MARK}' $code \"$PWD\""
        done = subprocess.run(
            ["bash", "-c", f"(exit {self._code})\n{text}\n{end}"],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        printed, mark, rest = done.stdout.rpartition(f"\n{_MARK}\n")
        assert mark, done.stdout
        code, folder = rest.splitlines()
        self._code, self.folder = int(code), Path(folder)
        return printed if printed.endswith("\n") or not printed else f"{printed}\n"

    def _here(self, text: str) -> str:
        for there, here in self.replaced.items():
            text = text.replace(there, here)
        return text

    def _expected(self, command: Command) -> str:
        return "".join(r"(?:.*\n)*?" if line == "…" else f"{self._pattern(line)}\n" for line in command.shown)

    def _pattern(self, line: str) -> str:
        return ".*".join(self._literal(part) for part in line.split("…"))

    def _literal(self, text: str) -> str:
        found, end = [], 0
        for match in _ANY.finditer(text):
            variable = tuple(_VARIABLE.values())[(match.lastindex or 1) - 1]
            found += [re.escape(self._here(text[end : match.start()])), f"({variable})"]
            end = match.end()
        return "".join([*found, re.escape(self._here(text[end:]))])

    def _remember(self, command: Command, found: re.Match[str]) -> None:
        """A reader copies the name of a file from his own screen."""
        there = [match[0] for line in command.shown for match in _ANY.finditer(line)]
        for name, here in zip(there, found.groups(), strict=True):
            if re.fullmatch(_STAMP, name):
                self.replaced[name] = here


def commands(console: str) -> Iterator[Command]:
    """The commands of a console block: `$ ` begins one, `> ` or a backslash before it goes on with it."""
    text, shown = "", []
    for line in console.splitlines():
        if line.startswith("$ "):
            if text:
                yield Command(text, tuple(shown))
            text, shown = line[2:], []
        elif (text.endswith("\\") or line.startswith("> ")) and not shown:
            text += "\n" + line.removeprefix("> ")
        else:
            shown.append(line)
    if text:
        yield Command(text, tuple(shown))
