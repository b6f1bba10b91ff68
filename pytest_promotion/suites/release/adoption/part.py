"""What one part of a repository adds to its policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Part:
    """Settings of gates, producers to run before them, and what a person should know."""

    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    producers: dict[str, dict[str, Any]] = field(default_factory=dict)
    refresh: list[str] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def set(self, gate: str, **thresholds: Any) -> None:
        """Sets thresholds of *gate*."""
        self.gates.setdefault(gate, {}).setdefault("thresholds", {}).update(thresholds)

    def leave_out(self, gate: str, because: str, **when: Any) -> None:
        """Makes *gate* not applicable while the condition *when* holds."""
        self.gates.setdefault(gate, {})["not_applicable"] = {"because": because, "when": when}

    def add(self, other: Part) -> None:
        """Takes over all of *other*, which is about other gates."""
        self.gates.update(other.gates)
        self.producers.update(other.producers)
        self.profiles.update(other.profiles)
        self.files.update(other.files)
        self.refresh += other.refresh
        self.ignored += other.ignored
        self.notes += other.notes
