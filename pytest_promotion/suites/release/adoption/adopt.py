"""The whole of what a repository is found to have, as settings of its policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pytest_promotion.suites.api import Adoption
from pytest_promotion.suites.release.adoption import backend, configuration_files, frontend, knowledge_base
from pytest_promotion.suites.release.adoption.part import Part
from pytest_promotion.suites.release.adoption.repository import Repository

_IGNORED: Final = ("__pycache__/", "/.pytest_cache/")


def adopt(root: Path) -> Adoption:
    """The settings of the gates for the repository at *root*; what it lacks is not applicable by a condition."""
    repository = Repository.at(root)
    if not repository.files:
        return Adoption()  # a new project has nothing that could be found
    env_file = configuration_files.env_file(repository)
    whole = Part(ignored=list(_IGNORED))
    for part in (
        frontend.frontend(repository),
        backend.backend(repository),
        configuration_files.compose(repository, env_file),
        configuration_files.environment(repository, env_file),
        configuration_files.required_files(repository),
        knowledge_base.knowledge_base(repository),
    ):
        whole.add(part)
    settings: dict[str, Any] = {"gates": whole.gates}
    if whole.producers:
        settings["producers"] = whole.producers
    settings["refresh"] = whole.refresh
    if whole.profiles:
        # A list of a profile takes the place of that above it.
        for rules in whole.profiles.values():
            rules["refresh"] = [*whole.refresh, *rules.get("refresh", ())]
        settings["profiles"] = whole.profiles
    whole.notes.append("commit what was written before the gates run: git_clean refuses what is in no commit")
    return Adoption(settings=settings, files=whole.files, ignored=tuple(whole.ignored), notes=tuple(whole.notes))
