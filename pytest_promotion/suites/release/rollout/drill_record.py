"""The record of a drill that people read, beside the report that programs read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_promotion.text import legible

_SHORT = 19  # `sha256:` and twelve digits


def markdown(document: Mapping[str, Any]) -> str:
    """The record of the drill that the report *document* is about."""
    return "\n".join([*_lines(document), ""])


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"# Rollback drill of {_cell(document['env'])}, {document['generated_at_utc']}"
    yield ""
    live = "live" if document["live_mode"] else "dry run: nothing was exercised"
    yield f"**{document['status']}** ({live}), project {_cell(document['project_name'])}, {document['target']}."
    for reason in document["reasons"]:
        yield f"- {_cell(reason)}"
    yield ""
    yield "| shown | |"
    yield "|---|---|"
    yield f"| a rollback between two images | {_word(document['exercised']['images'])} |"
    yield f"| a rollback of data | {_word(document['exercised']['data'])} |"
    if document["versions"]:
        yield from ("", "| runs | before | after the change | after the rollback |", "|---|---|---|---|")
        for name, one in document["versions"].items():
            shown = (_cell(str(one[key] or "nothing")[:_SHORT]) for key in ("before", "during", "after"))
            yield f"| {_cell(name)} | {' | '.join(shown)} |"
    for report in document["deploy_reports"]:
        yield from ("", f"## {_cell(report['status'])}, {report['generated_at_utc']}", "")
        yield from ("| step | status | seconds | details |", "|---|---|---|---|")
        for step in report["steps"]:
            cells = (step["step"], step["status"], f"{step['duration_s']:.1f}", step["details"])
            yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
        for note in report["notes"]:
            yield f"- {_cell(note)}"


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _cell(value: Any) -> str:
    return legible(str(value)).replace("|", "\\|")
