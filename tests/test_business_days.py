"""Ages in business days: what a weekend, a holiday and a change to summer time make of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion import policy
from pytest_promotion.business_days import BusinessDays, Calendar, parse_age, parse_business_days
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy import comparing

BERLIN = Calendar("Europe/Berlin")


def local(text, zone="Europe/Berlin"):
    """A moment by a clock on a wall."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("made", "days", "until"),
    [
        ("2026-11-23T09:00", 1, "2026-11-24T09:00"),  # Monday
        ("2026-11-27T17:00", 1, "2026-11-30T17:00"),  # Friday to Monday
        ("2026-11-27T17:00", 3, "2026-12-02T17:00"),
        ("2026-11-28T08:30", 1, "2026-12-01T00:00"),  # Saturday counts from Monday, 0:00
        ("2026-11-29T23:59", 1, "2026-12-01T00:00"),  # Sunday too
        ("2026-10-23T12:00", 1, "2026-10-26T12:00"),  # over the end of summer time, which is on Sunday
        ("2026-03-27T12:00", 1, "2026-03-30T12:00"),
    ],
)
def test_an_age_ends_at_the_same_hour_of_a_business_day(made, days, until):
    """Each line is one that a colleague would expect."""
    assert BERLIN.until(local(made), BusinessDays(days)) == local(until).astimezone(UTC)


def test_a_day_is_one_of_the_time_zone():
    """Friday evening in New York is Saturday in UTC."""
    friday = local("2026-11-27T20:00", "America/New_York")
    assert Calendar("America/New_York").until(friday, BusinessDays(1)) == local("2026-11-30T20:00", "America/New_York")
    assert Calendar("UTC").until(friday, BusinessDays(1)) == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_weekend_is_what_the_calendar_says():
    """It is not Saturday and Sunday everywhere."""
    riyadh = Calendar("Asia/Riyadh", weekend=("fri", "sat"))
    thursday = local("2026-11-26T10:00", "Asia/Riyadh")
    assert riyadh.until(thursday, BusinessDays(1)) == local("2026-11-29T10:00", "Asia/Riyadh")


@pytest.mark.parametrize(
    ("holidays", "made", "until"),
    [
        ("DE", "2026-12-24T15:00", "2026-12-28T15:00"),  # Friday is Christmas
        ("US-NY", "2026-07-02T15:00", "2026-07-06T15:00"),  # Friday is the observed Independence Day
        ("NYSE", "2026-04-02T15:00", "2026-04-06T15:00"),  # Good Friday, which is no holiday of the United States
    ],
)
def test_a_holiday_is_no_business_day(holidays, made, until):
    """The day after Christmas must not find everything stale."""
    pytest.importorskip("holidays")
    assert Calendar("Europe/Berlin", holidays).until(local(made), BusinessDays(1)) == local(until).astimezone(UTC)


@given(
    moment=st.timedeltas(timedelta(), timedelta(days=36_000)).map(
        lambda passed: datetime(2000, 1, 1, tzinfo=UTC) + passed
    ),
    days=st.integers(1, 30),
    later=st.timedeltas(timedelta(), timedelta(days=9)),
)
def test_what_is_made_later_is_fresh_no_shorter(moment, days, later):
    """An item that is younger and stale earlier would let the older one be preferred."""
    first, second = (BERLIN.until(one, BusinessDays(days)) for one in (moment, moment + later))
    assert moment < first <= second + timedelta(hours=1)  # an hour that summer time takes or gives


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        (Calendar("Europe/Berlln"), "no time zone 'Europe/Berlln'; did you mean 'Europe/Berlin'?"),
        (Calendar("UTC", weekend=("saturday",)), "no day of the week 'saturday'"),
        (Calendar("UTC", weekend=("mon", "tue", "wed", "thu", "fri", "sat", "sun")), "leaves no business day"),
        (Calendar("UTC", "NYSEE"), "no holidays of 'NYSEE'; did you mean 'NYSE'?"),
        (Calendar("UTC", "US-NYY"), "no holidays of 'US-NYY'; did you mean 'US-NY'?"),
    ],
)
def test_a_name_that_is_not_known_is_answered_with_the_nearest(calendar, message):
    """A calendar without its holidays is stricter at Christmas and nowhere else: it would not be noticed."""
    if calendar.holidays:
        pytest.importorskip("holidays")
    with pytest.raises(PolicyError) as refusal:
        calendar.check()
    assert message in str(refusal.value)


