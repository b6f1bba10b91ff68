"""
Is one policy weaker than another, setting by setting?

A setting is weaker where some evidence passes under it that failed before, and none the other way round. Where
that cannot be known, as of two lists of files, or of a rule that this file has never heard of, the two are
incomparable: only what is known to be stricter is let through without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pytest_promotion.business_days import parse_business_days
from pytest_promotion.clock import iso
from pytest_promotion.durations import AGELESS, LONGEST, parse_duration
from pytest_promotion.policy.resolving import quorums
from pytest_promotion.policy.shape import GateRules, Producer, Prove, Required, RequiredGate, Rules, Stage
from pytest_promotion.policy.strictness import ABSENT, Place, Strictness, strictness
from pytest_promotion.suites import Absence, Suite

if TYPE_CHECKING:
    from pytest_promotion.policy import Policy

# The parts of a policy that are compared by what they mean, or do not mean anything to a gate.
_JUDGED: Final = {
    *("rules", "producers", "prove", "profile", "overrides", "weakened", "sources", "names", "excused"),
    *("stage", "stages", "stage_profiles", "keys", "writers"),
}


@dataclass(frozen=True, slots=True)
class _Length:
    """A length of time, equal to the same one in other words."""

    seconds: float
    text: str = field(compare=False)

    @classmethod
    def of(cls, value: Any) -> _Length:
        return cls((LONGEST if value == AGELESS else parse_duration(value)).total_seconds(), str(value))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that is not what it was."""

    place: Place
    before: str
    after: str
    strictness: Strictness

    @property
    def gate(self) -> str:
        """The gate whose rule it is, or "" where it is about all of them."""
        return self.place[1] if self.place[0] in ("gates", "required") and len(self.place) > 1 else ""

    def __str__(self) -> str:
        return f"{'.'.join(self.place)}: {self.before} to {self.after}"


def changes(before: Rules, after: Rules) -> list[Change]:
    """Everything in which two sets of resolved rules are not the same."""
    return list(_compared(_settings(before, after), _settings(after, before), before))


def _compared(
    before: Iterable[tuple[Place, Any]], after: Iterable[tuple[Place, Any]], rules: Rules
) -> Iterator[Change]:
    one, other = dict(before), dict(after)
    for place in dict.fromkeys((*one, *other)):
        old, new = one.get(place, ABSENT), other.get(place, ABSENT)
        if not _same(old, new):
            declared = rules.gate(place[1]).stricter if place[0] == "gates" else {}
            yield Change(place, _shown(old), _shown(new), strictness(place, old, new, declared))


def _same(old: Any, new: Any) -> bool:
    if ABSENT in (old, new):
        return old is new
    # As they would be written: 1 is not true, and 2m is 120s.
    return bool(old == new) and isinstance(old, bool) is isinstance(new, bool)


def between(old: Policy | None, new: Policy | None) -> list[Change]:
    """
    Everything in which two policies, each of one profile, are not the same; None where it has no such profile.

    A part of a policy that is not named here is compared too, as something of which nobody can tell.
    """
    if old is None or new is None:
        there = [_shown(ABSENT if one is None else one.profile) for one in (old, new)]
        return [] if old is new else [Change(("profiles",), there[0], there[1], Strictness.INCOMPARABLE)]
    found = [*changes(old.rules, new.rules), *producer_changes(old.producers, new.producers)]
    found += _compared(_of_proof(old.prove), _of_proof(new.prove), old.rules)
    stages = _of_stages(old.stages, new.stages), _of_stages(new.stages, old.stages)
    found += _compared(*stages, old.rules)
    found += _key_changes(old, new)
    for part in fields(old):
        values = getattr(old, part.name), getattr(new, part.name)
        contents = [getattr(value, "content", value) for value in values]
        if part.name not in _JUDGED and contents[0] != contents[1]:
            found.append(Change((part.name,), "one", "another", Strictness.INCOMPARABLE))
    return found


def producer_changes(before: Mapping[str, Producer], after: Mapping[str, Producer]) -> Iterator[Change]:
    """What is not the same in the commands that write evidence; one that is gone cannot be asked for any more."""
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            strictness = Strictness.WEAKER if new is None else Strictness.STRONGER
            commands = [ABSENT if one is None else one.command for one in (old, new)]
            yield Change(("producers", name), _shown(commands[0]), _shown(commands[1]), strictness)
            continue
        for key in Producer.__struct_fields__:
            values = getattr(old, key), getattr(new, key)
            if values[0] != values[1]:
                # Another command may write anything; and whether a longer list of files asks more of it or
                # leaves more of them to it, nobody can tell.
                shown = _shown(values[0]), _shown(values[1])
                yield Change(("producers", name, key), *shown, strictness=Strictness.INCOMPARABLE)


