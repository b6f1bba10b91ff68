"""The pinned versions that development and CI install: complete, within the declared ranges, and bound to no index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
FILES = sorted(FOLDER.glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def lines(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]


def pinned(path, python):
    """What `pip install -r` of that file installs under that Python on Linux: versions by name."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
    }
    found = {}
    for line in lines(path):
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate(environment):
            assert one.name not in found, f"{one.name} twice for Python {python}"
            [version] = one.specifier
            found[one.name] = version.version
    return found


def group(name):
    for item in PROJECT["dependency-groups"][name]:
        yield from group(item["include-group"]) if isinstance(item, dict) else [item]


def test_all_files_are_there():
    """A check of no files passes."""
    assert [path.name for path in FILES] == ["dev.txt", "gates.txt", "mutation.txt"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_is_one_pinned_version(path):
    """A URL, a local file or an index of one machine is found on no other; a range installs what was not tested."""
    for line in lines(path):
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][\w.]*( ; [\w .'<>=!()*]+)?", line)
    text = path.read_text(encoding="utf-8")
    assert "make lock" in text
    assert not re.search(r"://|file:|--(index|extra|find|hash)|pytest-promotion", text)


@pytest.mark.parametrize("python", PYTHONS)
def test_every_declared_dependency_is_pinned_within_its_range(python):
    """A dependency that was added without `make lock` is missing in CI, or comes in another version than was tested."""
    extras = [item for items in PROJECT["project"]["optional-dependencies"].values() for item in items]
    declared = [*PROJECT["project"]["dependencies"], *extras, *group("dev"), *PROJECT["build-system"]["requires"]]
    versions = pinned(FOLDER / "dev.txt", python)
    for one in map(Requirement, declared):
        if one.name == "pytest-promotion":
            continue
        name = re.sub(r"[-_.]+", "-", one.name).lower()
        assert name in versions
        assert one.specifier.contains(versions[name]), one


@pytest.mark.parametrize("python", PYTHONS)
def test_the_demo_is_judged_with_the_versions_of_the_tests(python):
    """Two files that differ install one version after the other."""
    every = pinned(FOLDER / "dev.txt", python)
    gates = pinned(FOLDER / "gates.txt", python)
    assert {name: every.get(name) for name in gates} == gates
    assert len(gates) < 40 < len(every)
    core = [re.sub(r"[-_.]+", "-", Requirement(one).name).lower() for one in PROJECT["project"]["dependencies"]]
    assert set(core) <= set(gates)
