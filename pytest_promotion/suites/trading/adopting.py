"""What a trading workspace that is there already has for its policy: release manifest, producers, healthchecks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.evidence.files import read_given
from pytest_promotion.suites.api import Adoption

MANIFESTS: Final = "docs/ops/release_manifest*.*"
PARITY: Final = "services/shadow_execution/main.py"
COMPOSE: Final = "compose/docker-compose.yml"
_OURS: Final = ("{python}", "-m", "pytest_promotion.cli")
_GROUPS: Final = ("unit", "service", "integration")


def adopt(root: Path) -> Adoption:
    """The settings that the workspace at *root* needs, and what it lacks, as notes."""
    notes: list[str] = []
    settings: dict[str, Any] = {}
    manifest = _manifest(root, notes)
    if manifest:
        settings["release_manifest"] = manifest
    settings["producers"] = dict(_producers(root, notes))
    checks = _healthchecks(root, notes)
    return Adoption(settings=settings, lines={COMPOSE: checks} if checks else {}, notes=tuple(notes))


def _manifest(root: Path, notes: list[str]) -> str:
    found = sorted(path.relative_to(root).as_posix() for path in root.glob(MANIFESTS) if path.is_file())
    if not found:
        notes.append(f"there is no release manifest {MANIFESTS}: set release_manifest, or decisions name no subject")
        return ""
    if len(found) > 1:
        notes.append(f"of {len(found)} release manifests the last by name was taken: {found[-1]}")
    return found[-1]


def _producers(root: Path, notes: list[str]) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "secrets": {
            "command": [*_OURS, "secrets", "scan", "{root}", "--report", "{root}/reports/security"],
            "writes": ["reports/security/latest.json"],
            "timeout": "10m",
        },
        "harness": {
            "command": [*_OURS, "replay", "harness", "--root", "{root}"],
            "writes": ["reports/backtest_regression/latest.json"],
            "timeout": "10m",
        },
    }
    if (root / PARITY).is_file():
        found["parity"] = {
            "command": ["{python}", f"{{root}}/{PARITY}", "--once"],
            "writes": ["reports/parity/latest.json"],
            # It imports its neighbours by the root, wherever it is started.
            "environment": {"PYTHONPATH": "{root}"},
        }
    else:
        notes.append(f"{PARITY} is not here: name your own parity producer before `refresh: [parity]` is used")
    groups = [f"{name}=tests/{name}" for name in _GROUPS if (root / "tests" / name).is_dir()]
    packages = [name for name in ("controllers", "services") if (root / name).is_dir()]
    if len(groups) == len(_GROUPS) and packages:
        words = [word for group in groups for word in ("--group", group)]
        covered = [word for package in packages for word in ("--cov", package)]
        found["tests"] = {
            "command": [*_OURS, "tests", "run", "--root", "{root}", *words, *covered, "--cov-fail-under", "60"],
            "writes": ["reports/tests/latest.json"],
            "timeout": "30m",
        }
    else:
        notes.append("tests/unit, tests/service and tests/integration are not all here: `promotion tests run --help`")
    return found


def _healthchecks(root: Path, notes: list[str]) -> str:
    """Healthchecks for the services that are watched and have none, as lines of the compose file."""
    from pytest_promotion.suites.trading.health.services import BUILT_IN

    try:
        document = parse_yaml(read_given(root / COMPOSE, COMPOSE), COMPOSE)
        services = document["services"]
        lacking = [name for name in BUILT_IN if name in services and "healthcheck" not in services[name]]
        absent = [name for name in BUILT_IN if name not in services]
    except (Unproven, KeyError, TypeError) as problem:
        notes.append(f"the healthchecks could not be looked at: {problem}")
        return ""
    if absent:
        notes.append(
            f"{COMPOSE} does not start {', '.join(absent)}: exempt them in gates.service_health, with a reason"
        )
    checks = {
        name: {
            "healthcheck": {
                "test": ["CMD-SHELL", f"promotion health {name} --root /workspace/hbot || exit 1"],
                "interval": "30s",
                "timeout": "10s",
                "retries": 3,
                "start_period": "30s",
            }
        }
        for name in lacking
    }
    return yaml.safe_dump({"services": checks}, sort_keys=False) if checks else ""
