"""Whether anyone would hear of it."""

import pytest


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
    probes = probe["probes"]
    assert probes, f"{probe.path} tried no endpoint"
    for tried in probes:
        measure.equals(f"{measure.text('endpoint', tried['endpoint'])} answered", tried["ok"], True)
    measure.equals("status", probe["status"], "ok")
    reason(f"{len(probes)} alert endpoints answered")
