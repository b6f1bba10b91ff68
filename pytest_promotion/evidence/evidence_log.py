"""The notebook of one gate: everything the fixtures saw on its behalf, in the order it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_promotion.assertions.tally import Tally
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.model import CommandRun, Exhibit, Freshness, Measurement, Provenance, Record

if TYPE_CHECKING:
    from pytest_promotion.evidence.commands import Completed
    from pytest_promotion.evidence.observer import Lens


class Notebook:
    """Collects while the gate runs; `record()` gives what is carried to the decision."""

    __slots__ = (
        "ageless",
        "commands",
        "exhibits",
        "freshness",
        "lens",
        "measurements",
        "notes",
        "provenance",
        "reason",
        "refusals",
        "settings",
        "tally",
        "unchecked",
        "witnesses",
    )

    def __init__(self, lens: Lens | None = None) -> None:
        self.lens = lens  # what the gate sees its evidence through, when it is being proved
        self.exhibits: dict[str, Exhibit] = {}
        self.measurements: list[Measurement] = []
        self.freshness: dict[tuple[str, float], Freshness] = {}
        self.ageless: dict[str, str] = {}
        self.commands: list[CommandRun] = []
        self.notes: list[str] = []
        self.provenance: dict[str, Provenance] = {}
        self.refusals: list[str] = []
        self.reason = ""
        self.settings: set[str] = set()  # the thresholds that were read or looked for, by name
        self.tally = Tally()
        self.unchecked: list[Completed] = []  # programs that failed, and whose exit code was not looked at
        self.witnesses: dict[str, tuple[str, int, int, int, int]] = {}

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Notes a refusal on its way out, so that a gate that swallows it does not pass."""
        try:
            yield
        except (GateFailed, Unproven) as refusal:
            if str(refusal) not in self.refusals:
                self.refusals.append(str(refusal))
            if isinstance(refusal, GateFailed):
                self.tally.failure(str(refusal))
            raise

    def record(self) -> Record:
        """What was seen so far, frozen."""
        return Record(
            exhibits=tuple(self.exhibits.values()),
            measurements=tuple(self.measurements),
            freshness=tuple(self.freshness.values()),
            ageless=tuple(self.ageless.items()),
            commands=tuple(self.commands),
            notes=tuple(self.notes),
            refusals=(*self.refusals, *(program.unchecked for program in self.unchecked)),
            reason=self.reason,
            settings=tuple(sorted(self.settings)),
            judged=self.tally.result(),
            provenance=tuple(self.provenance.values()),
            witnesses=tuple(self.witnesses.values()),
        )
