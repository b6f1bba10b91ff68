"""The layout of the house: which room may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pytest_promotion"
PLUGIN_LAYER = {
    "plugin",
    "hooks",
    "fixtures",
    "recorder",
    "distributed",
    "settings",
    "selection",
    "session",
    "sentences",
    "proving",
    "opting",
}
# What each room may import of the others. A room that is not named here may be imported by
# everyone and imports nothing but what stands in its own line.
ALLOWED = {
    "__init__": {"model", "errors"},
    "model": set(),
    "errors": set(),
    "clock": set(),
    "canonical": {"collector"},
    "collector": set(),
    "hooks": {"model"},
    "wire": {"model"},
    "vacuity": set(),
    "rollcall": {"model", "vacuity"},
    "ledger": {"model", "rollcall"},
    "verdict": {"model"},
    "deciding": {"model", "clock", "evidence", "ledger", "policy", "verdict", "waiving"},
    "policy": {"model", "errors", "canonical", "evidence"},
    "evidence": {"model", "errors", "clock", "canonical", "collector"},
    "compose": {"errors", "evidence"},
    "replay": {"canonical", "errors", "clock", "evidence", "publishing"},
    "conformance": {"evidence"},
    "candidates": {"canonical", "clock", "errors", "evidence", "publishing"},
    "ui": {"candidates", "errors", "evidence"},
    "protection": {"errors", "evidence"},
    "plans": {"clock", "errors", "evidence"},
    "scans": {"clock", "collector", "errors", "evidence"},
    "slo": {"clock", "errors", "evidence"},
    "determinism": {"canonical", "clock", "errors", "evidence", "peers", "publishing"},
    "prove": {"clock", "evidence", "model", "policy"},
    "opting": {"fixtures"},
    "peers": {"errors"},
    "proving": {
        "clock",
        "evidence",
        "fixtures",
        "policy",
        "prove",
        "publishing",
        "render",
        "rollcall",
        "selection",
        "sentences",
        "wire",
    },
    "producers": {"model", "errors", "evidence", "policy"},
    "publishing": set(),
    "alerts": {"errors", "peers"},
    "knowledge": {"alerts", "canonical", "clock", "errors", "evidence", "operations", "publishing"},
    "operations": {"model", "errors", "clock", "compose", "evidence", "publishing", "render", "secrets", "wire"},
    "release": {"model", "errors", "clock", "canonical", "evidence", "policy", "secrets", "trust"},
    "render": {"model", "waiving", "wire"},
    "rollout": {
        "alerts",
        "canonical",
        "clock",
        "compose",
        "determinism",
        "errors",
        "evidence",
        "operations",
        "peers",
        "publishing",
        "secrets",
        "trust",
    },
    "schema_change": {"canonical", "clock", "errors", "evidence", "model", "trust"},
    "secrets": {"clock", "errors", "evidence", "publishing"},
    "explain": {"model", "errors", "clock", "ledger", "trust", "verdict", "wire"},
    "forms": {"publishing", "render"},
    "shards": {"model", "errors", "clock", "deciding", "evidence", "policy", "wire"},
    "history": {"model", "errors", "clock", "canonical", "evidence", "trust"},
    "trust": {
        "model",
        "errors",
        "clock",
        "canonical",
        "deciding",
        "evidence",
        "policy",
        "publishing",
        "shards",
        "waiving",
    },
    "waiving": {"model", "clock", "canonical", "wire"},
    "suites": {"clock", "errors", "evidence", "publishing"},
    "fixtures": {"model", "errors", "clock", "evidence", "policy", "settings"},
    "sentences": {"errors"},
    "recorder": {
        "model",
        "evidence",
        "fixtures",
        "ledger",
        "policy",
        "render",
        "rollcall",
        "sentences",
        "shards",
        "wire",
    },
    "distributed": {"ledger", "proving", "recorder", "settings", "wire"},
    "selection": {"rollcall"},
    "settings": {"policy", "clock", "errors", "evidence", "selection", "shards", "trust"},
    "session": {
        "model",
        "errors",
        "clock",
        "deciding",
        "evidence",
        "forms",
        "history",
        "policy",
        "producers",
        "publishing",
        "recorder",
        "render",
        "rollcall",
        "selection",
        "settings",
        "shards",
        "trust",
        "waiving",
    },
}


def rooms() -> dict[str, list[Path]]:
    """Every room with its files. The starter is no room: it is what `promotion init` writes."""
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        if parts[0] == "starter":
            continue
        found.setdefault(parts[0].removesuffix(".py"), []).append(path)
    return found


def imports(path: Path) -> set[str]:
    """The dotted names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of(names: set[str]) -> set[str]:
    """The rooms of this package among imported names."""
    return {name.split(".")[1] for name in names if name.startswith("pytest_promotion.")}


@pytest.mark.parametrize("room", [room for room in rooms() if room not in ("plugin", "cli")])
def test_a_room_imports_only_what_it_may(room):
    """Imports that point up turn a house into a heap: then nothing can be understood alone."""
    used = set().union(*(rooms_of(imports(path)) for path in rooms()[room])) - {room}
    assert used <= ALLOWED[room]


def test_only_the_plugin_layer_imports_pytest():
    """The pure rooms serve commands and programs that have no pytest session."""
    users = {room for room, files in rooms().items() for path in files if "pytest" in imports(path)}
    assert users - {"cli"} <= PLUGIN_LAYER


def test_only_one_file_names_xdist():
    """What knows about workers has to be found in one place when the transport changes."""
    hooks = ("pytest_testnodedown", "pytest_configure_node", "pytest_xdist_", "workeroutput")
    users = {
        path.name for files in rooms().values() for path in files if any(hook in path.read_text() for hook in hooks)
    }
    assert users == {"distributed.py"}


def test_only_the_pages_import_streamlit():
    """It brings pandas and a web server: whoever promotes on a build machine needs neither."""
    users = {
        room for room, files in rooms().items() for path in files if any("streamlit" in name for name in imports(path))
    }
    assert users == {"ui"}


def test_an_idle_plugin_imports_no_room():
    """Every pytest start on a machine with the plugin pays for what its entry point imports."""
    code = "import sys, pytest; import pytest_promotion.plugin; print(*[m for m in sys.modules if 'promotion' in m or m in ('msgspec', 'yaml')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"msgspec", "yaml"} & set(done.stdout.split()) == set()
    assert len(done.stdout.split()) <= 4


@pytest.mark.parametrize(
    "path",
    sorted(Path(__file__).parent.rglob("test_*.py")),
    ids=lambda path: path.relative_to(path.parents[2]).as_posix(),
)
def test_every_test_says_the_danger(path):
    """A test whose danger nobody knows is deleted by the first person it bothers."""
    tests = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    silent = [node.name for node in tests if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert silent == []


def test_the_rules_for_candidates_open_nothing():
    """A rule that reads a file judges what lies there by then, not what was named."""
    allowed = {"collections", "dataclasses", "typing", "__future__", "msgspec", "math"}
    for name in ("gating", "numbers", "transitions"):
        used = imports(PACKAGE / "candidates" / f"{name}.py")
        rooms_used = {".".join(word.split(".")[1:3]) for word in used if word.startswith("pytest_promotion.")}
        assert {word.partition(".")[0] for word in used} - {"pytest_promotion"} <= allowed
        assert rooms_used <= {"candidates.bundle", "candidates.numbers", "candidates.transitions", "errors.PolicyError"}
