"""The event store: complete, still fed, and still hearing the market."""

import pytest

EVENTS = "reports/event_store/events_*.jsonl"
INGESTED = "ingest_ts_utc"
MARKET = "hb.market_data.v1"


@pytest.mark.critical(owner="platform", fix="restart the event store service and let it write its integrity report")
def test_event_store_integrity_freshness(artifact, freshness, measure, policy, reason):
    """The integrity report is fresh, its counts are the store's, which is still fed and lacks no day."""
    integrity = artifact.latest("reports/event_store/integrity_*.json")
    measure.equals("missing_correlation_count", integrity["missing_correlation_count"], 0)
    freshness(integrity)
    if policy.source == "report":
        reason("the integrity report is fresh and misses no correlation")
        return
    store = artifact.latest(EVENTS, timestamps=INGESTED)
    freshness(store)
    # The store may have grown since the report was written: what came later is not its business.
    events = store.events(until=integrity.timestamp)
    measure.equals("total_events, recounted", events.rows, integrity["total_events"])
    found = events.by_stream
    assert found == integrity["events_by_stream"], f"the store has {found}, {integrity.path} says otherwise"
    measure.equals("missing correlations, recounted", events.missing_correlation, 0)
    if policy["days_back"] is not None:
        days = artifact.days(EVENTS, back=policy["days_back"])
        assert not days.problems, "; ".join(days.problems)
    reason(f"{events.rows} events, all correlated, the newest of {store.timestamp:%H:%M:%S} UTC")


@pytest.mark.warning(owner="platform", fix="reconnect the market data feed")
def test_market_data_freshness(artifact, freshness, measure, policy, reason, stored_report):
    """The newest market tick in the store is fresh by its own time."""
    if policy.source == "report":
        stored_report("reports/market_data/latest.json")
        return
    store = artifact.latest(EVENTS, timestamps=INGESTED)
    events = store.events()
    measure.at_least(f"{MARKET} rows", events.by_stream.get(MARKET, 0), 1)
    freshness(store, timestamp=events.newest_by_stream[MARKET], source="newest market row")
    reason(f"{events.by_stream[MARKET]} ticks, the newest is fresh")


@pytest.mark.critical(owner="platform", fix="let the day-2 evaluation reach GO, or promote without requiring it")
def test_day2_event_store_gate(artifact, freshness, measure, policy, reason):
    """The day-2 evaluation of the event store says GO, where that is required."""
    evaluation = "reports/event_store/day2_gate_eval_latest.json"
    if policy["require_day2_go"] is not True:
        measure.equals("require_day2_go", policy["require_day2_go"], False)
        there = artifact.exists(evaluation)
        reason("not required by this profile" + ("" if there else ", and not evaluated yet"))
        return
    report = artifact(evaluation)
    assert report["checks"], f"{report.path} checked nothing"
    for check in report["checks"]:
        measure.equals(measure.text("check", check["name"]), check["pass"], True)
    measure.equals("go", report["go"], True)
    freshness(report)
    reason("day 2 is GO")