def test_what_is_written_as_an_age():
    """Every other text stays a length of time, or is refused as one."""
    assert parse_age("1 business day") == BusinessDays(1)
    assert str(parse_age("3 business days")) == "3 business days"
    assert parse_age("20m") == timedelta(minutes=20)
    assert parse_business_days("24h") is parse_business_days(3) is None
    for wrong in ("0 business days", "1001 business days", "business day", "1.5 business days", "1 businessday"):
        with pytest.raises(PolicyError):
            parse_age(wrong)


GATE = """
import pytest

@pytest.mark.critical(owner="ops", fix="run it")
def test_table(artifact, freshness, measure):
    table = artifact("table.json")
    freshness(table)
    measure.equals("ok", table["ok"], True)
"""
RULES = """
version: 1
timestamps: {{calendar: {{time_zone: Europe/Berlin}}}}
gates: {{table: {{max_age: {age}}}}}
"""


def decided(place, now):
    """The check of the gate as of a moment."""
    place.run(f"--promotion-as-of={local(now).isoformat()}")
    [path] = place.folder.glob("replay_*.json")
    document = json.loads(path.read_text())
    path.unlink()
    return document["checks"][0], document


@pytest.mark.slow
def test_data_of_friday_is_fresh_on_monday_morning(place):
    """With hours, either Monday is red or a whole weekend of silence is green in the middle of the week."""
    place.write(test_it=GATE)
    place.file("promotion.yaml", RULES.format(age="1 business day"))
    place.file("table.json", {"ts_utc": local("2026-11-27T17:00").isoformat(), "ok": True})
    check, document = decided(place, "2026-11-30T16:59")
    assert check["outcome"] == "PASS"
    assert document["valid_until"]["ts_utc"] == "2026-11-30T16:00:00.000000+00:00"
    check, _ = decided(place, "2026-11-30T17:01")
    assert check["outcome"] == "FAIL"
    assert "the window is 1 business day" in check["reason"]
    place.file("table.json", {"ts_utc": local("2026-11-24T17:00").isoformat(), "ok": True})
    assert decided(place, "2026-11-25T17:01")[0]["outcome"] == "FAIL"


@pytest.mark.slow
def test_a_gate_of_business_days_can_be_proven(place):
    """What is sabotaged to be stale has to be stale on a Monday too."""
    place.write(test_it=GATE)
    place.file("promotion.yaml", RULES.format(age="1 business day"))
    place.file("table.json", {"ts_utc": datetime.now(UTC).isoformat(), "ok": True})
    done = place.run("--promotion-prove", apart=True)
    assert done.ret == 0, done.stdout.str()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\ngates: {table: {max_age: 1 business day}}", "1 business day need `timestamps.calendar`"),
        ("version: 1\ntimestamps: {calendar: {time_zone: Mars}}", "line 2: timestamps.calendar: no time zone 'Mars'"),
        ("version: 1\ntimestamps: {calendar: {}}", "time_zone"),
        (RULES.format(age="0 business days"), "expected 1 to 1000 business days"),
    ],
)
def test_a_calendar_that_cannot_be_used_ends_with_4(place, text, message):
    """Before a gate runs."""
    place.write(test_it=GATE)
    place.file("promotion.yaml", text)
    done = place.run(apart=True)
    assert done.ret == 4
    assert message in done.stderr.str() + done.stdout.str()


@pytest.mark.slow
def test_a_gate_may_ask_for_it_itself_and_needs_the_calendar(place):
    """Without one no day is known to be free."""
    place.write(test_it=GATE.replace("freshness(table)", 'freshness(table, "2 business days")'))
    place.file("table.json", {"ts_utc": datetime.now(UTC).isoformat(), "ok": True})
    assert place.run().ret == 1
    assert "needs `timestamps.calendar`" in place.check("table")["reason"]
    place.file("promotion.yaml", RULES.format(age="1 business day"))
    assert place.run().ret == 0


def test_fewer_business_days_are_stricter_and_hours_cannot_be_compared(tmp_path):
    """Which of 24 hours and one business day is longer depends on the day."""

    def rules(age):
        path = tmp_path / "promotion.yaml"
        path.write_text(RULES.format(age=age), encoding="utf-8")
        return policy.load(path, None).rules

    def found(before, after):
        return {str(change.strictness) for change in comparing.changes(rules(before), rules(after))}

    assert found("3 business days", "1 business day") == {"stronger"}
    assert found("1 business day", "3 business days") == {"weaker"}
    assert found("24h", "1 business day") == found("1 business day", "24h") == {"incomparable"}


def test_policies_without_a_calendar_keep_their_digest():
    """Decisions that were taken before there were calendars, statements and signatures of producers name it."""
    kept = "bebd770d9f4d015404ff9bc3d6f9bb5309b501ac9477ee26555136240994f4fa"
    assert policy.load(None, None).resolved_sha256 == kept