def weakened(before: Rules, after: Rules) -> Iterator[str]:
    """
    What the overrides ask less of than the profile does, in words, and what might be less.

    An override of `required` is always among them: it leaves out whatever is not on its list.
    """
    for change in changes(before, after):
        if change.strictness is not Strictness.STRONGER or change.place[0] == "required":
            yield str(change)


def weakened_from(suites: Rules, own: Rules, used: Sequence[Suite] = ()) -> Iterator[str]:
    """
    What a policy asks less of than the suites that it names, in words, and what might be less.

    What those of *used* declare to be a project's to say is not among it, and neither is a condition under which they
    let a gate be left out.
    """
    free = {
        ("gates", gate, "thresholds", name)
        for suite in used
        for gate, names in suite.of_project.items()
        for name in names
    }
    absences = {gate: absence for suite in used for gate, absence in suite.absences.items()}
    known = {*suites.gates, *(suites.required_ids or ())}
    found: dict[str, None] = {}
    for change in changes(suites, own):
        of_its_own = change.gate and change.gate not in known
        if change.strictness is Strictness.STRONGER or of_its_own or change.place in free:
            continue
        condition = change.place[0] == "gates" and change.place[2:3] == ("not_applicable",)
        # The producer of a gate has its name, and nothing to write where the gate is left out.
        left_out = (
            change.gate if condition else change.place[1] if change.place[0] == "refresh" and change.place[1:] else ""
        )
        if left_out in absences and _is_met_no_sooner(own.gate(left_out), absences[left_out]):
            continue
        found[f"gates.{change.gate}.not_applicable: has a condition" if condition else str(change)] = None
    yield from found


def _is_met_no_sooner(rules: GateRules, absence: Absence) -> bool:
    """Whether the condition of *rules* has a part that holds only where that of *absence* does: all have to hold."""
    if rules.not_applicable is None:
        return False
    when = rules.not_applicable.when
    if absence.no_files and when.no_files and set(when.no_files) >= set(absence.no_files):
        return True
    if absence.profiles and when.profiles and set(when.profiles) <= set(absence.profiles):
        return True
    folder, script = (rules.thresholds.get(name) for name in ("folder", "script"))
    return bool(
        absence.no_script
        and when.no_entry is not None
        and when.no_entry.file == str(PurePosixPath(str(folder)) / "package.json")
        and list(when.no_entry.entry) == ["scripts", script]
    )


# --- what there is to compare ---


def _settings(rules: Rules, other: Rules) -> Iterator[tuple[Place, Any]]:
    """The settings of *rules* by place, as they take effect; *other* says which gates there are to ask about."""
    for name in Rules.__struct_fields__:
        value = getattr(rules, name)
        if name == "required":
            yield from _roll_call(value, other.required)
        elif name == "refresh":
            yield from ((("refresh", one), True) for one in value)
            yield ("refresh",), [one for one in value if one in other.refresh]
        elif name == "timestamps":
            times = msgspec.to_builtins(value) | {"future_skew": _Length.of(value.future_skew)}
            for one in times.pop("ageless"):
                yield from (((name, "ageless", pattern), "excused") for pattern in one["artifacts"])
            yield from _leaves((name,), times)
        elif name == "by_digest":
            yield from (((name, pattern), "not kept") for one in value for pattern in one.artifacts)
        elif name == "exceptions":
            yield from _of_exceptions(rules, other)
        elif name == "gates":
            for gate_id in sorted({*value, *other.gates}):
                yield from _of_gate(gate_id, rules, other)
        else:
            yield from _leaves((name,), msgspec.to_builtins(value))


def _roll_call(required: list[Required] | None, other: list[Required] | None) -> Iterator[tuple[Place, Any]]:
    if required is None or other is None:
        # Every gate that is there, against a list: each may hold what the other lacks.
        yield ("required",), None if required is None else [_in_words(one) for one in required]
        return
    least: dict[str, int] = {}
    for one in required:
        if isinstance(one, str):
            yield ("required", one), True
            continue
        yield from ((("required", name), True) for name in one.ids)
        least[one.gate] = max(one.least, least.get(one.gate, 0))
    # A list of names asks for at least as many, so that one and a number can be compared.
    yield from ((("required", name, "parameters"), count) for name, count in least.items())


