"""From a policy file to the rules of one run: profile laid on profile, overrides on top."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from pytest_promotion.business_days import parse_business_days
from pytest_promotion.durations import AGELESS, parse_duration
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.model import Severity
from pytest_promotion.policy.document import Document
from pytest_promotion.policy.shape import NOTHING, Condition, GateRules, OverrideQuorum, Quorum, RequiredGate, Rules
from pytest_promotion.text import listed

DEFAULT_PROFILE: Final = "default"


def lineage(document: Document, name: str, of_suites: Collection[str] = ()) -> tuple[list[dict[str, Any]], str]:
    """
    The profile and those it extends, nearest first, and the profile in which its suites are resolved.

    Args:
        of_suites: the profiles that the suites of the policy have; a policy need not repeat them.

    Raises:
        PolicyError: where there is no such profile, or profiles extend in a circle.
    """
    profiles = document.data.get("profiles", {})
    steps: list[dict[str, Any]] = []
    passed: list[str] = []
    missing = f"{document.path or 'the built-in policy'} has no profile"
    while name in profiles:
        if name in passed:
            circle = " > ".join([*passed, name])
            raise PolicyError(f"{document.where(('profiles', name))}: profiles extend in a circle: {circle}")
        passed.append(name)
        step = profiles[name]
        steps.append(step)
        parent = step.get("extends")
        if parent is None or (parent == name and name in of_suites):
            # Of a profile that suites have too, theirs is what it lies on.
            return steps, name
        missing, name = f"{document.where(('profiles', name, 'extends'))}: no profile", parent
    if name in of_suites or (name == DEFAULT_PROFILE and not passed):
        return steps, name  # a policy need not have profiles; `default` is then the policy itself
    known = {*profiles, *of_suites}
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known)) or 'none'}"
    raise PolicyError(f"{missing} {name!r}{hint}")


def check_profiles(document: Document, of_suites: Collection[str] = ()) -> None:
    """
    Refuses the name of a profile that does not exist, also in a profile that is not the one in use.

    Raises:
        PolicyError: with the line and the nearest profile.
    """
    profiles = document.data.get("profiles", {})
    for name in profiles:
        lineage(document, name, of_suites)
    known = {DEFAULT_PROFILE, *profiles, *of_suites}
    levels = [((), document.data), *((("profiles", name), profile) for name, profile in profiles.items())]
    for prefix, level in levels:
        for gate, rules in level.get("gates", {}).items():
            when = (rules.get("not_applicable") or {}).get("when") or {}
            for name in when.get("profiles") or ():
                if name not in known:
                    where = document.where((*prefix, "gates", gate, "not_applicable", "when", "profiles"))
                    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
                    raise PolicyError(f"{where}: no profile {name!r}{hint}")


def check_overlay(document: Document) -> None:
    """A profile may change a gate's thresholds, not invent them: a new name there is a misspelt one."""
    gates = document.data.get("gates", {})
    for name, profile in document.data.get("profiles", {}).items():
        for gate, rules in profile.get("gates", {}).items():
            known = gates.get(gate, {}).get("thresholds", {})
            for key in rules.get("thresholds", {}):
                if key not in known:
                    where = document.where(("profiles", name, "gates", gate, "thresholds", key))
                    raise PolicyError(f"{where}: the policy gives {gate} no threshold {key!r}{_nearest(key, known)}")


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known)) or 'none'}"


def assign(merged: dict[str, Any], rules: Rules, assignment: str) -> tuple[str, Any]:
    """Applies one `KEY=VALUE` to *merged*, in place. Returns the full key and the value."""
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise PolicyError(f"--promotion-set {assignment}: expected KEY=VALUE")
    settings = dict(_settings(msgspec.to_builtins(rules)))
    path = tuple(key.split("."))
    if path not in settings:
        # A condition repeats the name of the threshold that it is about.
        matches = [known for known in settings if known[-len(path) :] == path and "not_applicable" not in known]
        if not matches:
            names = {known[-1]: known for known in settings} | {".".join(known): known for known in settings}
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PolicyError(f"--promotion-set {assignment}: the policy has no setting {key!r}{hint}")
        if len(matches) > 1:
            choices = listed([".".join(match) for match in matches])
            raise PolicyError(f"--promotion-set {assignment}: {key} may mean {choices}; write it in full")
        path = matches[0]
    value = _value(text, settings[path], path, assignment)
    target = merged
    for step in path[:-1]:
        # A copy on the way down: the profile this came from keeps its own value.
        target[step] = dict(target.get(step) or {})
        target = target[step]
    target[path[-1]] = value
    return ".".join(path), value


