"""The report of an upgrade check: `latest` and a dated copy, which say fail until they are finished."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.readers.compose.findings import Finding, errors
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.trading.upgrade.check import NOT_JUDGED, POSSIBLE, Judgement, Wanted, judge
from pytest_promotion.suites.trading.upgrade.plan import Plan

_KEPT: Final = 3000  # characters of what Compose said


def check(wanted: Wanted, *, reports: Path | None = None, clock: Clock | None = None) -> tuple[dict[str, Any], int]:
    """
    Judges and, with *reports*, writes `latest` and `upgrade_check_<time>` to its folder `upgrade_check`.

    Returns:
        the report without a secret in it, and the exit code: 0 possible, 2 not, 3 not judged.

    Raises:
        OSError: where the report cannot be written.
    """
    now = (clock or Clock()).now()
    base: dict[str, Any] = {
        "ts_utc": iso(now),
        "status": "fail",
        "rc": NOT_JUDGED,
        "target_image": str(wanted.target),
        "run_id": uuid.uuid4().hex,
        "finished": False,
        "reasons": ["the check did not finish"],
    }
    folder = None
    if reports is not None:
        folder = ReportFolder(reports / "upgrade_check")
        folder.begin(base)
    found = judge(wanted)
    document = found.mask.document(base | _judged(wanted, found))
    if folder is not None:
        folder.publish(f"upgrade_check_{stamp(now)}", document, markdown(document), latest=True)
    return document, found.code


def _judged(wanted: Wanted, found: Judgement) -> dict[str, Any]:
    plan, target = found.plan, wanted.target
    current = sorted({change.before for change in plan.changes}) if plan else []
    return {
        "status": "pass" if found.code == POSSIBLE else "fail",
        "rc": found.code,
        "current_default_image": current[0] if len(current) == 1 else None,
        "current_images": current,
        "checks": _checks(wanted, found),
        "target": {
            "registry": target.registry,
            "repository": target.repository,
            "tag": target.tag,
            "digest": target.digest,
            "pinned": target.pinned,
            "unpinned": target.floating,
            "local": found.image,
            "local_told": found.image_told,
        },
        "changes": [change.document() for change in plan.changes] if plan else [],
        "restarted": plan.restarted if plan else [],
        "already": plan.already if plan else [],
        "stays": plan.stays if plan else {},
        "diff": plan.diff() if plan else [],
        "findings": [_finding(one) for one in dict.fromkeys([*(found.before or ()), *(found.after or ())])],
        "compose_check": {
            "engine": found.compose or None,
            "without_engine": wanted.without_engine,
            "rc_before": found.said_before.exit_code if found.said_before else None,
            "rc_with_target": found.said_after.exit_code if found.said_after else None,
            "output": "\n".join(one.words for one in (found.said_before, found.said_after) if one)[:_KEPT],
        },
        "overrides": [
            name
            for name, given in (
                ("--without-engine", wanted.without_engine),
                ("--allow-downgrade", wanted.allow_downgrade),
            )
            if given
        ],
        "sources": found.sources.documents() if found.sources else [],
        "finished": True,
        "reasons": found.reasons,
        "not_judged": found.unproven,
        "warnings": plan.warnings if plan else [],
        "notes": ["Compose itself was not asked: --without-engine"] if wanted.without_engine else [],
    }


def _checks(wanted: Wanted, found: Judgement) -> dict[str, bool | None]:
    """Each check by name; None where it could not be made."""
    plan = found.plan
    own = [part for part in (found.before, found.after) if part is not None]
    said = [answer.valid for answer in (found.said_before, found.said_after) if answer is not None]
    return {
        "file_valid": not errors(found.before) if found.before is not None else None,
        "file_valid_with_target": not errors(found.after) if found.after is not None else None,
        "compose_render": found.said_before.valid if found.said_before else None,
        "compose_render_with_target": found.said_after.valid if found.said_after else None,
        "service_runs_repository": plan.matched if plan else None,
        "target_differs_from_current_default": bool(plan.changes) if plan and plan.matched else None,
        "not_older": _not_older(wanted, plan),
        "engine_agrees": all(said) == (not any(map(errors, own))) if said and own else None,
    }


def _not_older(wanted: Wanted, plan: Plan | None) -> bool | None:
    if plan is None or not plan.changes:
        return None
    if wanted.allow_downgrade or plan.downgraded:
        return wanted.allow_downgrade
    return None if plan.unordered else True


def _finding(one: Finding) -> dict[str, str]:
    return {"check": one.check, "level": one.level, "path": one.path, "where": one.where, "message": one.message}


def spoken(document: dict[str, Any]) -> str:
    """The report for a terminal."""
    told = {0: "possible", 2: "not possible", 3: "not judged"}[document["rc"]]
    lines = [f"upgrade to {document['target_image']}: {told}"]
    for key, mark in (("reasons", "no"), ("not_judged", "not judged"), ("warnings", "warning"), ("notes", "note")):
        lines += [f"  {mark}: {text}" for text in document[key]]
    alike: dict[str, list[str]] = {}
    for one in document["changes"]:
        change = f"{one['before']} -> {one['after']} ({'; '.join(one['means'])}; set by {one['set_by']})"
        alike.setdefault(change, []).append(one["service"])
    lines += [f"  {change}: {', '.join(services)}" for change, services in alike.items()]
    lines += [f"  {name}: restarted with what it depends on" for name in document["restarted"]]
    if document["stays"]:
        lines.append(f"  stays: {', '.join(f'{name} ({image})' for name, image in document['stays'].items())}")
    asked = document["compose_check"]["engine"]
    lines.append(f"  checked by: schema, variables, references{f', {asked}' if asked else '; not by Compose itself'}")
    if document["target"]["local_told"]:
        lines.append(f"  image: {document['target']['local_told']}")
    return "\n".join(lines)


def markdown(document: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"# Upgrade check: {document['status']}", "", f"{document['ts_utc']}: {_plain(document['target_image'])}"]
    for key, title in (
        ("reasons", "Why not"),
        ("not_judged", "What could not be judged"),
        ("warnings", "Warnings"),
        ("notes", "Notes"),
    ):
        if document[key]:
            lines += ["", f"## {title}", "", *(f"- {_plain(text)}" for text in document[key])]
    if document["changes"]:
        lines += ["", "## What changes", "", "```diff", *map(_plain, document["diff"]), "```", ""]
        lines += ["| service | means | set by |", "|---|---|---|"]
        lines += [
            f"| {_plain(one['service'])} | {_plain('; '.join(one['means']))} | {_plain(one['set_by'])} |"
            for one in document["changes"]
        ]
    if document["stays"]:
        lines += ["", "## What stays", ""]
        lines += [f"- {_plain(name)}: {_plain(image)}" for name, image in document["stays"].items()]
    words = {True: "yes", False: "no", None: "not judged"}
    lines += ["", "## Checks", "", "| check | |", "|---|---|"]
    lines += [f"| {name} | {words[value]} |" for name, value in document["checks"].items()]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).replace("|", "\\|").replace("`", "'")
