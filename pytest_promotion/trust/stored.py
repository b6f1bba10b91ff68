"""
A decision as it is read back, strictly: what is not a decision of this form is not acted on.

Unknown keys are ignored, as the contract asks of every reader.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from pytest_promotion.errors import Unfinished
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.files import read_given
from pytest_promotion.evidence.typed import converted
from pytest_promotion.model import Absence, Outcome, Severity

LARGEST: Final = 64 * 2**20  # bytes; a decision of ten thousand gates has ten million
_Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Digest = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]  # "" for what is not there
_Count = Annotated[int, msgspec.Meta(ge=0)]


class StoredArtifact(msgspec.Struct, frozen=True):
    """A file that was judged."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    sha256: _Digest
    size_bytes: _Count
    exists: bool
    secret: bool = False  # it is listed by digest, and was kept nowhere
    kept: bool = True  # False where the policy let it be recorded by its digest only

    @property
    def in_vault(self) -> bool:
        """Whether the vault should have its bytes."""
        return self.exists and self.kept and not self.secret


class StoredCommand(msgspec.Struct, frozen=True):
    """A program that a gate or a producer ran."""

    argv: list[str]
    exit_code: int | None
    output_sha256: _Digest


class StoredFreshness(msgspec.Struct, frozen=True):
    """How old an item was, in seconds."""

    path: str
    timestamp: str
    source: str
    age_s: float
    max_age_s: float


class StoredInterval(msgspec.Struct, frozen=True):
    """Where a figure from samples lies; None for an end that the samples do not reach."""

    low: float | None
    high: float | None
    confidence: float
    method: str


class StoredMeasurement(msgspec.Struct, frozen=True):
    """A value that was held against a threshold."""

    name: str
    value: Any
    operator: str
    threshold: Any
    ok: bool | None = msgspec.field(name="pass")
    interval: StoredInterval | None = None


class StoredInput(msgspec.Struct, frozen=True):
    """An input of a producer."""

    name: str
    sha256: _Hex


class StoredProvenance(msgspec.Struct, frozen=True):
    """What an artifact was made by and from."""

    path: str
    statement_sha256: _Hex
    command: list[str]
    finished: str
    inputs: list[StoredInput]


class StoredCheck(msgspec.Struct, frozen=True):
    """A gate with its outcome."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    severity: Severity
    passed: bool = msgspec.field(name="pass")
    outcome: Outcome
    reason: str
    owner: str = ""
    fix: str = ""
    rule: str = ""
    requires: list[str] = []
    nodeid: str = ""
    line: _Count = 0
    absent: Absence | None = None
    spoiled_by: list[str] = []
    evidence_paths: list[str] = []
    measurements: list[StoredMeasurement] = []
    freshness: list[StoredFreshness] = []
    commands: list[StoredCommand] = []
    shadow: bool = False
    provenance: list[StoredProvenance] = []


class StoredBundle(msgspec.Struct, frozen=True):
    """The evidence bundle."""

    evidence_bundle_id: _Hex
    artifact_count: _Count
    artifacts: list[StoredArtifact]


class StoredPolicy(msgspec.Struct, frozen=True):
    """The policy by its digests, and the files it was read from."""

    path: str | None
    sha256: _Hex
    resolved_sha256: _Hex
    files: list[StoredArtifact]


class StoredJudges(msgspec.Struct, frozen=True):
    """Who judged: sources by their digests, suites by their versions."""

    sources: list[StoredArtifact]
    suites: dict[str, str]


class StoredSubject(msgspec.Struct, frozen=True):
    """What was to be promoted."""

    name: str
    digest: Annotated[dict[str, str], msgspec.Meta(min_length=1)]


class StoredMoment(msgspec.Struct, frozen=True):
    """`valid_until`."""

    ts_utc: str
    because: str


class StoredClock(msgspec.Struct, frozen=True):
    """What time it was, and whether that was the present."""

    now_utc: str
    as_of: bool


class StoredGit(msgspec.Struct, frozen=True):
    """The commit of the promotion root, its tree, and what differs from it."""

    commit: str | None
    dirty: bool | None
    tree: str | None = None
    changes: list[str] = []


class StoredWaiver(msgspec.Struct, frozen=True):
    """A waiver that was used. Whether it was a good one is told from the file that was kept, not from this."""

    gate: str
    outcome: Literal["FAIL", "INCONCLUSIVE"]
    fingerprint: _Hex
    expires: str
    reason: str
    approvers: list[dict[str, Any]]


class StoredDecision(msgspec.Struct, frozen=True):
    """A decision of which every part that is acted on is there, in its type."""

    schema_version: Literal[1]
    kind: str
    scope: Literal["full", "critical", "partial"]
    finished: Literal[True]
    run_id: Annotated[str, msgspec.Meta(min_length=1)]
    ts_utc: str
    valid_until: StoredMoment | None
    status: Literal["PASS", "FAIL", "PARTIAL"]
    passed: bool
    profile: str
    overrides: dict[str, Any]
    weakened: list[str]
    reasons: list[str]
    critical_failures: list[str]
    warnings: list[str]
    checks: list[StoredCheck]
    subject: StoredSubject | None
    release_manifest_ref: StoredArtifact | None
    evidence_bundle: StoredBundle
    policy: StoredPolicy
    git: StoredGit
    clock: StoredClock
    waivers: list[StoredWaiver]
    refreshed: list[StoredCommand] = []
    judges: StoredJudges | None = None
    stage: str | None = None


def read_content(path: Path) -> bytes:
    """The bytes of the decision at *path*. Raises `Unproven`."""
    return read_given(path, largest=LARGEST)


def parse(content: bytes, name: str) -> StoredDecision:
    """
    The decision in *content*.

    Raises:
        Unfinished: for the decision of a session that has not ended.
        Unproven: for what is no decision, with the place in it.
    """
    plain = documents.parse_json(content, name)
    if isinstance(plain, dict) and plain.get("finished") is False:
        raise Unfinished(
            f"{name} is not finished: {'; '.join(map(str, plain.get('reasons', ()))) or 'no reason is given'}"
        )
    return converted(plain, StoredDecision, f"{name} is no decision of schema version 1")
