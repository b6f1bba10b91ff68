"""
The regression harness: everything that was recorded, judged again by rules that do not change.

It writes `<reports>/backtest_regression/`; PASS only where it ran over at least
`min_events` rows, all of them readable, and every check held.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from pytest_promotion.clock import FUTURE_SKEW, iso, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import read_object
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.trading.replay.golden import hold, read_golden
from pytest_promotion.suites.trading.replay.invariants import RISK, Seen, inspect
from pytest_promotion.suites.trading.replay.windows import STORE, store_files, store_reference

NAME: Final = "backtest_regression"
MIN_EVENTS: Final = 1_000
INTEGRITY: Final = "reports/event_store/integrity_*.json"

Check = dict[str, Any]


def regression(
    root: Path,
    reports: Path,
    now: datetime,
    *,
    min_events: int = MIN_EVENTS,
    store: str = STORE,
    golden: Path | None = None,
    metrics: Mapping[str, Any] | None = None,
    integrity: Mapping[str, Any] | None = None,
    payload_correlation: Literal["accept", "refuse"] = "refuse",
) -> dict[str, Any]:
    """
    Judges every row of the store below *root* and writes the report.

    Args:
        golden: a file of golden metrics, held against `metrics_of` the rows and *metrics*.
        metrics: figures that somebody else computed from the same rows, by name.
        integrity: what integrity reports say, `missing_correlation_count` by report: a
            declared gap counts even where a recount does not find it.
        payload_correlation: whether a row with a correlation_id of its own may have null for it in its payload.

    Returns:
        the report. Raises `OSError` where it cannot be written.
    """
    folder = ReportFolder(reports / NAME)
    report: dict[str, Any] = {
        "ts_utc": iso(now),
        "status": "fail",
        "run_id": uuid.uuid4().hex,
        "event_file": None,
        "event_files": [],
        "integrity_file": max(integrity, default=None) if integrity else None,
        "checks": [{"name": "harness_ran", "pass": False, "value": "not finished", "required": "to the end"}],
        "store": store_reference([], root),
        "dataset_fingerprint": {"sha256": "", "event_count": 0, "sample_event_ids": [], "sample_event_types": []},
        "invariants": {},
        "metrics": {},
    }
    folder.begin(report)
    try:
        files = store_files(root, store)
        names = [path.relative_to(root).as_posix() for path in files]
        report |= {"event_files": names, "event_file": names[-1]}
        seen = inspect(files, now + FUTURE_SKEW)
    except Unproven as refusal:
        report["checks"] = [_whole(str(refusal))]
    else:
        figures = {**metrics_of(seen), **(metrics or {})}
        report |= {
            "checks": [
                _whole(""),
                *_checks(seen, min_events, integrity or {}, payload_correlation),
                *_golden(golden, figures),
            ],
            "store": store_reference(seen.files, root),
            "dataset_fingerprint": _fingerprint(seen),
            "invariants": _invariants(seen),
            "metrics": {name: str(value) for name, value in sorted(figures.items())},
        }
    report["status"] = "pass" if all(check["pass"] is True for check in report["checks"]) else "fail"
    folder.publish(f"{NAME}_{stamp(now)}", report, "\n".join(_lines(report)) + "\n", latest=True)
    return report


def declared_gaps(root: Path, pattern: str = INTEGRITY) -> dict[str, Any]:
    """
    What each integrity report that matches *pattern* below *root* says of missing correlations, by its path.

    A report that cannot be read, or does not say, has None, which counts as a gap.
    """
    found: dict[str, Any] = {}
    for path in sorted(root.glob(pattern)):
        try:
            found[path.relative_to(root).as_posix()] = read_object(path).get("missing_correlation_count")
        except Unproven:
            found[path.relative_to(root).as_posix()] = None
    return found


def metrics_of(seen: Seen) -> dict[str, float]:
    """Figures of the rows by themselves: the share of every stream, and of denials among decisions."""
    rows = seen.tally.rows
    shares = {f"share.{stream}": count / rows for stream, count in seen.tally.by_stream.items()}
    if seen.decisions:
        shares["denied_share"] = seen.denied / seen.decisions
    return {"event_count": rows, **shares}


def _checks(seen: Seen, min_events: int, integrity: Mapping[str, Any], payload_correlation: str) -> list[Check]:
    tally = seen.tally
    declared = list(integrity.values())
    odd = [value for value in declared if isinstance(value, bool) or not isinstance(value, int) or value < 0]
    counted = tally.missing_correlation if payload_correlation == "refuse" else seen.uncorrelated
    missing = max(counted, sum(declared) if not odd else 1)
    return [
        {
            "name": "event_count_min",
            "pass": tally.rows >= max(1, min_events),
            "value": tally.rows,
            "required": min_events,
        },
        _none("missing_correlation_zero", missing),
        _none("duplicate_event_ids_zero", seen.duplicate_ids),
        _none("future_rows_zero", tally.future),
        {
            "name": "dataset_fingerprint_present",
            "pass": bool(seen.fingerprint),
            "value": seen.fingerprint,
            "required": "sha256 over every row",
        },
        _none("intent_expiry_present_for_active_actions", seen.endless),
        _none("risk_denied_reason_present", seen.unexplained),
    ]


def _golden(path: Path | None, figures: Mapping[str, Any]) -> Sequence[Check]:
    if path is None:
        return []
    try:
        return [hold(each, figures) for each in read_golden(path)]
    except Unproven as refusal:
        return [{"name": "golden_metrics_readable", "pass": False, "value": str(refusal), "required": "readable"}]


def _whole(problem: str) -> Check:
    return {"name": "store_is_whole", "pass": not problem, "value": problem, "required": "every line is one event"}


def _none(name: str, value: int) -> Check:
    return {"name": name, "pass": value == 0, "value": value, "required": 0}


def _fingerprint(seen: Seen) -> dict[str, Any]:
    return {
        "sha256": seen.fingerprint,
        "event_count": seen.tally.rows,
        "sample_event_ids": seen.sample_ids,
        "sample_event_types": seen.sample_types,
    }


def _invariants(seen: Seen) -> dict[str, Any]:
    return {
        "execution_intent_count": seen.intents,
        "risk_decision_count": seen.tally.by_stream.get(RISK, 0),
        "intent_missing_expiry_count": seen.endless,
        "risk_denied_missing_reason_count": seen.unexplained,
        "out_of_order_count": seen.tally.out_of_order,
    }


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"# Regression on recorded events: {report['status']}"
    yield ""
    events = report["dataset_fingerprint"]
    yield f"- Judged: {report['ts_utc']}, {events['event_count']} events, fingerprint `{events['sha256'][:16]}`"
    yield ""
    yield "| check | holds | value | required |"
    yield "|---|---|---|---|"
    for check in report["checks"]:
        value = str(check["value"]).replace("|", "\\|").replace("\n", " ")
        yield f"| {check['name']} | {'yes' if check['pass'] else '**no**'} | {value} | {check['required']} |"
