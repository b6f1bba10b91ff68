"""The policy as it is written and as it is resolved: which keys there are, and of which types."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec

from pytest_promotion.business_days import Calendar
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError
from pytest_promotion.model import Severity

Span = Annotated[str | float, msgspec.Meta(description="A length of time: 90s, 20m, 24h, 7d, or a number of seconds.")]
Threshold = None | bool | int | float | str | list[Any]


class Ageless(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Files whose age makes no difference, by patterns such as `config/*`, and why."""

    artifacts: Annotated[list[str], msgspec.Meta(min_length=1)]
    because: Annotated[str, msgspec.Meta(min_length=10)]


class ByDigest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Files that are recorded by their digest and kept in no vault, by patterns such as `reports/*.jsonl`, and why."""

    artifacts: Annotated[list[Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1)]
    because: Annotated[str, msgspec.Meta(min_length=10)]


class BusinessCalendar(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which days are business days, for ages such as `1 business day`."""

    time_zone: str
    holidays: str | None = None  # a country such as DE, one with its part such as US-NY, or an exchange such as NYSE
    weekend: list[str] = msgspec.field(default_factory=lambda: ["sat", "sun"])

    def made(self) -> Calendar:
        """The calendar itself."""
        return Calendar(self.time_zone, self.holidays or "", tuple(self.weekend))


