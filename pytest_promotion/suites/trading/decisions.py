"""The decision that a strict cycle took: what is unfinished, of another run, superseded or expired is no PASS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.custody.acting import FLAGS, Acting, may_act
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.json_files import read_object
from pytest_promotion.text import listed
from pytest_promotion.trust.verify import Demands, case_at

_NEWEST = Acting(without=frozenset(FLAGS) - {"newest"})  # the run itself says the rest


@dataclass(frozen=True, slots=True)
class Verified:
    """What a decision file says to someone who would act on it now."""

    status: str  # "PASS", "FAIL", or "UNKNOWN" where it cannot be known
    why: str
    run_id: str = ""
    profile: str = ""
    sha256: str = ""  # of the file
    critical_failures: tuple[str, ...] = ()
    valid_until: str | None = None


def verified(path: Path, now: datetime, *, since: datetime | None = None, not_run: str = "") -> Verified:
    """
    The decision at *path*, with its vault and the history beside it.

    Args:
        since: a decision taken before that moment is another run's, and says nothing.
        not_run: the id of the run that lay there before.
    """
    try:
        case = case_at(path)
        answer = may_act(case, Demands(at=now), _NEWEST)
        decision, why = answer.decision, listed((*answer.against, *answer.unknown), separator="; ")
        status = "FAIL" if answer.against else "UNKNOWN" if answer.unknown else "PASS"
        if decision is None:
            return Verified("FAIL" if answer.against else "UNKNOWN", why, run_id_at(path))
        if decision.run_id == not_run or (since is not None and parse_moment(decision.ts_utc) < since):
            return Verified("UNKNOWN", "no decision of this run was written", decision.run_id)
    except (Unproven, PolicyError, BadTimestamp) as refusal:
        return Verified("UNKNOWN", str(refusal))
    return Verified(
        status,
        why or "every required gate passed",
        decision.run_id,
        decision.profile,
        sha256(case.content).hexdigest(),
        tuple(decision.critical_failures),
        decision.valid_until.ts_utc if decision.valid_until else None,
    )


def run_id_at(path: Path) -> str:
    """The id of the run whose decision lies at *path*, or ""."""
    try:
        return str(read_object(path).get("run_id", ""))
    except Unproven:
        return ""
