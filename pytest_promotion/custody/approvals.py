"""Who approved that a candidate may enter a stage: `approvals.jsonl`, beside the history, a signature a line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import iso
from pytest_promotion.custody import jsonl
from pytest_promotion.custody.subjects import of_digest
from pytest_promotion.errors import Unproven
from pytest_promotion.trust.approvals import Approval, Matter, approved
from pytest_promotion.trust.signers import Signer

NAME: Final = "approvals.jsonl"


class StageApproval(msgspec.Struct, frozen=True, kw_only=True):
    """One signature for one candidate and one stage. `subject` has the digest of the candidate by its algorithm."""

    stage: str
    subject: dict[str, str]
    approval: Approval
    ts_utc: str = ""


def matter(stage: str, subject: Mapping[str, str]) -> Matter:
    """What is signed: the stage and the candidate's digest."""
    return Matter("promotion", canonical({"stage": stage, "subject": of_digest(subject)}))


def of(folder: Path, stage: str, subject: Mapping[str, str]) -> list[StageApproval]:
    """The approvals in *folder* for *subject* to enter *stage*. Raises `Unproven` where the file is damaged."""
    wanted = (stage, of_digest(subject))
    return [one for one in jsonl.read(folder / NAME, StageApproval) if (one.stage, one.subject) == wanted]


def add(
    folder: Path,
    stage: str,
    subject: Mapping[str, str],
    approval: Approval,
    signers: Mapping[str, Signer],
    at: datetime,
) -> None:
    """
    Appends *approval*, once it is known to be good.

    Raises:
        Unproven: where it is not, or who gave it has approved this before.
        OSError: where it cannot be written.
    """
    there = [one.approval for one in of(folder, stage, subject)]
    approved([*there, approval], matter(stage, subject), signers, {}, at, ())
    row = StageApproval(stage=stage, subject=of_digest(subject), approval=approval, ts_utc=iso(at))
    jsonl.append(folder / NAME, row)


def check(
    rows: list[StageApproval],
    stage: str,
    subject: Mapping[str, str],
    signers: Mapping[str, Signer],
    wanted: Mapping[str, int],
    at: datetime,
) -> list[Signer]:
    """The people who approved it, where they are enough for *wanted*. Raises `Unproven` with who is missing."""
    if not signers:
        raise Unproven("the policy has no signers")
    return approved([row.approval for row in rows], matter(stage, subject), signers, wanted, at, ())
