"""The demo company must be healthy by computation, and broken exactly where it says."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fixtures import company_build
from fixtures.__main__ import main as fixtures_main
from fixtures.company_build import build
from fixtures.events import FOLDER, MARKET, STREAMS, happened_at, ingested_at, recorded
from fixtures.market import generate
from fixtures.position import Position
from fixtures.services import SERVICES
from fixtures.services.__main__ import main as services_main
from fixtures.services.accounting import REQUIRED
from fixtures.services.parity import realized_pnl
from fixtures.tables import bot_tables, when
from fixtures.variants import SHOULD_FAIL, VARIANTS

NOW = datetime(2026, 5, 20, 14, 30, 11, 250_000, tzinfo=UTC)
DAY = "20260520"

Read = Callable[[str], dict[str, Any]]


def no_constants(name: str) -> float:
    """Refuse NaN and the infinities, which Python would otherwise read."""
    message = f"{name} is not JSON"
    raise ValueError(message)


def strict(path: Path) -> dict[str, Any]:
    """Read one JSON object as a careful reader would."""
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constants)


def reports(root: Path) -> Iterator[Path]:
    """Yield every report of a workspace."""
    return (root / "reports").rglob("*.json")


def store_digest(root: Path) -> str:
    """Return one hash over all event files."""
    digest = hashlib.sha256()
    for path in sorted((root / FOLDER).glob("events_*.jsonl")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the healthy company once for all tests that only read it."""
    return build(tmp_path_factory.mktemp("demo") / "lane", NOW)


@pytest.fixture(scope="module")
def read(lane: Path) -> Read:
    """Read one report of the healthy company by its path below reports/."""
    return lambda path: strict(lane / "reports" / path)


def test_every_report_is_strict_json_and_knows_when_it_was_written(lane: Path) -> None:
    """A gate that cannot date a report must fail, and would fail on a healthy day."""
    found = list(reports(lane))
    assert len(found) >= 20
    for path in found:
        report = strict(path)
        moment = datetime.fromisoformat(report.get("ts_utc") or report["created_at_utc"])
        assert moment.utcoffset() == timedelta(0), path
        if "ts_utc" in report:
            assert moment == NOW, path


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


def test_the_integrity_report_counts_what_the_store_holds(lane: Path, read: Read) -> None:
    """A declared count is only evidence when a recount agrees."""
    store = recorded(lane, DAY)
    integrity = read(f"event_store/integrity_{DAY}.json")
    assert store.unparsable == integrity["unparsable_rows"] == 0
    assert integrity["total_events"] == len(store.rows) > 4000
    assert integrity["events_by_stream"] == Counter(row["stream"] for row in store.rows)
    assert integrity["events_by_stream"].keys() == set(STREAMS)
    assert integrity["missing_correlation_count"] == 0
    assert integrity["duplicate_event_ids"] == 0


def test_events_arrive_in_order_and_end_just_before_now(lane: Path) -> None:
    """An event from the future, or an old one at the end, would fool a freshness gate."""
    rows = recorded(lane).rows
    arrivals = [ingested_at(row) for row in rows]
    assert arrivals == sorted(arrivals)
    assert all(happened_at(row) <= ingested_at(row) for row in rows)
    assert timedelta(0) <= NOW - arrivals[-1] < timedelta(seconds=10)
    newest = max(happened_at(row) for row in rows if row["stream"] == MARKET)
    assert timedelta(0) <= NOW - newest < timedelta(seconds=10)


def test_the_books_follow_from_the_events(lane: Path) -> None:
    """Tables and events that tell different stories would make reconciliation a farce."""
    store = recorded(lane)
    for bot, tables in bot_tables(lane).items():
        own = [row for row in store.rows if row["instance_name"] == bot]
        fills = [row["payload"] for row in own if row["event_type"] == "order_filled"]
        assert [fill["order_id"] for fill in fills] == [fill["order_id"] for fill in tables.fills]
        assert float(tables.last["realized_pnl_today_quote"]) == pytest.approx(
            realized_pnl(own), abs=1e-5
        )
        fees = sum(float(fill["fee"]) for fill in fills)
        assert float(tables.last["fees_paid_today_quote"]) == pytest.approx(fees, abs=1e-6)
        assert timedelta(0) <= NOW - when(tables.last) < timedelta(minutes=1)


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


def test_a_failing_company_test_fails_the_report(tmp_path: Path) -> None:
    """If breaking the controller left the report green, the run would be theatre."""
    root = build(tmp_path / "lane", NOW)
    controller = root / "controllers/quay_v3_1.py"
    controller.write_text(controller.read_text().replace('("buy", -1)', '("buy", 1)'))
    report = SERVICES["tests"](root, NOW)
    assert report["status"] == "fail"
    assert report["rc"] == 1
    assert report["groups"]["unit"]["failed"] > 0


def test_the_same_seed_and_now_give_the_same_store(lane: Path, tmp_path: Path) -> None:
    """Evidence that differs from build to build cannot be a golden vector."""
    generate(tmp_path, NOW, seed=7)
    assert store_digest(tmp_path) == store_digest(lane)
    generate(tmp_path, NOW, seed=8)
    assert store_digest(tmp_path) != store_digest(lane)


@pytest.mark.parametrize("clock", ["00:00:00", "00:00:01", "01:15:00"])
def test_midnight_leaves_rows_of_today(tmp_path: Path, clock: str) -> None:
    """A demo that is red for two seconds after midnight is a demo that fails in CI."""
    now = datetime.fromisoformat(f"2026-05-20T{clock}+00:00")
    generate(tmp_path, now)
    assert {path.name for path in (tmp_path / FOLDER).glob("events_*")} == {
        "events_20260519.jsonl",
        f"events_{DAY}.jsonl",
    }
    assert ingested_at(recorded(tmp_path, DAY).rows[-1]) <= now