class Timestamps(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How timestamps are judged."""

    max_report_age_min: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    future_skew: Span = "2m"
    mtime: Literal["allow", "forbid"] = "allow"
    ageless: list[Ageless] = []
    calendar: BusinessCalendar | None = None

    @property
    def max_age(self) -> timedelta:
        """How old a report may be. Raises `PolicyError`."""
        return parse_duration(self.max_report_age_min * 60)

    @property
    def skew(self) -> timedelta:
        """How far in the future a timestamp may lie. Raises `PolicyError`."""
        return parse_duration(self.future_skew)


class Unchanged(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Git finds no difference in *paths* between the commit *since* and the files that are there."""

    since: Annotated[str, msgspec.Meta(min_length=1)]
    paths: Annotated[list[str], msgspec.Meta(min_length=1)]


class NoEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The JSON or YAML *file* is there and readable, and holds nothing at *entry*."""

    file: Annotated[str, msgspec.Meta(min_length=1)]
    entry: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1)
    ]  # keys, outermost first


class Condition(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What has to be true of the candidate; of several parts, all."""

    no_files: list[str] | None = None  # glob patterns below the promotion root, none of which matches a file
    no_entry: NoEntry | None = None
    profiles: list[str] | None = None  # the decision is of one of these profiles
    unchanged: Unchanged | None = None
    thresholds: dict[str, bool | int | float | str | None] | None = None  # of the gate itself, with these values


class NotApplicable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """When a gate does not apply to a candidate, and why."""

    because: Annotated[str, msgspec.Meta(min_length=10)]
    when: Condition


def _moment(text: str) -> datetime:
    """A day, which begins at midnight UTC, or a moment with an offset. Raises `PolicyError`."""
    try:
        return parse_moment(f"{text}T00:00:00+00:00" if len(text) == len("2026-05-01") else text)
    except BadTimestamp as problem:
        raise PolicyError(f"effective_on: {problem}; write a day, 2026-05-01, or a moment with an offset") from None


class Upcoming(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The value that a threshold has from a day or a moment on."""

    value: Threshold
    effective_on: str

    @property
    def starts(self) -> datetime:
        """From when on it holds. Raises `PolicyError`."""
        return _moment(self.effective_on)


class GateRules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the policy says of one gate."""

    severity: Severity | None = None
    max_age: Span | None = None  # or "none", with `because`
    because: str = ""  # why the age of this gate's evidence, or what it was made from, makes no difference
    timestamps: list[str] | None = None
    source: Literal["inputs", "report"] = "inputs"
    # What the artifacts of the gate have to be made from: inputs, or inputs by patterns of artifacts; or "none", with
    # `because`.
    about: list[str] | dict[str, list[str]] | str | None = None
    thresholds: dict[str, Threshold] = {}
    upcoming: dict[str, Upcoming] = {}  # by threshold
    # Which way is stricter, for thresholds whose name does not say it; see `comparing`.
    stricter: dict[str, Literal["higher", "lower"]] = {}
    not_applicable: NotApplicable | None = None
    effective_on: str | None = None  # a day or a moment: a warning before it, critical from then on
    shadow: bool = False  # is recorded, and counts for nothing

    @property
    def starts(self) -> datetime | None:
        """From when on the gate is critical; None where the policy gives no date. Raises `PolicyError`."""
        if self.effective_on is None:
            return None
        return _moment(self.effective_on)

    def thresholds_at(self, now: datetime) -> dict[str, Threshold]:
        """The thresholds that hold at *now*, by name."""
        begun = {name: one.value for name, one in self.upcoming.items() if one.starts <= now}
        return {**self.thresholds, **begun}

    def severity_at(self, now: datetime) -> Severity | None:
        """The severity that the policy gives the gate at *now*; None where it gives none."""
        if self.starts is None:
            return self.severity
        return Severity.WARNING if now < self.starts else Severity.CRITICAL


class Producer(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A command that writes evidence afresh, the files it must have written, and what it reads."""

    command: Annotated[list[str], msgspec.Meta(min_length=1)]
    writes: Annotated[list[str], msgspec.Meta(min_length=1)]
    inputs: list[str] = []
    timeout: Span = "60s"
    environment: dict[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = {}


class Equivalent(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A sabotage that a gate need not notice, and why. All but `because` are patterns such as `reports/*`."""

    gate: str
    because: Annotated[str, msgspec.Meta(min_length=10)]
    sabotage: str = "*"
    artifact: str = "*"
    field: str = "*"


NOTHING: Final = "none"  # in place of inputs: the gate's artifacts need no statement, and `because` says why
ProvenanceMode = Literal["optional", "required", "signed"]
PROVENANCE_MODES: Final = ("optional", "required", "signed")  # from the weakest
ProveMode = Literal["off", "advise", "required"]
PROVE_MODES: Final = ("off", "advise", "required")  # from the weakest


class Prove(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """
    How much of what is wrong with its evidence a gate has to notice, and what a decision makes of one that does not.

    A text stands for its `mode`.
    """

    mode: ProveMode = "off"
    min_kill_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    equivalent: list[Equivalent] = []


class ProfileProve(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`Prove` of a profile: what makes no difference is the same in all of them."""

    mode: ProveMode | None = None


class Quorum(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What it takes to make an exception: for how long at most, and how many people of each role have to sign."""

    max: Span | None = None
    approvals: dict[str, Annotated[int, msgspec.Meta(ge=1, le=100)]] = {}


class WaiverQuorum(Quorum, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A quorum for waivers, and for how many candidates one waiver may be."""

    subjects: Annotated[int, msgspec.Meta(ge=1)] = 1


class OverrideQuorum(Quorum, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A quorum for overrides, and when their post-mortem is due."""

    post_mortem_within: Span = "7d"


class WaiverRules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """By the severity of the gate. Without a quorum no gate of that severity can be waived."""

    critical: WaiverQuorum | None = None
    warning: WaiverQuorum | None = None


class Exceptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which exceptions there may be. Without a rule there is none."""

    waiver: WaiverRules = WaiverRules()
    override: OverrideQuorum | None = None


class RequiredGate(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A gate that is required with some of its parameters: at least so many, or at least these."""

    gate: Annotated[str, msgspec.Meta(min_length=1)]
    parameters: Annotated[int, msgspec.Meta(ge=1)] | Annotated[list[str], msgspec.Meta(min_length=1)]

    @property
    def ids(self) -> list[str]:
        """The gate, and each listed parameter of it."""
        parameters = self.parameters if isinstance(self.parameters, list) else []
        return [self.gate, *(f"{self.gate}[{one}]" for one in parameters)]

    @property
    def least(self) -> int:
        """With how many parameters the gate must run at least."""
        return self.parameters if isinstance(self.parameters, int) else len(set(self.parameters))


Required = str | RequiredGate


class Stage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """
    One step on the way of a candidate, such as `staging`.

    `profile` is the one that its decisions are of: where it is not given, that of the stage's name, or `default` where
    there is none of that name. `keys` are files of public keys, one of which has to have signed its decisions.
    """

    after: str | None = None
    soak: Span | None = None  # how long the candidate has to have been in the stage before
    approvals: dict[str, Annotated[int, msgspec.Meta(ge=1, le=100)]] = {}
    profile: str | None = None
    keys: list[str] = []


# Of the intervals of figures from samples: a share of one, see `measure.proportion`.
Confidence = Annotated[float, msgspec.Meta(ge=0.8, lt=1)]


class Rules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a profile may change, resolved."""

    required: list[Required] | None = None
    gates: dict[str, GateRules] = {}
    timestamps: Timestamps = Timestamps()
    release_manifest: str | None = None
    waivers: str | None = None
    signers: str | None = None
    exceptions: Exceptions = Exceptions()
    evidence: Literal["required", "optional"] = "optional"
    by_digest: list[ByDigest] = []
    partial: Literal["refuse", "allow"] = "refuse"
    refresh: list[str] = []
    prove: ProveMode = "off"
    provenance: ProvenanceMode = "optional"
    confidence: Confidence = 0.95

    @property
    def required_ids(self) -> list[str] | None:
        """The ids on the list of required gates, each once, listed parameters included; None where there is no list."""
        if self.required is None:
            return None
        ids = (one.ids if isinstance(one, RequiredGate) else [one] for one in self.required)
        return list(dict.fromkeys(name for group in ids for name in group))

    @property
    def required_counts(self) -> dict[str, int]:
        """With how many parameters a gate must run at least, for those of which the policy gives a number."""
        counts: dict[str, int] = {}
        for one in self.required or ():
            if isinstance(one, RequiredGate) and isinstance(one.parameters, int):
                counts[one.gate] = max(one.least, counts.get(one.gate, 0))
        return counts

    def gate(self, gate_id: str) -> GateRules:
        """The rules of a gate; those of `name` serve every `name[parameter]` that has none of its own."""
        return self.gates.get(gate_id) or self.gates.get(gate_id.partition("[")[0]) or GateRules()


class TimestampChanges(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`Timestamps` of a profile: what is not set there stays as it was."""

    max_report_age_min: Annotated[float, msgspec.Meta(gt=0)] | msgspec.UnsetType = msgspec.UNSET
    future_skew: Span | msgspec.UnsetType = msgspec.UNSET
    mtime: Literal["allow", "forbid"] | msgspec.UnsetType = msgspec.UNSET
    ageless: list[Ageless] | msgspec.UnsetType = msgspec.UNSET
    calendar: BusinessCalendar | msgspec.UnsetType | None = msgspec.UNSET


class Profile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Differences from the profile it extends, or from the policy itself."""

    extends: str | None = None
    required: list[Required] | None = None
    gates: dict[str, GateRules] = {}
    timestamps: TimestampChanges = TimestampChanges()
    release_manifest: str | None = None
    waivers: str | None = None
    signers: str | None = None
    exceptions: Exceptions = Exceptions()
    evidence: Literal["required", "optional"] | None = None
    by_digest: list[ByDigest] | None = None
    partial: Literal["refuse", "allow"] | None = None
    refresh: list[str] | None = None
    provenance: ProvenanceMode | None = None
    confidence: Confidence | None = None
    prove: ProfileProve | ProveMode | None = None


class PolicyFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`promotion.yaml` as it is written."""

    version: Literal[1]
    suites: list[str] = []
    include: list[str] = []
    required: list[Required] | None = None
    profiles: dict[str, Profile] = {}
    gates: dict[str, GateRules] = {}
    timestamps: Timestamps = Timestamps()
    release_manifest: str | None = None
    waivers: str | None = None
    signers: str | None = None
    exceptions: Exceptions = Exceptions()
    evidence: Literal["required", "optional"] = "optional"
    by_digest: list[ByDigest] = []
    partial: Literal["refuse", "allow"] = "refuse"
    producers: dict[str, Producer] = {}
    prove: Prove | ProveMode = Prove()
    provenance: ProvenanceMode = "optional"
    confidence: Confidence = 0.95
    refresh: list[str] = []
    stages: dict[str, Stage] = {}
