"""The report of a scan: `latest.json` and a dated copy, which say fail until they are finished."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.metadata
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.secrets import allowlist, dotenv
from pytest_promotion.secrets.findings import LISTED, Finding, Findings, fingerprint_key, key_id
from pytest_promotion.secrets.prefilter import Engine
from pytest_promotion.secrets.scan import Progress, Scan, Scanner, scan
from pytest_promotion.text import listed

CLEAN: Final = 0
FOUND: Final = 2
NOT_SCANNED: Final = 3


def check(
    root: Path,
    *,
    within: Sequence[str] = ("",),
    env: Sequence[Path] = (),
    allow: Path | None = None,
    include_logs: bool = True,
    reports: Path | None = None,
    clock: Clock | None = None,
    key: bytes | None = None,
    engine: Engine = "auto",
    tell: Callable[[Progress], None] | None = None,
) -> tuple[dict[str, Any], int]:
    """
    Scans, judges and, with *reports*, writes `latest` and `secrets_hygiene_<time>` there.

    Returns:
        the report, and the exit code: 0 clean, 2 findings or a faulty allow-list entry, 3 not (all) scanned.

    Raises:
        PolicyError: where the allow-list cannot be used.
        OSError: where the report cannot be written.
    """
    now = (clock or Clock()).now()
    entries = allowlist.read(allow) if allow is not None else []
    run_id = uuid.uuid4().hex
    folder = None
    if reports is not None:
        folder = ReportFolder(reports)
        folder.begin(_unfinished(now, run_id, include_logs=include_logs))
    document, code = _judged(root, within, env, entries, now, run_id, include_logs, key, engine, tell)
    if folder is not None:
        folder.publish(f"secrets_hygiene_{stamp(now)}", document, markdown(document), latest=True)
    return document, code


def _judged(
    root: Path,
    within: Sequence[str],
    env: Sequence[Path],
    entries: list[allowlist.Entry],
    now: dt.datetime,
    run_id: str,
    include_logs: bool,
    key: bytes | None,
    engine: Engine,
    tell: Callable[[Progress], None] | None,
) -> tuple[dict[str, Any], int]:
    document = _unfinished(now, run_id, include_logs=include_logs) | {"finished": True}
    try:
        key = fingerprint_key() if key is None else key
        values = [dotenv.read(path) for path in env]
        scanner = Scanner(values, engine)
        done = scan(root, scanner, Findings(key), within=within, logs=include_logs, leave_out=env, tell=tell)
    except Unproven as problem:
        return document | {"errors": [str(problem)]}, NOT_SCANNED
    found = [*done.findings.sorted(), *(allowlist.not_scanned(path, why) for path, why in done.unreadable)]
    all_standing, allowed, wrong = allowlist.apply(entries, found, now.date())
    standing = [finding for finding in all_standing if finding.rule != allowlist.NOT_SCANNED]
    unread = [finding for finding in all_standing if finding.rule == allowlist.NOT_SCANNED]
    count = len(standing) + done.findings.omitted
    errors = _errors(done, unread)
    document |= {
        "status": "fail" if count or wrong or errors else "pass",
        "scanned_files": done.progress.files,
        "scanned_bytes": done.progress.bytes,
        "finding_count": count,
        "findings": [finding.document() for finding in standing[:LISTED]],
        "findings_omitted": count - len(standing[:LISTED]),
        "allowed": [
            finding.document() | {"reason": entry.reason, "expires": entry.expires.isoformat()}
            for finding, entry in allowed
        ],
        "allow_list_errors": wrong,
        "unreadable_count": len(unread),
        "unreadable_files": [{"path": one.path, "reason": one.match_excerpt} for one in unread[:LISTED]],
        "binary_count": len(done.binary),
        "binary_files": done.binary[:LISTED],
        "skipped": [{"path": path, "reason": reason} for path, reason in done.survey.skipped[:LISTED]],
        "env_keys_too_short": sorted({name for one in values for name in one.too_short}),
        "engine": done.engine,
        "library": _library(),
        "fingerprint_key": key_id(key),
        "duration_s": round(done.duration_s, 3),
        "errors": errors,
    }
    return document, FOUND if count or wrong else NOT_SCANNED if errors else CLEAN


def _library() -> str:
    for name in ("bc-detect-secrets", "detect-secrets"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return f"{name} {importlib.metadata.version(name)}"
    return "unknown"


def _errors(done: Scan, unread: Sequence[Finding]) -> list[str]:
    errors = []
    if unread:
        errors.append(f"not everything was scanned: {listed([f'{one.path} ({one.match_excerpt})' for one in unread])}")
    if not done.progress.files:
        errors.append("no file was scanned")
    return errors


def _unfinished(now: dt.datetime, run_id: str, *, include_logs: bool) -> dict[str, Any]:
    return {
        "ts_utc": iso(now),
        "status": "fail",
        "include_logs": include_logs,
        "scanned_files": 0,
        "finding_count": 0,
        "findings": [],
        "run_id": run_id,
        "finished": False,
        "errors": ["the scan did not finish"],
    }


def markdown(document: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"# Secrets hygiene: {document['status']}",
        "",
        f"{document['ts_utc']}: {document['scanned_files']} files, {document['finding_count']} findings",
    ]
    wrong = [*document["errors"], *document.get("allow_list_errors", ())]
    if wrong:
        lines += ["", *(f"- {_plain(problem)}" for problem in wrong)]
    if document["findings"]:
        lines += ["", "| path | line | rule | what | fingerprint |", "|---|---|---|---|---|"]
        lines += [
            f"| {_plain(one['path'])} | {one['line']} | {one['rule']} | {_plain(one['match_excerpt'])} "
            f"| {one['fingerprint']} |"
            for one in document["findings"]
        ]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).replace("|", "\\|")
