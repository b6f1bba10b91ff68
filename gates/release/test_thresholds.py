"""How good is good enough is changed by people who answer for it, and by nobody in passing."""

import pytest

from pytest_promotion import parse_duration
from pytest_promotion.suites.release import change_check, change_record, thresholds
from pytest_promotion.suites.release.change_evidence import Demands, Seen
from pytest_promotion.trust import signers


@pytest.mark.critical(owner="knowledge", fix="promotion threshold-change check, then record what it names")
def test_threshold_change_governance(artifact, clock, measure, policy, reason, workspace):
    """The benchmark's policy is the approved one, or every step from there is recorded and approved."""

    def seen(path):
        found = artifact(path)
        return Seen(found.sha256, found.open().read())

    current = thresholds.checked(artifact(policy["policy"]).data, policy["policy"])
    people = policy.signers.content if policy.signers else None
    if people is None and not policy["accept_names"] and artifact.exists(policy["signers"]):
        people = artifact(policy["signers"]).open().read()
    answer = change_check.check(
        current,
        thresholds.checked(artifact(policy["approved"]).data, policy["approved"]),
        policy["approved_sha256"],
        change_record.read_below(workspace, policy["records"], lambda path: seen(path).content),
        seen,
        Demands(
            min_approvals=policy["min_approvals"],
            min_loosening_approvals=policy["min_loosening_approvals"],
            min_monitor_reports=policy["min_monitor_reports"],
            future_skew=policy.future_skew,
            min_trend=parse_duration(policy["min_trend_days"] * 86400),
            max_evidence_age=parse_duration(policy["max_evidence_age_days"] * 86400),
            signed=not policy["accept_names"],
        ),
        signers.read(people, "the signers") if people is not None else None,
        clock.now(),
    )
    assert not answer.problems, "; ".join(answer.problems)
    # A flag that asks less of the benchmark than its policy does is a change that nobody recorded.
    asked = policy.resolved.gate("kb_benchmark").thresholds
    limits = {name: least for name, least in current.get(policy.profile, {}).items() if name in thresholds.NUMBERS}
    looser = [f"{name} {asked[name]} below {least}" for name, least in limits.items() if asked.get(name, least) < least]
    measure.none("thresholds that a flag has lowered", looser, among=len(limits), may_be_empty=True)
    unused = f"; not used: {', '.join(answer.unused)}" if answer.unused else ""
    reason(f"{answer}{unused}")
