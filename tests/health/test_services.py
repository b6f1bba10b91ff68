"""Each service by what it writes: alive by the time inside it, and dead in every way in which it can be."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from pytest_promotion.clock import FUTURE_SKEW
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.trading.health.services import BUILT_IN, known
from pytest_promotion.suites.trading.health.state import judge

from .conftest import NOW

LIMITS = {
    "signal-service": None,
    "risk-service": None,
    "coordination-service": ("COORD_HEALTH_MAX_SEC", 600),
    "event-store-service": ("EVENT_STORE_HEALTH_MAX_SEC", 900),
    "event-store-monitor": ("EVENT_STORE_MONITOR_HEALTH_MAX_SEC", 1800),
    "day2-gate-monitor": ("DAY2_GATE_HEALTH_MAX_SEC", 900),
    "reconciliation-service": ("RECON_HEALTH_MAX_SEC", 900),
    "exchange-snapshot-service": ("EXCHANGE_SNAPSHOT_HEALTH_MAX_SEC", 600),
    "shadow-parity-service": ("PARITY_HEALTH_MAX_SEC", 900),
    "portfolio-risk-service": ("PORTFOLIO_RISK_HEALTH_MAX_SEC", 900),
    "soak-monitor": ("SOAK_MONITOR_HEALTH_MAX_SEC", 1200),
    "daily-ops-reporter": ("DAILY_OPS_REPORT_HEALTH_MAX_SEC", 3600),
    "ops-db-writer": ("OPS_DB_WRITER_HEALTH_MAX_SEC", 900),
}
WRITERS = [name for name, service in BUILT_IN.items() if service.limit]
BUS = {"REDIS_URL": "redis://bus"}
writer = pytest.mark.parametrize("name", WRITERS)


def ask(lane, name, environ=(), service=None):
    """The health of one service as of `NOW`, whose Redis answers."""
    return judge(name, service or BUILT_IN[name], lane.path, {**BUS, **dict(environ)}, NOW, lambda _: "PONG")


def of_file(lane, name, environ=(), service=None):
    """What was found of the file."""
    found = ask(lane, name, environ, service)
    assert found.state == ("healthy" if found.findings[0].ok else "unhealthy")
    return found.findings[0]


def limit(name):
    return timedelta(seconds=LIMITS[name][1])


@pytest.mark.parametrize(
    ("ago", "sentence"),
    [
        (timedelta(days=280, hours=10), "is 280.4 days old by its ts_utc, RECON_HEALTH_MAX_SEC allows 15 min"),
        (timedelta(hours=3), "is 180 min old by its ts_utc, RECON_HEALTH_MAX_SEC allows 15 min"),
        (timedelta(seconds=905), "is 905.0 s old by its ts_utc, RECON_HEALTH_MAX_SEC allows 900 s"),
        (timedelta(seconds=12), "is 12 s old by its ts_utc, RECON_HEALTH_MAX_SEC allows 15 min"),
    ],
)
def test_an_age_is_said_as_people_say_it(lane, ago, sentence):
    """24228049.7 s is nine months; who reads it at night takes it for a number that is wrong."""
    lane.wrote("reports/reconciliation/latest.json", ago)
    assert of_file(lane, "reconciliation-service").said == f"reports/reconciliation/latest.json {sentence}"


def test_the_thirteen_have_the_limits_that_operators_know():
    """A limit that differs from the one in the runbook is found out during an outage."""
    found = {name: one.limit and (one.limit.variable, one.limit.seconds) for name, one in BUILT_IN.items()}
    assert found == LIMITS
    assert {name for name, one in BUILT_IN.items() if one.redis} == {
        "signal-service",
        "risk-service",
        "coordination-service",
    }


@writer
def test_what_was_just_written_is_healthy(lane, name):
    """A check that calls living services dead is taken out."""
    lane.wrote(BUILT_IN[name].writes, timedelta(seconds=3))
    assert ask(lane, name).state == "healthy"


@writer
def test_the_limit_itself_is_the_last_healthy_moment(lane, name):
    """An edge that moves with the rounding makes two machines disagree."""
    lane.wrote(BUILT_IN[name].writes, limit(name))
    assert of_file(lane, name).ok
    lane.wrote(BUILT_IN[name].writes, limit(name) + timedelta(microseconds=1))
    assert not of_file(lane, name).ok


@writer
def test_a_file_that_merely_looks_new_is_old(lane, name):
    """A checkout, a copy and a chown make nine-month-old files new."""
    path = lane.wrote(BUILT_IN[name].writes, limit(name) * 2)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    found = of_file(lane, name)
    assert not found.ok
    assert LIMITS[name][0] in found.said


@writer
def test_a_file_that_merely_looks_old_is_new(lane, name):
    """A restored volume has the dates of its backup."""
    os.utime(lane.wrote(BUILT_IN[name].writes, timedelta()), (1, 1))
    assert of_file(lane, name).ok


@writer
def test_a_clock_that_runs_ahead_is_tolerated_for_two_minutes_and_no_longer(lane, name):
    """A file from tomorrow would be fresh until tomorrow, with nobody writing."""
    lane.wrote(BUILT_IN[name].writes, -FUTURE_SKEW)
    assert of_file(lane, name).ok
    lane.wrote(BUILT_IN[name].writes, -FUTURE_SKEW - timedelta(seconds=1))
    assert "in the future" in of_file(lane, name).said


@writer
def test_nothing_written_is_unhealthy(lane, name):
    """A service that never wrote anything is not one that wrote lately."""
    assert of_file(lane, name).said == f"{BUILT_IN[name].writes} is missing"


@writer
@pytest.mark.parametrize("content", ["", " \n"], ids=["empty", "blank"])
def test_an_empty_file_is_unhealthy(lane, name, content):
    """A disk that is full leaves files of zero bytes, with new dates."""
    path = lane.wrote(BUILT_IN[name].writes, timedelta())
    path.write_text(content)
    said = of_file(lane, name).said
    assert "empty" in said or "no rows" in said


@writer
def test_a_half_written_file_is_unhealthy(lane, name):
    """A service that was killed while it wrote leaves a beginning that looks fresh."""
    path = lane.wrote(BUILT_IN[name].writes, timedelta())
    path.write_text(path.read_text()[:-3])
    assert not of_file(lane, name).ok


@writer
def test_a_file_without_a_time_is_unhealthy(lane, name):
    """Without a time in it, all that is left is the modification time."""
    path = lane.wrote(BUILT_IN[name].writes, timedelta())
    path.write_text(path.read_text().replace("ts_utc", "at").replace("Generated at", "Made"))
    assert not of_file(lane, name).ok


@writer
@pytest.mark.parametrize("moment", ["2026-05-20T14:30:11", "1779287411", "just now"], ids=["naive", "epoch", "words"])
def test_a_time_that_means_no_moment_is_unhealthy(lane, name, moment):
    """A naive time is hours old in one office and hours ahead in another."""
    path = lane.wrote(BUILT_IN[name].writes, timedelta())
    path.write_text(path.read_text().replace(NOW.isoformat(), moment))
    assert not of_file(lane, name).ok


@writer
def test_a_folder_where_the_file_belongs_is_unhealthy(lane, name):
    """A volume mounted in the wrong place is a folder with the right name."""
    (lane.path / BUILT_IN[name].writes.replace("*", "20260520")).mkdir(parents=True)
    assert not of_file(lane, name).ok


@writer
@pytest.mark.parametrize("text", ["abc", "nan", "inf", "-5", "0", "0.0", "", " 9", "1e3", "1_000", "9" * 400])
def test_a_limit_that_is_no_number_above_zero_is_refused(lane, name, text):
    """A limit read as infinite, or as its default in silence, watches nothing."""
    lane.wrote(BUILT_IN[name].writes, timedelta())
    with pytest.raises(PolicyError, match=LIMITS[name][0]):
        ask(lane, name, {LIMITS[name][0]: text})


@writer
def test_the_variable_sets_the_limit(lane, name):
    """Operators tighten a limit during an incident, and have to be heard."""
    lane.wrote(BUILT_IN[name].writes, timedelta(seconds=3))
    assert not of_file(lane, name, {LIMITS[name][0]: "2.5"}).ok
    assert of_file(lane, name, {LIMITS[name][0]: "3"}).ok


@pytest.mark.parametrize("name", [name for name in WRITERS if "*" in BUILT_IN[name].writes])
def test_the_newest_is_the_newest_by_its_content(lane, name):
    """A file called 99990101 hid every later one from the earlier system."""
    lane.wrote(BUILT_IN[name].writes, limit(name) * 3, "99990101")
    lane.wrote(BUILT_IN[name].writes, timedelta(seconds=1), "20260520")
    found = of_file(lane, name)
    assert found.ok
    assert "20260520" in found.said


@pytest.mark.parametrize("name", [name for name in WRITERS if "*" in BUILT_IN[name].writes])
def test_one_match_that_cannot_be_dated_refuses_all(lane, name):
    """It might be the newest, and then the service is not what it seems."""
    lane.wrote(BUILT_IN[name].writes, timedelta(seconds=1), "20260520")
    path = lane.wrote(BUILT_IN[name].writes, timedelta(), "20260519")
    path.write_text(path.read_text()[:20])
    found = of_file(lane, name)
    assert not found.ok
    assert "20260519" in found.said


def test_the_monitor_is_judged_by_what_it_writes_itself(lane):
    """Its check once looked at another service's file, and a dead monitor stayed healthy."""
    lane.wrote("reports/event_store/integrity_20260520.json", timedelta())
    assert not of_file(lane, "event-store-monitor").ok


