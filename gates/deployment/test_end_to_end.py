"""What runs in the environment does the same thing twice."""

import pytest

from pytest_promotion.suites.deployment.determinism.comparison import compare

BOUND = "bound by its root hash to the report, whose age is judged"


@pytest.mark.critical(
    owner="platform", fix="promotion parity e2e --base-url URL --plan FILE --env NAME, then its reasons"
)
def test_e2e_parity(artifact, freshness, measure, policy, reason):
    """The service's run and its replay have one root hash over all steps, recomputed from both traces."""
    report = artifact(policy["report"])
    freshness(report)
    measure.equals("status", report["status"], "pass")
    measure.equals("environment", report["environment"], policy["environment"])
    folder = report.path.rpartition("/")[0]
    names = report["traces"]
    run, replay = (
        artifact(f"{folder}/{names[side]}" if folder else names[side], max_age="none", because=BOUND)
        for side in ("run", "replay")
    )
    found = compare(run.text.encode(), replay.text.encode(), report["run_id"])
    found.judgement.demand()
    measure.equals("original root hash", report["original_root_hash"], found.original)
    measure.equals("replay root hash", report["replay_root_hash"], found.replay)
    measure.equals("steps that the report compared", report["steps_compared"], found.steps)
    measure.at_least("steps compared", found.steps, policy["min_steps"])
    if policy["image"] is not None:
        measure.equals("image", report["image"], policy["image"])
        measure.equals("image of the run", (found.image or report["image"]).rpartition("@")[2], policy["image"])
    reason(f"{found.steps} steps of {report['run_id']} in {report['environment']}, twice the same")
