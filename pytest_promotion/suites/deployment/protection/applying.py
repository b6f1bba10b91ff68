"""
From what is enforced to what has to be: the body that replaces classic protection, and how it differs.

GitHub replaces the whole of it, so what is not repeated is gone. The body begins with everything that GitHub answered;
an answer with a part that is not known here is not replaced.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.deployment.protection.enforced import NOTHING, Enforced, enforced
from pytest_promotion.suites.deployment.protection.wanted import Wanted

_FLAGS: Final = (
    *("allow_force_pushes", "allow_deletions", "allow_fork_syncing", "block_creations", "lock_branch"),
    *("required_linear_history", "required_conversation_resolution"),
)
# By part of an answer: its members that are repeated as they are, and those that say nothing more.
_PLAIN: Final = {
    "required_status_checks": ({"strict"}, {"url", "contexts", "contexts_url", "checks", "enforcement_level"}),
    "required_pull_request_reviews": (
        {
            *("dismiss_stale_reviews", "require_code_owner_reviews", "required_approving_review_count"),
            "require_last_push_approval",
        },
        {"url", "dismissal_restrictions", "bypass_pull_request_allowances"},
    ),
}
_ACTORS: Final = {"users": "login", "teams": "slug", "apps": "slug"}
# Signatures are required by an address of their own, which a replacement leaves alone.
_ASIDE: Final = {"url", "name", "protection_url", "enabled", "required_signatures"}


def as_it_is(classic: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    The body that would put *classic*, as GitHub answered it, in place of itself.

    Raises:
        Unproven: for a part that is not known, and that a replacement would drop.
    """
    answer = dict(classic or {})
    found: dict[str, Any] = {
        "required_status_checks": _checks(answer.pop("required_status_checks", None)),
        "enforce_admins": _enabled(answer.pop("enforce_admins", None)),
        "required_pull_request_reviews": _reviews(answer.pop("required_pull_request_reviews", None)),
        "restrictions": _actors(answer.pop("restrictions", None), "restrictions"),
    }
    found |= {name: _enabled(answer.pop(name)) for name in _FLAGS if name in answer}
    _refuse_unknown(answer, _ASIDE, "protection")
    return found


def body(wanted: Wanted, classic: Mapping[str, Any] | None, *, weaken: bool = False) -> dict[str, Any]:
    """
    Classic protection with *wanted* in it, and with everything else in *classic*, also where that is stricter.

    With *weaken*, what *wanted* speaks of becomes exactly that. Raises as `as_it_is` does.
    """
    found, before = copy.deepcopy(as_it_is(classic)), enforced(dict(classic) if classic else None, ())
    if weaken:
        before = NOTHING
    checks = before.checks | {name: before.checks.get(name) or wanted.apps.get(name) for name in wanted.checks}
    found["required_status_checks"] = {
        "strict": wanted.strict or before.strict,
        "checks": [_check(name, app) for name, app in sorted(checks.items())],
    }
    found["enforce_admins"] = wanted.admins or before.admins
    reviews = found["required_pull_request_reviews"]
    if reviews is not None or wanted.approvals or wanted.code_owners:
        found["required_pull_request_reviews"] = (reviews or {}) | {
            "required_approving_review_count": max(wanted.approvals, before.approvals),
            "require_code_owner_reviews": wanted.code_owners or before.code_owners,
            "dismiss_stale_reviews": wanted.dismiss_stale or before.dismiss_stale,
        }
    return found | {"allow_force_pushes": False, "allow_deletions": False}


def weaker(wanted: Wanted, found: Enforced) -> Iterator[str]:
    """What *wanted* asks less of than *found* has, in sentences; a check of another app is less as well."""
    for name, app in found.checks.items():
        if name not in wanted.checks:
            yield f"the check {name!r} is required, and the policy does not name it"
        elif app is not None and wanted.apps.get(name, app) != app:
            yield f"the check {name!r} is tied to the app {app}, and the policy ties it to the app {wanted.apps[name]}"
    if found.approvals > wanted.approvals:
        yield f"{found.approvals} approvals are required, and the policy asks for {wanted.approvals}"
    for name, text in (
        ("strict", "a branch that is behind may not be merged"),
        ("code_owners", "code owners have to review"),
        ("dismiss_stale", "an approval does not hold for what is pushed after it"),
        ("admins", "the rules hold for administrators"),
    ):
        if getattr(found, name) and not getattr(wanted, name):
            yield f"{text}, and the policy does not ask for it"


def difference(branch: str, classic: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """How the protection of *branch* would change, as a unified diff of what is and what is sent; "" for nothing."""
    before = [] if classic is None else _lines(as_it_is(classic))
    if before == _lines(new):
        return ""
    return "\n".join(
        difflib.unified_diff(before, _lines(new), f"{branch} as it is", f"{branch} as it would be", lineterm="", n=100)
    )


def _check(name: str, app: int | None) -> dict[str, Any]:
    return {"context": name} | ({"app_id": app} if app is not None else {})


def _checks(part: Any) -> dict[str, Any] | None:
    if part is None:
        return None
    plain = _members(part, "required_status_checks")
    tied = enforced({"required_status_checks": part}, ()).checks
    return plain | {"checks": [_check(name, app) for name, app in sorted(tied.items())]}


def _reviews(part: Any) -> dict[str, Any] | None:
    if part is None:
        return None
    plain = _members(part, "required_pull_request_reviews")
    for name in ("dismissal_restrictions", "bypass_pull_request_allowances"):
        actors = _actors(part.get(name), name)
        if actors is not None:
            plain[name] = actors
    return plain


def _members(part: Any, name: str) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise Unproven(f"GitHub's {name} is {part!r}, expected an object")
    repeated, silent = _PLAIN[name]
    _refuse_unknown(part, repeated | silent, name)
    return {key: value for key, value in part.items() if key in repeated}


def _actors(part: Any, name: str) -> dict[str, list[str]] | None:
    """The people, teams and apps of a part by their names; GitHub answers with all that it knows of each."""
    if part is None:
        return None
    if not isinstance(part, dict):
        raise Unproven(f"GitHub's {name} is {part!r}, expected an object")
    _refuse_unknown(part, {"url", "users_url", "teams_url", "apps_url", *_ACTORS}, name)
    found: dict[str, list[str]] = {}
    for kind, by in _ACTORS.items():
        ones = part.get(kind) or []
        if not all(isinstance(one, dict) and isinstance(one.get(by), str) for one in ones):
            raise Unproven(f"GitHub's {name} has {kind} without a {by}")
        found[kind] = sorted(one[by] for one in ones)
    return found


def _enabled(part: Any) -> bool:
    if part is not None and not isinstance(part, (dict, bool)):
        raise Unproven(f"GitHub answered {part!r} where something is on or off")
    return part is True or (isinstance(part, dict) and part.get("enabled") is True)


def _refuse_unknown(part: Mapping[str, Any], known: set[str], name: str) -> None:
    unknown = sorted(set(part) - known)
    if unknown:
        raise Unproven(f"GitHub's {name} has {', '.join(unknown)}, which a replacement would drop: change it by hand")


def _lines(plain: Mapping[str, Any]) -> list[str]:
    return json.dumps(plain, indent=2, sort_keys=True).splitlines()
