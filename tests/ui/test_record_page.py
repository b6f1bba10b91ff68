"""The page "Record": whether the chain of all events is whole, when somebody asks."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from pytest_promotion.suites.research import chain

pytestmark = pytest.mark.slow

SOURCE = "from pytest_promotion.suites.research.ui import record_page; record_page.page()"


@pytest.fixture
def record(served):
    """Opens the page and presses its button, with a head that was kept or without one."""

    def asked(anchor=""):
        found = AppTest.from_string(SOURCE, default_timeout=300).run()
        assert not found.success
        assert not found.error
        found.text_input("anchor").set_value(anchor)
        return found.button("check").click().run()

    return asked


def test_a_whole_chain_and_its_head_are_shown(record, conn, candidate):
    """Nobody keeps a head elsewhere that no page shows."""
    candidate()
    found = record(chain.head(conn))
    assert [alert.value for alert in found.success] == ["The chain is whole: 1 events"]
    assert [code.value for code in found.code] == [chain.head(conn)]


def test_another_head_is_a_changed_record(record, candidate):
    """A store that was made anew has a whole chain too."""
    candidate()
    found = record("0" * 64)
    assert [alert.value for alert in found.error] == ["The record was changed: 1 problems in 1 events"]
    assert any("no event has the digest" in shown.value for shown in found.text)


def test_a_changed_event_is_found(record, conn, candidate):
    """Whoever owns the file takes the triggers away first."""
    for _ in range(2):
        candidate()
    triggers = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
    for name in triggers:
        conn.execute(text(f"DROP TRIGGER {name}"))
    conn.execute(text("UPDATE promotion_events SET ts_utc = '2026-01-01T00:00:00+00:00' WHERE event_id = 1"))
    conn.commit()
    found = record()
    assert [alert.value for alert in found.error] == ["The record was changed: 10 problems in 2 events"]
    assert any("event 2 does not follow" in shown.value for shown in found.text)
