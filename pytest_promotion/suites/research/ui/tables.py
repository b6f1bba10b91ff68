"""What the store says, as rows to be shown: texts as they are, which no column reads as anything else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pytest_promotion.suites.research.chain import PREVIOUS
from pytest_promotion.suites.research.ui.requests import LIMITS, SWITCHES, USUAL

Row = dict[str, str | int]
MISSING: Final = "missing"  # of a figure that was not there, which is not the same as one that nobody asked for
_FACTS: Final = ("run_id", "dataset_id", "family_id", "estimator", "config_hash", "git_commit", "notes")
# Which threshold each figure of an evaluation was held against, and how.
_HELD: Final = {
    "mean_ic": ("ic_mean_min", "≥"),
    "t_stat": ("tstat_min", "≥"),
    "p_value": ("p_value_max", "≤"),
    "deflated_sharpe": ("deflated_sharpe_min", "≥"),
    "n_obs": ("n_obs_min", "≥"),
    "t_hac": ("tstat_min", "≥"),
    "p_hac": ("p_value_max", "≤"),
    "rc_p_value": ("max_rc_p_value", "≤"),
    "rw_adjusted_p_value": ("max_rc_p_value", "≤"),
    "worst_regime_mean_ic": ("worst_regime_ic_mean_min", "≥"),
}


def candidates(
    rows: Sequence[Mapping[str, Any]], by_hand: Mapping[str, str], weaker: Mapping[str, str] | None = None
) -> list[Row]:
    """
    A row for each candidate; who was accepted by hand is shown with the name of the approver, as is who approved that
    less was asked of it (*weaker*).
    """
    return [
        {
            "status": row["status"]
            + _by(by_hand.get(row["candidate_id"]))
            + _by((weaker or {}).get(row["candidate_id"]), " (asked less: {})"),
            "signal": row["signal_name"],
            "horizon": row["horizon"],
            "dataset": row["dataset_id"],
            "run": row["run_id"],
            "created (UTC)": moment(row["created_at_utc"]),
            "id": row["candidate_id"],
        }
        for row in rows
    ]


def facts(told: Mapping[str, Any]) -> list[Row]:
    """What a candidate is, without what it has not."""
    found = {"signal": told["signal_name"], "horizon (bars)": str(told["horizon"])}
    found |= {name: str(told[name]) for name in _FACTS if told[name]}
    found["created (UTC)"] = moment(told["created_at_utc"])
    return [{"what": name.replace("_", " "), "is": value} for name, value in found.items()]


def evidence(artifacts: Mapping[str, Mapping[str, Any]], states: Mapping[str, str]) -> list[Row]:
    """A row for each file: what it is, whether it is still what was named, where, how large, and its digest."""
    return [
        {
            "file now": states[kind],
            "evidence": kind.removesuffix("_path").replace("_", " "),
            "path": str(artifact["path"]),
            "bytes": artifact.get("size_bytes", ""),
            "sha256": str(artifact["sha256"]),
        }
        for kind, artifact in artifacts.items()
    ]


def figures(payload: Mapping[str, Any]) -> list[Row]:
    """The figures that an evaluation found, beside what was asked of each."""
    found, asked = payload.get("metrics_snapshot") or {}, payload.get("thresholds_used") or {}
    rows: list[Row] = []
    for name in _ordered(found, _HELD):
        threshold, sign = _HELD.get(name, ("", ""))
        bound = asked.get(threshold)
        held = f"{sign} {figure(bound)}" if bound is not None else ""
        value = MISSING if found[name] is None else figure(found[name])
        rows.append({"figure": name.replace("_", " "), "found": value, "asked": held})
    return rows


def thresholds(payload: Mapping[str, Any]) -> list[Row]:
    """What an evaluation asked, and what is asked usually where that is something else."""
    asked = payload.get("thresholds_used") or {}
    words = {limit.name: limit.words.partition(" (")[0] for limit in LIMITS} | dict(SWITCHES)
    words["require_execution_evidence"] = "Require execution evidence"  # of every step: there is no switch
    rows: list[Row] = [
        {
            "threshold": words.get(name, name),
            "asked": figure(asked[name]),
            "usually": "" if asked[name] == USUAL.get(name) else figure(USUAL.get(name)),
        }
        for name in _ordered(asked, words)
    ]
    without = bool(payload.get("allow_missing_execution_evidence"))
    return [*rows, {"threshold": "Do without execution evidence", "asked": figure(without), "usually": "no" * without}]


def events(found: Sequence[Mapping[str, Any]]) -> list[Row]:
    """A row for each event, the newest first."""
    return [
        {
            "#": row["event_id"],
            "when (UTC)": moment(row["ts_utc"]),
            "event": row["event_type"].replace("_", " "),
            **_told(row["event_type"], row["payload"]),
        }
        for row in reversed(found)
    ]


def moment(text: str) -> str:
    """A moment to the second, as it is read."""
    return text[:19].replace("T", " ")


def figure(value: Any) -> str:
    """A value of a record in a cell."""
    if value is None:
        return "not asked for"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ordered(found: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """The names of what was found, those that are known first and in their order."""
    return list(dict.fromkeys([*(name for name in known if name in found), *found]))


def _told(kind: str, payload: Mapping[str, Any]) -> Row:
    said = {name: value for name, value in payload.items() if name != PREVIOUS}
    if kind == "created":
        return {"status": str(said.get("new_status")), "by": "", "why": ""}
    if kind == "status_change":
        by = "by hand" + _by(said.get("approver"), ": {}") if said.get("manual") else "evaluation"
        step = f"{said.get('old_status')} → {said.get('new_status')}"
        return {"status": step, "by": by, "why": str(said.get("reason"))}
    if kind == "evaluated":
        verdict = "passed" if said.get("passed") else "not passed" if said.get("judged", True) else "not judged"
        why = [*(said.get("reasons") or ()), *(said.get("open_questions") or ()), *(said.get("warnings") or ())]
        return {"status": verdict, "by": "evaluation", "why": "; ".join(map(str, why)) or "every rule is met"}
    return {"status": "", "by": "", "why": json.dumps(said, ensure_ascii=False)}


def _by(name: Any, form: str = " (by hand: {})") -> str:
    return form.format(name) if name else ""
