"""The frontend of a repository: where package.json is, who installs it, its scripts, and what its build writes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_promotion.suites.release import of_project
from pytest_promotion.suites.release.adoption.part import Part
from pytest_promotion.suites.release.adoption.repository import Repository, below_root, joined, parent_of
from pytest_promotion.suites.release.javascript import MANAGERS, REPORTERS, Manager

GATES: Final = {
    "frontend_lint": ("lint",),
    "frontend_unit": ("test:unit", "test", "unit"),
    "frontend_build": ("build",),
}
REPORT: Final = ".runtime/frontend_install.json"
RESULTS: Final = ".runtime/frontend_unit.xml"
_PLACEHOLDER: Final = "no test specified"  # what `npm init` writes
# What a build tool writes, by the word that starts it.
_OUTPUTS: Final = {
    "vite build": "dist/index.html",
    "react-scripts build": "build/index.html",
    "next build": ".next/BUILD_ID",
    "vue-cli-service build": "dist/index.html",
    "astro build": "dist/index.html",
    "parcel build": "dist/index.html",
}
_OUT_FOLDER: Final = re.compile(r"\boutDir\s*:\s*['\"]([\w./-]+)['\"]")


def frontend(repository: Repository) -> Part:
    """The settings of the three gates of the frontend; they do not apply where there is no package.json."""
    part = Part()
    found = package_of(repository)
    if found is None:
        for gate in GATES:
            part.leave_out(gate, "this repository has no frontend", no_files=list(of_project.JAVASCRIPT))
        part.notes.append("frontend: none, there is no package.json with scripts")
        return part
    folder, scripts, package = found
    manager, lock_folder = manager_of(repository, folder)
    _install(part, manager, lock_folder, folder)
    names = []
    for gate, candidates in GATES.items():
        name = next((one for one in candidates if _PLACEHOLDER not in scripts.get(one, _PLACEHOLDER)), None)
        part.set(gate, folder=folder, script=name or candidates[0], package_manager=manager.name)
        if name is None:
            # The condition is about the first name: a script of that name makes the gate apply.
            entry = ["scripts", candidates[0]]
            where = {"file": joined(folder, "package.json"), "entry": entry}
            part.leave_out(gate, f"package.json has no script {candidates[0]}", no_entry=where)
            part.notes.append(f"{gate}: not applicable until package.json has a script {candidates[0]}")
            continue
        names.append(name)
        if gate == "frontend_unit":
            _unit(part, scripts[name], package)
        if gate == "frontend_build":
            _build(part, repository, folder, _whole(scripts, name))
    place = "the root" if folder == "." else f"{folder}/"
    part.notes.append(f"frontend: {manager.name} in {place}, scripts {', '.join(names) or 'none'}")
    part.ignored += [f"{'' if one == '.' else '/' + one}/node_modules/" for one in dict.fromkeys([lock_folder, folder])]
    return part


def package_of(repository: Repository) -> tuple[str, Mapping[str, str], Mapping[str, Any]] | None:
    """The package.json with most of the scripts, the nearest to the root of several."""
    best = None
    for file in repository.files_called("package.json"):
        package = repository.document(file)
        scripts = package.get("scripts") if isinstance(package, dict) else None
        if not isinstance(scripts, dict):
            continue
        texts = {name: text for name, text in scripts.items() if isinstance(text, str) and text.strip()}
        count = sum(any(name in texts for name in names) for names in GATES.values())
        if count and (best is None or count > best[0]):
            best = (count, parent_of(file), texts, package)
    return None if best is None else best[1:]


def manager_of(repository: Repository, folder: str) -> tuple[Manager, str]:
    """The package manager by the lock file in *folder* or above it, with the folder of that file."""
    place = folder
    while True:
        for manager in MANAGERS.values():
            if any(joined(place, name) in repository.files for name in manager.lock_files):
                return manager, place
        if place == ".":
            return MANAGERS["npm"], ""
        place = parent_of(place)


def _install(part: Part, manager: Manager, lock_folder: str, folder: str) -> None:
    if not lock_folder:
        lock = joined(folder, manager.lock_files[0])
        part.notes.append(f"no lock file: commit {lock}, and add a producer that installs; until then install by hand")
        return
    part.producers["frontend_install"] = {
        "command": [
            *("{python}", "-m", "pytest_promotion.suites.release.installing", f"--manager={manager.name}"),
            *(f"--folder={below_root(lock_folder)}", f"--report={{root}}/{REPORT}"),
        ],
        "writes": [REPORT],
        "timeout": "15m",
    }
    part.refresh.append("frontend_install")


def _whole(scripts: Mapping[str, str], name: str) -> str:
    """The text of a script with those of the scripts that it runs."""
    text = scripts[name]
    called = re.findall(r"(?:npm run|pnpm(?: run)?|yarn(?: run)?|bun run)\s+(?:-\S+\s+)*([\w:.-]+)", text)
    return " ".join([text, *(scripts[one] for one in called if one in scripts and one != name)])


def _unit(part: Part, text: str, package: Mapping[str, Any]) -> None:
    runner = next(
        (
            name
            for name, reporter in REPORTERS.items()
            if any(re.search(rf"(?:^|[\s;&/]){re.escape(word)}(?:\s|$)", text) for word in reporter.words)
        ),
        None,
    )
    part.set("frontend_unit", results=RESULTS, reporter=runner)
    if runner is None or "--test-reporter" in text:
        part.set("frontend_unit", reporter=None)
        part.notes.append(
            f"frontend_unit: write the JUnit results of `{text}` to a file that git ignores, and name it as `results`"
        )
        return
    needed = REPORTERS[runner].package
    installed = {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})}
    if needed and needed not in installed:
        part.notes.append(f"frontend_unit: {runner} needs the package {needed} to write JUnit; add it")


def _build(part: Part, repository: Repository, folder: str, text: str) -> None:
    written = next((path for words, path in _OUTPUTS.items() if words in text), None)
    if written is None:
        part.set("frontend_build", writes=[joined(folder, "dist/index.html")])
        part.notes.append(f"frontend_build: what `{text}` writes is not known; name a file of it as `writes`")
        return
    configured = [
        match
        for file in repository.files_called("vite.config.ts", "vite.config.js", "vite.config.mts", "vite.config.mjs")
        if parent_of(file) == folder and (match := _OUT_FOLDER.search(repository.text(file)))
    ]
    if configured and "vite" in text:
        written = f"{configured[0][1].removeprefix('./').rstrip('/')}/index.html"
    path = posixpath.normpath(joined(folder, written))
    part.set("frontend_build", writes=[path])
    part.ignored.append(f"/{parent_of(path)}/")
