"""
The results that allure-pytest wrote, corrected after the decision.

Each process of a session writes a file for each test that it ran, as that test ended. The files of gates get the
outcomes of the decision by the table of `reporting.junit`, and labels that say severity and outcome.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from pytest_promotion import atomic
from pytest_promotion.reporting.junit import GATE, OUTCOME, Cases

RUN: Final = "promotion.run"  # the label that says which session a result is of
_STATUS: Final = {"failure": "failed", "error": "broken", "skipped": "skipped"}

Result = dict[str, Any]


class AllureResults:
    """The folder that `--alluredir` names."""

    name = "Allure results"

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._run_id = run_id
        self._results: dict[str, Result] | None = None  # of the gates of this session, as they were written

    def correct(self, decision: dict[str, Any]) -> None:
        """Gives the results of gates the outcomes of *decision*. Raises `OSError`."""
        if self._results is None:
            self._results = dict(self._own())
        checks = {check["name"]: check for check in decision["checks"]}
        cases = Cases(decision)
        for path, result in self._results.items():
            check = checks.get(_label(result, GATE))
            if check is not None:
                content = json.dumps(corrected(result, check, cases), ensure_ascii=False)
                atomic.write(path, content.encode(), durable=False)

    def _own(self) -> list[tuple[str, Result]]:
        if not self._folder.is_dir():
            return []
        found = []
        for name in os.listdir(self._folder):
            if name.endswith("-result.json"):
                path = self._folder / name
                try:
                    result = json.loads(path.read_bytes())
                except ValueError:
                    continue  # half written by a session that was killed: Allure does not show it
                if _label(result, RUN) == self._run_id:
                    found.append((str(path), result))
        return found


def corrected(result: Result, check: dict[str, Any], cases: Cases) -> Result:
    """*result*, the Allure result of a gate, with the outcome that the decision gives it."""
    shown = cases.shown_as(check)
    labels = [label for label in result.get("labels", []) if label["name"] != OUTCOME]
    labels += [{"name": OUTCOME, "value": check["outcome"]}, {"name": "tag", "value": check["outcome"]}]
    new = {**result, "labels": labels}
    if shown is None:
        return new
    details = {**(result.get("statusDetails") or {}), "message": shown.get("message")}
    return {**new, "status": _STATUS[shown.tag], "statusDetails": details}


def _label(result: Result, name: str) -> str:
    return next((label["value"] for label in result.get("labels", []) if label["name"] == name), "")
