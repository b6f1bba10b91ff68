"""The project's own gates, every one: each can fail, and asking them changes nothing on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from fixtures.company_build import build
from tests.sessions import environment

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]


def digests(root):
    """Every file below *root*: its digest and when it was last written."""
    return {
        path.relative_to(root).as_posix(): (sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("words", "gates"),
    [(("-n2",), 22), (("--promotion-profile=strict",), 23), (("--promotion-set=require_day2_go=true", "-n2"), 23)],
)
def test_no_sabotage_survives_and_no_file_is_touched(tmp_path, words, gates):
    """A gate of the contract that cannot fail is a line in a document, and a proof that edits evidence is an attack."""
    root = build(tmp_path / "company", datetime.now(UTC))
    before = digests(root)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider", "--promotion-prove"),
            f"--promotion-root={root}",
            f"--promotion-reports={tmp_path / 'reports'}",
            *words,
        ],
        cwd=REPOSITORY,
        env=environment("ML_ENABLED"),
        capture_output=True,
        text=True,
        check=False,
    )
    [path] = (tmp_path / "reports/promotion_gates").glob("prove_*.json")
    table = json.loads(path.read_bytes())
    assert [line for gate in table["gates"] for line in gate["survivors"]] == []
    assert (done.returncode, table["proven"], len(table["gates"])) == (0, True, gates), done.stdout
    assert table["tried"] > 900
    # What the gate said must be about the evidence: a sabotage that breaks by itself would look like one that was noticed.
    said = {one["said"] for gate in table["gates"] for one in gate["attempts"] if one["killed"]}
    assert [text for text in said if "Watched" in text or "Sabotage" in text] == []
    assert digests(root) == before
