"""Is a decision about the stage that is acted for, and did the keys of that stage sign it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_promotion.custody.demands import Acting, Found
from pytest_promotion.errors import Unproven
from pytest_promotion.policy.stages import built_in_gates
from pytest_promotion.text import listed
from pytest_promotion.trust import signing
from pytest_promotion.trust.keys import public_key
from pytest_promotion.trust.stored import StoredDecision
from pytest_promotion.trust.verify import Case

if TYPE_CHECKING:
    from pytest_promotion.policy import Policy


def judge_stage(decision: StoredDecision, policy: Policy | None, acting: Acting, found: Found) -> None:
    """Whether it is about the stage that is wanted, or ran the gates of the one that is deployed to."""
    of = f"of the stage {decision.stage}" if decision.stage else "of no stage"
    if acting.stage and decision.stage != acting.stage:
        found.against.append(f"it is {of}, not of {acting.stage}")
    elif acting.stage:
        of_its_own = policy is not None and acting.environment in policy.stages
        if of_its_own and acting.stage != acting.environment:
            what = f"{acting.environment} is a stage of its own, and the decision is {of}"
            found.refuse("profile", acting, what, f"promotion gates --stage {acting.environment}")
    elif policy is not None and (missed := _missed(decision, policy, acting.environment)):
        gates = listed(built_in_gates(missed, policy.stages))
        what = f"it is {of}, so {gates} of the stage {missed} did not run"
        found.refuse("profile", acting, what, f"promotion gates --stage {missed}")


def _missed(decision: StoredDecision, policy: Policy, environment: str) -> str:
    """
    The stage whose gates a decision of another stage, or of none, did without; "" where there is none.

    It is the stage that is deployed to, else one that the profile of the decision is for.
    """
    found = [environment, *(name for name, profile in policy.stage_profiles.items() if profile == decision.profile)]
    if decision.stage:
        found = [environment] if decision.stage != environment else []
    return next((name for name in found if built_in_gates(name, policy.stages)), "")


def judge_keys(decision: StoredDecision, policy: Policy | None, case: Case, acting: Acting, found: Found) -> None:
    """Whether one of the keys has signed it that the policy names for its stage."""
    sources = policy.keys.get(decision.stage or "", ()) if policy is not None else ()
    if not sources or acting.signing or case.envelopes is None:  # that it is not signed is said already
        return
    named = f"a key of the stage {decision.stage}"
    try:
        keys = [public_key(source.content, named) for source in sources]
        signing.about(case.envelopes, f"the envelopes of {case.name}", decision, case.content, keys, 1)
    except Unproven as refusal:
        found.refuse("signature", acting, f"the keys of its stage {decision.stage} have not signed it: {refusal}")
