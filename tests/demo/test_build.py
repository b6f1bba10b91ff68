"""Building and its commands: nothing of anybody else may be lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from fixtures import company_build
from fixtures.__main__ import main as fixtures_main
from fixtures.company_build import build
from fixtures.services.__main__ import main as services_main

pytestmark = pytest.mark.slow


def test_somebody_elses_folder_is_refused_untouched(tmp_path: Path, now: datetime) -> None:
    """One mistyped path must not cost anybody their reports."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/mine.json").write_text("{}")
    with pytest.raises(FileExistsError, match="harbour-lane"):
        build(tmp_path, now)
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_rebuilding_keeps_what_no_build_made(tmp_path: Path, now: datetime) -> None:
    """Decisions of earlier promotion runs may stand in the same workspace."""
    decision = build(tmp_path / "lane", now, "leak") / "reports/promotion/decision.json"
    decision.parent.mkdir()
    decision.write_text("{}")
    root = build(tmp_path / "lane", now)
    assert decision.exists()
    assert not (root / "docs/ops/night_shift_note.md").exists()


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    """Evidence dated by an unnamed clock is undated."""
    with pytest.raises(ValueError, match="time zone"):
        build(tmp_path, datetime(2026, 5, 20))  # noqa: DTZ001 - that is the point
    assert list(tmp_path.iterdir()) == []


def test_report_folders_are_those_that_services_write(lane: Path) -> None:
    """A folder that the build does not know would survive it, with yesterday's report."""
    written = {path.name for path in (lane / "reports").iterdir()}
    assert written == set(company_build.REPORT_FOLDERS)


def test_a_service_runs_alone(broken: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A policy names these commands as producers; a broken one leaves gates without data."""
    assert services_main(["policy", "--root", str(broken("healthy"))]) == 0
    assert capsys.readouterr().out == "policy: pass\n"


def test_a_service_without_its_input_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report about nothing, freshly stamped, would pass for evidence."""
    assert services_main(["parity", "--root", str(tmp_path)]) == 2
    assert "nothing written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever breaks the demo on purpose must be told where to look."""
    assert fixtures_main([str(tmp_path), "--variant", "missing_report"]) == 0
    assert "reconciliation_status" in capsys.readouterr().out
