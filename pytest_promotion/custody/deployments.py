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
ROLLED_BACK: Final = "rolled back"  # what ran before runs again
ALLOW_DIRTY: Final = "--allow-dirty"  # what was deployed was not compared with the subject of the decision
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
        reverted: whether it had been deployed before it was rolled back.
        allowances: the flags because of which something was not demanded of it, such as `--allow-dirty`.
    """

    stage: Annotated[str, msgspec.Meta(min_length=1)]
    subject: dict[str, str]
    run_id: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    ts_utc: str
    ended: str = DEPLOYED
    reverted: bool = False
    allowances: list[str] = []

    @property
    def compared(self) -> bool:
        """Whether what was deployed was compared with `subject`."""
        return ALLOW_DIRTY not in self.allowances

    @property
    def using(self) -> str:
        """` with …` and the allowances, for a sentence; empty where there are none."""
        return f" with {', '.join(self.allowances)}" if self.allowances else ""


def record(folder: Path, deployment: Deployment) -> None:
    """Appends *deployment* to the file in *folder*, that of the decisions. Raises `OSError`."""
    jsonl.append(folder / NAME, deployment)


def newest(folder: Path) -> dict[str, Deployment]:
    """The last deployment to each stage. Raises `Unproven` where the file is damaged."""
    return {one.stage: one for one in jsonl.read(folder / NAME, Deployment)}


def running(folder: Path) -> dict[str, Deployment]:
    """
    The deployment that each stage runs, as far as it is known: none after one that failed and was left.

    Raises:
        Unproven: where the file is damaged.
    """
    there: dict[str, list[Deployment]] = {}  # by stage, each with those that a revert leads back to
    certain: dict[str, bool] = {}
    for one in jsonl.read(folder / NAME, Deployment):
        stack = there.setdefault(one.stage, [])
        if one.ended == DEPLOYED:
            stack.append(one)
        elif one.ended == ROLLED_BACK and one.reverted:
            del stack[-1:]
        certain[one.stage] = one.ended in (DEPLOYED, ROLLED_BACK)
    return {stage: stack[-1] for stage, stack in there.items() if stack and certain[stage]}
