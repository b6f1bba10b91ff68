"""What a drill has seen: what ran before the change, after it, and after the rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_promotion.clock import Clock
from pytest_promotion.suites.release.rollout.report import Report

CALLED_BAD = "the drill calls it bad"


@dataclass(slots=True)
class Exercise:
    """The deployments of a drill, and what ran, by service or under the name of the target."""

    clock: Clock
    reports: list[Report] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    during: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    data_ok: bool = False

    @property
    def images_ok(self) -> bool:
        """Whether all that ran before gave way to another version, and runs again."""
        return bool(self.before) and not self.wrong()

    @property
    def versions(self) -> dict[str, Mapping[str, str | None]]:
        """What ran, by service."""
        return {
            name: {"before": one, "during": self.during.get(name), "after": self.after.get(name)}
            for name, one in self.before.items()
        }

    def wrong(self) -> list[str]:
        """Why no rollback of images was seen; empty where one was."""
        found = [] if self.before else ["nothing ran that could be gone back to"]
        for name, one in self.before.items():
            if self.during.get(name, one) == one:
                found.append(f"{name} ran the same version before and after the change: no rollback of it was seen")
            elif self.after.get(name) != one:
                found.append(f"{name} does not run what it ran before")
        if extra := sorted(self.after.keys() - self.before.keys()):
            found.append(f"{', '.join(extra)} ran after the rollback, and not before")
        return found