def _settings(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _settings(value, (*path, str(key)))
    else:
        yield path, data


def _value(text: str, present: Any, path: tuple[str, ...], assignment: str) -> Any:
    """*text* as the kind of value that stands there now."""
    if path == ("required",) or isinstance(present, list):
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(present, str):
        return text
    try:
        value = parse_yaml(text.encode(), "the value") if text.strip() else None
    except (Unproven, UnicodeEncodeError):  # 2026-13-45 is a date that there is not
        value = text
    if isinstance(present, bool) and not isinstance(value, bool):
        raise PolicyError(f"--promotion-set {assignment}: expected true or false")
    if isinstance(present, (int, float)) and not isinstance(present, bool):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise PolicyError(f"--promotion-set {assignment}: expected a finite number")
        return value
    return text if isinstance(value, (dict, list)) or value is None else value


def check(rules: Rules, policy: Document) -> None:
    """What types cannot say."""
    producers = policy.data.get("producers", {})
    timeouts = [(("producers", name, "timeout"), one.get("timeout", "60s")) for name, one in producers.items()]
    for path, length in [*_durations(rules, policy), *timeouts]:
        try:
            parse_duration(length)
        except PolicyError as problem:
            raise PolicyError(f"{policy.where(path)}: {'.'.join(path)}: {problem}") from None
    for name, one in producers.items():
        _check_producer(name, one, policy)
    _check_conditions(rules, policy)
    _check_gates(rules, policy)
    if rules.provenance == "signed" and rules.signers is None:
        where = policy.where(("provenance",))
        raise PolicyError(f"{where}: `provenance: signed` needs `signers`, a file of who may sign")
    if rules.required is not None and not rules.required:
        raise PolicyError(
            f"{policy.where(('required',))}: `required` is empty: a roll-call without gates decides nothing"
        )
    _check_parameters(rules, policy)
    for name in rules.refresh:
        if name not in producers:
            raise PolicyError(f"{policy.where(('refresh',))}: refresh names {name!r}, and no producer is called so")
    if rules.waivers is not None and rules.signers is None:
        raise PolicyError(f"{policy.where(('waivers',))}: waivers need `signers`, a file of who may approve them")
    for place, quorum in quorums(rules):
        _check_quorum(place, quorum, policy)


def _check_start(name: str, gate: GateRules, policy: Document) -> None:
    where = policy.where(("gates", name, "effective_on"))
    try:
        starts = gate.starts
    except PolicyError as problem:
        raise PolicyError(f"{where}: gates.{name}.{problem}") from None
    if starts is not None and gate.severity is Severity.WARNING:
        raise PolicyError(f"{where}: gates.{name}: `effective_on` makes it critical, and `severity` says warning")
    for threshold, one in gate.upcoming.items():
        place = ("gates", name, "upcoming", threshold)
        if threshold not in gate.thresholds:
            raise PolicyError(
                f"{policy.where(place)}: the policy gives {name} no threshold {threshold!r} that could change"
                f"{_nearest(threshold, gate.thresholds)}"
            )
        try:
            one.starts  # noqa: B018 - it raises
        except PolicyError as problem:
            raise PolicyError(f"{policy.where((*place, 'effective_on'))}: {'.'.join(place)}.{problem}") from None


def _check_producer(name: str, producer: dict[str, Any], policy: Document) -> None:
    if producer.get("inputs"):
        from pytest_promotion.provenance.producing import Order

        try:
            Order.of(name, producer["command"], producer["inputs"], producer["writes"])
        except PolicyError as problem:
            raise PolicyError(f"{policy.where(('producers', name, 'inputs'))}: {problem}") from None


def _check_gates(rules: Rules, policy: Document) -> None:
    for name, gate in rules.gates.items():
        excused = gate.max_age == AGELESS or gate.about == NOTHING
        if excused != bool(gate.because.strip()):
            path = ("gates", name, "because" if not excused else "max_age" if gate.max_age == AGELESS else "about")
            which = "`about: none`" if gate.about == NOTHING else "`max_age: none`"
            raise PolicyError(f"{policy.where(path)}: gates.{name}: {which} and `because` need each other")
        _check_about(name, gate.about, policy)
        _check_start(name, gate, policy)


def _check_about(name: str, about: Any, policy: Document) -> None:
    place = ("gates", name, "about")
    wrong = f"{policy.where(place)}: gates.{name}.about:"
    if isinstance(about, str) and about != NOTHING:
        raise PolicyError(f"{wrong} expected a list of inputs, a mapping of artifacts to such lists, or none")
    if isinstance(about, str) or about is None:
        return
    from pytest_promotion.provenance.inputs import normal

    lists = [about] if isinstance(about, list) else list(about.values())
    if not lists or not all(lists):
        raise PolicyError(f"{wrong} it names no inputs; leave it out, or write `about: none` and `because`")
    for one in (one for each in lists for one in each):
        if one in (".", "./"):
            raise PolicyError(f"{wrong} the promotion root is no input: every artifact lies in it")
        try:
            normal(one)
        except Unproven as problem:
            raise PolicyError(f"{wrong} {problem}") from None


def _check_parameters(rules: Rules, policy: Document) -> None:
    for one in rules.required or ():
        if isinstance(one, RequiredGate) and "[" in one.gate:
            where = policy.where(("required",))
            raise PolicyError(f"{where}: required: {one.gate} is one parameter of a gate, and has none itself")


def _in_business_days(name: str, max_age: Any, policy: Document, rules: Rules) -> bool:
    place = ("gates", name, "max_age")
    try:
        days = parse_business_days(max_age)
    except PolicyError as problem:
        raise PolicyError(f"{policy.where(place)}: {'.'.join(place)}: {problem}") from None
    if days is not None and rules.timestamps.calendar is None:
        raise PolicyError(f"{policy.where(place)}: gates.{name}.max_age: {days} need `timestamps.calendar`")
    return days is not None


def check_calendar(rules: Rules, policy: Document) -> None:
    """Raises `PolicyError` where the calendar of business days has a name that is not known."""
    if rules.timestamps.calendar is None:
        return
    try:
        rules.timestamps.calendar.made().check()
    except PolicyError as problem:
        raise PolicyError(f"{policy.where(('timestamps', 'calendar'))}: timestamps.calendar: {problem}") from None


def _durations(rules: Rules, policy: Document) -> Iterator[tuple[tuple[str, ...], str | float]]:
    """The durations outside of quorums, each with its place in the policy."""
    yield ("timestamps", "max_report_age_min"), rules.timestamps.max_report_age_min * 60
    yield ("timestamps", "future_skew"), rules.timestamps.future_skew
    for name, gate in rules.gates.items():
        if gate.max_age not in (None, AGELESS) and not _in_business_days(name, gate.max_age, policy, rules):
            yield ("gates", name, "max_age"), gate.max_age


def _check_conditions(rules: Rules, policy: Document) -> None:
    for name, gate in rules.gates.items():
        wrong = _meaningless(gate.not_applicable.when) if gate.not_applicable is not None else ""
        if wrong:
            where = policy.where(("gates", name, "not_applicable", "when"))
            raise PolicyError(f"{where}: gates.{name}.not_applicable.when: {wrong}")


def _meaningless(when: Condition) -> str:
    """What is wrong with a condition, or ""."""
    parts = (when.no_files, when.no_entry, when.profiles, when.unchanged)
    if all(part is None for part in parts) and not when.thresholds:
        return "it has no condition: no_files, no_entry, profiles, unchanged or thresholds"
    for pattern in when.no_files or ():
        if pattern != pattern.strip() or set(pattern) & set("{}\\"):
            return f"{pattern!r} is no pattern: * ? [] and ** are, with / between folders, and no blanks around it"
    return ""


def quorums(rules: Rules) -> Iterator[tuple[tuple[str, ...], Quorum]]:
    """The quorums that the rules have, each with its place in the policy."""
    exceptions = rules.exceptions
    for name, quorum in (("critical", exceptions.waiver.critical), ("warning", exceptions.waiver.warning)):
        if quorum is not None:
            yield ("exceptions", "waiver", name), quorum
    if exceptions.override is not None:
        yield ("exceptions", "override"), exceptions.override


def _check_quorum(path: tuple[str, ...], quorum: Quorum, policy: Document) -> None:
    if quorum.max is None or not quorum.approvals:
        missing = "max" if quorum.max is None else "approvals"
        raise PolicyError(
            f"{policy.where(path)}: {'.'.join(path)} has no {missing}: an exception has an end and a quorum"
        )
    within = [("post_mortem_within", quorum.post_mortem_within)] if isinstance(quorum, OverrideQuorum) else []
    for name, length in [("max", quorum.max), *within]:
        try:
            parse_duration(length)
        except PolicyError as problem:
            raise PolicyError(f"{policy.where((*path, name))}: {'.'.join((*path, name))}: {problem}") from None
    if "any" in quorum.approvals and len(quorum.approvals) > 1:
        where = policy.where((*path, "approvals", "any"))
        raise PolicyError(f"{where}: `any` beside other roles says neither; give the number of each role")
