"""Whether a plan may be applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from pytest_promotion.clock import FUTURE_SKEW, iso
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError
from pytest_promotion.evidence.freshness import untimely
from pytest_promotion.evidence.typed import converted
from pytest_promotion.judgement import Judgement
from pytest_promotion.readers.terraform import Change, Plan, says_whole
from pytest_promotion.text import listed


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What a plan may do.

    `protected` are patterns of addresses or of types, of which nothing may be destroyed, replaced or forgotten;
    `most_lost` is how many others may. `drift` says whether what was changed behind Terraform's back stops it, and
    `undecided` whether a check of a resource that this plan creates does, which cannot be decided before it is there.
    """

    protected: list[str] = []
    most_lost: int | None = None
    drift: Literal["report", "refuse"] = "report"
    undecided: Literal["report", "refuse"] = "report"
    max_age: str = "24h"

    def check(self) -> None:
        """Raises `PolicyError` where it could not judge anything."""
        if any(not pattern.strip() for pattern in self.protected):
            raise PolicyError("an empty pattern protects nothing")
        if self.most_lost is not None and self.most_lost < 0:
            raise PolicyError("most_lost is below 0")
        parse_duration(self.max_age)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanJudgement(Judgement):
    """With how many resources each action is for."""

    actions: dict[str, int]
    lost: list[str]
    drifted: list[str]
    notes: list[str]


def rules(plain: Any) -> Rules:
    """The rules in *plain* values, as a policy has them. Raises `PolicyError`."""
    found = converted(plain, Rules, "rules of a plan", PolicyError)
    found.check()
    return found


def judge(plan: Plan, asked: Rules, now: datetime, skew: timedelta = FUTURE_SKEW) -> PlanJudgement:
    """
    *plan* held against the rules *asked* at the moment *now*.

    `fail` where it errored, loses what is protected or more than is accepted, or one of its checks fails, which does
    not stop Terraform itself; `inconclusive` where it is not whole, old, undated, or a check is open; else `pass`.
    """
    lost = [one for one in plan.changes if one.loses]
    guarded = [one for one in lost if any(_matches(pattern, one) for pattern in asked.protected)]
    others = len(lost) - len(guarded)
    against = [f"{one.address} is protected, and the plan would {one.action} it{_why(one)}" for one in guarded]
    if asked.most_lost is not None and others > asked.most_lost:
        against.append(f"{others} other resources would be lost, at most {asked.most_lost} may be")
    if plan.errored:
        against.append("Terraform says that planning failed")
    against += [f"check {name}: {status}" for name, status in plan.checks if status in ("fail", "error")]
    drifted = [one.address for one in plan.drift if one.action != "keep"]
    if drifted and asked.drift == "refuse":
        against.append(f"{len(drifted)} resources were changed behind its back: {', '.join(drifted[:10])}")
    created = {one.address for one in plan.changes if one.action == "create"}
    undecided = [name for name, status in plan.checks if status == "unknown"]
    later = [name for name in undecided if name in created and asked.undecided == "report"]
    open_ = [f"check {name} was not decided yet" for name in undecided if name not in later]
    open_ += _gaps(plan, asked, now, skew)
    return PlanJudgement(
        against=tuple(against),
        open_questions=tuple(open_),
        actions=dict(sorted(Counter(one.action for one in plan.changes).items())),
        lost=[one.address for one in lost],
        drifted=drifted,
        notes=[*(f"the checks of {name} are decided when it is created" for name in later), *_notes(plan)],
    )


def _matches(pattern: str, change: Change) -> bool:
    # A module's address may hold brackets, which a pattern would take for a set of letters.
    return pattern == change.address or fnmatchcase(change.address, pattern) or fnmatchcase(change.kind, pattern)


def _why(change: Change) -> str:
    return f" ({change.reason.replace('_', ' ')})" if change.reason else ""


def _notes(plan: Plan) -> Iterator[str]:
    if plan.is_opentofu:
        yield "a plan of OpenTofu, which does not say whether -target or -exclude left something out"
    if plan.invoked:
        yield f"it would invoke {listed(list(plan.invoked))}"


def _gaps(plan: Plan, asked: Rules, now: datetime, skew: timedelta) -> list[str]:
    found = []
    if plan.errored is None or (plan.complete is None and not plan.is_opentofu):
        advice = "" if says_whole(plan.terraform) else ": use Terraform or OpenTofu 1.8 or later"
        found.append(f"this version does not say whether the plan is whole{advice}")
    elif plan.complete is False:
        found.append("the plan is not complete: applying it would leave something to be planned again")
    late = untimely("the plan", plan.made, now, asked.max_age, skew)
    return [*found, late] if late else found


def document(origin: str, plan: Plan, judgement: PlanJudgement, now: datetime) -> dict[str, Any]:
    """The report on a plan, as plain values; no value of the infrastructure is in it."""
    return {
        "schema_version": 1,
        "ts_utc": iso(now),
        "plan": {"path": origin, "format_version": plan.version, "made": plan.made},
        "status": judgement.status.value,
        "reasons": list(judgement.reasons),
        "actions": judgement.actions,
        "lost": judgement.lost,
        "drifted": judgement.drifted,
        "notes": judgement.notes,
    }