def _in_words(one: Required) -> str:
    if not isinstance(one, RequiredGate):
        return one
    return ", ".join(one.ids) if isinstance(one.parameters, list) else f"{one.gate} with {one.parameters} parameters"


def _of_exceptions(rules: Rules, other: Rules) -> Iterator[tuple[Place, Any]]:
    """What kinds of exceptions are accepted; of those that both accept, by whom and for how long."""
    theirs = dict(quorums(other))
    for place, quorum in quorums(rules):
        yield place, "accepted"
        if place not in theirs:
            continue
        for name in quorum.__struct_fields__:
            value = getattr(quorum, name)
            if name == "approvals":
                for role in dict.fromkeys((*value, *theirs[place].approvals)):
                    yield (*place, name, role), value.get(role, 0)
            else:
                yield (*place, name), _Length.of(value) if name in ("max", "post_mortem_within") else value


def _of_gate(gate_id: str, rules: Rules, other: Rules) -> Iterator[tuple[Place, Any]]:
    own, theirs = rules.gate(gate_id), other.gate(gate_id)
    for name in GateRules.__struct_fields__:
        value, place = getattr(own, name), ("gates", gate_id, name)
        if name == "because":
            continue  # words, which hold or lift nothing
        if name == "effective_on":
            yield place, iso(own.starts) if own.starts is not None else None
        elif name == "upcoming":
            for threshold, change in own.upcoming.items():
                yield (*place, threshold, "effective_on"), iso(change.starts)
                yield from _leaves((*place, threshold, "value"), msgspec.to_builtins(change.value))
        elif name == "about":
            yield from (((*place, *one), "demanded") for one in _demands(value))
        elif name == "max_age":
            # A gate without a window of its own has the profile's.
            days = parse_business_days(value)
            if days is not None:
                # Which of one and of a length of time is longer depends on the day.
                yield (*place, "business_days"), days.count
            elif value is not None or theirs.max_age is not None:
                yield place, _Length.of(f"{rules.timestamps.max_report_age_min:g}m" if value is None else value)
        else:
            yield from _leaves(place, msgspec.to_builtins(value))


def _demands(about: Any) -> Iterator[tuple[str, ...]]:
    """What the artifacts of a gate have to be made from, each with the pattern of those artifacts."""
    if isinstance(about, str):
        yield (about,)  # "none"
        return
    for pattern, inputs in ({"*": about} if isinstance(about, list) else about or {}).items():
        yield from ((pattern, one) for one in inputs)


def _of_proof(prove: Prove) -> Iterator[tuple[Place, Any]]:
    for name in Prove.__struct_fields__:
        if name == "mode":
            continue  # one of the rules of the profile
        if name == "equivalent":
            for one in prove.equivalent:
                yield ("prove", name, f"{one.gate} {one.sabotage} {one.artifact} {one.field}"), "excused"
        else:
            yield from _leaves(("prove", name), msgspec.to_builtins(getattr(prove, name)))


def _of_stages(stages: Mapping[str, Stage], other: Mapping[str, Stage]) -> Iterator[tuple[Place, Any]]:
    for name, stage in stages.items():
        yield ("stages", name), "there"
        if name not in other:
            continue
        theirs = other[name]
        yield ("stages", name, "after"), stage.after
        yield ("stages", name, "profile"), stage.profile
        if stage.soak is not None:
            yield ("stages", name, "soak"), _Length.of(stage.soak)
        for role in dict.fromkeys((*stage.approvals, *theirs.approvals)):
            yield ("stages", name, "approvals", role), stage.approvals.get(role, 0)
        if stage.keys or theirs.keys:
            yield ("stages", name, "keys"), list(stage.keys) or None


def _key_changes(old: Policy, new: Policy) -> Iterator[Change]:
    """The keys of a stage whose files have other contents under the same names."""
    for name in old.keys.keys() & new.keys.keys():
        contents = ([key.content for key in policy.keys[name]] for policy in (old, new))
        if old.stages[name].keys == new.stages[name].keys and len({tuple(one) for one in contents}) > 1:
            yield Change(("stages", name, "keys"), "some keys", "other keys", Strictness.INCOMPARABLE)


def _leaves(place: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves((*place, key), item)
    else:
        yield place, value


def _shown(value: Any) -> str:
    if value is None or value is ABSENT:
        return "null" if value is None else "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value)