def test_a_report_may_be_dated_by_its_last_update(lane):
    """The store's own reports have no ts_utc, and once fell back to the modification time for it."""
    lane.text("reports/soak/latest.json", f'{{"last_update_utc": "{NOW.isoformat()}"}}')
    assert "last_update_utc" in of_file(lane, "soak-monitor").said


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("Written {0}. Books: ok.\n", True),
        ("Generated at: `{0}`\n", True),
        ("- ts_utc: {0}\n", True),
        ("**Last_update_utc:** {0}\n", True),
        ("Written {0}\nWritten {0}\n", True),
        ("Written {0}\nGenerated at: 2026-05-20T14:00:00Z\n", False),
        ("The backup was written {0}\n", False),
        ("Written {0}", False),
        ("Written 2026-05-20\n", False),
    ],
    ids=["written", "generated", "ts-utc", "bold", "twice", "two-times", "of-another", "cut", "a-day"],
)
def test_a_page_counts_by_the_time_it_states(lane, text, ok):
    """A page that is cut, or that speaks of another moment, says nothing of its own."""
    lane.text("docs/ops/daily_ops_report_20260520.md", text.format(NOW.isoformat()))
    assert of_file(lane, "daily-ops-reporter").ok is ok


def test_the_path_variable_names_another_file(lane, tmp_path_factory):
    """The service writes where its variable says, and the check has to look there."""
    lane.wrote("reports/coordination/latest.json", timedelta())
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "latest.json"
    assert not of_file(lane, "coordination-service", {"COORD_HEALTH_PATH": str(elsewhere)}).ok
    elsewhere.write_text(f'{{"ts_utc": "{NOW.isoformat()}"}}')
    assert of_file(lane, "coordination-service", {"COORD_HEALTH_PATH": str(elsewhere)}).ok
    assert not of_file(lane, "coordination-service", {"COORD_HEALTH_PATH": "state/other.json"}).ok
    with pytest.raises(PolicyError, match="COORD_HEALTH_PATH is empty"):
        ask(lane, "coordination-service", {"COORD_HEALTH_PATH": ""})


