"""
Two trading workspaces in which every gate passes: the demo's, and a live one with real formats.

The live one is another system's, read where `PROMOTION_REAL_DATA` says and not copied into the repository. Three of its
reports are honestly red or of another program, and three services have been silent; they are made healthy here, so that
one change at a time can be shown to be noticed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fixtures.company_build import build

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PROMOTION_REAL_DATA", REPOSITORY.parent / "shared" / "data")) / "trading"
POLICIES = {
    "demo": "fixtures/promotion.yaml",
    "live": "gates/trading/promotion.yaml",
    "reports": "tests/trading_rules/by_the_suite.yaml",
}
REBUILT_S = 400.0  # the window of ci is 15 minutes

Json = Any


@dataclass
class Workspace:
    """A healthy workspace, built anew before it goes stale."""

    name: str
    root: Path
    built: float = 0.0
    passed: set[tuple[str, ...]] = field(default_factory=set)  # gates that were seen to pass on it, with their words

    def is_old(self) -> bool:
        """Whether its reports will soon be stale."""
        return not self.built or time.monotonic() - self.built >= REBUILT_S

    def renew(self) -> None:
        """Build it, unless it is young enough."""
        if not self.is_old():
            return
        if self.name == "demo":
            build(self.root, datetime.now(UTC))
        else:
            redated(self.root)
            make_healthy(self.root, datetime.now(UTC))
        write_model_report(self.root, datetime.now(UTC))
        self.built = time.monotonic()
        self.passed.clear()


def redated(root: Path) -> None:
    """The recorded workspace, with the newest of its times about a minute old."""
    subprocess.run([sys.executable, DATA / "redate.py", DATA / "workspace", root], check=True)


def make_healthy(root: Path, now: datetime) -> None:
    """Make the reports of the live workspace healthy that are not."""
    stamp = now.isoformat()

    def day2(report: Json) -> None:
        report["go"] = True
        report["checks"][2] |= {"max_delta_observed": 2, "pass": True}

    def replay(report: Json) -> None:
        report |= {"status": "pass", "failed_windows": []}
        for window in report["windows"]:
            window |= {"rc": 0, "status": "pass", "blockers": []}
            window["signature_baseline"]["regression_event_count"] = max(
                window["min_events"], window["signature_baseline"]["regression_event_count"]
            )

    def tests(report: Json) -> None:
        counts = {"collected": 4, "passed": 4, "skipped": 0, "failed": 0}
        report["groups"] = {name: group | counts for name, group in report["groups"].items()}
        report["coverage_percent"] = 61.5

    edit(root / "reports/event_store/day2_gate_eval_latest.json", day2)
    edit(root / "reports/replay_regression_multi_window/latest.json", replay)
    edit(root / "reports/tests/latest.json", tests)
    edit(max((root / "reports/event_store").glob("source_compare_*.json")), lambda report: report.update(ts_utc=stamp))
    edit(root / "reports/ops_db_writer/latest.json", lambda report: report.update(ts_utc=stamp))
    page = max((root / "docs/ops").glob("daily_ops_report_*.md"))
    page.write_text(f"# Daily report\n\nGenerated at: `{stamp}`\n", encoding="utf-8")


def write_model_report(root: Path, now: datetime) -> None:
    """A model that is better than its baseline, for the sessions in which models are on."""
    path = root / "reports/ml/latest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "ts_utc": now.isoformat(),
        "baseline": {"sharpe": 1.1, "pnl_bps": 20.0},
        "candidate": {"sharpe": 1.4, "pnl_bps": 31.5},
        "drift": {"feature_psi": 0.05, "confidence_drop": 0.02},
        "retirement": {"consecutive_underperformance_days": 1, "critical_incidents_7d": 0},
    }
    path.write_text(json.dumps(report), encoding="utf-8")


def edit(path: Path, change: Callable[[Json], object]) -> None:
    """Change a JSON file, in place."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
