"""
Which way is stricter, of each setting of a policy: what is known of it, and nothing that is guessed.

A rule that stands in no table here has no direction: a change of it is incomparable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from pytest_promotion.clock import parse_moment
from pytest_promotion.policy.shape import PROVE_MODES, PROVENANCE_MODES

Place = tuple[str, ...]
ABSENT: Final = object()  # not the same as null: a gate that asks for it fails


class Strictness(StrEnum):
    """What a change does to what the policy asks for, the most alarming first."""

    WEAKER = "weaker"
    INCOMPARABLE = "incomparable"
    STRONGER = "stronger"


def strictness(place: Place, old: Any, new: Any, declared: Mapping[str, str]) -> Strictness:
    """
    What it is to change the setting at *place* from *old* to *new*.

    *declared* are the directions that the old policy gives for the thresholds of the gate at *place*: by the new ones,
    a threshold and its direction could be turned at once.
    """
    rank = _rank(place, declared)
    try:
        ranks = (rank(old), rank(new)) if rank else (None, None)
    except (AttributeError, TypeError, ValueError):
        ranks = (None, None)
    if ranks[0] is None or ranks[1] is None or ranks[0] == ranks[1]:
        return Strictness.INCOMPARABLE
    return Strictness.STRONGER if ranks[1] > ranks[0] else Strictness.WEAKER


_Rank = Callable[[Any], float | None]  # how strict a value is: more is stricter; None where that cannot be told


def _ladder(*steps: Any) -> _Rank:
    return steps.index  # ValueError: a step nobody has heard of


def _higher(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _lower(value: Any) -> float | None:
    found = _higher(value)
    return None if found is None else -found


def _shorter(value: Any) -> float:
    return -float(value.seconds)


def _switch(strict: bool) -> _Rank:
    return lambda value: (value is strict) if isinstance(value, bool) else None


def _there(value: Any) -> float:
    return value is not None and value is not ABSENT


def _gone(value: Any) -> float:
    return value is ABSENT


_RANKS: Final[dict[Place, _Rank]] = {
    ("evidence",): _ladder("optional", "required"),
    ("partial",): _ladder("allow", "refuse"),
    ("timestamps", "max_report_age_min"): _lower,
    ("timestamps", "future_skew"): _shorter,
    ("timestamps", "mtime"): _ladder("allow", "forbid"),
    ("release_manifest",): _there,
    ("waivers",): lambda value: value is None,
    ("prove",): _ladder(*PROVE_MODES),
    ("provenance",): _ladder(*PROVENANCE_MODES),
    ("confidence",): _higher,
    ("prove", "min_kill_rate"): _higher,
}
# Of a quorum; an exception that is not accepted at all is stricter than any.
_QUORUM_RANKS: Final[dict[str, _Rank]] = {"max": _shorter, "post_mortem_within": _shorter, "subjects": _lower}
_GATE_RANKS: Final[dict[str, _Rank]] = {
    # Without a word of the policy, the gate's own mark holds, which is one of the other two.
    "severity": _ladder("warning", None, "critical"),
    "max_age": _shorter,
    "source": _ladder("report", "inputs"),
    # Without a date the mark decides, which may be either severity.
    "effective_on": lambda value: -parse_moment(value).timestamp() if isinstance(value, str) else None,
    "shadow": _switch(strict=False),
}
# What the name of a threshold says of it.
_PREFIXES: Final[dict[str, _Rank]] = {
    "require_": _switch(strict=True),
    "skip_": _switch(strict=False),
    "allow_": _switch(strict=False),
    "min_": _higher,
    "least_": _higher,
    "at_least_": _higher,
    "max_": _lower,
    "most_": _lower,
    "at_most_": _lower,
    "longest_": _lower,
}
_SUFFIXES: Final[dict[str, _Rank]] = {"_limit": _lower, "_at_most": _lower, "_at_least": _higher}


def _rank(place: Place, declared: Mapping[str, str]) -> _Rank | None:
    if place in _RANKS:
        return _RANKS[place]
    if place[0] == "required" and place[2:] == ("parameters",):
        return lambda value: 0 if value is ABSENT else value
    if place[0] in ("required", "refresh") and len(place) > 1:
        return _there
    if place[0] == "by_digest" or place[:2] in (("prove", "equivalent"), ("timestamps", "ageless")):
        return _gone
    if place[0] == "stages":
        return _stage_rank(place[2:])
    if place[0] == "exceptions":
        return _higher if "approvals" in place else _QUORUM_RANKS.get(place[-1], _gone)
    return _gate_rank(place, declared) if place[0] == "gates" else None


def _gate_rank(place: Place, declared: Mapping[str, str]) -> _Rank | None:
    if place[2:] == ("max_age", "business_days"):
        return _lower
    if place[2] == "about":
        return _gone if place[3:] == ("none",) else _there
    if (place[2] == "thresholds" and len(place) == 4) or (place[2] == "upcoming" and place[4:] == ("value",)):
        return _threshold_rank(place[3], declared)
    return _GATE_RANKS.get(place[2])


def _stage_rank(place: Place) -> _Rank | None:
    if not place:
        return _there
    if place[0] == "approvals":
        return _higher
    if place[0] == "soak":
        return lambda value: 0.0 if value is ABSENT else float(value.seconds)
    # Another stage before, and other keys, are neither stricter nor weaker; none at all is weaker.
    return _there if place[0] in ("after", "keys") else None


def _threshold_rank(name: str, declared: Mapping[str, str]) -> _Rank | None:
    if name in declared:
        return {"higher": _higher, "lower": _lower}[declared[name]]
    found = [rank for start, rank in _PREFIXES.items() if name.startswith(start)]
    found = found or [rank for end, rank in _SUFFIXES.items() if name.endswith(end)]
    return found[0] if found else None
