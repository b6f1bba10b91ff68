"""Targets, whether they were met, and which targets the measurement would support."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.evidence.files import read_given
from pytest_promotion.evidence.typed import converted
from pytest_promotion.judgement import Judgement
from pytest_promotion.model import Measurement
from pytest_promotion.readers.load_test import CHECKS, DURATION, FAILED, Measured, Rate

ENOUGH: Final = 100  # requests below which a suggestion would be a guess
_Z: Final = 1.6448536269514722  # one-sided 95 % of the normal distribution


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One objective. Exactly one of `at_most` and `at_least`."""

    metric: str
    stat: str
    unit: str
    severity: Literal["critical", "warning"] = "critical"
    at_most: float | None = None
    at_least: float | None = None

    def holds(self, value: float) -> bool:
        """Whether *value* meets it; the limit itself does."""
        if self.at_most is not None:
            return value <= self.at_most
        return value >= (self.at_least if self.at_least is not None else math.inf)

    @property
    def limit(self) -> float:
        """The number that is not to be crossed."""
        found = self.at_most if self.at_most is not None else self.at_least
        return math.nan if found is None else found


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    targets: dict[str, Any]


USUAL: Final[Mapping[str, Target]] = {
    "latency_p95": Target(DURATION, "p95", "ms", at_most=500),
    "latency_p99": Target(DURATION, "p99", "ms", "warning", at_most=1000),
    "error_rate": Target(FAILED, "rate", "share", at_most=0.01),
}


class Held(msgspec.Struct, frozen=True):
    """One target and what was measured. `passed` is None where it was not measured, and `why` says so."""

    name: str
    severity: str
    metric: str
    stat: str
    unit: str
    operator: str
    limit: float
    value: float | None
    passed: bool | None
    why: str = ""


def load(path: Path) -> dict[str, Target]:
    """The targets in the YAML file at *path*. Raises `PolicyError`."""
    try:
        plain = parse_yaml(read_given(path, refusal=PolicyError), str(path))
    except Unproven as problem:
        raise PolicyError(str(problem)) from None
    found = converted(plain, _File, f"{path}", PolicyError)
    return targets_of(found.targets, str(path))


def targets_of(plain: Any, origin: str) -> dict[str, Target]:
    """The targets in *plain* values, as a policy has them. Raises `PolicyError`, also where none is critical."""
    found = converted(plain, dict[str, Target], f"{origin}", PolicyError)
    for name, target in found.items():
        if (target.at_most is None) is (target.at_least is None) or not math.isfinite(target.limit) or target.limit < 0:
            raise PolicyError(f"{origin}: {name} needs one limit, at_most or at_least, that is a number from 0 up")
    if not any(target.severity == "critical" for target in found.values()):
        raise PolicyError(f"{origin} has no critical target: whatever is measured would pass")
    return with_failures(found)


def with_failures(targets: Mapping[str, Target]) -> dict[str, Target]:
    """*targets*, and where latency has one and no rate has, the usual failure rate: a request that fails is fast."""
    rates = any(target.stat == "rate" for target in targets.values())
    latency = any(target.metric == DURATION for target in targets.values())
    return dict(targets) | ({"error_rate": USUAL["error_rate"]} if latency and not rates else {})


def judge(measured: Measured, targets: Mapping[str, Target]) -> list[Held]:
    """Each target held against what was measured."""
    found = []
    for name, target in targets.items():
        operator = "<=" if target.at_most is not None else ">="
        known = (name, target.severity, target.metric, target.stat, target.unit, operator, target.limit)
        try:
            value = measured.value(target.metric, target.stat)
        except Unproven as refusal:
            found.append(Held(*known, value=None, passed=None, why=str(refusal)))
        else:
            found.append(Held(*known, value=value, passed=target.holds(value)))
    return found


