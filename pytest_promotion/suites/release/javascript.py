"""Package managers and test runners of JavaScript: the words that install, run a script, and have JUnit written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven


@dataclass(frozen=True, slots=True)
class Manager:
    """How a package manager is called. `{folder}` stands for where package.json is."""

    name: str
    lock_files: tuple[str, ...]
    running: tuple[str, ...]
    installing: tuple[str, ...]
    """From the lock file and nothing else, in the folder of the lock file."""
    before_arguments: tuple[str, ...] = ()

    def run(self, folder: str, script: str, arguments: Sequence[str] = ()) -> list[str]:
        """The command that runs *script* of the package.json in *folder*, with *arguments* for the program in it."""
        words = [word.format(folder=folder) for word in self.running]
        return [*words, script, *(self.before_arguments if arguments else ()), *arguments]


MANAGERS: Final = {
    manager.name: manager
    for manager in (
        Manager(
            "npm",
            ("package-lock.json", "npm-shrinkwrap.json"),
            ("npm", "--prefix", "{folder}", "run", "--silent"),
            ("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"),
            ("--",),
        ),
        Manager(
            "pnpm",
            ("pnpm-lock.yaml",),
            ("pnpm", "--dir", "{folder}", "run"),
            ("pnpm", "install", "--frozen-lockfile", "--prefer-offline"),
        ),
        Manager(
            "yarn",
            ("yarn.lock",),
            ("yarn", "--cwd", "{folder}", "run"),
            ("yarn", "install", "--frozen-lockfile"),
        ),
        Manager(
            "bun",
            ("bun.lock", "bun.lockb"),
            ("bun", "run", "--cwd", "{folder}"),
            ("bun", "install", "--frozen-lockfile"),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Reporter:
    """What makes a test runner write JUnit to `{results}`."""

    words: tuple[str, ...]
    """The first words of a command that show which runner it starts."""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    package: str = ""
    """The package that it needs beside the runner."""


REPORTERS: Final = {
    "vitest": Reporter(("vitest",), ("--reporter=default", "--reporter=junit", "--outputFile.junit={results}")),
    "jest": Reporter(
        ("jest", "react-scripts test"),
        ("--reporters=default", "--reporters=jest-junit"),
        {"JEST_JUNIT_OUTPUT_FILE": "{results}"},
        "jest-junit",
    ),
    # By the environment: its options would have to stand before the files that the script names.
    "node": Reporter(
        ("node --test",), (), {"NODE_OPTIONS": '--test-reporter=junit --test-reporter-destination="{results}"'}
    ),
    "mocha": Reporter(("mocha",), ("--reporter=xunit", "--reporter-option=output={results}")),
    "playwright": Reporter(
        ("playwright test",), ("--reporter=line,junit",), {"PLAYWRIGHT_JUNIT_OUTPUT_FILE": "{results}"}
    ),
}


def manager_called(name: str) -> Manager:
    """The package manager called *name*. Raises `Unproven` for another name."""
    if name not in MANAGERS:
        raise Unproven(f"the package manager {name!r} is not known: {', '.join(MANAGERS)} are")
    return MANAGERS[name]


def reporting(name: str | None, results: Path) -> tuple[list[str], dict[str, str]]:
    """
    The arguments and the environment with which the runner called *name* writes JUnit to *results*.

    None stands for a script that writes it by itself. Raises `Unproven` for another name.
    """
    if name is None:
        return [], {}
    if name not in REPORTERS:
        raise Unproven(f"the test runner {name!r} is not known: {', '.join(REPORTERS)} are")
    reporter = REPORTERS[name]
    environment = {key: value.format(results=results) for key, value in reporter.environment.items()}
    return [word.format(results=results) for word in reporter.arguments], environment
