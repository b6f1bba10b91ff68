"""The files that `promotion init` writes: the gates of suites by one line each, and templates of common gates."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.suites import Suite

DEFAULT: Final = "starter"
# What the producers of a template write, as lines of a `.gitignore`.
IGNORED: Final = {"library": ("/reports/release/",), "model": ("/reports/evaluation/",)}
_GATES: Final = "gates"
_IMPORT: Final = '''"""
The gates of the {name} suite. They come from the installed package, and so do their fixes.

A function of the same name further down replaces a gate. Thresholds, and which gates do not apply here, are set in
promotion.yaml.
"""

from {package} import *  # noqa: F403
'''
_POLICY: Final = """\
# The rules of this promotion. `promotion policy check` prints what they resolve to.
version: 1

# What these suites require is required here. Profiles, thresholds and required gates of your own are laid on theirs;
# what that weakens is named in each decision. A gate for something that this project does not have:
#
#   gates:
#     NAME:
#       not_applicable:
#         because: this project has no such part
#         when: {no_files: ["path/**/*"]}
suites: [NAMES]

# required: a gate that was not shown to be able to fail does not count as passed. advise: it is listed.
prove: MODE
"""


def templates() -> tuple[str, ...]:
    """The names of the templates."""
    folder = resources.files("pytest_promotion") / "templates"
    return tuple(sorted(item.name for item in folder.iterdir() if item.is_dir() and item.name != "__pycache__"))


def of_suites(suites: Sequence[Suite], gates: str, settings: str = "") -> dict[str, bytes]:
    """A file below *gates* for each of *suites*, what they bring beside it, and a policy with *settings*."""
    found: dict[str, bytes] = {}
    for suite in suites:
        text = _IMPORT.format(name=suite.name, package=suite.gates)
        found[gates_file(suite, gates)] = text.encode()
        if suite.templates is not None:
            found |= _below(suite.templates, "")
    names = ", ".join(suite.name for suite in suites)
    mode = "required" if all(map(_can_be_proven, suites)) else "advise"
    found["promotion.yaml"] = (_POLICY.replace("NAMES", names).replace("MODE", mode) + settings).encode()
    return found


def gates_file(suite: Suite, gates: str) -> str:
    """The file that the gates of *suite* are imported in, below *gates*."""
    return f"{gates}/test_{suite.name.replace('-', '_')}.py"


def _can_be_proven(suite: Suite) -> bool:
    """Whether all gates of *suite* can be proven in a session that decides; its policy switches that off else."""
    prove = parse_yaml(suite.policy.read_bytes(), suite.name).get("prove") or {}
    return prove.get("mode") not in (False, "off", "advise")  # YAML takes `off` for a boolean


def of_template(name: str, gates: str) -> dict[str, bytes]:
    """The files of the template *name*, with its gates below *gates*."""
    files = _below(resources.files("pytest_promotion") / "templates" / name, "")
    moved = {_moved(path, gates): content for path, content in files.items()}
    if gates == _GATES:
        return moved
    return {path: content.replace(b"gates/", f"{gates}/".encode()) for path, content in moved.items()}


def _moved(path: str, gates: str) -> str:
    return f"{gates}/{path.removeprefix(f'{_GATES}/')}" if path.startswith(f"{_GATES}/") else path


def _below(folder: Traversable, prefix: str) -> dict[str, bytes]:
    found = {}
    for item in sorted(folder.iterdir(), key=lambda one: one.name):
        if item.is_file() and not item.name.endswith(".pyc"):
            found[prefix + item.name] = item.read_bytes()
        elif item.is_dir() and item.name != "__pycache__":
            found |= _below(item, f"{prefix}{item.name}/")
    return found
