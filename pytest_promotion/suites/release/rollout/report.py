"""The report of a deployment, for programs and in one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion.clock import iso, stamp
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.secrets.masking import Mask, can_be_secret, secret_values
from pytest_promotion.suites.release.rollout.plan import Ending
from pytest_promotion.suites.release.rollout.run import Run
from pytest_promotion.text import clean, legible, listed

_BACK: Final = (Ending.ROLLED_BACK, Ending.ROLLBACK_FAILED)

_REASONS: Final = 10  # on a terminal; the report has all of them


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a deployment, and where that is written."""

    ending: Ending
    document: dict[str, Any]
    path: Path

    def __str__(self) -> str:
        shown = clean({name: self.document[name] for name in ("project_name", "env", "reasons", "notes")})
        reasons = listed(shown["reasons"], _REASONS, separator="; ")
        notes = "".join(f"\n  note: {note}" for note in shown["notes"])
        return (
            f"{shown['project_name']} to {shown['env']}: {self.ending}"
            f"{f': {reasons}' if reasons else ''}{notes}\n  report: {legible(self.path)}{self._answer}"
        )

    @property
    def _answer(self) -> str:
        """The answer that a dry run was for: its exit code is that of every dry run."""
        if self.ending is not Ending.DRY_RUN or not self.document["decision"]:
            return ""
        return f"\n  the decision allows it as of now: exit code {self.ending.code} is that of every dry run"


def write(run: Run, ending: Ending, reasons: list[str]) -> Report:
    """Writes `deploy_report_<env>_<time>.json` below the runtime folder. Raises `OSError`."""
    now, plan = run.clock.now(), run.plan
    journal = getattr(run, "journal", None)
    document: dict[str, Any] = {
        "schema_version": 1,
        "kind": "deploy_report",
        "generated_at_utc": iso(now),
        "run_id": journal.run_id if journal else None,
        "env": plan.env,
        "project_name": plan.project,
        "status": str(ending),
        "exit_code": ending.code,
        "passed": ending is Ending.DEPLOYED,
        "dry_run": plan.dry_run,
        "forced_failure": plan.forced_failure is not None,
        "deployed_ok": ending is Ending.DEPLOYED,
        "rollback_attempted": ending in _BACK,
        "rollback_success": ending is Ending.ROLLED_BACK if ending in _BACK else None,
        "reasons": reasons,
        "notes": run.notes,
        "decision": run.decision,
        "target": {"kind": "command" if plan.command else "compose", "host": plan.host or None},
        "allowances": run.allowances,
        "subject": {"name": run.decided.name, "digest": dict(run.decided.digest)} if run.decided else None,
        "commit": run.checkout.commit if run.checkout else None,
        "compose_files": [str(path) for path in (run.originals or plan.files)],
        "environment_files": run.environment_files,
        "compose_configuration_sha256": run.configuration_sha256 or None,
        "shared": run.shared,
        "backups": msgspec.to_builtins(journal.backups) if journal else [],
        "rollback_scope": plan.rollback_scope,
        "lost": run.lost,
        "before": msgspec.to_builtins(journal.before) if journal else {},
        "steps": run.documents(),
    }
    document = Mask(_secrets(run)).document(document)
    content = (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
    path = ReportFolder(plan.runtime).place(f"deploy_report_{plan.env}_{stamp(now)}", {".json": content})
    return Report(ending, document, path)


def _secrets(run: Run) -> Iterator[str]:
    yield from secret_values(run.plan.environment)
    yield from (one for one in run.plan.secrets if can_be_secret(one))
    if not hasattr(run, "resolved"):
        return
    for body in run.resolved.services.values():
        variables = body.get("environment") or {}
        pairs = variables if isinstance(variables, dict) else dict(str(one).partition("=")[::2] for one in variables)
        yield from secret_values(pairs)
