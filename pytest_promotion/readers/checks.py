"""What a run of data checks or of models came to, whichever tool ran them: each by name, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from pytest_promotion.errors import Unproven

PASSED: Final = "passed"
FAILED: Final = "failed"
WARNED: Final = "warned"
SKIPPED: Final = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was run. `outcome` is passed, failed, warned or skipped."""

    name: str
    kind: str  # test, model, source, expectation, …
    outcome: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Checks:
    """
    All that was run, of which there is one at least.

    `incomplete` are the reasons for which there may be more than is listed; `selected` is what the run was limited to.
    """

    form: str
    tool: str
    every: tuple[Check, ...]
    created: str | None = None  # ISO 8601
    incomplete: tuple[str, ...] = ()
    selected: str = ""

    def of(self, kind: str) -> Checks:
        """Those of one kind. Raises `Unproven` where there is none: none of none failed."""
        found = tuple(one for one in self.every if one.kind == kind)
        if not found:
            kinds = ", ".join(sorted({one.kind for one in self.every}))
            raise Unproven(f"{self.form} has no {kind}, only {kinds}")
        return replace(self, every=found)

    def demand_whole(self) -> None:
        """Raises `Unproven` where there may be more than is listed."""
        if self.incomplete:
            raise Unproven(f"{self.form} of {self.tool}: {'; '.join(self.incomplete)}")

    def _named(self, outcome: str) -> tuple[str, ...]:
        self.demand_whole()
        return tuple(one.name for one in self.every if one.outcome == outcome)

    @property
    def passed(self) -> tuple[str, ...]:
        """The names of those that passed. Raises `Unproven`, as `demand_whole` does."""
        return self._named(PASSED)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of those that failed, or could not be run. Raises `Unproven`, as `demand_whole` does."""
        return self._named(FAILED)

    @property
    def warned(self) -> tuple[str, ...]:
        """The names of those that ended with a warning. Raises `Unproven`, as `demand_whole` does."""
        return self._named(WARNED)

    @property
    def skipped(self) -> tuple[str, ...]:
        """The names of those that were not run. Raises `Unproven`, as `demand_whole` does."""
        return self._named(SKIPPED)

    def __len__(self) -> int:
        return len(self.every)


def some(every: Iterable[Check], origin: str) -> tuple[Check, ...]:
    """*every* check of a file. Raises `Unproven` where there is none."""
    found = tuple(every)
    if not found:
        raise Unproven(f"{origin} lists nothing that was run")
    return found
