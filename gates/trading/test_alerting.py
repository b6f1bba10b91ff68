"""Whether anyone would hear of it."""

import pytest

from pytest_promotion.suites.trading.documents.reports import AlertProbe
from pytest_promotion.suites.trading.documents.typed import typed


@pytest.mark.critical(owner="operations", fix="mend the alert endpoint named here and send a test alert")
def test_alerting_health(artifact, freshness, measure, policy, reason):
    """An alert was sent lately and something answered it."""
    probe = artifact("reports/reconciliation/last_webhook_sent.json")
    freshness(probe)
    if policy.source == "report":
        measure.equals("source", policy.source, "report")
        reason("an alert was sent lately")
        return
    # What the probe found, not when it looked: a probe that nothing answers is written as freshly.
    facts = typed(probe.data, AlertProbe, probe.path)
    assert facts.probes, f"{probe.path} tried no endpoint"
    for tried in facts.probes:
        measure.equals(f"{tried.endpoint} answered", tried.answered, True)
    measure.equals("status", facts.status, "ok")
    measure.equals(f"{probe.path} mode", facts.mode, "live")
    reason(f"{len(facts.probes)} alert endpoints answered")
