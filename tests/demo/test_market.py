"""The records: in order, consistent with one another, the same for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from fixtures.events import FOLDER, MARKET, happened_at, ingested_at, recorded
from fixtures.files import read_json
from fixtures.market import clear as clear_market
from fixtures.market import generate
from fixtures.position import Position
from fixtures.services import READERS_OF_TRADING, run_services
from fixtures.services.parity import realized_pnl
from fixtures.tables import bot_tables, when

pytestmark = pytest.mark.slow


def store_digest(root: Path) -> str:
    """Return one hash over all event files."""
    digest = hashlib.sha256()
    for path in sorted((root / FOLDER).glob("events_*.jsonl")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def test_events_arrive_in_order_and_end_just_before_now(lane: Path, now: datetime) -> None:
    """An event from the future, or an old one at the end, would fool a freshness gate."""
    rows = recorded(lane).rows
    arrivals = [ingested_at(row) for row in rows]
    assert arrivals == sorted(arrivals)
    assert all(happened_at(row) <= ingested_at(row) for row in rows)
    assert timedelta(0) <= now - arrivals[-1] < timedelta(seconds=10)
    newest = max(happened_at(row) for row in rows if row["stream"] == MARKET)
    assert timedelta(0) <= now - newest < timedelta(seconds=10)


def test_the_books_follow_from_the_events(lane: Path, now: datetime) -> None:
    """Tables and events that tell different stories would make reconciliation a farce."""
    store = recorded(lane)
    for bot, tables in bot_tables(lane).items():
        own = [row for row in store.rows if row["instance_name"] == bot]
        fills = [row["payload"] for row in own if row["event_type"] == "order_filled"]
        assert [fill["order_id"] for fill in fills] == [fill["order_id"] for fill in tables.fills]
        assert float(tables.last["realized_pnl_today_quote"]) == pytest.approx(realized_pnl(own), abs=1e-5)
        fees = sum(float(fill["fee"]) for fill in fills)
        assert float(tables.last["fees_paid_today_quote"]) == pytest.approx(fees, abs=1e-6)
        assert timedelta(0) <= now - when(tables.last) < timedelta(minutes=1)


def test_the_same_seed_and_now_give_the_same_store(lane: Path, tmp_path: Path, now: datetime) -> None:
    """Evidence that differs from build to build cannot be a golden vector."""
    generate(tmp_path, now, seed=7)
    assert store_digest(tmp_path) == store_digest(lane)
    generate(tmp_path, now, seed=8)
    assert store_digest(tmp_path) != store_digest(lane)


@pytest.mark.parametrize("clock", ["00:00:00", "00:00:01", "01:15:00"])
def test_midnight_leaves_rows_of_today(tmp_path: Path, clock: str, day: str) -> None:
    """A demo that is red for two seconds after midnight is a demo that fails in CI."""
    now = datetime.fromisoformat(f"2026-05-20T{clock}+00:00")
    generate(tmp_path, now)
    assert {path.name for path in (tmp_path / FOLDER).glob("events_*")} == {
        "events_20260519.jsonl",
        f"events_{day}.jsonl",
    }
    assert ingested_at(recorded(tmp_path, day).rows[-1]) <= now


@pytest.mark.parametrize("seed", range(1, 6))
def test_other_seeds_are_healthy_too(broken: Callable[[str], Path], seed: int, now: datetime) -> None:
    """Limits tuned to one lucky seed would call another quiet day a crisis."""
    root = broken("healthy")
    clear_market(root)
    generate(root, now, seed=seed)
    run_services(root, now, READERS_OF_TRADING)
    assert read_json(root / "reports/parity/latest.json")["status"] == "pass"
    assert read_json(root / "reports/portfolio_risk/latest.json")["status"] == "ok"
    assert read_json(root / "reports/reconciliation/latest.json")["status"] == "ok"
    assert read_json(root / "reports/paper_soak/latest.json")["status"] == "PASS"


def test_a_position_turned_round_starts_at_the_new_price() -> None:
    """Averaging across zero would invent profit out of nothing."""
    position = Position()
    position.fill("buy", Decimal(100), Decimal(1))
    assert position.fill("sell", Decimal(90), Decimal(3)) == -10
    assert (position.amount, position.average_price) == (-2, 90)
    assert position.fill("buy", Decimal(100), Decimal(2)) == -20
    assert position.amount == position.average_price == 0
