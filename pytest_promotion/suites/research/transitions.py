"""Which way a candidate may go, and what each step needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pytest_promotion.errors import PolicyError

Status = Literal["exploratory", "candidate", "accepted", "rejected"]
STATUSES: Final[tuple[Status, ...]] = ("exploratory", "candidate", "accepted", "rejected")

# From each status, those that it can become. Nothing is accepted but a candidate, and what was rejected begins anew.
TRANSITIONS: Final[Mapping[Status, tuple[Status, ...]]] = {
    "exploratory": ("candidate", "rejected"),
    "candidate": ("accepted", "rejected", "exploratory"),
    "accepted": ("rejected",),
    "rejected": ("exploratory",),
}


def status_of(text: object) -> Status:
    """*text* as a status. Raises `PolicyError` for any other word."""
    for status in STATUSES:
        if text == status:
            return status
    raise PolicyError(f"{text!r} is no status; there are {', '.join(STATUSES)}")


def ways_from(old: str) -> tuple[Status, ...]:
    """What a candidate that is *old* can become; one with a status of another tool can only begin anew."""
    return next((TRANSITIONS[status] for status in STATUSES if status == old), ("exploratory",))


def demand_step(old: str, new: Status) -> None:
    """Raises `PolicyError` where a candidate cannot go from *old* to *new*."""
    if new not in (possible := ways_from(old)):
        raise PolicyError(f"what is {old} cannot become {new}: it can become {' or '.join(possible)}")


def after_evaluation(old: Status, found: Status) -> Status:
    """
    What a candidate is after an evaluation that *found* it accepted, rejected, or (`exploratory`) without results.

    One step up for each evaluation that passes. What was rejected stays so until somebody reopens it with a reason.
    """
    if old == "rejected":
        return old
    if found == "accepted":
        return "candidate" if old == "exploratory" else "accepted"
    if found == "exploratory" and old != "accepted":
        return "exploratory"
    return "rejected"


def target_of(old: Status) -> Status:
    """What an evaluation of a candidate that is *old* is about: the next step up, of a rejected one the first."""
    return "accepted" if old in {"candidate", "accepted"} else "candidate"
