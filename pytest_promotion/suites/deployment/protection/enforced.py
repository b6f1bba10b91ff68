"""
What GitHub enforces on a branch: classic protection and rulesets, which hold side by side.

A part that is absent from an answer is not enforced: `required_status_checks` is missing, and not empty, where it is
off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.deployment.protection.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Enforced:
    """The rules that hold. `checks` has for each one the app that it is tied to, None where anybody may report it."""

    checks: dict[str, int | None]
    strict: bool
    approvals: int
    code_owners: bool
    dismiss_stale: bool
    admins: bool
    force_pushes: bool = True
    deletions: bool = True


NOTHING: Final = Enforced({}, strict=False, approvals=0, code_owners=False, dismiss_stale=False, admins=False)


def enforced(classic: dict[str, Any] | None, rules: Sequence[dict[str, Any]]) -> Enforced:
    """
    What *classic* protection (None where there is none) and the *rules* of rulesets enforce together.

    Raises:
        Unproven: for an answer that is not as documented.
    """
    found = [_classic(classic)] if classic is not None else []
    found += [_rule(rule) for rule in rules]
    checks: dict[str, int | None] = {}
    for one in found:
        for name, app in one.checks.items():
            checks[name] = app if checks.get(name) is None else checks[name]
    return Enforced(
        checks=checks,
        strict=any(one.strict and one.checks for one in found),
        approvals=max((one.approvals for one in found), default=0),
        code_owners=any(one.code_owners for one in found),
        dismiss_stale=any(one.dismiss_stale for one in found),
        admins=any(one.admins for one in found),
        force_pushes=all(one.force_pushes for one in found),
        deletions=all(one.deletions for one in found),
    )


def gaps_of(
    wanted: Wanted, classic: dict[str, Any] | None, rules: Sequence[dict[str, Any]], bypassed: Mapping[Any, str]
) -> list[str]:
    """
    What *wanted* demands of a branch and is not enforced there, in sentences.

    Administrators are held to all of it by classic protection that is enforced for them, and by rulesets that nobody
    may bypass.

    Args:
        bypassed: who may bypass a ruleset, by its id; a ruleset that is not in it may be bypassed by nobody.
    """
    missing = gaps(wanted, enforced(classic, rules))
    if not wanted.admins:
        return missing
    holding = classic if classic is not None and enforced(classic, ()).admins else None
    kept = [rule for rule in rules if rule.get("ruleset_id") not in bypassed]
    loose = [one for one in gaps(wanted, enforced(holding, kept)) if one not in missing]
    if loose:
        ways = [f"the ruleset {name}" for name in dict.fromkeys(bypassed.values())]
        ways += ["classic protection"] if classic is not None and holding is None else []
        who = f"{' and '.join(ways)} may be bypassed" if ways else "nothing holds them"
        missing.append(f"the rules do not hold for administrators ({who}): {'; '.join(loose)}")
    return missing


def gaps(wanted: Wanted, found: Enforced) -> list[str]:
    """What *wanted* demands and *found* has not, in sentences; whom it holds for is another question."""
    missing = [f"the check {name!r} is not required" for name in wanted.checks if name not in found.checks]
    for name, app in wanted.apps.items():
        if name in found.checks and found.checks[name] != app:
            who = "anybody" if found.checks[name] is None else f"the app {found.checks[name]}"
            missing.append(f"the check {name!r} may be reported by {who}, not only by the app {app}")
    if wanted.strict and not found.strict:
        missing.append("a branch that is behind may be merged")
    if found.approvals < wanted.approvals:
        missing.append(f"{found.approvals} approvals are required, not {wanted.approvals}")
    if wanted.code_owners and not found.code_owners:
        missing.append("code owners do not have to review")
    if wanted.dismiss_stale and wanted.approvals and not found.dismiss_stale:
        missing.append("an approval holds for what is pushed after it")
    if found.force_pushes:
        missing.append("history may be rewritten by a forced push")
    if found.deletions:
        missing.append("the branch may be deleted")
    return missing


def _classic(said: dict[str, Any]) -> Enforced:
    required = _object(said.get("required_status_checks"), "required_status_checks")
    reviews = _object(said.get("required_pull_request_reviews"), "required_pull_request_reviews")
    checks: dict[str, int | None] = dict.fromkeys(_contexts(required.get("contexts")))
    checks |= _tied(required.get("checks"), "app_id")
    return Enforced(
        checks=checks,
        strict=required.get("strict") is True,
        approvals=_count(reviews.get("required_approving_review_count")),
        code_owners=reviews.get("require_code_owner_reviews") is True,
        dismiss_stale=reviews.get("dismiss_stale_reviews") is True,
        admins=_object(said.get("enforce_admins"), "enforce_admins").get("enabled") is True,
        force_pushes=_object(said.get("allow_force_pushes"), "allow_force_pushes").get("enabled") is True,
        deletions=_object(said.get("allow_deletions"), "allow_deletions").get("enabled") is True,
    )


def _rule(rule: dict[str, Any]) -> Enforced:
    kind, said = rule.get("type"), _object(rule.get("parameters"), "parameters")
    checks: dict[str, int | None] = {}
    if kind == "required_status_checks":
        checks = _tied(said.get("required_status_checks"), "integration_id")
    reviews = said if kind == "pull_request" else {}
    return Enforced(
        checks=checks,
        strict=bool(checks) and said.get("strict_required_status_checks_policy") is True,
        approvals=_count(reviews.get("required_approving_review_count")),
        code_owners=reviews.get("require_code_owner_review") is True,
        dismiss_stale=reviews.get("dismiss_stale_reviews_on_push") is True,
        admins=False,
        force_pushes=kind != "non_fast_forward",
        deletions=kind != "deletion",
    )


def _contexts(value: Any) -> list[str]:
    if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise Unproven(f"GitHub's contexts are {value!r}, expected a list of texts")
    return value or []


def _tied(value: Any, member: str) -> dict[str, int | None]:
    """The checks of a list, each with the app in *member* that it is tied to."""
    if value is not None and not isinstance(value, list):
        raise Unproven(f"GitHub's required checks are {value!r}, expected a list")
    found: dict[str, int | None] = {}
    for one in value or []:
        said = _object(one, "required check")
        name = said.get("context")
        if not isinstance(name, str) or not name:
            raise Unproven(f"GitHub requires a check that is called {name!r}")
        found[name] = _app(said.get(member))
    return found


def _app(value: Any) -> int | None:
    # -1 says "any app" in one of the two interfaces, null in the other.
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _count(value: Any) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unproven(f"GitHub says that {value!r} approvals are required")
    return value


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unproven(f"GitHub's {name} is {value!r}, expected an object")
    return value
