"""Is one policy weaker than another, setting by setting: each rule of strictness, both ways."""

from __future__ import annotations

import pytest

from pytest_promotion import policy as policies
from pytest_promotion.policy import GateRules, Policy, Producer, Prove, Rules
from pytest_promotion.policy.comparing import Change, between, changes, producer_changes, weakened
from pytest_promotion.policy.shape import (
    Equivalent,
    Exceptions,
    OverrideQuorum,
    Timestamps,
    WaiverQuorum,
    WaiverRules,
)
from pytest_promotion.policy.strictness import ABSENT, Strictness, strictness

WEAKER, STRONGER, INCOMPARABLE = Strictness.WEAKER, Strictness.STRONGER, Strictness.INCOMPARABLE


def gate(**rules):
    """Rules of one gate."""
    return Rules(gates={"a": GateRules(**rules)})


def limit(name, value, **more):
    """One threshold of one gate."""
    return gate(thresholds={name: value}, **more)


def accepting(**fields):
    """Rules that accept overrides, or waivers by severity."""
    if "override" in fields:
        return Rules(exceptions=Exceptions(override=OverrideQuorum(**fields["override"])))
    return Rules(
        exceptions=Exceptions(waiver=WaiverRules(**{key: WaiverQuorum(**value) for key, value in fields.items()}))
    )


ONE = {"max": "1d", "approvals": {"qa": 1}}

# What is stronger, what is weaker, and how the change from the one to the other is shown.
ORDERED = [
    (Rules(evidence="required"), Rules(), "evidence: required to optional"),
    (Rules(), Rules(partial="allow"), "partial: refuse to allow"),
    (Rules(), Rules(timestamps=Timestamps(max_report_age_min=30.0)), "timestamps.max_report_age_min: 20.0 to 30.0"),
    (Rules(), Rules(timestamps=Timestamps(future_skew="3m")), "timestamps.future_skew: 2m to 3m"),
    (Rules(timestamps=Timestamps(mtime="forbid")), Rules(), "timestamps.mtime: forbid to allow"),
    (Rules(release_manifest="m"), Rules(), "release_manifest: m to null"),
    (Rules(), Rules(waivers="w"), "waivers: null to w"),
    (Rules(required=["a", "b"]), Rules(required=["a"]), "required.b: true to nothing"),
    (Rules(refresh=["a"]), Rules(), "refresh.a: true to nothing"),
    (gate(severity="critical"), gate(), "gates.a.severity: critical to null"),
    (gate(), gate(severity="warning"), "gates.a.severity: null to warning"),
    (gate(max_age="5m"), gate(max_age="6m"), "gates.a.max_age: 5m to 6m"),
    (gate(max_age="5m"), gate(), "gates.a.max_age: 5m to 20m"),
    (gate(), gate(source="report"), "gates.a.source: inputs to report"),
    (limit("min_score", 2), limit("min_score", 1), "gates.a.thresholds.min_score: 2 to 1"),
    (limit("least_score", 2), limit("least_score", 1), "gates.a.thresholds.least_score: 2 to 1"),
    (limit("at_least_x", 2), limit("at_least_x", 1), "gates.a.thresholds.at_least_x: 2 to 1"),
    (limit("x_at_least", 2), limit("x_at_least", 1), "gates.a.thresholds.x_at_least: 2 to 1"),
    (limit("max_drift", 1), limit("max_drift", 2), "gates.a.thresholds.max_drift: 1 to 2"),
    (limit("most_x", 1), limit("most_x", 2), "gates.a.thresholds.most_x: 1 to 2"),
    (limit("at_most_x", 1), limit("at_most_x", 2), "gates.a.thresholds.at_most_x: 1 to 2"),
    (limit("longest_x", 1), limit("longest_x", 2), "gates.a.thresholds.longest_x: 1 to 2"),
    (limit("x_limit", 1), limit("x_limit", 2), "gates.a.thresholds.x_limit: 1 to 2"),
    (limit("x_at_most", 1), limit("x_at_most", 2), "gates.a.thresholds.x_at_most: 1 to 2"),
    (limit("require_x", True), limit("require_x", False), "gates.a.thresholds.require_x: true to false"),
    (limit("skip_x", False), limit("skip_x", True), "gates.a.thresholds.skip_x: false to true"),
    (limit("allow_x", False), limit("allow_x", True), "gates.a.thresholds.allow_x: false to true"),
    (Rules(), accepting(override=ONE), "exceptions.override: nothing to accepted"),
    (Rules(), accepting(critical=ONE), "exceptions.waiver.critical: nothing to accepted"),
    (accepting(warning=ONE), accepting(warning=ONE | {"max": "2d"}), "exceptions.waiver.warning.max: 1d to 2d"),
    (accepting(warning=ONE), accepting(warning=ONE | {"subjects": 2}), "exceptions.waiver.warning.subjects: 1 to 2"),
    (accepting(override=ONE), accepting(override=ONE | {"post_mortem_within": "8d"}), "exceptions.override.post_mortem_within: 7d to 8d"),
    (accepting(override=ONE | {"approvals": {"qa": 2}}), accepting(override=ONE), "exceptions.override.approvals.qa: 2 to 1"),
    (accepting(override=ONE | {"approvals": {"qa": 1, "ops": 1}}), accepting(override=ONE), "exceptions.override.approvals.ops: 1 to 0"),
]  # fmt: skip


