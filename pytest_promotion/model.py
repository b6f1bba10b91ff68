"""
The nouns of a promotion: gates, what they saw, what became of them, and the decision.

Everything here is frozen and uses the standard library only, so that every other room
may import it and none of it costs anything at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Severity(StrEnum):
    """What a bad outcome of a gate does to the decision."""

    CRITICAL = "critical"  # blocks the promotion
    WARNING = "warning"  # is listed and must be reviewed; never changes the status


class Outcome(StrEnum):
    """What became of one gate. Only `PASS` and a valid `WAIVED` let a critical gate through."""

    PASS = "PASS"
    WAIVED = "WAIVED"  # failed, and someone entitled to it accepted that for a while
    NOT_APPLICABLE = "NOT_APPLICABLE"  # the policy says so, by a condition that was evaluated; no pass either
    NOT_RUN = "NOT_RUN"  # skipped, xfailed, deselected, never reached, not collected
    INCONCLUSIVE = "INCONCLUSIVE"  # the evidence is missing or too thin to tell
    FAIL = "FAIL"
    ERROR = "ERROR"  # the gate itself broke

    @property
    def rank(self) -> int:
        """How bad it is: 0 for PASS, growing. Two observations of a gate reduce to the worse."""
        return _RANK[self]


_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}


class Absence(StrEnum):
    """Why a gate has no reports at all."""

    DESELECTED = "deselected"
    NOT_ASKED = "not asked for"
    NOT_COLLECTED = "not collected"  # it was asked for, and it is not there

    @property
    def on_purpose(self) -> bool:
        """Whether whoever started the session left it out knowingly."""
        return self is not Absence.NOT_COLLECTED


class Status(StrEnum):
    """The one word a promotion is decided by."""

    PASS = "PASS"
    FAIL = "FAIL"
    PARTIAL = "PARTIAL"  # a look at some gates: says nothing about the candidate


class Scope(StrEnum):
    """How much of the roll-call the session was asked to run."""

    FULL = "full"
    CRITICAL = "critical"  # every critical gate, not every warning
    PARTIAL = "partial"


class Requested(StrEnum):
    """How much of what there is a session was asked to run."""

    ALL = "every gate"
    CHOSEN = "gates chosen by an expression"  # all were collected, and some may have been deselected
    PLACES = "some files or folders"  # what is in the others is not known
    PARTS = "single gates or parameters"


AGE_IS_JUDGED: Final = "the gate judges its age itself"  # why a file counts as one whose age was asked for


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as it was planned, known before anything ran."""

    id: str
    severity: Severity
    nodeid: str = ""
    rule: str = ""  # first line of the docstring
    owner: str = ""
    fix: str = ""
    requires: tuple[str, ...] = ()
    timeout: float | None = None  # seconds
    line: int = 0  # where it stands in its file, from 1; 0 where that is not known
    defined: str = ""  # "file:line" of the function, which for an inherited or imported gate is another file's
    effective_on: str = ""  # from when on it is critical, where the policy says it; a warning before
    shadow: bool = False  # is recorded, and counts for nothing
    built_in: bool = False  # the stage brings it; that it passes says nothing about the candidate itself


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One file as it was judged: the digest is that of the very bytes the gate read."""

    path: str  # POSIX, relative to the promotion root
    sha256: str  # "" where the file did not exist
    size_bytes: int
    exists: bool
    secret: bool = False  # its bytes are kept nowhere
    kept: bool = True  # False where the policy lets it be recorded by its digest only

    @property
    def in_vault(self) -> bool:
        """Whether the vault has its bytes."""
        return self.exists and self.kept and not self.secret


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies that samples were taken of, by that method, in so many of all cases: 0.95 of them."""

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """
    A value held against a threshold. `ok` is None where that could not be told.

    Of a figure with an interval, the whole interval has to be on the right side of the threshold.
    """

    name: str
    value: Any
    operator: str
    threshold: Any
    ok: bool | None
    samples: int | None = None
    min_samples: int | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old an item was when its gate asked, in seconds, and how old it might be."""

    path: str
    timestamp: str  # ISO 8601 with offset
    source: str  # the field the timestamp came from, "provenance" or "mtime"
    age_s: float
    max_age_s: float
    business_days: int = 0  # where the window was given in them; `max_age_s` is what they are from this moment on


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A program a gate ran, and what came of it."""

    argv: tuple[str, ...]
    exit_code: int | None  # None: it never ran, or was killed
    duration_s: float
    output_sha256: str = ""


