"""Each variant must be broken exactly where it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.events import ingested_at, recorded
from fixtures.files import read_json
from fixtures.services import SERVICES
from fixtures.tables import bot_tables, when
from fixtures.variants import SHOULD_FAIL, VARIANTS

pytestmark = pytest.mark.slow


def at(*keys: str | int) -> Callable[[dict[str, Any]], Any]:
    """Return a reader of one nested value."""

    def value(report: dict[str, Any]) -> Any:
        found: Any = report
        for key in keys:
            found = found[key]
        return found

    return value


# variant -> report below reports/, the value that changes, and what it changes to
BROKEN = {
    "leak": ("security/latest.json", at("finding_count"), 1),
    "skipped_tests": ("tests/latest.json", at("groups", "integration", "passed"), 0),
    "drifted_parity": ("parity/latest.json", at("failed_bots"), 3),
    "torn_events": ("event_store/integrity_*.json", at("unparsable_rows"), 1),
    "wrong_scope": ("policy/latest.json", at("status"), "fail"),
    "catalog_drift": ("strategy_catalog/latest.json", at("status"), "fail"),
    "coordination_widened": ("policy/coordination_policy_latest.json", at("status"), "fail"),
    "negative_fees": ("accounting/latest.json", at("checks", "fees_funding_non_negative"), False),
    "kill_switch": ("portfolio_risk/latest.json", at("portfolio_action"), "kill_switch"),
    "old_ticks": ("market_data/latest.json", at("checks", "newest_tick_fresh"), False),
    "day2_no_go": ("event_store/day2_gate_eval_latest.json", at("go"), False),
    "alert_down": ("reconciliation/last_webhook_sent.json", at("probes", 0, "ok"), False),
}


@pytest.mark.parametrize("variant", BROKEN)
def test_a_variant_shows_in_the_report_that_it_breaks(lane: Path, broken: Callable[[str], Path], variant: str) -> None:
    """A variant that changes nothing makes a gate look good that never looks."""
    path, value, expected = BROKEN[variant]
    [told] = (lane / "reports").glob(path)
    assert value(read_json(told)) != expected
    root = broken(variant)
    assert value(read_json(root / told.relative_to(lane))) == expected


def test_missing_report_misses_only_reconciliation(lane: Path, broken: Callable[[str], Path]) -> None:
    """More than one missing file would hide which of them a gate noticed."""
    root = broken("missing_report")
    names = [{path.relative_to(each) for path in (each / "reports").rglob("*.json")} for each in (lane, root)]
    assert {path.as_posix() for path in names[0] - names[1]} == {"reports/reconciliation/latest.json"}


def test_nan_metric_is_no_json_and_still_claims_to_pass(broken: Callable[[str], Path]) -> None:
    """Python reads NaN happily, and NaN is neither below nor above any limit."""
    path = broken("nan_metric") / "reports/parity/latest.json"
    assert json.loads(path.read_text())["status"] == "pass"
    with pytest.raises(ValueError, match="NaN is not JSON"):
        read_json(path)


def test_future_reports_are_an_hour_ahead(broken: Callable[[str], Path], now: datetime) -> None:
    """A negative age passes every "younger than" that forgets to look at the sign."""
    root = broken("future")
    dated = [report["ts_utc"] for path in (root / "reports").rglob("*.json") if "ts_utc" in (report := read_json(path))]
    assert {datetime.fromisoformat(moment) for moment in dated} == {now + timedelta(hours=1)}


def test_stale_is_old_in_rows_and_reports_alike(broken: Callable[[str], Path], now: datetime) -> None:
    """Old rows under new stamps is how nine-month-old data once passed."""
    root = broken("stale")
    three_hours_ago = now - timedelta(hours=3)
    dated = [report["ts_utc"] for path in (root / "reports").rglob("*.json") if "ts_utc" in (report := read_json(path))]
    assert {datetime.fromisoformat(moment) for moment in dated} == {three_hours_ago}
    assert max(map(ingested_at, recorded(root).rows)) <= three_hours_ago
    assert all(when(tables.last) < three_hours_ago for tables in bot_tables(root).values())


def test_a_leak_is_reported_without_the_secret(broken: Callable[[str], Path], now: datetime) -> None:
    """A report that quotes what it found is the second leak."""
    root = broken("leak")
    [key] = [
        line.partition("=")[2]
        for line in (root / "docs/ops/night_shift_note.md").read_text().splitlines()
        if "=" in line
    ]
    assert key not in (root / "reports/security/latest.json").read_text()
    assert SERVICES["security"](root, now)["finding_count"] == 1


def test_every_variant_says_which_gates_should_notice() -> None:
    """The demo's own command prints this; a gap there reads as "nothing is wrong"."""
    assert SHOULD_FAIL.keys() == VARIANTS.keys()
    assert [name for name, gates in SHOULD_FAIL.items() if not gates] == ["healthy"]


def test_a_failing_company_test_fails_the_report(broken: Callable[[str], Path], now: datetime) -> None:
    """If breaking the controller left the report green, the run would be theatre."""
    root = broken("healthy")
    controller = root / "controllers/quay_v3_1.py"
    controller.write_text(controller.read_text().replace('("buy", -1)', '("buy", 1)'))
    report = SERVICES["tests"](root, now)
    assert report["status"] == "fail"
    assert report["rc"] == 1
    assert report["groups"]["unit"]["failed"] > 0
