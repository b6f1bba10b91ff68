"""The rules of event rows, over a store that is judged again and again while it grows."""

from __future__ import annotations

from datetime import timedelta

from pytest_promotion.clock import Clock
from pytest_promotion.evidence.artifacts import Shelf
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.freshness import Window
from pytest_promotion.evidence.reading import Root
from pytest_promotion.suites.trading.documents import event_pairs, events
from pytest_promotion.suites.trading.documents.event_pairs import ABOUT_ACTIONS, Pairs
from pytest_promotion.suites.trading.documents.event_row import Payload, Row
from tests.event_rows import START, line


def test_the_rules_of_rows_go_on_where_the_last_session_ended(tmp_path, monkeypatch):
    """A row that broke a rule an hour ago is still in the store, and has the line that it always had."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", 100)
    path = tmp_path / "events.jsonl"
    good = {"event_type": "tick", "schema_validation_status": "ok", "payload": {"mid_price": 1.5}}
    path.write_bytes(line(0, **good) + line(3, **good | {"payload": {"mid_price": None}}) + line(6, **good))
    found = []
    for number in (9, 12):
        events._SEEN.clear()
        notebook = Notebook()
        shelf = Shelf(
            Root(tmp_path, ["*.jsonl"]),
            None,
            notebook,
            Window(timedelta(1), timedelta(0), mtime=False),
            Clock(START),
            checkpoints=tmp_path / "kept",
        )
        found.append(events.rows_of(shelf.get("events.jsonl")))
        with path.open("ab") as file:
            file.write(line(number, **good | {"payload": {"mid_price": 0}}))
    assert len(notebook.notes) == 1
    [rule] = found[0].problems
    assert "line 2 (hb.market_data.v1): payload.mid_price is null" in rule
    assert found[1].problems == [f"{rule}, and 1 more rows"]
    with path.open("rb") as file:
        assert events.inspected(file, "events.jsonl").lines == 5
    assert found[1].lines == 4


def _intent(number: int, minute: float, action: str = "kill_switch") -> Row:
    details = {"reason": "portfolio_risk_breach", "details": f'{{"portfolio_action": "{action}"}}'}
    payload = Payload(action=action, metadata=details)
    moment = str(int(1_800_000_000_000 + minute * 60_000))
    return Row(
        "hb.execution_intent.v1",
        payload,
        correlation_id=str(number),
        ts_utc=moment,
        producer="portfolio_risk_service",
        instance_name="bot1",
    )


def _audit(number: int, minute: float, action: str = "kill_switch") -> Row:
    intent = _intent(number, minute, action)
    payload = Payload(
        category=ABOUT_ACTIONS,
        severity="error",
        message=f"portfolio_risk_{action}",
        metadata={"details": intent.payload.metadata["details"]},
    )
    return Row(
        "hb.audit.v1", payload, correlation_id=str(number), ts_utc=intent.ts_utc, instance_name="bot1", producer="x"
    )


def _noted(*rows: Row) -> tuple[list[str], list[str]]:
    pairs, wrong = Pairs(), []
    for number, row in enumerate(rows, 1):
        wrong += pairs.note(row, f"line {number}")
    return wrong, pairs.lonely


def test_an_action_and_the_audit_of_it_are_one_pair():
    """Whoever reads the audit rows has to see what was done, and no more than that."""
    assert _noted(_intent(1, 0), _audit(1, 0), _audit(2, 10), _intent(2, 10)) == ([], [])
    [twice] = _noted(_intent(1, 0), _intent(1, 10))[0]
    assert "another intent" in twice
    wrong, _ = _noted(_intent(1, 0), _audit(1, 0, "soft_pause"))
    assert "the action is 'soft_pause', the intent of it has 'kill_switch'" in wrong
    assert "its metadata.details are not those of the intent of it" in wrong


def test_a_row_without_the_other_one_is_noticed_inside_of_its_file(monkeypatch):
    """At midnight the store begins another file, between the two rows of a pair; at noon it does not."""
    assert _noted(_audit(1, 0), _intent(2, 60), _audit(2, 60), _intent(3, 120)) == ([], [])
    _, [lonely] = _noted(_intent(1, 0), _audit(1, 0), _intent(2, 60), _intent(3, 120), _audit(3, 120))
    assert lonely == "line 3: no row is the other one of this intent, by its correlation_id"
    monkeypatch.setattr(event_pairs, "_MOST", 2)
    _, [forgotten] = _noted(*(_intent(number, number * 10) for number in range(5)))
    assert forgotten == "line 4: no row is the other one of this intent, by its correlation_id, and 3 more rows"
