"""
The rules of the suites that a policy names, as the ground that its own rules are laid on.

Each suite is resolved by itself, in the profile that was asked for where it has that one, else in its default.
Where two suites set the same session-wide rule, the stricter one holds; a gate belongs to one suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from pytest_promotion import suites
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.document import SUITE, Document, PolicySource, Reader, merge
from pytest_promotion.policy.resolving import DEFAULT_PROFILE, check_overlay, lineage
from pytest_promotion.policy.shape import PROVE_MODES, PROVENANCE_MODES, Producer, Rules
from pytest_promotion.suites import registry
from pytest_promotion.text import listed

# What would be relative to a folder that no project has, and the stages, which are those of a project.
_FILES: Final = ("include", "suites", "waivers", "signers", "stages")


@dataclass(frozen=True, slots=True)
class SuitePolicy:
    """The policy of one suite, as it was read."""

    name: str
    document: Document
    source: PolicySource

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has by name."""
        return tuple(self.document.data.get("profiles", {}))

    def resolved(self, profile: str) -> dict[str, Any]:
        """Its rules in *profile*, or in its default where it has no such profile."""
        name = profile if profile in self.profiles else DEFAULT_PROFILE
        return resolved(self.document, lineage(self.document, name)[0])


def read_suites(names: Iterable[str], reader: Reader) -> list[SuitePolicy]:
    """
    The policies of the suites called *names*.

    Raises:
        PolicyError: where one is not installed, is named twice, or has a key that only a project's policy may have.
    """
    found: list[SuitePolicy] = []
    for name in names:
        if name in (one.name for one in found):
            raise PolicyError(f"the suite {name} is named twice under `suites`")
        path = Path(SUITE + name)
        _refuse_files(path, reader(path))
        document, sources = Document.read(path, reader)
        check_overlay(document)
        found.append(SuitePolicy(name, document, sources[0]))
    return found


def _refuse_files(path: Path, content: bytes) -> None:
    document = Document.parse(path, content)
    for key in _FILES:
        if key in document.data:
            raise PolicyError(f"{document.where((key,))}: `{key}` has no place in the policy of a suite")


