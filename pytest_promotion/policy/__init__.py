"""
The policy: which gates are required, how fresh is fresh, and what each gate's thresholds are.

`load()` gives the rules of one run. A setting that is misspelt is a gate that is not there,
so whatever cannot be meant ends the session with the line it stands in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.policy.comparing import weakened, weakened_from
from pytest_promotion.policy.document import Document, PolicySource, Reader, convert, from_disk, merge
from pytest_promotion.policy.resolving import (
    DEFAULT_PROFILE,
    assign,
    check,
    check_calendar,
    check_overlay,
    check_profiles,
    lineage,
)
from pytest_promotion.policy.shape import (
    Equivalent,
    GateRules,
    OverrideQuorum,
    PolicyFile,
    Producer,
    Prove,
    Quorum,
    RequiredGate,
    Rules,
    Stage,
    Upcoming,
    WaiverQuorum,
)
from pytest_promotion.policy.stages import built_in_gates, profile_of, read_stages, refuse_approvals
from pytest_promotion.policy.suite_rules import (
    SuitePolicy,
    gate_rules,
    in_checkout,
    installed_suites,
    joined,
    read_suites,
    refuse_unknown_thresholds,
    resolved,
    suite_producers,
    suite_writers,
)

__all__ = [
    "DEFAULT_PROFILE",
    "Equivalent",
    "GateRules",
    "OverrideQuorum",
    "Policy",
    "PolicySource",
    "Producer",
    "Prove",
    "Quorum",
    "RequiredGate",
    "Rules",
    "Stage",
    "Upcoming",
    "WaiverQuorum",
    "load",
    "packed",
    "profiles",
    "schema",
    "unpacked",
]


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one run: one profile, resolved, with the overrides applied."""

    rules: Rules
    profile: str = DEFAULT_PROFILE
    producers: dict[str, Producer] = field(default_factory=dict)
    prove: Prove = field(default_factory=Prove)
    overrides: dict[str, Any] = field(default_factory=dict)
    weakened: tuple[str, ...] = ()  # by overrides, and by what it says otherwise than its suites
    suites: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)  # gates that it has rules for itself, and where
    excused: dict[str, str] = field(default_factory=dict)  # the same of the patterns under `prove.equivalent`
    sources: tuple[PolicySource, ...] = ()  # the policy, what it includes, and the two below
    waivers: PolicySource | None = None
    signers: PolicySource | None = None
    stage: str = ""  # the one that is decided about; "" where none is
    stages: dict[str, Stage] = field(default_factory=dict)
    stage_profiles: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[PolicySource, ...]] = field(default_factory=dict)  # public keys, by stage
    writers: dict[str, str] = field(default_factory=dict)  # of suites: how files that match a pattern are written

    @property
    def resolved_sha256(self) -> str:
        """SHA-256 of the RFC 8785 form of the resolved rules: equal digests, equal rules."""
        rules = msgspec.to_builtins(self.rules)
        # So that policies which do not ask for them keep the digest they have always had.
        for key, default in (("prove", "off"), ("provenance", "optional"), ("confidence", 0.95)):
            if rules[key] == default:
                del rules[key]
        if not rules["by_digest"]:
            del rules["by_digest"]
        if rules["timestamps"]["calendar"] is None:
            del rules["timestamps"]["calendar"]
        for gate in rules["gates"].values():
            for name in ("about", "effective_on", "shadow", "upcoming"):
                if gate[name] in (None, False, {}):
                    del gate[name]
            when = (gate["not_applicable"] or {}).get("when", {})
            if "thresholds" in when and when["thresholds"] is None:
                del when["thresholds"]
        # Nor do stages change the digest of a policy that has none.
        stages = {"stages": msgspec.to_builtins(self.stages)} if self.stages else {}
        stage = {"stage": self.stage} if self.stage else {}
        return digest({"profile": self.profile, "rules": rules, **stages, **stage})

    @property
    def built_in(self) -> tuple[str, ...]:
        """The ids of the gates that the stage brings, which are required and critical whatever else is."""
        return built_in_gates(self.stage, self.stages)

    @property
    def required_ids(self) -> list[str] | None:
        """The ids on the list of required gates with those that the stage brings; None where there is no list."""
        required = self.rules.required_ids
        return None if required is None else [*required, *(name for name in self.built_in if name not in required)]

    def gate(self, gate_id: str) -> GateRules:
        """The rules of a gate; those of `name` serve every `name[parameter]` that has none of its own."""
        return self.rules.gate(gate_id)