@dataclass(frozen=True, slots=True)
class InputDigest:
    """An input of a producer by the digest that it had when its gate asked."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an artifact was made by and from, as its statement says, and what the inputs were when its gate asked."""

    path: str
    statement_sha256: str
    command: tuple[str, ...]
    finished: str  # ISO 8601 with offset
    inputs: tuple[InputDigest, ...] = ()
    outputs: tuple[str, ...] = ()  # of the command; where one lies in an input, it is no part of it


@dataclass(frozen=True, slots=True)
class Judged:
    """What the body of one gate judged while it ran."""

    judgements: int = 0  # assertions, measurements and age limits that were executed and had something to judge
    hollow: str = ""  # why an executed assertion does not count
    doubt: str = ""  # why what was judged cannot be relied on
    swallowed: str = ""  # where a failure was raised that did not come out


@dataclass(frozen=True, slots=True)
class Record:
    """What one gate saw in one run: filled by the fixtures, carried to the controller."""

    exhibits: tuple[Exhibit, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    commands: tuple[CommandRun, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()  # what was refused, whether or not the gate let that be known
    reason: str = ""
    settings: tuple[str, ...] = ()  # the thresholds that were read or looked for, by name
    judged: Judged = Judged()
    ageless: tuple[tuple[str, str], ...] = ()  # files whose age makes no difference, each with the reason
    provenance: tuple[Provenance, ...] = ()
    witnesses: tuple[tuple[str, int, int, int, int], ...] = ()  # path, size, mtime, ctime, inode: as read

    @property
    def empty(self) -> bool:
        """Whether the gate looked at nothing that the decision could rest on."""
        return not (self.exhibits or self.measurements or self.freshness or self.commands)


@dataclass(frozen=True, slots=True)
class Proven:
    """Whether a gate was shown to notice what can be wrong with its evidence."""

    digest: str  # of what the proof is of; "" where nothing could be tried
    objection: str = ""  # a survivor with its line, or why nothing could be tried; "" where it noticed enough


@dataclass(frozen=True, slots=True)
class UnprovenGate:
    """A gate that passed and was not shown to be able to fail."""

    gate: str
    because: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A value that a threshold will have, and whether what was measured meets it; None where that is not known."""

    threshold: str
    value: Any
    effective_on: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate with its outcome and the sentence that says why."""

    gate: Gate
    outcome: Outcome
    reason: str
    duration_s: float = 0.0
    record: Record = field(default_factory=Record)
    absent: Absence | None = None
    spoiled_by: tuple[str, ...] = ()  # it passed by itself, and these that it requires did not
    proof: Proven | None = None  # None where there is none
    upcoming: tuple[Upcoming, ...] = ()  # thresholds that change later, by the policy

    @property
    def passed(self) -> bool:
        """Whether the promotion may rest on it."""
        return self.outcome in (Outcome.PASS, Outcome.WAIVED)

    @property
    def applies(self) -> bool:
        """Whether it has a say in the decision at all."""
        return self.outcome is not Outcome.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being promoted."""

    name: str
    digest: dict[str, str]


@dataclass(frozen=True, slots=True)
class ValidUntil:
    """When the decision stops being true, and which item goes first."""

    ts_utc: str
    because: str


@dataclass(frozen=True, slots=True)
class Approver:
    """Who signed, and in which roles he may."""

    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiver:
    """The failure of one gate that people entitled to it accepted for a while: every signature on it is checked."""

    gate: str
    severity: Severity  # the most severe gate that it is good for
    subjects: tuple[str, ...]  # "sha256:HEX" or "gitCommit:HEX" of each candidate it is for
    fingerprint: str  # of the failure
    limits: dict[str, Any]  # the worst value of each failing measurement and age that was accepted
    reason: str
    owner: str
    requested_by: str
    created: str
    expires: str
    approvers: tuple[Approver, ...]
    ends: ValidUntil  # its own expiry, or that of a key that it rests on
    where: str  # file and line


@dataclass(frozen=True, slots=True)
class Granted:
    """The waivers for one candidate that may be used, and what is wrong with the others, a sentence each."""

    waivers: tuple[Waiver, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waived:
    """A waiver that was used, and what its gate's outcome was without it."""

    waiver: Waiver
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of `decide()`, before it is dressed with facts about the run."""

    status: Status
    scope: Scope
    results: tuple[GateResult, ...]
    reasons: tuple[str, ...]
    critical_failures: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """The gates that the policy found not to apply to this candidate."""
        return tuple(result.gate.id for result in self.results if not result.applies)

    @property
    def shadow(self) -> tuple[str, ...]:
        """The gates that are recorded only."""
        return tuple(result.gate.id for result in self.results if result.gate.shadow)

    @property
    def without_evidence(self) -> tuple[str, ...]:
        """The gates that passed and recorded nothing that their success rests on."""
        return tuple(one.gate.id for one in self.results if one.outcome is Outcome.PASS and one.record.empty)

    @property
    def passed(self) -> bool:
        return self.status is Status.PASS


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judged: the digests of the gates' sources, and the versions of suites by name."""

    sources: tuple[Exhibit, ...] = ()
    suites: tuple[tuple[str, str], ...] = ()


CHANGES_NAMED: Final = 20  # paths that differ from the commit, in a decision


@dataclass(frozen=True, slots=True)
class GitState:
    """The commit that a folder is at, with its tree, and what differs from it; None for what git does not tell."""

    commit: str | None = None
    tree: str | None = None
    dirty: bool | None = None
    changes: tuple[str, ...] = ()  # paths, the first `CHANGES_NAMED` of them


@dataclass(frozen=True, slots=True)
class Decision:
    """One promotion decided: the verdict with everything a reader needs to act on it later."""

    verdict: Verdict
    kind: str  # "decision" or "replay"
    run_id: str
    ts_utc: str
    profile: str
    overrides: dict[str, Any]
    weakened: tuple[str, ...]
    policy_unused: tuple[str, ...]  # thresholds that the policy sets and no gate has read
    valid_until: ValidUntil | None
    subject: Subject | None
    manifest: Exhibit | None
    bundle_id: str
    exhibits: tuple[Exhibit, ...]
    policy_path: str | None
    policy_sha256: str
    policy_resolved_sha256: str
    judges: Judges
    policy_files: tuple[Exhibit, ...]  # the policy and what it includes, kept in the vault
    git: GitState
    clock_now: str
    as_of: bool
    attachments: tuple[Exhibit, ...] = ()
    refreshed: tuple[tuple[str, CommandRun], ...] = ()  # producers that were run, by name
    waived: tuple[Waived, ...] = ()
    unproven: tuple[UnprovenGate, ...] = ()  # where the policy asks for proofs
    stage: str = ""  # "" where it is about none
    tool_version: str = ""

    @property
    def evidence_digests(self) -> frozenset[str]:
        """The digests of everything in the vault that the decision names: what it rests on, and its policy files."""
        runs = [run for result in self.verdict.results for run in result.record.commands]
        runs += [run for _, run in self.refreshed]
        files = [*self.exhibits, *self.policy_files, *([self.manifest] if self.manifest else [])]
        kept = [one.sha256 for one in files if one.in_vault]
        return frozenset([run.output_sha256 for run in runs if run.output_sha256] + kept)
