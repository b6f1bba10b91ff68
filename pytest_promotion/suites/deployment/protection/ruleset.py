"""The ruleset that holds what is wanted of a branch, in a repository that is protected by rulesets."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any, Final

from pytest_promotion.suites.deployment.protection.enforced import NOTHING, enforced
from pytest_promotion.suites.deployment.protection.wanted import Wanted

_OURS: Final = ("deletion", "non_fast_forward", "pull_request", "required_status_checks")
_SENT: Final = ("name", "target", "enforcement", "bypass_actors", "conditions", "rules")


def name_of(branch: str) -> str:
    """What the ruleset for *branch* is called."""
    return f"promotion: {branch}"


def ruleset(wanted: Wanted, branch: str, existing: Mapping[str, Any] | None, *, weaken: bool = False) -> dict[str, Any]:
    """
    The body of the ruleset with *wanted* in it.

    What *existing*, as GitHub answered it, has of other rules and parameters stays, and what is stricter there as well,
    unless *weaken* is given.
    """
    rules = list((existing or {}).get("rules") or ())
    before = NOTHING if weaken else enforced(None, rules)
    kept = {rule["type"]: rule.get("parameters") or {} for rule in rules if rule.get("type") in _OURS}
    checks = before.checks | {name: before.checks.get(name) or wanted.apps.get(name) for name in wanted.checks}
    tied = [{"context": name} | ({"integration_id": app} if app else {}) for name, app in sorted(checks.items())]
    reviews: dict[str, Any] = {"require_last_push_approval": False, "required_review_thread_resolution": False}
    reviews |= kept.get("pull_request", {})
    reviews |= {
        "required_approving_review_count": max(wanted.approvals, before.approvals),
        "require_code_owner_review": wanted.code_owners or before.code_owners,
        "dismiss_stale_reviews_on_push": wanted.dismiss_stale or before.dismiss_stale,
    }
    statuses = kept.get("required_status_checks", {}) | {
        "required_status_checks": tied,
        "strict_required_status_checks_policy": wanted.strict or before.strict,
    }
    return {
        "name": name_of(branch),
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": [],
        "conditions": {"ref_name": {"include": [f"refs/heads/{branch}"], "exclude": []}},
        "rules": [
            *(rule for rule in rules if rule.get("type") not in _OURS),
            {"type": "deletion"},
            {"type": "non_fast_forward"},
            {"type": "pull_request", "parameters": reviews},
            {"type": "required_status_checks", "parameters": statuses},
        ],
    }


def difference(existing: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """How the ruleset would change, as a unified diff of what is and what is sent; "" for nothing."""
    before = _lines({name: existing[name] for name in _SENT if name in existing}) if existing else []
    name = new["name"]
    lines = difflib.unified_diff(before, _lines(new), f"{name} as it is", f"{name} as it would be", lineterm="", n=100)
    return "\n".join(lines)


def _lines(plain: Mapping[str, Any]) -> list[str]:
    return json.dumps(plain, indent=2, sort_keys=True).splitlines()
