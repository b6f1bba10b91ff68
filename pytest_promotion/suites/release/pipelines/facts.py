"""What the workflows of a repository have to know of it."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.suites.release.adoption import configuration_files, frontend, knowledge_base
from pytest_promotion.suites.release.adoption.repository import Repository, joined, parent_of
from pytest_promotion.suites.release.javascript import MANAGERS
from pytest_promotion.suites.release.pipelines import requirements
from pytest_promotion.suites.release.rollout.environments import FILE as ENVIRONMENTS

NODE: Final = "22"
PUBLIC_KEY: Final = "docs/Ops/promotion.pub"
PLAN: Final = "config/parity.json"
_PYTHONS: Final = ("3.12", "3.13", "3.14", "3.11")
# One that has a default is not asked for.
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?\?[^}]*)?\}|([A-Za-z_]\w*))")
_NAMED: Final = ("SECRET_KEY", "APP_ENV")
_PLAN_KEYS: Final = frozenset({"plan", "budget_cents", "seed", "timestamp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    A repository as its workflows see it.

    `root` is the promotion root below the checkout. `knowledge`, the policy of the benchmark, and `deployment`, the
    file that says how it is deployed, are empty where there is none. `compose` and `compose_values` are the files that
    the gate judges, named to the deployment as well. `secrets` are the variables that the gates judge; where an
    `env_file` is not in git, its content is one secret instead. `prepare` is run before anything is judged, beside
    what `install` runs; `tool` installs this package alone, by default the last line of that.
    """

    root: str = "."
    gates: str = "gates"
    policy: str = "promotion.yaml"
    branch: str = "main"
    python: str = _PYTHONS[0]
    install: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    prepare: tuple[str, ...] = ()
    node: str = ""
    manager: str = ""
    simulation: bool = False
    env_file: str = ""
    secrets: tuple[str, ...] = ()
    knowledge: str = ""
    deployment: str = ""
    compose: tuple[str, ...] = ()
    compose_values: str = ""
    plan: str = ""
    public_key: str = PUBLIC_KEY
    written: str = ""


def facts_of(root: Path, gates: str) -> Facts:
    """What the repository at *root* has, by its files."""
    repository = Repository.at(root)
    env_file = configuration_files.env_file(repository) or ""
    kept_back = bool(env_file) and env_file not in _tracked(root)
    compose = repository.files_called(*configuration_files.COMPOSE)
    deployment = ENVIRONMENTS if ENVIRONMENTS in repository.files else compose[0] if compose else ""
    by_compose = bool(compose) and deployment == compose[0]
    knowledge = repository.files_called(knowledge_base.POLICY)
    node, manager = _node(repository)
    extras = ["release"] + (["compose"] if compose else []) + (["deploy", "sign"] if deployment else [])
    return Facts(
        gates=gates,
        branch=_branch(root),
        python=_python(repository),
        install=requirements.commands(repository, [*extras, *(["kb"] if knowledge else [])]),
        node=node,
        manager=manager,
        simulation=repository.mentions(configuration_files.SIMULATION),
        env_file=env_file if kept_back else "",
        secrets=() if kept_back else ("SECRET_KEY", *_variables(root, compose, env_file)),
        knowledge=knowledge[0] if knowledge else "",
        deployment=deployment,
        compose=tuple(configuration_files.layered(repository, compose[0])) if by_compose else (),
        compose_values=(env_file or joined(parent_of(compose[0]), ".env")) if by_compose else "",
        plan=next(iter(_plans(repository)), "") if deployment else "",
    )


def _tracked(root: Path) -> frozenset[str]:
    return frozenset(_git(root, "ls-files", "-z").split("\0"))


def _branch(root: Path) -> str:
    """The branch that is pushed to: `main` or `master` where there is one, else the one that is checked out."""
    names = _git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    current = _git(root, "symbolic-ref", "--short", "HEAD").strip()
    return next((name for name in ("main", "master", current) if name and name in names), current or "main")


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],  # noqa: S607 - the user's git
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=for_git(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _python(repository: Repository) -> str:
    """The version that the project allows, of those that the gates run on."""
    for file in repository.files_called(".python-version"):
        if (words := repository.text(file).split()) and (found := _allowed(f"=={words[0]}")):
            return found
    for file in repository.files_called("pyproject.toml"):
        try:
            wanted: Any = tomllib.loads(repository.text(file)).get("project", {}).get("requires-python")
        except (tomllib.TOMLDecodeError, AttributeError):
            continue
        if isinstance(wanted, str) and (found := _allowed(wanted)):
            return found
    return _PYTHONS[0]


def _allowed(wanted: str) -> str:
    """The first version that meets *wanted*, by its newest patches; empty where none does."""
    try:
        allowed = SpecifierSet(wanted if wanted.count(".") != 1 or not wanted.startswith("==") else f"{wanted}.*")
    except InvalidSpecifier:
        return ""
    return next((one for one in _PYTHONS if any(f"{one}.{patch}" in allowed for patch in range(30))), "")


def _node(repository: Repository) -> tuple[str, str]:
    """A file or a version that says which Node is needed, and the package manager; empty without a frontend."""
    found = frontend.package_of(repository)
    if found is None:
        return "", ""
    folder, _, document = found
    manager = frontend.manager_of(repository, folder)[0]
    for name in (".nvmrc", ".node-version"):
        for place in dict.fromkeys((folder, parent_of(folder) if folder != "." else ".", ".")):
            if joined(place, name) in repository.files:
                return joined(place, name), manager.name
    engines = document.get("engines")
    stated = isinstance(engines, dict) and isinstance(engines.get("node"), str)
    return joined(folder, "package.json") if stated else NODE, manager.name


def _variables(root: Path, compose: Sequence[str], env_file: str) -> tuple[str, ...]:
    """The variables that the compose file has no default for: each has to be a secret of the environment."""
    names: dict[str, None] = {}
    for file in compose[:1]:
        try:
            lines = (root / file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        text = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("$$", "")
        names |= dict.fromkeys(one[0] or one[1] for one in _VARIABLE.findall(text))
    known = _names_in(root / env_file) if env_file else set()
    return tuple(name for name in names if name not in known and name not in _NAMED)


def _names_in(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    return {line.partition("=")[0].strip() for line in lines if "=" in line}


def _plans(repository: Repository) -> list[str]:
    """The files that say what a service is asked twice, by their keys."""
    found = []
    for file in repository.files_called("parity.json", "parity_plan.json"):
        document = repository.document(file)
        if isinstance(document, dict) and document.keys() >= _PLAN_KEYS:
            found.append(file)
    return found


def uses_manager(facts: Facts) -> bool:
    """Whether the package manager is another one than npm, and has to be set up."""
    return facts.manager in MANAGERS and facts.manager != "npm"
