"""What an action came to, kept until the next one: the page is drawn anew right after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_promotion.suites.research.gating import PromotionDecision


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
    lines = (*found.reasons, *found.open_questions, *found.warnings)
    now = str(found.new_status).capitalize()
    if not found.judged:
        return Answer(about, "warning", f"Could not be judged: still {found.new_status}", lines)
    if found.status == "exploratory":
        return Answer(about, "warning", f"{now}: there are no results to judge", lines)
    if found.status == "rejected":
        return Answer(about, "error", f"{now}: {_many(found.reasons)}", lines)
    if found.new_status == "rejected":
        reopen = "What was rejected stays so until somebody reopens it, with a reason."
        return Answer(about, "warning", "Still rejected, though every rule is met", (reopen, *lines))
    return Answer(about, "success", f"{now}: every rule is met", lines)


def of_refusal(about: str, problem: Exception) -> Answer:
    """That nothing was done, and why."""
    return Answer(about, "error", "Refused: nothing was changed", (str(problem),))


def of_change(about: str, old: str, new: str) -> Answer:
    """What a change by hand came to."""
    return Answer(about, "success", f"{new.capitalize()}: it was {old}")


def overtaken(about: str) -> Answer:
    """That the page was older than what it asked for."""
    line = "No evaluation and no change that was asked for on the older page was made. Look again."
    return Answer(about, "warning", "Something happened to it while this page was open", (line,))


def _many(reasons: tuple[str, ...]) -> str:
    return "a rule is not met" if len(reasons) == 1 else f"{len(reasons)} rules are not met"
