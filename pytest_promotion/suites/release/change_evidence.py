"""What a change of thresholds rests on: the very files that are named, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, parse_moment
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.documents import decode, named, parse_json
from pytest_promotion.suites.release.change_record import Attached, Written
from pytest_promotion.suites.release.knowledge.measuring import DECLARED
from pytest_promotion.suites.release.thresholds import ABSENT, Policy

# The figure in a report that each threshold is for.
_METRICS: Final = {f"min_{name}": declared for name, declared in DECLARED.items()}
_BLOCKING: Final = ("investigate_before_change", "insufficient_data")
_DATE: Final = "generated_at_utc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What a record has to bring. Approvals are people other than the one who asks."""

    min_approvals: int = 1
    min_loosening_approvals: int = 2
    min_monitor_reports: int = 3  # of each profile that is changed
    min_trend: timedelta = timedelta(days=7)  # from the first of them to the last
    max_evidence_age: timedelta = timedelta(days=35)  # before the record's own date
    future_skew: timedelta = FUTURE_SKEW
    signed: bool = True  # whether an approval has to be a signature


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was read."""

    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Report:
    path: str
    profile: str
    moment: datetime
    data: dict[str, Any]


def check_evidence(step: Written, after: Policy, seen: Callable[[str], Seen], demands: Demands) -> None:
    """
    Demands monitor reports and a review of each profile that *step* changes, and an acceptance that is of it.

    Reports are dated before the record and not too long before it; the newest monitor report of a profile meets the
    thresholds that it gets, and the acceptance has a benchmark that was run with them.

    Args:
        after: the policy that *step* leads to.

    Raises:
        GateFailed: where a file is another one than was named, or speaks against the change.
        Unproven: where there is too little, or it cannot be read.
    """
    evidence = step.record.evidence
    monitors = list(_reports(step, evidence.monitor, seen, demands.max_evidence_age))
    reviews = list(_reports(step, evidence.review, seen, demands.max_evidence_age))
    for profile in step.profiles:
        trend = sorted((one for one in monitors if one.profile == profile), key=lambda one: one.moment)
        _check_trend(step, profile, trend, demands)
        _check_reviews(profile, [one for one in reviews if one.profile == profile])
    benchmarks = [item for item in evidence.acceptance if item.path.endswith(".json")]
    accepted = [item for item in evidence.acceptance if item not in benchmarks]
    if not accepted:
        raise Unproven(f"nobody accepts it: the acceptance has no text that names {step.record.change_id}")
    for item in accepted:
        text = decode(_same(item, seen).content, item.path)
        if step.record.change_id not in text:
            raise GateFailed(f"{item.path} accepts something else: it does not name {step.record.change_id}")
    runs = list(_reports(step, benchmarks, seen, demands.max_evidence_age))
    for profile in step.profiles:
        if profile in after:
            _check_benchmark(profile, after[profile], [one for one in runs if one.profile == profile])


def _check_benchmark(profile: str, rules: Mapping[str, Any], runs: Sequence[_Report]) -> None:
    """Demands a benchmark of *profile* that was run with the thresholds in *rules*, on its cases, and met them."""
    limits = {name: least for name, least in rules.items() if name in _METRICS}
    for run in runs:
        stated = run.data.get("thresholds")
        if run.data.get("kind") == "kb_benchmark" and run.data.get("status") == "measured" and isinstance(stated, dict):
            same = all(stated.get(name) == least for name, least in limits.items())
            if same and run.data.get("cases_file") == rules.get("cases", run.data.get("cases_file")):
                break
    else:
        raise Unproven(f"the acceptance has no benchmark of {profile} with the new thresholds and its cases")
    for name, least in limits.items():
        value = _number(run.data, _METRICS[name], run.path)
        if value < least:
            raise GateFailed(f"{run.path} measured {_METRICS[name]} {value}, and {name} becomes {least}")


def _check_trend(step: Written, profile: str, trend: Sequence[_Report], demands: Demands) -> None:
    measured = [one for one in trend if one.data.get("status", "measured") == "measured"]
    least = max(demands.min_monitor_reports, 1)
    if len({one.moment for one in measured}) < least:
        raise Unproven(f"{len(measured)} monitor reports of {profile} show a trend, {least} are needed")
    span = measured[-1].moment - measured[0].moment
    if span < demands.min_trend:
        wanted, given = (format_duration(one.total_seconds()) for one in (demands.min_trend, span))
        raise Unproven(f"the monitor reports of {profile} are of {given}, and a trend is one of {wanted} at least")
    newest = measured[-1]
    metrics = newest.data.get("current_metrics")
    for change in step.changes:
        if change.profile != profile or change.field not in _METRICS or change.new is ABSENT:
            continue
        value = _number(metrics if isinstance(metrics, dict) else {}, _METRICS[change.field], newest.path)
        if value < change.new:
            raise GateFailed(f"{change.place} becomes {change.new}, and {newest.path} measured {value}")


def _number(data: Mapping[str, Any], name: str, path: str) -> float:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unproven(f"{path} has no number {name}")
    return value


def _check_reviews(profile: str, reviews: Sequence[_Report]) -> None:
    if not reviews:
        raise Unproven(f"there is no weekly review of {profile}")
    newest = max(reviews, key=lambda one: one.moment)
    decision = newest.data.get("decision")
    word = decision.get("decision") if isinstance(decision, dict) else None
    if not isinstance(word, str):
        raise Unproven(f"{newest.path} has no decision")
    if word in _BLOCKING:
        raise GateFailed(f"{newest.path} says {word}")


def _reports(
    step: Written, items: Sequence[Attached], seen: Callable[[str], Seen], max_age: timedelta
) -> Iterator[_Report]:
    digests = [item.sha256 for item in items]
    for item in items:
        if digests.count(item.sha256) > 1:
            raise GateFailed(f"{item.path} is counted twice")
        data = parse_json(_same(item, seen).content, item.path)
        if not isinstance(data, dict):
            raise Unproven(f"{item.path} is {named(data)}, expected an object")
        profile = data.get("profile")
        if not isinstance(profile, str):
            raise Unproven(f"{item.path} names no profile")
        try:
            moment = parse_moment(data[_DATE])
        except BadTimestamp as problem:
            raise Unproven(f"{item.path}: {_DATE} is {problem}") from None
        if moment > step.moment:
            raise GateFailed(f"{item.path} was made after the record that rests on it")
        if step.moment - moment > max_age:
            raise Unproven(f"{item.path} is {(step.moment - moment).days} days older than the record")
        if profile in step.profiles:
            yield _Report(item.path, profile, moment, data)


def _same(item: Attached, seen: Callable[[str], Seen]) -> Seen:
    found = seen(item.path)
    if found.sha256 != item.sha256:
        raise GateFailed(f"{item.path} has the digest {found.sha256[:12]}, and {item.sha256[:12]} was approved")
    return found
