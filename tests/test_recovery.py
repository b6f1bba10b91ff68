"""The recovery playbook, followed word for word: a cure that nobody has tried is found out at night."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
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
    return done.returncode, {
        check["name"] for check in decision["checks"] if not check["pass"] and check["outcome"] != "NOT_APPLICABLE"
    }


@pytest.mark.parametrize("drill", drills(), ids=lambda drill: drill.name.replace(" ", "-"))
def test_the_playbook_mends_what_it_breaks(well, tmp_path, drill):
    """A playbook with a wrong word in it costs its reader an hour, and the company that hour's trading."""
    place = shutil.copytree(well, tmp_path / "place")
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


class TestRestoring:
    """`promotion vault restore`: what was judged, over nothing that is there."""

    STORE = "reports/event_store"
    WORDS = '--root "$ROOT" --reports "$REPORTS"'

    @pytest.fixture
    def place(self, well, tmp_path):
        """The company after one decision, which a test may break."""
        return shutil.copytree(well, tmp_path / "place")

    def restore(self, place: Path, words: str) -> int:
        return follow(place, f"promotion vault restore {words} {self.WORDS}")[0]

    def bytes_of(self, place: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (place / "lane" / self.STORE).glob("events_*")}

    def test_what_the_vault_never_held_is_not_restored(self, place):
        """A store made of nothing would pass for one that is merely empty."""
        assert self.restore(place, "reports/nothing") == 3
        assert not (place / "lane/reports/nothing").exists()

    def test_files_come_back_as_they_were_and_no_younger(self, place):
        """A report that is dated by its file would be fresh again by being restored."""
        before = self.bytes_of(place)
        for path in (place / "lane" / self.STORE).glob("events_*"):
            path.unlink()
        started = time.time()
        assert self.restore(place, f"--dry-run '{self.STORE}/events_*'") == 0
        assert self.bytes_of(place) == {}
        assert self.restore(place, f"'{self.STORE}/events_*'") == 0
        assert self.bytes_of(place) == before != {}
        assert all(path.stat().st_mtime < started for path in (place / "lane" / self.STORE).glob("events_*"))
        assert self.restore(place, f"'{self.STORE}/events_*'") == 0  # they are there already

    def test_nothing_that_is_there_is_written_over(self, place):
        """What came in since the last decision is nowhere else."""
        [first, *_] = sorted((place / "lane" / self.STORE).glob("events_*"))
        with first.open("ab") as file:
            file.write(b"{}\n")
        integrity = max((place / "lane" / self.STORE).glob("integrity_*"))
        integrity.unlink()
        before = self.bytes_of(place)
        assert self.restore(place, self.STORE) == 2
        assert self.bytes_of(place) == before
        assert not integrity.exists()

    def test_a_damaged_vault_restores_nothing_from_it(self, place):
        """Bytes that nobody judged would be judged tomorrow as the store of today."""
        [decision] = (place / "decisions/promotion_gates").glob("promotion_gates_*.json")
        items = json.loads(decision.read_text())["evidence_bundle"]["artifacts"]
        item = next(one for one in items if one["path"].startswith(f"{self.STORE}/events_"))
        kept = place / "decisions/promotion_gates/evidence/sha256" / item["sha256"][:2] / item["sha256"]
        kept.chmod(0o600)
        kept.write_bytes(kept.read_bytes()[:-1] + b" ")
        (place / "lane" / item["path"]).unlink()
        assert self.restore(place, item["path"]) == 3
        assert not (place / "lane" / item["path"]).exists()

    def test_a_link_does_not_lead_out_of_the_root(self, place):
        """A folder that became a link to a disk of others is no place to restore to."""
        lane, outside = place / "lane", place / "outside"
        shutil.move(lane / self.STORE, outside)
        for path in outside.glob("events_*"):
            path.unlink()
        (lane / self.STORE).symlink_to(outside)
        assert self.restore(place, f"'{self.STORE}/events_*'") == 3
        assert not list(outside.glob("events_*"))

    def test_all_that_a_decision_judged_can_be_laid_out(self, place, tmp_path):
        """A replay of a past decision begins with its evidence."""
        [decision] = (place / "decisions/promotion_gates").glob("promotion_gates_*.json")
        (tmp_path / "past").mkdir()
        command = f"promotion vault restore --decision '{decision}' --root '{tmp_path / 'past'}'"
        assert follow(place, command)[0] == 0
        items = json.loads(decision.read_text())["evidence_bundle"]["artifacts"]
        assert all((tmp_path / "past" / one["path"]).exists() for one in items if one["exists"])

    def test_nothing_to_restore_is_wrong_usage(self, place):
        """Everything of the newest decision is more than anybody meant."""
        assert self.restore(place, "") == 4
