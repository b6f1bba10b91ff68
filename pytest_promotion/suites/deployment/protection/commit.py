"""
Whether a commit has the checks that are required.

GitHub itself counts a check that was skipped, or ended neutral, as passed. Here only `success` is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_promotion.suites.deployment.protection.wanted import Wanted


def lacking(wanted: Wanted, runs: Sequence[dict[str, Any]], statuses: Sequence[dict[str, Any]], sha: str) -> list[str]:
    """What the commit *sha* lacks of the checks that *wanted* demands, by its check *runs* and commit *statuses*."""
    return [said for name in wanted.checks if (said := _lack(name, wanted.apps.get(name), runs, statuses, sha))]


def _lack(
    name: str, app: int | None, runs: Sequence[dict[str, Any]], statuses: Sequence[dict[str, Any]], sha: str
) -> str:
    of_it = [run for run in runs if run.get("name") == name and run.get("head_sha") == sha]
    if app is not None:
        of_it = [run for run in of_it if isinstance(run.get("app"), dict) and run["app"].get("id") == app]
    # Statuses come newest first, and carry no app: where one is named they do not stand for its check. One that failed
    # counts all the same, also beside a check run of that name that succeeded: GitHub asks for both.
    state = next((one.get("state") for one in statuses if one.get("context") == name), None)
    if state not in (None, "success"):
        return f"the check {name!r} is {state}" + (", as a commit status" if of_it else "")
    if state == "success" and app is None and not of_it:
        return ""
    if not of_it:
        return f"the check {name!r} did not run" + (f" by the app {app}" if app is not None else "")
    for run in of_it:
        if run.get("status") != "completed":
            return f"the check {name!r} is {run.get('status')}"
        if run.get("conclusion") != "success":
            return f"the check {name!r} ended {run.get('conclusion')}"
    return ""
