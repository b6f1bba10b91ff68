"""The rules of event rows, over a store that is judged again and again while it grows."""

from __future__ import annotations

from datetime import timedelta

from pytest_promotion.clock import Clock
from pytest_promotion.evidence.artifacts import Shelf
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.freshness import Window
from pytest_promotion.evidence.reading import Root
from pytest_promotion.suites.trading.documents import events
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
