"""The healthy company must be healthy by computation, rule by rule."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.events import STREAMS, recorded
from fixtures.files import read_json
from fixtures.services.accounting import REQUIRED

pytestmark = pytest.mark.slow

Read = Callable[[str], dict[str, Any]]


def test_every_report_is_strict_json_and_knows_when_it_was_written(lane: Path, now: datetime) -> None:
    """A gate that cannot date a report must fail, and would fail on a healthy day."""
    found = [path for path in (lane / "reports").rglob("*.json") if not path.name.endswith(".intoto.json")]
    assert len(found) >= 20
    for path in found:
        report = read_json(path)
        moment = datetime.fromisoformat(report.get("ts_utc") or report["created_at_utc"])
        assert moment.utcoffset() == timedelta(0), path
        if "ts_utc" in report:
            assert moment == now, path


def test_every_healthy_status_is_one_that_a_gate_accepts(read: Read) -> None:
    """If the healthy demo were not healthy, every red variant would prove nothing."""
    for path in (
        "accounting/latest.json",
        "backtest_regression/latest.json",
        "market_data/latest.json",
        "parity/latest.json",
        "policy/latest.json",
        "policy/coordination_policy_latest.json",
        "policy/ml_governance_latest.json",
        "replay_regression/latest.json",
        "replay_regression_multi_window/latest.json",
        "security/latest.json",
        "strategy_catalog/latest.json",
        "tests/latest.json",
    ):
        assert read(path)["status"] == "pass", path
    assert read("paper_soak/latest.json")["status"] == "PASS"
    assert read("analysis/post_trade_validation.json")["status"] == "PASS"


def test_the_integrity_report_counts_what_the_store_holds(lane: Path, read: Read, day: str) -> None:
    """A declared count is only evidence when a recount agrees."""
    store = recorded(lane, day)
    integrity = read(f"event_store/integrity_{day}.json")
    assert store.unparsable == integrity["unparsable_rows"] == 0
    assert integrity["total_events"] == len(store.rows) > 4000
    assert integrity["events_by_stream"] == Counter(row["stream"] for row in store.rows)
    assert integrity["events_by_stream"].keys() == set(STREAMS)
    assert integrity["missing_correlation_count"] == 0
    assert integrity["duplicate_event_ids"] == 0


def test_the_paper_bot_has_no_live_account(read: Read) -> None:
    """The snapshot is what tells a paper bot from one that can lose money."""
    bot3 = read("exchange_snapshots/latest.json")["bots"]["bot3"]
    assert bot3["exchange"].endswith("paper_trade")
    assert bot3["account_mode"] == bot3["account_probe_status"] == "paper_only"


def test_all_accounting_fields_are_there_and_finite(read: Read) -> None:
    """A missing cost read as zero makes every strategy look profitable."""
    snapshots = read("reconciliation/latest.json")["accounting_snapshots"]
    assert {row["bot"] for row in snapshots} == {"bot1", "bot3", "bot4"}
    for row in snapshots:
        assert all(row.get(name) not in (None, "") for name in REQUIRED)
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        assert row["fees_paid_today_quote"] > 0


def test_parity_has_data_for_every_metric(read: Read) -> None:
    """A metric without data was counted as passed once; here none may be empty."""
    parity = read("parity/latest.json")
    assert parity["checked_bots"] == len(parity["bots"]) == 3
    assert parity["failed_bots"] == 0
    for bot in parity["bots"]:
        assert len(bot["metrics"]) == 4
        assert all(metric["value"] is not None and metric["pass"] for metric in bot["metrics"])


def test_the_portfolio_may_go_on(read: Read) -> None:
    """The healthy day must be allowed for what it is and not by a missing bot."""
    risk = read("portfolio_risk/latest.json")
    assert (risk["status"], risk["portfolio_action"]) == ("ok", "allow")
    assert risk["critical_count"] == risk["warning_count"] == 0
    assert risk["synthetic_breach"] is False
    assert set(risk["risk_scope_bots"]) <= risk["bots"].keys()


def test_the_alert_was_really_answered(read: Read) -> None:
    """A probe that writes `ok` without asking anyone is how alerting dies unnoticed."""
    [probe] = read("reconciliation/last_webhook_sent.json")["probes"]
    assert probe["ok"] is True
    assert probe["reason"] == "HTTP 200"


def test_day2_is_a_go_with_every_check(read: Read) -> None:
    """The text "false" is true in Python; only the JSON boolean counts."""
    day2 = read("event_store/day2_gate_eval_latest.json")
    assert day2["go"] is True
    assert all(check["pass"] is True for check in day2["checks"])


def test_three_windows_replay_to_the_same_state(read: Read) -> None:
    """Windows that share one signature were not three windows."""
    windows = read("replay_regression_multi_window/latest.json")["windows"]
    assert [window["min_events"] for window in windows] == [500, 1000, 2000]
    assert all(window["status"] == "pass" for window in windows)
    assert len({window["signature_baseline"]["state_sha256"] for window in windows}) == 3


def test_the_tests_report_is_from_a_real_run(read: Read) -> None:
    """Nothing collected is also nothing failed."""
    tests = read("tests/latest.json")
    assert tests["rc"] == 0
    assert tests["groups"].keys() == {"unit", "service", "integration"}
    for group in tests["groups"].values():
        assert group["collected"] == group["passed"] > 0
        assert group["skipped"] == 0
    assert tests["coverage_percent"] >= tests["cov_fail_under"]