def test_a_link_out_of_the_root_is_not_followed(lane, tmp_path_factory):
    """A link to another company's report would keep a dead service healthy."""
    other = tmp_path_factory.mktemp("other") / "latest.json"
    other.write_text(f'{{"ts_utc": "{NOW.isoformat()}"}}')
    (lane.path / "reports/soak").mkdir(parents=True)
    (lane.path / "reports/soak/latest.json").symlink_to(other)
    assert "outside" in of_file(lane, "soak-monitor").said


def test_a_fifo_does_not_hang_the_check(lane):
    """A check that hangs is killed by Docker, and nobody learns why."""
    (lane.path / "reports/event_store").mkdir(parents=True)
    os.mkfifo(lane.path / "reports/event_store/events_1.jsonl")
    assert of_file(lane, "event-store-service").said == "reports/event_store/events_*.jsonl is missing"


class TestOwnServices:
    """Services that a company adds."""

    @pytest.mark.parametrize(
        ("writes", "field", "content"),
        [
            ("logs/*/minute.csv", "ts", "ts,mid\n{0},1\n2026-05-20T10:00:00Z,2\n"),
            ("state.json", "seen_at", '{{"seen_at": "{0}", "ts_utc": "2026-01-01T00:00:00Z"}}'),
            ("audit.jsonl", "at", '{{"at": "{0}"}}\n'),
        ],
        ids=["csv", "json", "jsonl"],
    )
    def test_a_field_of_its_own_dates_it(self, lane, writes, field, content):
        """A company does not rename its columns for a health check."""
        own = {"writes": writes, "field": field, "limit": {"variable": "BOT_MAX_SEC", "seconds": 60}}
        service = known({"version": 1, "services": {"bot": own}})["bot"]
        lane.text(writes.replace("*", "a"), content.format(NOW.isoformat()))
        assert of_file(lane, "bot", service=service).ok
        later = (NOW - timedelta(seconds=61)).isoformat()
        lane.text(writes.replace("*", "a"), content.format(later))
        assert not of_file(lane, "bot", service=service).ok

    def test_a_kind_of_file_that_states_no_time_is_unhealthy(self, lane):
        """A picture has nothing but its modification time."""
        own = {"writes": "chart.png", "limit": {"variable": "CHART_MAX_SEC", "seconds": 60}}
        lane.text("chart.png", "png")
        assert (
            "no kind" in of_file(lane, "chart", service=known({"version": 1, "services": {"chart": own}})["chart"]).said
        )

    def test_milliseconds_are_not_seconds(self):
        """A limit a thousand times as long as meant notices nothing."""
        store = BUILT_IN["event-store-service"]
        assert (store.every.given({}), store.every.given({"EVENT_POLL_MS": "1000"})) == (1, 1)

    def test_a_built_in_service_can_be_redefined(self):
        """A company whose monitor writes elsewhere must not be told that it is dead."""
        own = {"writes": "state/*.json", "limit": {"variable": "X", "seconds": 1}}
        found = known({"version": 1, "services": {"soak-monitor": own}})
        assert (found["soak-monitor"].writes, len(found)) == ("state/*.json", 13)

    @pytest.mark.parametrize(
        "service",
        [
            {},
            {"writes": "a.json"},
            {"limit": {"variable": "X", "seconds": 1}},
            {"writes": "a.json", "limit": {"variable": "X", "seconds": 0}},
            {"writes": "a.json", "limit": {"variable": "X", "seconds": float("inf")}},
            {"writes": "a.json", "limit": {"variable": "X Y", "seconds": 1}},
            {"writes": "/etc/passwd", "limit": {"variable": "X", "seconds": 1}},
            {"writes": "../a.json", "limit": {"variable": "X", "seconds": 1}},
            {"redis": "yes"},
            {"redis": True, "write": "a.json"},
        ],
        ids=["nothing", "no-limit", "no-file", "zero", "endless", "variable", "absolute", "above", "text", "misspelt"],
    )
    def test_a_service_that_nothing_would_show_alive_is_refused(self, service):
        """A service that cannot be unhealthy is a green light on a wire that leads nowhere."""
        with pytest.raises(PolicyError):
            known({"version": 1, "services": {"bot": service}})