@pytest.mark.parametrize(("strong", "weak", "shown"), ORDERED, ids=[shown for _, _, shown in ORDERED])
def test_each_rule_has_a_direction(strong, weak, shown):
    """A rule whose direction is read the wrong way round lets a weaker policy through as a stronger one."""
    found = [one for one in changes(strong, weak) if str(one) == shown]
    assert [one.strictness for one in found] == [WEAKER]
    [back] = [one for one in changes(weak, strong) if one.place == found[0].place]
    assert (back.strictness, back.before, back.after) == (STRONGER, found[0].after, found[0].before)
    assert shown in list(weakened(strong, weak))
    assert changes(strong, strong) == []


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (Rules(), Rules(required=["a"]), "required: null to [a]"),
        (Rules(required=["a"]), Rules(), "required: [a] to null"),
        (Rules(signers="s"), Rules(signers="t"), "signers: s to t"),
        (Rules(release_manifest="m"), Rules(release_manifest="n"), "release_manifest: m to n"),
        (Rules(refresh=["a", "b"]), Rules(refresh=["b", "a"]), "refresh: [a, b] to [b, a]"),
        (limit("score", 1), limit("score", 2), "gates.a.thresholds.score: 1 to 2"),
        (limit("min_score", 1), limit("min_score", True), "gates.a.thresholds.min_score: 1 to true"),
        (limit("min_score", 1), limit("min_score", "2"), "gates.a.thresholds.min_score: 1 to 2"),
        (limit("max_score", 1), limit("max_score", None), "gates.a.thresholds.max_score: 1 to null"),
        (limit("require_x", 1), limit("require_x", 0), "gates.a.thresholds.require_x: 1 to 0"),
        (limit("min_x", 1), gate(), "gates.a.thresholds.min_x: 1 to nothing"),
        (gate(timestamps=["a"]), gate(timestamps=["b"]), "gates.a.timestamps: [a] to [b]"),
        (gate(), gate(stricter={"x": "lower"}), "gates.a.stricter.x: nothing to lower"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_called_so_and_counts_as_weakened(before, after, shown):
    """Only what is known to be stricter is let through without a word."""
    found = changes(before, after)
    assert [(str(one), one.strictness) for one in found] == [(shown, INCOMPARABLE)]
    assert list(weakened(before, after)) == [shown]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Rules(timestamps=Timestamps(future_skew="2m")), Rules(timestamps=Timestamps(future_skew="120s"))),
        (gate(max_age="20m"), gate()),
        (gate(max_age="1h"), gate(max_age="60m")),
        (Rules(gates={"a": GateRules()}), Rules()),
        (Rules(gates={"a": GateRules(max_age="5m")}), Rules(gates={"a": GateRules(max_age="5m"), "a[1]": GateRules(max_age="5m")})),
        (limit("x", 1), limit("x", 1.0)),
    ],
)  # fmt: skip
def test_the_same_in_other_words_is_no_change(before, after):
    """A list of changes that are none hides the one that is."""
    assert changes(before, after) == changes(after, before) == []


def test_a_declared_direction_is_that_of_the_old_policy():
    """With that of the new one, a threshold and its direction could be turned at once."""
    old = limit("score", 1, stricter={"score": "higher"})
    assert [one.strictness for one in changes(old, limit("score", 2, stricter={"score": "higher"}))] == [STRONGER]
    assert [one.strictness for one in changes(old, limit("score", 0, stricter={"score": "higher"}))] == [WEAKER]
    found = {one.place[2]: one.strictness for one in changes(old, limit("score", 0, stricter={"score": "lower"}))}
    assert found == {"thresholds": WEAKER, "stricter": INCOMPARABLE}
    lower = limit("min_x", 1, stricter={"min_x": "lower"})
    assert [one.strictness for one in changes(lower, limit("min_x", 2, stricter={"min_x": "lower"}))] == [WEAKER]


