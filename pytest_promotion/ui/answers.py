"""What an action came to, kept until the next one: the page is drawn anew right after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_promotion.candidates.gating import PromotionDecision


@dataclass(frozen=True, slots=True)
class Answer:
    """
    About which candidate, how it went, and why.

    `headline` is shown as Markdown and has words of ours only; `lines` may quote anybody, and are shown as text.
    """

    about: str
    kind: Literal["success", "warning", "error"]
    headline: str
    lines: tuple[str, ...] = ()


def of_decision(about: str, found: PromotionDecision) -> Answer:
    """What an evaluation found, and what the candidate is now."""
    lines = (*found.reasons, *found.warnings)
    if not found.judged:
        return Answer(about, "warning", f"Could not be judged: it is still {found.new_status}", lines)
    if found.status == "exploratory":
        return Answer(about, "warning", f"There are no results to judge: it is {found.new_status}", lines)
    if found.status == "accepted" and found.new_status == "rejected":
        reopen = "What was rejected stays so until it is reopened by hand, with a reason."
        return Answer(about, "warning", "Every rule is met, and it is still rejected", (reopen, *lines))
    if found.status == "accepted":
        return Answer(about, "success", f"Every rule is met: it is {found.new_status} now", lines)
    return Answer(about, "error", f"It is {found.new_status}: {_many(found.reasons)}", lines)


def of_refusal(about: str, problem: Exception) -> Answer:
    """That nothing was done, and why."""
    return Answer(about, "error", "Refused: nothing was changed", (str(problem),))


def of_change(about: str, old: str, new: str) -> Answer:
    """What a change by hand came to."""
    return Answer(about, "success", f"It was {old}, and is {new} now")


def overtaken(about: str) -> Answer:
    """That the page was older than what it asked for."""
    line = "No evaluation and no change that was asked for on the older page was made. Look again."
    return Answer(about, "warning", "Something happened to it while this page was open", (line,))


def _many(reasons: tuple[str, ...]) -> str:
    return "one rule is not met" if len(reasons) == 1 else f"{len(reasons)} rules are not met"
