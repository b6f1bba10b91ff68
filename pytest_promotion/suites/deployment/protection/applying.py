"""From what is enforced to what has to be: the body that replaces classic protection, and how it differs."""

from __future__ import annotations

import difflib
import json
from typing import Any

from pytest_promotion.suites.deployment.protection.enforced import enforced
from pytest_promotion.suites.deployment.protection.wanted import Wanted


def body(wanted: Wanted, classic: dict[str, Any] | None) -> dict[str, Any]:
    """
    Classic protection with *wanted* in it, and with everything in which *classic* is stricter.

    GitHub replaces the whole of it, so what is not repeated is gone.
    """
    found = enforced(classic, ())
    checks = found.checks | {name: wanted.apps.get(name, found.checks.get(name)) for name in wanted.checks}
    return {
        "required_status_checks": {
            "strict": wanted.strict or found.strict,
            "checks": [
                {"context": name} | ({"app_id": app} if app is not None else {}) for name, app in sorted(checks.items())
            ],
        },
        "enforce_admins": wanted.admins or found.admins,
        "required_pull_request_reviews": {
            "required_approving_review_count": max(wanted.approvals, found.approvals),
            "require_code_owner_reviews": wanted.code_owners or found.code_owners,
            "dismiss_stale_reviews": wanted.dismiss_stale or found.dismiss_stale,
        },
        "restrictions": _restrictions(classic),
        "allow_force_pushes": False,
        "allow_deletions": False,
        **{name: True for name in _KEPT if ((classic or {}).get(name) or {}).get("enabled") is True},
    }


_KEPT = ("required_linear_history", "required_conversation_resolution", "lock_branch", "block_creations")


def _restrictions(classic: dict[str, Any] | None) -> dict[str, list[str]] | None:
    said = (classic or {}).get("restrictions")
    if not isinstance(said, dict):
        return None
    return {
        "users": [one["login"] for one in said.get("users") or ()],
        "teams": [one["slug"] for one in said.get("teams") or ()],
        "apps": [one["slug"] for one in said.get("apps") or ()],
    }


def difference(branch: str, wanted: Wanted, classic: dict[str, Any] | None) -> str:
    """What applying *wanted* would change, as a unified diff of the two bodies; "" where it changes nothing."""
    nothing = Wanted(checks=[], strict=False, approvals=0, dismiss_stale=False, admins=False)
    before = [] if classic is None else _lines(body(nothing, classic) | _open(classic))
    after = _lines(body(wanted, classic))
    return "\n".join(difflib.unified_diff(before, after, f"{branch} as it is", f"{branch} as it would be", lineterm=""))


def _open(classic: dict[str, Any]) -> dict[str, bool]:
    found = enforced(classic, ())
    return {"allow_force_pushes": found.force_pushes, "allow_deletions": found.deletions}


def _lines(plain: dict[str, Any]) -> list[str]:
    return json.dumps(plain, indent=2, sort_keys=True).splitlines()
