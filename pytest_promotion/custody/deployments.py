"""
What was deployed to which stage, by which decision: `deployments.jsonl`, beside the history.

Whatever deploys appends a line when it has changed something; the gates of stages and the board read them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec

from pytest_promotion.custody import jsonl

NAME: Final = "deployments.jsonl"
DEPLOYED: Final = "deployed"  # the one ending after which what was deployed is what runs


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """
    One deployment that changed something.

    Attributes:
        stage: the stage, or the environment, that was deployed to.
        subject: the digests of what was deployed, by algorithm.
        run_id: of the decision that it rests on.
        sha256: of the file of that decision.
        ts_utc: when it ended.
        ended: `deployed`, or another word, such as `rolled back`.
    """

    stage: Annotated[str, msgspec.Meta(min_length=1)]
    subject: dict[str, str]
    run_id: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    ts_utc: str
    ended: str = DEPLOYED


def record(folder: Path, deployment: Deployment) -> None:
    """Appends *deployment* to the file in *folder*, that of the decisions. Raises `OSError`."""
    jsonl.append(folder / NAME, deployment)


def newest(folder: Path) -> dict[str, Deployment]:
    """The last deployment to each stage. Raises `Unproven` where the file is damaged."""
    return {one.stage: one for one in jsonl.read(folder / NAME, Deployment)}
