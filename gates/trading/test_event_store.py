"""The event store: complete, still fed, and still hearing the market."""

import pytest

from pytest_promotion.suites.trading.documents import configuration, reports
from pytest_promotion.suites.trading.documents.event_row import MARKET
from pytest_promotion.suites.trading.documents.events import rows_of
from pytest_promotion.suites.trading.documents.typed import typed
from pytest_promotion.suites.trading.rules.day2 import wrong_in_day2
from pytest_promotion.suites.trading.rules.scope import POLICY
from pytest_promotion.suites.trading.rules.sources import wrong_in_sources

EVENTS = "reports/event_store/events_*.jsonl"
INGESTED = "ingest_ts_utc"


@pytest.mark.critical(
    owner="platform",
    fix="correct the writer of the rows or the report that is named; see docs/how-to/recover.md",
)
def test_event_store_integrity_freshness(artifact, freshness, measure, policy, reason, refused, setting, workspace):
    """The integrity report is fresh, its counts are the store's, which is still fed, valid and lacks no day."""
    integrity = artifact.latest("reports/event_store/integrity_*.json")
    if policy.source == "report":
        measure.equals("missing_correlation_count", integrity["missing_correlation_count"], 0)
        freshness(integrity)
        reason("the integrity report is fresh and misses no correlation")
        return
    freshness(integrity)
    stated = typed(integrity.data, reports.Integrity, integrity.path)
    measure.equals("missing_correlation_count", stated.missing_correlation_count, 0)
    store = artifact.latest(EVENTS, timestamps=INGESTED)
    freshness(store)
    # The store may have grown since the report was written: what came later is not its business.
    events = store.events(until=integrity.timestamp)
    measure.equals("total_events, recounted", events.rows, stated.total_events)
    streams = events.by_stream
    assert streams == stated.events_by_stream, f"the store has {streams}, {integrity.path} {stated.events_by_stream}"
    rows = rows_of(store)
    assert not rows.problems, "; ".join(rows.problems)
    step = setting("largest_price_step")
    assert rows.largest_step <= step, f"{rows.place_of_step}: a step of {rows.largest_step:.0%}, over {step:.0%}"
    measure.at_most("largest step of a price or an equity", rows.largest_step, step)
    if setting("rows_of_unknown_bots", "accept", "refuse") == "refuse":
        listed = typed(artifact(POLICY)["bots"], dict, POLICY, place="bots")
        named = sorted({source.instance for source in rows.sources if source.instance in listed})
        bots = {name: typed(listed[name], configuration.PlacedBot, POLICY, place=f"bots.{name}") for name in named}
        unknown = list(wrong_in_sources(rows.sources, bots, lambda path: (workspace / path).is_file()))
        measure.none("sources of rows that the policy does not have", unknown, among=len(rows.sources))
    uncorrelated = [
        f"{count:,} rows of {stream} have no correlation_id (first: {store.path} {rows.first_uncorrelated})"
        for stream, count in sorted(rows.uncorrelated.items())
    ]
    measure.none("streams with missing correlations, recounted", uncorrelated, among=len(streams))
    payloads = [
        f"{count:,} rows of {stream} have payload.correlation_id null"
        for stream, count in sorted(rows.uncorrelated_payloads.items())
    ]
    found = refused("payload_correlation", payloads)
    measure.none(f"streams of {store.path} without correlation in the payload", found, among=len(streams))
    remark = f"; not counted, since the row has its own: {'; '.join(payloads)}" if payloads else ""
    if policy["days_back"] is not None:
        days = artifact.days(EVENTS, back=policy["days_back"])
        lost = days.problems[: len(days.gaps) + len(days.rotated)]
        assert not lost, "; ".join(lost)
        misfiled = list(days.problems[len(lost) :])
        found = refused("rows_of_another_day", misfiled)
        measure.none("files with rows of another day", found, among=len(days.days))
        remark += "".join(f"; {one}" for one in misfiled)
    reason(f"{events.rows} events, all correlated, the newest of {store.timestamp:%H:%M:%S} UTC{remark}")


@pytest.mark.warning(owner="platform", fix="reconnect the market data feed")
def test_market_data_freshness(artifact, freshness, measure, policy, reason, stored_report):
    """The newest market tick in the store is fresh by its own time, and every tick has a price."""
    if policy.source == "report":
        stored_report("reports/market_data/latest.json")
        return
    store = artifact.latest(EVENTS, timestamps=INGESTED)
    events = store.events()
    measure.at_least(f"{MARKET} rows", events.by_stream.get(MARKET, 0), 1)
    freshness(store, timestamp=events.newest_by_stream[MARKET], source="newest market row")
    wrong = [problem for problem in rows_of(store).problems if MARKET in problem]
    measure.none("rules that market rows break", wrong, among=events.by_stream[MARKET])
    reason(f"{events.by_stream[MARKET]} ticks, the newest is fresh")


@pytest.mark.critical(owner="platform", fix="let the day-2 evaluation reach GO, or promote without requiring it")
def test_day2_event_store_gate(artifact, freshness, measure, policy, reason, setting):
    """The day-2 evaluation of the event store says GO, where that is required, and its figures say so too."""
    evaluation = "reports/event_store/day2_gate_eval_latest.json"
    hours, delta = setting("required_hours"), setting("max_allowed_delta")
    if policy["require_day2_go"] is not True:
        measure.equals("require_day2_go", policy["require_day2_go"], False)
        there = artifact.exists(evaluation)
        reason("not required by this profile" + ("" if there else ", and not evaluated yet"))
        return
    report = artifact(evaluation)
    if policy.source == "report":
        for check in report["checks"]:
            measure.equals(measure.text("check", check["name"]), check["pass"], True)
    else:
        facts = typed(report.data, reports.Day2, report.path)
        wrong = list(wrong_in_day2(facts.checks, hours, delta))
        assert not wrong, f"{report.path}: {'; '.join(wrong)}"
    measure.equals("go", report["go"], True)
    freshness(report)
    reason("day 2 is GO")