def test_an_override_of_the_required_gates_is_always_told():
    """It leaves out whatever is not on its list."""
    assert list(weakened(Rules(required=["a"]), Rules(required=["a", "b"]))) == ["required.b: nothing to true"]
    assert list(weakened(Rules(timestamps=Timestamps(max_report_age_min=30)), Rules())) == []


@pytest.mark.parametrize(
    ("place", "gate_id"),
    [
        (("gates", "a", "max_age"), "a"),
        (("required", "a"), "a"),
        (("required",), ""),
        (("evidence",), ""),
        (("gates",), ""),
    ],
)
def test_a_change_belongs_to_a_gate_or_to_all(place, gate_id):
    """Reports are grouped by it."""
    change = Change(place, "1", "2", WEAKER)
    assert change.gate == gate_id
    assert str(change) == f"{'.'.join(place)}: 1 to 2"


def test_what_stands_in_no_table_has_no_direction():
    """A new kind of rule is not stricter because it sorts later."""
    assert strictness(("unheard",), 1, 2, {}) is INCOMPARABLE
    assert strictness(("gates", "a", "unheard"), 1, 2, {}) is INCOMPARABLE
    assert strictness(("evidence",), "optional", "unheard", {}) is INCOMPARABLE
    assert strictness(("timestamps", "max_report_age_min"), 1, 1, {}) is INCOMPARABLE
    assert strictness(("timestamps", "future_skew"), 1, 2, {}) is INCOMPARABLE
    assert strictness(("waivers",), ABSENT, None, {}) is STRONGER


# --- whole policies ---

PRODUCER = Producer(command=["x"], writes=["y"])
EXCUSE = Equivalent(gate="a", because="it is not read", sabotage="s", artifact="f", field="g")


def policy(**fields):
    """A policy with nothing in it but these."""
    return Policy(fields.pop("rules", Rules()), **fields)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (policy(), policy(), []),
        (policy(rules=gate(severity="critical")), policy(), [("gates.a.severity: critical to null", WEAKER)]),
        (policy(), policy(prove=Prove(min_kill_rate=0.5)), [("prove.min_kill_rate: 1.0 to 0.5", WEAKER)]),
        (policy(), policy(prove=Prove(equivalent=[EXCUSE])), [("prove.equivalent.a s f g: nothing to excused", WEAKER)]),
        (policy(prove=Prove(equivalent=[EXCUSE])), policy(), [("prove.equivalent.a s f g: excused to nothing", STRONGER)]),
        (policy(profile="a", overrides={"x": 1}, weakened=("x",)), policy(), []),
        (policy(waivers=policies.PolicySource("w", b"1")), policy(waivers=policies.PolicySource("v", b"1")), []),
        (policy(waivers=policies.PolicySource("w", b"1")), policy(waivers=policies.PolicySource("w", b"2")), [("waivers: one to another", INCOMPARABLE)]),
        (policy(), policy(signers=policies.PolicySource("w", b"2")), [("signers: one to another", INCOMPARABLE)]),
        (None, None, []),
        (None, policy(profile="ci"), [("profiles: nothing to ci", INCOMPARABLE)]),
        (policy(profile="ci"), None, [("profiles: ci to nothing", INCOMPARABLE)]),
    ],
)  # fmt: skip
def test_all_parts_of_a_policy_are_compared(old, new, expected):
    """A part that is forgotten is the one in which it is weakened."""
    assert [(str(one), one.strictness) for one in between(old, new)] == expected


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({"q": PRODUCER}, []),
        ({}, [("producers.q: [x] to nothing", WEAKER)]),
        ({"q": PRODUCER, "r": PRODUCER}, [("producers.r: nothing to [x]", STRONGER)]),
        ({"q": Producer(command=["z"], writes=["y"])}, [("producers.q.command: [x] to [z]", INCOMPARABLE)]),
        ({"q": Producer(command=["x"], writes=["y"], timeout="2m")}, [("producers.q.timeout: 60s to 2m", INCOMPARABLE)]),
        ({"r": PRODUCER}, [("producers.q: [x] to nothing", WEAKER), ("producers.r: nothing to [x]", STRONGER)]),
    ],
)  # fmt: skip
def test_producers_are_compared_by_name(new, expected):
    """Another command may write anything."""
    found = list(producer_changes({"q": PRODUCER}, new))
    assert [(str(one), one.strictness) for one in found] == expected
    assert [
        (str(one), one.strictness) for one in between(policy(producers={"q": PRODUCER}), policy(producers=new))
    ] == expected
