"""The decision that a deployment rests on, asked again each time before something is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_promotion.clock import iso
from pytest_promotion.custody.acting import Acting, may_act
from pytest_promotion.errors import PromotionError, Unproven
from pytest_promotion.trust import verify as trust
from pytest_promotion.trust.keys import read_public
from pytest_promotion.trust.stored import read_content


class Refused(PromotionError):
    """The answer is no, and nothing was changed because of it."""


_STRICT = Acting()


@dataclass(frozen=True, slots=True)
class Permission:
    """The decision in `path` and what is demanded of it, as `promotion verify` takes it."""

    path: Path
    subject: str = ""
    keys: Sequence[Path] = ()
    threshold: int = 1
    acting: Acting = _STRICT
    override: Path | None = None
    refuse_weakened: bool = False

    def ask(self, at: datetime) -> dict[str, Any]:
        """
        What `promotion verify` answers, where that is yes, or an override where one was named.

        Raises:
            Refused: where it says no.
            Unproven: where it cannot tell, or there is no decision.
            PolicyError: for a key or a subject that cannot be used.
        """
        case = trust.case_at(self.path)
        demands = trust.Demands(
            at=at,
            subject=self.subject,
            keys=[read_public(key) for key in self.keys],
            threshold=self.threshold,
            refuse_weakened=self.refuse_weakened,
        )
        answer = may_act(case, demands, self.acting)
        if self.override is not None and not answer.yes:
            answer = trust.overridden(answer, case, demands, read_content(self.override), self.override.name)
        if not answer.yes and not answer.overridden:
            said = f"the decision {self.path} may not be acted on: {'; '.join((*answer.against, *answer.unknown))}"
            raise (Refused if answer.against else Unproven)(said)
        return {
            "path": str(self.path),
            "sha256": sha256(case.content).hexdigest(),
            "asked_at": iso(at),
            **answer.document(),
        }
