"""
The answer of a rule, yes, no or inconclusive, with the reasons and what was measured.

Rules of suites return it, commands print it and end with its exit code, and gates call `demand`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.model import Measurement


class Judged(StrEnum):
    """The three answers, as they are written into reports."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_EXIT_CODES: Final = {Judged.PASS: 0, Judged.FAIL: 2, Judged.INCONCLUSIVE: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What a rule says of some evidence.

    `against` are the reasons for a no, `open_questions` those for which it is inconclusive. Something against it is a
    no, whatever else is open; a yes has neither.

    >>> Judgement(against=("2 findings, at most 0 are accepted",)).status
    <Judged.FAIL: 'fail'>
    """

    against: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()

    @property
    def status(self) -> Judged:
        """Which of the three answers it is."""
        if self.against:
            return Judged.FAIL
        return Judged.INCONCLUSIVE if self.open_questions else Judged.PASS

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is no yes; nothing for a yes."""
        return self.against + self.open_questions

    @property
    def exit_code(self) -> int:
        """That of a command with this answer: 0 yes, 2 no, 3 inconclusive."""
        return _EXIT_CODES[self.status]

    def demand(self) -> None:
        """
        Lets a gate pass on a yes only.

        Raises:
            GateFailed: where it is a no.
            Unproven: where it is inconclusive.
        """
        if self.status is Judged.FAIL:
            raise GateFailed("; ".join(self.reasons))
        if self.status is Judged.INCONCLUSIVE:
            raise Unproven("; ".join(self.reasons))
