"""The recovery playbook, followed word for word: a cure that nobody has tried is found out at night."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from fixtures.company_build import build
from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
PLAYBOOK = (REPOSITORY / "docs" / "how-to" / "recover.md").read_text(encoding="utf-8")


class Drill(NamedTuple):
    """One section of the playbook."""

    name: str
    red: set[str]
    rehearse: list[str]
    see: list[str]
    mend: list[str]
    scripts: dict[str, str]


def commands(section: str, label: str) -> list[str]:
    """The commands of the block that stands under a label."""
    [block] = re.findall(rf"^{label}:\n\n```console\n(.*?)^```", section, flags=re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for line in block.splitlines()]


def drills() -> list[Drill]:
    """What the playbook has sections for."""
    found = []
    for section in re.split(r"^## ", PLAYBOOK, flags=re.MULTILINE)[1:]:
        [red] = re.findall(r"^Turns red: (.*)\.$", section, flags=re.MULTILINE)
        found.append(
            Drill(
                section.partition("\n")[0],
                set(re.findall(r"`(\w+)`", red)),
                *(commands(section, label) for label in ("Rehearse", "See", "Mend")),
                dict(re.findall(r"Save this as `(\S+)` in `REPORTS`.*?```python\n(.*?)```", section, flags=re.DOTALL)),
            )
        )
    return found


@pytest.fixture(scope="module")
def well(tmp_path_factory):
    """The company as the playbook's first block leaves it: built, and decided once while all is well."""
    place = tmp_path_factory.mktemp("recovery")
    build(place / "lane", datetime.now(UTC))
    assert follow(place, opening()[2]) == (0, set())
    return place


def opening() -> list[str]:
    """The commands before the first section: set, build, decide, look at everything."""
    blocks = re.findall(r"```console\n(.*?)```", PLAYBOOK.partition("\n## ")[0], flags=re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def follow(place: Path, command: str) -> tuple[int, set[str]]:
    """The exit code of one command, and which gates the decision calls red where it was one."""
    variables = environment("ML_ENABLED", "REDIS_URL") | {
        "ROOT": str(place / "lane"),
        "REPORTS": str(place / "decisions"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    if not command.startswith("pytest gates"):
        return done.returncode, set()
    decision = json.loads((place / "decisions/promotion_gates/latest.json").read_text())
    assert decision["finished"], done.stdout
    assert (decision["status"] == "PASS") is (done.returncode == 0)
    return done.returncode, {check["name"] for check in decision["checks"] if not check["pass"]}


@pytest.mark.parametrize("drill", drills(), ids=lambda drill: drill.name.replace(" ", "-"))
def test_the_playbook_mends_what_it_breaks(well, tmp_path, drill):
    """A playbook with a wrong word in it costs its reader an hour, and the company that hour's trading."""
    place = shutil.copytree(well, tmp_path / "place")
    for name, script in drill.scripts.items():
        (place / "decisions" / name).write_text(script)
    for command in drill.rehearse:
        assert follow(place, command) == (0, set()), command
    *looks, decides = drill.see
    assert [follow(place, look)[0] for look in looks] == [2] * len(looks)
    assert follow(place, decides) == (1, drill.red)
    *steps, decides = drill.mend
    assert [(step, follow(place, step)[0]) for step in steps] == [(step, 0) for step in steps]
    assert follow(place, decides) == (0, set())


def test_the_playbook_has_the_four_drills():
    """A section that was reworded out of the test's sight is a drill that is no longer held."""
    assert [drill.name for drill in drills()] == [
        "A stale report",
        "A restarted service",
        "A lost event store",
        "A corrupt latest.json",
    ]
    assert all({"service_health"} < drill.red and len(drill.mend) >= 3 for drill in drills())


def test_the_first_look_knows_every_service_of_the_demo(well):
    """A look that leaves a service out finds everything in order."""
    *_, look = opening()
    assert look.startswith("promotion health --root")
    assert follow(well, look)[0] == 3  # nobody said which Redis to ask, and all else is well
    (well / "other").mkdir()
    environment = f'ROOT="{well / "other"}"; cp -r "{well / "lane" / "compose"}" "$ROOT"; '
    assert follow(well, environment + look)[0] == 2


def test_what_the_vault_never_held_is_not_restored(well, tmp_path):
    """A store made of nothing would pass for one that is merely empty."""
    [script] = [text for drill in drills() for text in drill.scripts.values()]
    place = shutil.copytree(well, tmp_path / "place")
    (place / "decisions" / "from_vault.py").write_text(script)
    words = '"$REPORTS/promotion_gates" "$ROOT" reports/nothing/'
    assert follow(place, f'python "$REPORTS/from_vault.py" {words}')[0] == 1
    assert not (place / "lane/reports/nothing").exists()