def resolved(document: Document, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What *document* itself sets, with the profiles *steps*, nearest first, laid on it."""
    rules = {key: value for key, value in _with_mode(document.data).items() if key in Rules.__struct_fields__}
    for step in reversed(steps):
        rules = merge(rules, {key: value for key, value in _with_mode(step).items() if key != "extends"})
    return rules


def _with_mode(data: Mapping[str, Any]) -> dict[str, Any]:
    """*data*, in which `prove` is its mode alone: the rest of it is the same in all profiles."""
    prove = data.get("prove")
    rest = {key: value for key, value in data.items() if key != "prove"}
    mode = prove.get("mode") if isinstance(prove, Mapping) else None
    return rest if mode is None else {**rest, "prove": mode}


def joined(policies: Sequence[SuitePolicy], profile: str) -> dict[str, Any]:
    """The rules of all *policies* in *profile*, as one. Raises `PolicyError` where two contradict each other."""
    rules: dict[str, Any] = {}
    for policy in policies:
        for key, value in policy.resolved(profile).items():
            if key not in rules:
                rules[key] = value
            elif key in ("required", "refresh", "by_digest"):
                known = rules[key] or []
                rules[key] = [*known, *(item for item in value or [] if item not in known)]
            elif key == "gates":
                rules[key] = _gates(rules[key], value, policy)
            elif key == "timestamps":
                rules[key] = _stricter_timestamps(rules[key], value)
            elif key in _RANKS:
                rules[key] = max(rules[key], value, key=_RANKS[key])
            elif key in _STRICTER:
                rules[key] = _STRICTER[key] if _STRICTER[key] in (rules[key], value) else value
            elif rules[key] != value:
                raise PolicyError(f"the suite {policy.name} sets `{key}` otherwise than another suite")
    return rules


# The largest is the strictest.
_RANKS: Final[dict[str, Callable[[Any], float]]] = {
    "prove": PROVE_MODES.index,
    "provenance": PROVENANCE_MODES.index,
    "confidence": float,
}
_STRICTER: Final = {"evidence": "required", "partial": "refuse"}


def _gates(known: Mapping[str, Any], more: Mapping[str, Any], policy: SuitePolicy) -> dict[str, Any]:
    twice = sorted(set(known) & set(more))
    if twice:
        where = policy.document.where(("gates", twice[0]))
        raise PolicyError(f"{where}: the gate {twice[0]} is in the policy of another suite as well")
    return {**known, **more}


def _stricter_timestamps(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = {**one, **other}
    if "max_report_age_min" in one and "max_report_age_min" in other:
        found["max_report_age_min"] = min(one["max_report_age_min"], other["max_report_age_min"])
    if "future_skew" in one and "future_skew" in other:
        found["future_skew"] = min((one["future_skew"], other["future_skew"]), key=parse_duration)
    if one.get("calendar") and other.get("calendar") and one["calendar"] != other["calendar"]:
        raise PolicyError("two suites set `timestamps.calendar` in different ways: set it in the policy that uses them")
    if "ageless" in one and "ageless" in other:
        found["ageless"] = [*one["ageless"], *other["ageless"]]
    if "forbid" in (one.get("mtime"), other.get("mtime")):
        found["mtime"] = "forbid"
    return found


def refuse_unknown_thresholds(document: Document, policies: Sequence[SuitePolicy]) -> None:
    """A project may change the thresholds of a suite's gate, not invent one: a new name there is a misspelt one."""
    for policy in policies:
        known = policy.document.data.get("gates", {})
        for prefix, gates in gate_rules(document):
            for gate, rules in gates.items():
                thresholds = known.get(gate, {}).get("thresholds", {})
                for key in rules.get("thresholds", {}) if gate in known else ():
                    if key not in thresholds:
                        where = document.where((*prefix, "gates", gate, "thresholds", key))
                        have = listed(sorted(thresholds), 10) or "none"
                        raise PolicyError(
                            f"{where}: {gate} of the suite {policy.name} has no threshold {key!r}: {have}"
                        )


def gate_rules(document: Document) -> list[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The rules of gates in *document* and in each of its profiles, with the place of each."""
    profiles = document.data.get("profiles", {})
    own: list[tuple[tuple[str, ...], Mapping[str, Any]]] = [((), document.data.get("gates", {}))]
    return own + [(("profiles", name), profile.get("gates", {})) for name, profile in profiles.items()]


def suite_producers(policies: Iterable[SuitePolicy]) -> dict[str, Any]:
    """The producers that suites bring beside those of their policy files. Raises `PolicyError`."""
    found: dict[str, Any] = {}
    for policy in policies:
        for name, producer in suites.find(policy.name).producers.items():
            try:
                msgspec.convert(dict(producer), Producer)
            except msgspec.ValidationError as problem:
                raise PolicyError(f"the suite {policy.name}: the producer {name} cannot be used: {problem}") from None
            found[name] = dict(producer)
    return found


def suite_writers(policies: Iterable[SuitePolicy]) -> dict[str, str]:
    """How the files of suites are written, by patterns of their paths."""
    return {pattern: how for policy in policies for pattern, how in suites.find(policy.name).writers.items()}


def installed_suites(policies: Iterable[SuitePolicy]) -> list[suites.Suite]:
    """The suites of *policies* that are installed here; a policy that was kept may name others."""
    names = registry.names()
    return [suites.find(policy.name) for policy in policies if policy.name in names]


def in_checkout(sources: Iterable[PolicySource]) -> list[str]:
    """The suites whose own policy is among *sources*, as in a checkout that includes `gates/NAME/promotion.yaml`."""
    folders = [Path(source.path).parent for source in sources if suites.in_checkout(Path(source.path))]
    return [folder.name for folder in folders if folder.name in registry.names()]