def judgement(measured: Measured, held: Sequence[Held]) -> Judgement:
    """
    What the targets say together.

    What k6 itself says failed is a failure too, whatever the targets are; a critical target that was not measured
    leaves the question open, and no request at all leaves every question open.
    """
    reasons = []
    open_ = []
    try:
        measured.requests  # noqa: B018 - asked for its refusal
    except Unproven as refusal:
        open_.append(str(refusal))
    for one in held:
        if one.severity != "critical":
            continue
        if one.passed is None:
            open_.append(f"{one.name} was not measured: {one.why}")
        elif not one.passed:
            reasons.append(f"{one.name} is {one.value:g} {one.unit}, expected {one.operator} {one.limit:g}")
    judged_by_the_tool = {rule.partition(" ")[0].partition("{")[0] for rule in measured.thresholds}
    open_ += [
        f"{name} is 0 of 0: none was made, whatever k6 says of its threshold"
        for name in measured.never_tried
        if name == CHECKS or name.partition("{")[0] in judged_by_the_tool
    ]
    reasons += [f"k6 says that {rule} failed" for rule, ok in measured.thresholds.items() if not ok]
    if not held and not reasons:
        open_.append("there is no target")
    return Judgement(
        against=tuple(reasons),
        open_questions=tuple(open_),
        measurements=tuple(Measurement(one.name, one.value, one.operator, one.limit, one.passed) for one in held),
    )


def suggestion(measured: Measured, headroom: float = 0.2) -> dict[str, Any]:
    """
    Targets that this measurement supports, with *headroom* above the observed percentiles.

    A failure rate is bounded by the upper end of Wilson's one-sided 95 % interval (Wilson 1927), so that ten requests
    without a failure do not promise a service without failures, with the same headroom.

    Returns:
        `targets` as a targets file has them, and the `basis`; without targets, and with the reason, where there were
        fewer than `ENOUGH` requests, or the run failed by its own thresholds or by the usual failure rate.
    """
    try:
        requests = measured.requests
    except Unproven as refusal:
        return {"targets": {}, "why_not": str(refusal)}
    if requests < ENOUGH:
        return {"targets": {}, "why_not": f"{requests} requests are too few to learn from: at least {ENOUGH}"}
    failure = _failure(measured)
    if failure:
        return {"targets": {}, "why_not": f"{failure}: a run that failed is no measure for what should be"}
    targets: dict[str, Any] = {}
    for stat, usual in (("p95", USUAL["latency_p95"]), ("p99", USUAL["latency_p99"])):
        try:
            seen = measured.value(DURATION, stat)
        except Unproven:
            continue
        limit = _rounded(seen * (1 + headroom))
        targets[f"latency_{stat}"] = Target(DURATION, stat, "ms", usual.severity, at_most=limit)
    failed = measured.metrics.get(FAILED)
    if isinstance(failed, Rate) and failed.total:
        bound = min(1.0, _rounded(_wilson_upper(failed.hits, failed.total) * (1 + headroom)))
        targets["error_rate"] = Target(FAILED, "rate", "share", at_most=bound)
    return {
        "targets": {name: _plain(target) for name, target in targets.items()},
        "basis": {"requests": requests, "headroom": headroom, "format": measured.form},
    }


def _failure(measured: Measured) -> str:
    """Why the run is one that failed; "" where it is none."""
    missed = [rule for rule, held in measured.thresholds.items() if not held]
    if missed:
        return f"k6 says that {missed[0]} failed"
    failed = measured.metrics.get(FAILED)
    if isinstance(failed, Rate) and failed.total and not USUAL["error_rate"].holds(failed.value):
        return f"{failed.value:.1%} of the requests failed"
    return ""


def _plain(target: Target) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(target).items() if value is not None}


def _wilson_upper(hits: int, total: int) -> float:
    share, square = hits / total, _Z * _Z
    middle = share + square / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return min(1.0, (middle + spread) / (1 + square / total))


def _rounded(value: float) -> float:
    """*value* rounded up to two digits that count: 187.3 becomes 190."""
    if value <= 0:
        return 0.0
    scale: float = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / scale - 1e-9) * scale:.6g}")