@pytest.mark.parametrize("seed", range(1, 6))
def test_other_seeds_are_healthy_too(tmp_path: Path, seed: int) -> None:
    """Limits tuned to one lucky seed would call another quiet day a crisis."""
    root = build(tmp_path / "lane", NOW, seed=seed)
    assert strict(root / "reports/parity/latest.json")["status"] == "pass"
    assert strict(root / "reports/portfolio_risk/latest.json")["status"] == "ok"
    assert strict(root / "reports/reconciliation/latest.json")["status"] == "ok"
    assert strict(root / "reports/paper_soak/latest.json")["status"] == "PASS"


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
    "drifted_parity": ("parity/latest.json", at("failed_bots"), 3),
    "torn_events": (f"event_store/integrity_{DAY}.json", at("unparsable_rows"), 1),
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
def test_a_variant_shows_in_the_report_that_it_breaks(
    read: Read, tmp_path: Path, variant: str
) -> None:
    """A variant that changes nothing makes a gate look good that never looks."""
    path, value, expected = BROKEN[variant]
    assert value(read(path)) != expected
    root = build(tmp_path / "lane", NOW, variant)
    assert value(strict(root / "reports" / path)) == expected


def test_missing_report_misses_only_reconciliation(lane: Path, tmp_path: Path) -> None:
    """More than one missing file would hide which of them a gate noticed."""
    root = build(tmp_path / "lane", NOW, "missing_report")
    names = [{path.relative_to(each) for path in reports(each)} for each in (lane, root)]
    assert {path.as_posix() for path in names[0] - names[1]} == {
        "reports/reconciliation/latest.json"
    }


def test_nan_metric_is_no_json_and_still_claims_to_pass(tmp_path: Path) -> None:
    """Python reads NaN happily, and NaN is neither below nor above any limit."""
    path = build(tmp_path / "lane", NOW, "nan_metric") / "reports/parity/latest.json"
    assert json.loads(path.read_text())["status"] == "pass"
    with pytest.raises(ValueError, match="NaN is not JSON"):
        strict(path)


def test_future_reports_are_an_hour_ahead(tmp_path: Path) -> None:
    """A negative age passes every "younger than" that forgets to look at the sign."""
    root = build(tmp_path / "lane", NOW, "future")
    dated = [report["ts_utc"] for path in reports(root) if "ts_utc" in (report := strict(path))]
    assert {datetime.fromisoformat(moment) for moment in dated} == {NOW + timedelta(hours=1)}


def test_stale_is_old_in_rows_and_reports_alike(tmp_path: Path) -> None:
    """Old rows under new stamps is how nine-month-old data once passed."""
    root = build(tmp_path / "lane", NOW, "stale")
    three_hours_ago = NOW - timedelta(hours=3)
    for path in reports(root):
        report = strict(path)
        if "ts_utc" in report:
            assert datetime.fromisoformat(report["ts_utc"]) == three_hours_ago, path
    assert max(map(ingested_at, recorded(root).rows)) <= three_hours_ago
    assert all(when(tables.last) < three_hours_ago for tables in bot_tables(root).values())


def test_a_leak_is_reported_without_the_secret(tmp_path: Path) -> None:
    """A report that quotes what it found is the second leak."""
    root = build(tmp_path / "lane", NOW, "leak")
    [key] = [
        line.partition("=")[2]
        for line in (root / "docs/ops/night_shift_note.md").read_text().splitlines()
        if "=" in line
    ]
    assert key not in (root / "reports/security/latest.json").read_text()
    assert SERVICES["security"](root, NOW)["finding_count"] == 1


def test_every_variant_says_which_gates_should_notice() -> None:
    """The demo's own command prints this; a gap there reads as "nothing is wrong"."""
    assert SHOULD_FAIL.keys() == VARIANTS.keys()
    assert [name for name, gates in SHOULD_FAIL.items() if not gates] == ["healthy"]


def test_somebody_elses_folder_is_refused_untouched(tmp_path: Path) -> None:
    """One mistyped path must not cost anybody their reports."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/mine.json").write_text("{}")
    with pytest.raises(FileExistsError, match="harbour-lane"):
        build(tmp_path, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_rebuilding_keeps_what_no_build_made(tmp_path: Path) -> None:
    """Decisions of earlier promotion runs may stand in the same workspace."""
    decision = build(tmp_path / "lane", NOW, "leak") / "reports/promotion/decision.json"
    decision.parent.mkdir()
    decision.write_text("{}")
    root = build(tmp_path / "lane", NOW)
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


def test_a_service_runs_alone(lane: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy names these commands as producers; a broken one leaves gates without data."""
    assert services_main(["policy", "--root", str(lane)]) == 0
    assert capsys.readouterr().out == "policy: pass\n"
    SERVICES["policy"](lane, NOW)


def test_a_service_without_its_input_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report about nothing, freshly stamped, would pass for evidence."""
    assert services_main(["parity", "--root", str(tmp_path)]) == 2
    assert "nothing written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever breaks the demo on purpose must be told where to look."""
    assert fixtures_main([str(tmp_path), "--variant", "missing_report"]) == 0
    assert "reconciliation_status" in capsys.readouterr().out


def test_a_position_turned_round_starts_at_the_new_price() -> None:
    """Averaging across zero would invent profit out of nothing."""
    position = Position()
    position.fill("buy", Decimal(100), Decimal(1))
    assert position.fill("sell", Decimal(90), Decimal(3)) == -10
    assert (position.amount, position.average_price) == (-2, 90)
    assert position.fill("buy", Decimal(100), Decimal(2)) == -20
    assert position.amount == position.average_price == 0
