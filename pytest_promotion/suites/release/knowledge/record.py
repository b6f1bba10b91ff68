"""The record of a review or a checkpoint that people read and sign: Markdown from a template, and a page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge import checkpoint, review

MONTHLY: Final = "KB_Monthly_Checkpoint_Template.md"
WEEKLY: Final = "KB_Weekly_Review_Template.md"
TEMPLATES: Final = Path(__file__).with_name("templates")
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}img{max-width:100%}"
    "table{border-collapse:collapse}td,th{border-bottom:1px solid #ccc;padding:.2rem .8rem;text-align:left}"
)


def markdown(report: Mapping[str, Any], owner: str = "", template: Path | None = None) -> str:
    """
    The record of *report*, a review or a checkpoint, to lie beside it.

    Args:
        template: another text with the same `$names`.

    Raises:
        PolicyError: for a template that cannot be read, or that asks for a name there is not.
    """
    monthly = report["kind"] == "kb_checkpoint"
    source = template or TEMPLATES / (MONTHLY if monthly else WEEKLY)
    try:
        text = source.read_text(encoding="utf-8")
        return Template(text).substitute(_monthly(report, owner) if monthly else _weekly(report))
    except (OSError, UnicodeDecodeError) as problem:
        raise PolicyError(f"the template {source} cannot be read: {problem}") from None
    except (KeyError, ValueError) as problem:
        raise PolicyError(f"the template {source} asks for what there is not: {problem}") from None


def page(report: Mapping[str, Any], picture: bytes | None) -> str:
    """The trend as one page that needs nothing else."""
    return "".join(_page(report, picture))


def _monthly(report: Mapping[str, Any], owner: str) -> dict[str, Any]:
    summary = report["summary"]
    status = summary["governance_status"]
    said = {key: _shown(value) for key, value in summary.items()}
    decisions = ", ".join(f"{word} {count}" for word, count in summary["review_decisions"].items())
    return said | {
        "month": report["month"],
        "complete": "complete" if report["month_complete"] else "not over yet",
        "profile": _cell(report["profile"]),
        "owner": _cell(owner) or "",
        "generated_at_utc": report["generated_at_utc"],
        "review_decisions": decisions or "none",
        "threshold_changes": _changes(report["threshold_changes"]),
        "keep": _tick(status == checkpoint.STABLE),
        "propose": _tick(status == checkpoint.CANDIDATE),
        "investigate": _tick(status in (checkpoint.ATTENTION, review.INSUFFICIENT)),
        "evidence": _evidence([*report["monitors"], *report["reviews"]]),
        "left_out": _left_out(report),
    }


def _weekly(report: Mapping[str, Any]) -> dict[str, Any]:
    decided, summary = report["decision"], report["summary"]
    return {key: _shown(value) for key, value in summary.items()} | {
        "generated_at_utc": report["generated_at_utc"],
        "profile": _cell(report["profile"]),
        "decision": decided["decision"],
        "rationale": decided["rationale"],
        "recommended": _thresholds(decided["recommended_thresholds"]),
        "latest_thresholds": _thresholds(summary["latest_thresholds"]),
        "evidence": _evidence([{"path": one["monitor_path"]} | one for one in report["points"]]),
        "left_out": _left_out(report),
    }


def _evidence(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| report | when | says |", "|---|---|---|"]
    for row in rows:
        when = row.get("generated_at_utc") or row.get("timestamp_utc")
        said = row.get("decision") or f"{_shown(row.get('precision'))} / {_shown(row.get('recall'))}"
        if row.get("failed") or row.get("passed") is False:
            said += ", failed"
        lines.append(f"| `{_cell(row['path'])}` | {when} | {said} |")
    return "\n".join(lines) if rows else "None."


def _changes(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"- {_cell(one['change_id'])}, {one['date_utc']}: {_cell(one['decision'])}" for one in rows]
    return "\n".join(lines) or "No threshold was changed."


def _left_out(report: Mapping[str, Any]) -> str:
    return _cell("; ".join(f"{one['path']} ({one['why']})" for one in report["left_out"])) or "nothing."


def _thresholds(found: Mapping[str, float] | None) -> str:
    return f"{found['min_precision']} / {found['min_recall']}" if found else "none"


def _shown(value: Any) -> str:
    return "-" if value is None else _cell(value)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ").replace("`", "'")


def _tick(there: bool) -> str:
    return "x" if there else " "


def _page(report: Mapping[str, Any], picture: bytes | None) -> Iterator[str]:
    title = f"Knowledge base, {report['profile']}, {report.get('month') or report['generated_at_utc']}"
    word = report["decision"]["decision"] if "decision" in report else report["summary"]["governance_status"]
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    yield f"<h1>{escape(title)}</h1><p><strong>{escape(word)}</strong></p>"
    if picture:
        data = base64.b64encode(picture).decode()
        yield f'<img alt="Precision and recall with their thresholds" src="data:image/png;base64,{data}">'
    yield "<table><tr><th>when<th>precision<th>recall<th>thresholds<th>alerts<th></tr>"
    for one in report["points"]:
        cells = [one["timestamp_utc"], _shown(one["precision"]), _shown(one["recall"])]
        cells += [f"{one['threshold_precision']} / {one['threshold_recall']}", str(one["alert_count"])]
        cells.append("failed" if one["failed"] else "")
        yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells) + "</tr>"
    yield "</table>"
    for one in report["changes"]:
        yield f"<p>{escape(one['ts_utc'])}: {escape(one['what'])} changed</p>"
    yield "</html>\n"
