"""What was recorded once still has the same root hash, and another runtime has it too."""

import pytest

from pytest_promotion.suites.deployment.determinism.traces import rooted


@pytest.mark.critical(owner="platform", fix="find what changed a recorded run; a new format needs new golden traces")
def test_golden_traces(artifact, measure, policy, reason):
    """Each recorded trace has the root hash that was written down when it was recorded."""
    golden = artifact(policy["golden"])
    roots = golden["root_hashes"]
    measure.at_least("recorded traces", golden["traces"], policy["min_traces"])
    measure.equals("recorded traces with a root hash", len(roots), golden["traces"])
    folder = golden.path.rpartition("/")[0]
    for name, root in roots.items():
        trace = artifact(f"{folder}/{name}" if folder else name)
        found = rooted(trace.text.encode(), trace.path)
        measure.equals(f"{name} root hash", found.root, root)
        measure.equals(f"{name} declared", found.declared, root)
    reason(f"{len(roots)} recorded traces have their root hashes")


@pytest.mark.critical(
    owner="platform", fix="promotion parity python-js traces/*.trace.json, then see its disagreements"
)
def test_cross_language_parity(artifact, freshness, measure, policy, reason):
    """Python and JavaScript computed the same from the same bytes, often enough and lately."""
    report = artifact(policy["report"])
    freshness(report)
    measure.equals("status", report["status"], "pass")
    measure.equals("disagreements", report["disagreements"], 0)
    measure.at_least("values compared", report["values_compared"], policy["min_values"])
    measure.at_least("traces compared", report["traces_compared"], policy["min_traces"])
    reason(f"{report['values_compared']} values and {report['traces_compared']} traces agree")
