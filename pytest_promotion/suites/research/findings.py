"""What a part of the judgement found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Findings:
    """Reasons for a no, questions that are open, warnings for the record, and figures by name."""

    against: list[str] = field(default_factory=list)
    open_questions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Findings) -> None:
        """Adds what another part found."""
        self.against += other.against
        self.open_questions += other.open_questions
        self.warnings += other.warnings
        self.figures |= other.figures