def load(
    path: Path | None,
    profile: str | None,
    assignments: Sequence[str] = (),
    reader: Reader = from_disk,
    stage: str = "",
) -> Policy:
    """
    Reads the policy at *path*, or the built-in one where that is None.

    Args:
        profile: its name; None for that of *stage*, or `default`.
        assignments: `KEY=VALUE` overrides. A key is a dotted path, or the last part of one
            where only one setting ends in it.
        reader: gets the bytes of *path* and of what it includes.
        stage: the stage that is decided about; "" for none.

    Raises:
        PolicyError: with the line and the nearest known key.
    """
    document, sources = Document.read(path, reader) if path else (Document("", {"version": 1}, {}), [])
    used = read_suites(document.data.get("suites", []), reader)
    of_suites = {known for suite in used for known in suite.profiles}
    stages = read_stages(document, of_suites)
    name = profile_of(stage, stages, profile, document, of_suites)
    steps, inherited = lineage(document, name, of_suites)
    ground = joined(used, inherited)
    merged = merge(ground, resolved(document, steps), join=True)
    check_overlay(document)
    refuse_unknown_thresholds(document, used)
    own_document = document
    # Of what was kept with a past decision the rules are resolved, and no producer is run.
    producers = suite_producers(used) if reader is from_disk else {}
    if reader is from_disk:  # of what was kept, only the profile of its decision has to be understood
        check_profiles(document, of_suites)
    document = document.over([suite.document for suite in used], producers)
    suggested = convert(ground, Rules, (), document)
    before = convert(merged, Rules, (), document)
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, value = assign(merged, before, assignment)
        overrides[key] = value
        # What is wrong with it is said of the override, and not of the line that it replaces.
        lines = {**document.lines, tuple(key.split(".")): f"--promotion-set {assignment}"}
        document = dataclasses.replace(document, lines=lines)
    after = convert(merged, Rules, (), document)
    check(after, document)
    if after.signers is None:
        refuse_approvals(stages, document)
    if reader is from_disk:  # of a decision that was kept, the holidays need not be known here
        check_calendar(after, document)
    waivers, signers = (_beside(path, name, document, reader) for name in (after.waivers, after.signers))
    keys = {
        one: tuple(source for key in rules.keys if (source := _beside(path, key, document, reader)))
        for one, rules in stages.items()
    }
    by_hand = ("required: named by hand",) if "required" in overrides else ()
    own = weakened_from(suggested, before, installed_suites(used)) if used else ()
    found = Policy(
        rules=after,
        profile=name,
        producers=msgspec.convert(document.data.get("producers", {}), dict[str, Producer]),
        prove=msgspec.convert(_without_mode(document.data.get("prove", {})), Prove),
        overrides=overrides,
        weakened=tuple(dict.fromkeys((*own, *by_hand, *weakened(before, after)))),
        names=_names(own_document, used),
        excused=_excused(own_document),
        suites=tuple(dict.fromkeys((*(suite.name for suite in used), *in_checkout(sources)))),
        sources=(
            *sources,
            *(suite.source for suite in used),
            *(one for one in (waivers, signers) if one is not None),
            *dict.fromkeys(key for group in keys.values() for key in group),
        ),
        waivers=waivers,
        signers=signers,
        stage=stage,
        stages=stages,
        stage_profiles={one: profile_of(one, stages, None, document, of_suites) for one in stages},
        keys=keys,
        writers=suite_writers(used) if reader is from_disk else {},
    )
    try:
        found.resolved_sha256  # noqa: B018 - a decision names it
    except Unproven as problem:
        raise PolicyError(
            f"{document.path or 'the policy'} has a value that no digest can be made of: {problem}"
        ) from None
    return found


def _without_mode(prove: dict[str, Any]) -> dict[str, Any]:
    """What `prove` says beside its mode, which is one of the rules of a profile."""
    return {key: value for key, value in prove.items() if key != "mode"}


def _names(document: Document, used: Sequence[SuitePolicy]) -> dict[str, str]:
    """The gates that the policy's own rules are about, and the line of each; those of its suites not."""
    of_suites = {gate for suite in used for gate in suite.document.data.get("gates", {})}
    places: dict[str, str] = {}
    for prefix, gates in gate_rules(document):
        for gate in gates:
            if gate not in of_suites:
                places.setdefault(gate, document.where((*prefix, "gates", gate)))
    return places


def _excused(document: Document) -> dict[str, str]:
    """The patterns for gates in the policy's own list of what need not be noticed, and the line of each."""
    entries = document.data.get("prove", {}).get("equivalent", [])
    return {one["gate"]: document.where(("prove", "equivalent", str(n))) for n, one in enumerate(entries)}


def _beside(path: Path | None, name: str | None, document: Document, reader: Reader) -> PolicySource | None:
    """The file that the policy at *path* names. Raises `PolicyError` where it is not there."""
    if name is None:
        return None
    place = (path.parent if path else Path()) / name
    try:
        return PolicySource(place.as_posix(), reader(place))
    except OSError as problem:
        said = (problem.strerror or "failed").lower()
        raise PolicyError(f"{document.path or 'the policy'} names {name}, which cannot be read: {said}") from None


def profiles(path: Path, reader: Reader = from_disk) -> tuple[str, ...]:
    """The names of the profiles of the policy at *path*, `default` among them. Raises `PolicyError`."""
    document, _ = Document.read(path, reader)
    used = read_suites(document.data.get("suites", []), reader)
    suites = (known for suite in used for known in suite.profiles)
    return tuple(dict.fromkeys((DEFAULT_PROFILE, *document.data.get("profiles", {}), *suites)))


def unpacked(text: str | bytes) -> Policy:
    """A policy as `packed` wrote it: how the controller gives its own to the workers."""
    return msgspec.json.decode(text, type=Policy)


def packed(policy: Policy) -> str:
    """The policy as one JSON string, without the files it came from; gates may ask who the signers are."""
    return msgspec.json.encode(dataclasses.replace(policy, sources=(), waivers=None, keys={})).decode()


def schema() -> dict[str, Any]:
    """The JSON Schema of `promotion.yaml`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Promotion policy",
        **msgspec.json.schema(PolicyFile),
    }
