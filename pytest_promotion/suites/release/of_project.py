"""
What a repository says of itself: where its parts are, and which of them it does not have.

None of this asks for less. Where things are has no stricter value, and that a part is absent is evaluated by a
condition each time. A lower threshold, a switch, and a condition that is easier to meet than these do ask for less.
"""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import Absence

_FRONTEND: Final = ("folder", "package_manager", "script")
SETTINGS: Final = {
    "required_files": ("files",),
    "env_policy": ("env_file", "unmentioned"),
    "frontend_lint": _FRONTEND,
    "frontend_unit": (*_FRONTEND, "results", "reporter"),
    "frontend_build": (*_FRONTEND, "writes"),
    "compose_config": ("compose", "env_file", "project"),
    "image_build": ("compose", "env_file"),
    "threshold_change_governance": ("policy", "approved", "approved_sha256"),
    "kb_benchmark": ("policy", "cases"),
    "kb_drift": ("cases",),
}
PYTHON: Final = tuple(
    f"{folder}{name}"
    for name in ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
    for folder in ("", "*/")
)
JAVASCRIPT: Final = ("package.json", "*/package.json", "*/*/package.json")
COMPOSE: Final = tuple(
    f"{folder}{name}*.y*ml" for folder in ("", "*/", "*/*/") for name in ("compose", "docker-compose")
)
KNOWLEDGE: Final = tuple(f"{folder}kb_benchmark*.json" for folder in ("", "*/", "*/*/", "*/*/*/"))
ABSENCES: Final = {
    "backend_tests": Absence(no_files=PYTHON),
    "frontend_lint": Absence(no_files=JAVASCRIPT, no_script=True),
    "frontend_unit": Absence(no_files=JAVASCRIPT, no_script=True),
    "frontend_build": Absence(no_files=JAVASCRIPT, no_script=True),
    "compose_config": Absence(no_files=COMPOSE),
    "image_build": Absence(no_files=COMPOSE),
    "threshold_change_governance": Absence(no_files=KNOWLEDGE),
    "kb_benchmark": Absence(no_files=KNOWLEDGE),
    "kb_drift": Absence(no_files=KNOWLEDGE),
    # What is simulated there is not released.
    "env_policy": Absence(profiles=("default", "dev")),
}
