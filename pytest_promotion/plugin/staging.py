"""The gates that a stage brings, in a session: evaluated once, when the candidate is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from pytest_promotion.model import GateResult, Subject
from pytest_promotion.plugin.settings import Settings


class StageGates:
    """Those of the stage that the session decides about; none where it decides about no stage."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: list[GateResult] | None = None

    def joined(self, results: list[GateResult], subject: Subject | None, now: datetime) -> list[GateResult]:
        """
        *results* with those of the stage's gates, in place of gates of the project that have their ids.

        Of a run on several machines the first one evaluates them. Raises `Unproven` where evidence cannot be kept.
        """
        settings = self._settings
        if not settings.policy.built_in or (settings.share is not None and settings.share.index != 1):
            return results
        if self._found is None:
            from pytest_promotion.custody import stage_gates
            from pytest_promotion.custody.promoted import Source

            source = Source(settings.folder, settings.vault(), now, replay=settings.clock.as_of)
            self._found = list(stage_gates.results(settings.policy, subject, source, settings.root))
        return [*(one for one in results if one.gate.id not in settings.policy.built_in), *self._found]

    def reserved(self, known: Iterable[str]) -> Iterator[str]:
        """A sentence for each gate of the project that has the id of one of the stage's."""
        for name in sorted(set(known) & set(self._settings.policy.built_in)):
            yield f"the gate {name} has the name of the one that the stage {self._settings.policy.stage} brings"
