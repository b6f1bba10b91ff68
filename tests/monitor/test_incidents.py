"""Incidents are told once, whoever looked first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_promotion.suites.deployment.monitor import incidents
from pytest_promotion.suites.deployment.monitor.incidents import Channels, Incident

NOW = datetime(2026, 5, 20, 14, 30, tzinfo=UTC)
MISMATCH = Incident("mismatch", "shop in prod", "high", ("oncall",), "replays differ", ("it rose by 1",))


@pytest.mark.parametrize(
    ("later_s", "told"),
    [(-3, 1), (-119, 1), (0, 1), (3599, 1), (3600, 2), (-3600, 2)],
    ids=["overtaken", "long-overtaken", "same", "soon", "reminder", "clock-was-ahead"],
)
def test_who_looked_first_and_comes_second_tells_nobody_again(people, tmp_path, later_s, told):
    """Two monitors look, the second is first at the lock: the other must not find that nobody was told."""
    channels = Channels({"oncall": f"{people.url}/slack/oncall"})
    for now in (NOW, NOW + timedelta(seconds=later_s)):
        found = incidents.tell([MISMATCH], (), "shop in prod", channels, tmp_path / "incidents.json", now, 3600)
        assert [one.sent for one in found] == [True]
    assert len(people.chat["oncall"]) == told
