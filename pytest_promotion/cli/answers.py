"""How the answer to whether a decision may be acted on is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_promotion.cli.output import say

if TYPE_CHECKING:
    from pytest_promotion.trust.verify import Answer

_MOST: Final = 20  # sentences of a kind


def say_sentences(answer: Answer) -> None:
    """Prints what is against it, what is unknown, what was done without, and the notes."""
    kinds = {"": answer.against, "unknown: ": answer.unknown, "by ": answer.without, "note: ": answer.notes}
    for heading, sentences in kinds.items():
        for sentence in sentences[:_MOST]:
            say(f"  {heading}{sentence}")
        if len(sentences) > _MOST:
            say(f"  {heading}and {len(sentences) - _MOST:,} more: see --json")
