"""One look at the knowledge base: measure it, hold it against its history, keep what was found."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_promotion.clock import Clock, iso
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.release.knowledge import alerting, baseline, benchmark, comparison, corpus, drift, history
from pytest_promotion.suites.release.knowledge.alerting import Channels
from pytest_promotion.suites.release.knowledge.baseline import Acceptance, Baseline
from pytest_promotion.suites.release.knowledge.drift import Alert, Rules
from pytest_promotion.suites.release.knowledge.history import Figures, Point
from pytest_promotion.suites.release.knowledge.policy import Settings

OFF = "off"
ERROR = "error"
_ACCEPT = "look at the figures, then: promotion kb accept --by NAME --because REASON"


def run(
    settings: Settings,
    folder: Path,
    rules: Rules,
    *,
    clock: Clock,
    channels: Channels = Channels(),  # noqa: B008 - frozen
    engine: str = "fts5",
    retain: int = 120,
    accept: Acceptance | None = None,
) -> dict[str, Any]:
    """
    Runs the benchmark and judges it by the history in `<folder>/<profile>`.

    Args:
        folder: the histories of all profiles.
        accept: who makes this point the baseline, which has to meet its thresholds, and why.

    Returns:
        the report as it was kept, with `status` "measured", "incomplete" (documents could not be read),
        "error" (nothing could be measured) or "off", and `monitor_path`. `passed` is true where it was measured
        and no alert blocks.

    Raises:
        PolicyError: for settings that cannot be used.
        Unproven: where the history cannot be held or read, or the point cannot be accepted.
        OSError: where nothing can be written.
    """
    place = folder / settings.profile
    report = _blank(settings, rules, clock.now())
    if settings.mode == OFF:
        if accept:
            raise Unproven(f"nothing is measured in the profile {settings.profile}: there is no point to accept")
        report |= {"status": OFF, "details": f"monitoring is off in the profile {settings.profile}"}
        return _kept(place, report, clock.now(), retain)
    try:
        kept = corpus.read(settings.corpus)
        measured = benchmark.of_corpus(settings, kept, clock.now(), engine)
    except (Unproven, OSError, MemoryError) as problem:
        report |= {"status": ERROR, "details": str(problem)}
        report["alerts"] = [Alert("benchmark_error", str(problem)).document(blocking=True)]
    else:
        with history.held(place):
            names = [one.source_name for one in kept.documents]
            comparison.keep_names(place, settings.profile, measured["corpus_sha256"], names)
            _judge(report, measured, settings, place, rules, clock.now(), retain=retain, accept=accept)
    if report["alerts"]:
        told = alerting.send(report, channels)
        report["deliveries"] = told
        report["alert_webhook_sent"] = any(one["channel"] == "webhook" and one["sent"] for one in told)
    return _kept(place, report, clock.now(), retain)


def _judge(
    report: dict[str, Any],
    measured: dict[str, Any],
    settings: Settings,
    place: Path,
    rules: Rules,
    now: datetime,
    *,
    retain: int,
    accept: Acceptance | None,
) -> None:
    """Fills *report* in from what was measured and what is known of earlier runs."""
    # When it was judged, not when it began: of two runs at once, the one that is written second is the later one.
    measured |= {"ts_utc": iso(now), "generated_at_utc": iso(now)}
    before, left_out = history.points(place, settings.profile, now)
    anchor = baseline.read(place, settings.profile, before, rules.min_history)
    kept = history.keep(place, "benchmark", measured, now)
    report |= {
        "status": measured["status"],
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "benchmark_path": settings.shown(kept.absolute()),
        "current_metrics": {key: measured[key] for key in benchmark.DECLARED.values() if measured[key] is not None},
        "retriever": measured["retriever"],
        "strict_metrics": measured["strict"],
        "cases_sha256": measured["cases_sha256"],
        "corpus_sha256": measured["corpus_sha256"],
        "left_out": left_out,
    }
    found = [Alert("benchmark_threshold_failure", _below(measured))] if measured["failed"] else []
    if measured["status"] != benchmark.MEASURED:
        code = "corpus_incomplete" if measured["status"] == benchmark.INCOMPLETE else measured["status"]
        reasons = measured["corpus_problems"] or [measured["too_few"]]
        found.append(Alert(code, "; ".join(reasons)))
        if accept:
            raise Unproven("this point cannot be the baseline: " + "; ".join(reasons[:3]))
    else:
        current = history.point(measured, now, kept.name)
        if accept:
            if not current.passed:
                raise Unproven(f"this point cannot be the baseline: {_below(measured)}")
            baseline.accept(place, settings.profile, current, now, accept)
            anchor = baseline.read(place, settings.profile, before, rules.min_history)
        found += _drift(report, current, before, anchor, rules, place)
    report["alerts"] = [one.document(blocking=settings.blocking) for one in found]
    report["passed"] = measured["status"] == benchmark.MEASURED and not (found and settings.blocking)
    spared = anchor.runs if anchor else ()
    report["retention_deleted"] = history.retire(place, "benchmark", settings.profile, now, retain, spared)
    comparison.forget_names(place, history.points(place, settings.profile, now)[0])


def _drift(
    report: dict[str, Any], current: Point, before: list[Point], anchor: Baseline | None, rules: Rules, place: Path
) -> list[Alert]:
    alike = [figures for one in before if (figures := comparison.earlier(current, one, place)) is not None]
    report["history_points_used"] = len(alike[-rules.lookback :])
    found = drift.alerts(current.figures, alike, None, [], rules)
    if anchor is None:
        return found
    same_cases = anchor.point.cases_sha256 == current.cases_sha256
    report["baseline"] = {
        "measured_at_utc": iso(anchor.point.moment),
        **_shown(anchor.figures),
        "benchmark": anchor.point.path,
        "runs": list(anchor.runs),
        "same_corpus": anchor.point.corpus_sha256 == current.corpus_sha256,
        "same_cases": same_cases,
    }
    if anchor.point.retriever != current.retriever:
        message = f"the baseline is of {anchor.point.retriever!r}, and {current.retriever!r} was measured"
        return [Alert("retriever_changed", f"{message}; {_ACCEPT}"), *found]
    if not same_cases and not (anchor.cases and anchor.cases <= comparison.cases(current)):
        # Other questions, another scale. Whoever changed them says that the new figures are the ones to keep to.
        return [Alert("cases_changed", f"the cases are not those of the baseline; {_ACCEPT}"), *found]
    # The corpus may have changed since: that is how a knowledge base decays. Questions that were added do not count.
    values = current.figures if same_cases else comparison.restricted(current, anchor.cases)
    report["baseline"]["compared"] = _shown(values)
    since = [figures for one in before if (figures := _since(one, anchor)) is not None]
    return found + drift.alerts(values, [], anchor.figures, since, rules)


def _shown(figures: Figures) -> dict[str, float | None]:
    return {
        "avg_precision_at_k": float(figures.precision),
        "avg_keyword_recall": float(figures.recall),
        "content_recall": None if figures.content is None else float(figures.content),
    }


def _since(one: Point, anchor: Baseline) -> Figures | None:
    """What *one* adds to the cumulative sum; None where it is before the baseline, or of something else."""
    if one.moment <= anchor.since or one.retriever != anchor.point.retriever:
        return None
    if one.cases_sha256 == anchor.point.cases_sha256:
        return one.figures
    if not anchor.cases or not anchor.cases <= comparison.cases(one):
        return None
    try:
        return comparison.restricted(one, anchor.cases)
    except Unproven:
        return None


def _below(measured: dict[str, Any]) -> str:
    return "; ".join(
        f"{name} is {measured[benchmark.DECLARED[name]]}, below {measured['thresholds'][f'min_{name}']}"
        for name in measured["failed"]
    )


def _blank(settings: Settings, rules: Rules, now: datetime) -> dict[str, Any]:
    """A report that says nothing yet, and so does not pass."""
    return {
        "schema_version": 1,
        "kind": "kb_monitor",
        "ts_utc": iso(now),
        "generated_at_utc": iso(now),
        "status": ERROR,
        "passed": False,
        "profile": settings.profile,
        "mode": settings.mode,
        "policy_path": settings.shown(settings.policy) if settings.policy else None,
        "policy_sha256": settings.policy_sha256 or None,
        "cases_path": settings.shown(settings.cases),
        "benchmark_path": None,
        "thresholds": {f"min_{name}": least for name, least in settings.minimums.items()},
        "current_metrics": None,
        "history_points_used": 0,
        "baseline": None,
        "drift_rules": rules.document(),
        "left_out": [],
        "alerts": [],
        "deliveries": [],
        "retention_deleted": [],
    }


def _kept(place: Path, report: dict[str, Any], now: datetime, retain: int) -> dict[str, Any]:
    with history.held(place):
        report["retention_deleted"] += history.retire(place, "monitor", report["profile"], now, retain - 1)
        path = history.keep(place, "monitor", report, now)
    return report | {"monitor_path": path.as_posix()}
