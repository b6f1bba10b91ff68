"""What a suite is: one frozen object, cheap to import, that names where everything else is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

_CHECKOUT: Final = Path(os.path.realpath(__file__)).parents[2] / "gates"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesOption:
    """
    A flag of `promotion gates` that changes settings of the policy, as `--promotion-set` does.

    Without `metavar`, `choices` or `share` it is a switch.
    """

    flag: str
    help: str
    sets: tuple[str, ...] = ()
    """`KEY=VALUE` for each setting; `{value}` stands for what was given."""
    metavar: str = ""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What each choice sets, instead of `sets`; the first one is the default."""
    share: bool = False
    """Whether the value is a number from 0 to 1."""
    excludes: str = ""
    """Another flag that cannot be given with this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What `promotion init` writes into the policy of a project that is there already, and what is left to a person."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the policy, such as `release_manifest` and `producers`."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """Lines for files of the project, by their paths below the root: they are shown, and written by a person."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """New files below the root, by their paths."""
    ignored: tuple[str, ...] = ()
    """Lines for the `.gitignore` of the project: what its producers and gates write."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """
    A condition under which a project may leave a gate of a suite out, and asks for no less by that.

    A condition of the project that is met no sooner than one of these parts is accepted: more patterns, fewer profiles,
    or further parts beside it.
    """

    no_files: tuple[str, ...] = ()
    """Patterns, all of which match nothing."""
    no_script: bool = False
    """The package.json in the `folder` of the gate lacks the `script` of the gate."""
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """
    The gates of one kind of system, with the policy and the commands that belong to them.

    Example, in `acme_suite/__init__.py`, registered as
    `[project.entry-points."pytest_promotion.suites"] acme = "acme_suite:suite"`:

        suite = Suite(
            name="acme",
            version="1.4.0",
            gates="acme_suite.gates",
            policy=Path(__file__).parent / "gates" / "promotion.yaml",
        )

    Raises:
        ValueError: where the name is not lower-case letters, digits and hyphens.
    """

    name: str
    version: str
    gates: str
    """The package that a project imports its gates from: `from acme_suite.gates import *`."""
    policy: Path
    """The policy of the suite, with its profiles and producers; a project names the suite under `suites`."""
    summary: str = ""
    """One line for the help of the `promotion` command."""
    producers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Producers beside those of the policy file, in the same form: `command`, `writes`, `timeout`."""
    writers: Mapping[str, str] = field(default_factory=dict)
    """Patterns of paths to how such a file is written: the fix of a gate that found it old, missing or damaged."""
    commands: Mapping[str, str] = field(default_factory=dict)
    """Click commands by name, as `package.module:attribute`; imported when they are called."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Further commands that stay callable without the name of the suite, out of every help text."""
    options: tuple[GatesOption, ...] = ()
    """Flags of `promotion gates`; they show in its help where the policy names the suite."""
    templates: Path | None = None
    """A folder whose files `promotion init --suite NAME` writes beside the gates file and `promotion.yaml`."""
    ignored: tuple[str, ...] = ()
    """Lines for the `.gitignore` of a project: what its gates and producers write."""
    layout: tuple[str, ...] = ()
    """Files that every project of its kind has; where they are and gates are not, `promotion gates` says so."""
    adopts: str = ""
    """`package.module:function`, called by `promotion init` with the root of a project; gives an `Adoption`."""
    of_project: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Thresholds by their gates that say where things are, and have no stricter value: a policy that sets them weakens
    nothing. An override is listed as weakened all the same."""
    absences: Mapping[str, Absence] = field(default_factory=dict)
    ci: Mapping[str, str] = field(default_factory=dict)
    """`package.module:function` by the CI system, called by `promotion init --ci` with the root of a project, the
    system and the folder of the gates; gives an `Adoption` with the files."""
    plugin: str = ""
    """A module with pytest hooks, registered in sessions whose policy names the suite."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a suite: lower-case letters, digits and hyphens are")

    @property
    def folder(self) -> Path:
        """Where the sources of its gates are: beside its policy."""
        return self.policy.parent


@cache  # asked for each gate that is collected, and most share a file
def in_checkout(path: Path) -> bool:
    """Whether *path* is a gate of a suite of this distribution in a checkout, where they are beside the package."""
    place = Path(os.path.realpath(path)).parent
    return place.parent == _CHECKOUT and (place / "promotion.yaml").is_file()


def bundled(package_file: str, name: str) -> Path:
    """
    The folder with the gates of a suite of this distribution.

    A wheel has them inside the suite's package; in a checkout they are in the repository's `gates/`.
    """
    package = Path(package_file).parent
    inside = package / "gates"
    return inside if (inside / "promotion.yaml").is_file() else _CHECKOUT / name
