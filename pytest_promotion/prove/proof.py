"""What proving found: gate by gate, which sabotages it noticed, and whether that is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from pytest_promotion.policy import Equivalent
from pytest_promotion.prove.coverage import Fields, unread
from pytest_promotion.prove.one_more import ONE_MORE
from pytest_promotion.prove.text_values import NO_VALUE
from pytest_promotion.prove.values import NO_DIRECTION

NOTHING: Final = "nothing to sabotage"
FAMILIES: Final = ("file", "time", "value", "rows", "command")
_OF_TIME: Final = frozenset(
    {
        "stale",
        "undated",
        "naive-dated",
        "from the future",
        "date is a number",
        "clock past the window",
        "clock before the item",
        "clock moved",
    }
)
_OF_ROWS: Final = frozenset({"no rows", "rows removed", "last row half written"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sabotage, and whether the gate turned red. `said` is what it said then."""

    kind: str
    path: str
    field: str
    killed: bool
    said: str = ""
    because: str = ""  # why it is declared to make no difference

    @property
    def counts(self) -> bool:
        """Whether it is one that the gate has to notice."""
        return not self.because

    @property
    def family(self) -> str:
        """Its column in the table: one of `FAMILIES`."""
        if self.kind.startswith("command "):
            return "command"
        if self.kind in _OF_TIME:
            return "time"
        if self.kind in _OF_ROWS or self.field.startswith(("row ", "column ")):
            return "rows"
        return "value" if self.field else "file"

    def sentence(self, where: str) -> str:
        """A survivor, told to whoever has to mend the gate at *where*."""
        if not self.path:
            return f"{where}: asks for no evidence that could be wrong"
        place = f" ({self.field})" if self.field else ""
        detail = f": {self.said}" if self.said and not self.killed else ""
        return f"{where}: passes with {self.path}{place} {_told(self.kind)}{detail}"


def _told(kind: str) -> str:
    known = {
        "null": "set to null",
        "missing": "missing",
        "wrong type": "of another type",
        "clock past the window": "judged after its window",
        "clock before the item": "judged before it was made",
        "undated": "without a date",
        "NaN": "set to NaN",
        "status qualified": "set to a success with errors",
        "empty cell": "with empty cells",
        ONE_MORE: "with one more element in which it is wrong: only a part of the list is judged",
        NO_VALUE: f"{NO_VALUE}: none of them is judged",
        NO_DIRECTION: f"{NO_DIRECTION}: it is read and judged in no direction",
    }
    return known.get(kind, kind)


@dataclass(frozen=True, slots=True)
class Proof:
    """All attempts on one gate. `honest` is empty where its undisturbed run passed, else what came of that."""

    gate: str
    severity: str
    where: str  # file and line
    honest: str
    attempts: tuple[Attempt, ...] = ()
    fields: Fields = field(default_factory=dict)  # of each artifact that it looked at
    read: Fields = field(default_factory=dict)  # and those that it read

    @property
    def counted(self) -> tuple[Attempt, ...]:
        """The attempts that it has to notice."""
        return tuple(one for one in self.attempts if one.counts)

    @property
    def survivors(self) -> tuple[Attempt, ...]:
        """Those that it did not."""
        return tuple(one for one in self.counted if not one.killed)

    @property
    def kill_rate(self) -> float | None:
        """The share that it noticed; None where nothing was tried that it has to notice."""
        return 1 - len(self.survivors) / len(self.counted) if self.counted else None

    @property
    def excused(self) -> bool:
        """Whether the policy says of everything that was tried that it makes no difference."""
        return bool(self.attempts) and not self.counted

    def proven(self, floor: float) -> bool:
        """Whether it passed when nothing was wrong, and noticed enough of what was."""
        rate = self.kill_rate
        return not self.honest and (self.excused if rate is None else rate >= floor)

    def why_not(self, floor: float) -> str:
        """Why it is not proven, in a sentence; "" where it is."""
        if self.honest:
            return f"its honest run did not pass: {self.honest}"
        if not self.proven(floor):
            return f"it passes with {len(self.survivors)} of {len(self.counted)} sabotages"
        return ""


def declared(attempts: Iterable[Attempt], gate: str, equivalents: Sequence[Equivalent]) -> tuple[Attempt, ...]:
    """The attempts, of which those that the policy declares to make no difference say why."""
    found = []
    for one in attempts:
        reason = next((each.because for each in equivalents if not one.killed and _covers(each, gate, one)), "")
        found.append(Attempt(one.kind, one.path, one.field, one.killed, one.said, reason))
    return tuple(found)


def _covers(each: Equivalent, gate: str, one: Attempt) -> bool:
    return (
        (_fits(gate, each.gate) or gate.partition("[")[0] == each.gate)  # the name of a gate is that of its parameters
        and _fits(one.kind, each.sabotage)
        and _fits(one.path, each.artifact)
        and _fits(one.field, each.field)
    )


@dataclass(frozen=True, slots=True)
class Table:
    """The proofs of a session. `missing` are required gates that nobody tried."""

    proofs: tuple[Proof, ...]
    floor: float
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = field(default=())

    @property
    def proven(self) -> bool:
        """Whether every gate is, and there was one."""
        everyone = all(proof.proven(self.floor) for proof in self.proofs)
        return bool(self.proofs) and everyone and not self.missing and not self.problems

    @property
    def _counted(self) -> list[Attempt]:
        return [one for proof in self.proofs for one in proof.counted]

    def document(self) -> dict[str, Any]:
        """The table as plain values."""
        return {
            "schema_version": 1,
            "kind": "proof",
            "proven": self.proven,
            "min_kill_rate": self.floor,
            "killed": sum(one.killed for one in self._counted),
            "tried": len(self._counted),
            "families": [name for name in FAMILIES if any(name == one.family for one in self._counted)],
            "missing": list(self.missing),
            "problems": list(self.problems),
            "gates": [self._gate(proof) for proof in self.proofs],
            "coverage": unread((one.fields for one in self.proofs), (one.read for one in self.proofs)),
        }

    def _gate(self, proof: Proof) -> dict[str, Any]:
        return {
            "name": proof.gate,
            "severity": proof.severity,
            "where": proof.where,
            "proven": proof.proven(self.floor),
            "why_not": proof.why_not(self.floor),
            "kill_rate": proof.kill_rate,
            "excused": proof.excused,
            "killed": len(proof.counted) - len(proof.survivors),
            "tried": len(proof.counted),
            "families": {
                family: {"killed": sum(one.killed for one in those), "tried": len(those)}
                for family in FAMILIES
                if (those := [one for one in proof.counted if one.family == family])
            },
            "survivors": [one.sentence(proof.where) for one in proof.survivors],
            "attempts": [
                {
                    "sabotage": one.kind,
                    "artifact": one.path,
                    "field": one.field,
                    "killed": one.killed,
                    "said": one.said,
                    "equivalent_because": one.because,
                }
                for one in proof.attempts
            ],
        }


def _fits(text: str, pattern: str) -> bool:
    """Whether *pattern* is *text* itself, in which brackets are no set of letters, or matches it."""
    return text == pattern or fnmatchcase(text, pattern)
