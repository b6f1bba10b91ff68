"""Is one policy weaker than another? What is said of it, held against the functions that judge."""

from __future__ import annotations

import functools
import itertools
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion.clock import Clock, iso
from pytest_promotion.decision.ledger import Ledger, Phase
from pytest_promotion.decision.verdict import decide
from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import GateFailed, PolicyError, Unproven
from pytest_promotion.evidence.artifacts import Shelf
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.freshness import Window
from pytest_promotion.evidence.measures import Measure
from pytest_promotion.evidence.reading import Root
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import Gate, GateResult, Judged, Measurement, Outcome, Record, Severity
from pytest_promotion.policy import GateRules, Policy, Rules, load
from pytest_promotion.policy.comparing import between, changes
from pytest_promotion.policy.shape import Equivalent, Producer, Prove, Timestamps
from pytest_promotion.policy.strictness import Strictness
from tests.cli.test_commands import promotion

pytestmark = pytest.mark.slow

WEAKER, STRONGER, INCOMPARABLE = Strictness.WEAKER, Strictness.STRONGER, Strictness.INCOMPARABLE
EXCUSE = Equivalent(gate="a", because="it is not read")
NOW = datetime(2026, 2, 22, 12, 0, tzinfo=UTC)

# What a candidate's evidence may be like: the first of each is as good as can be.
WORLD: dict[str, list[Any]] = {
    "age_s": [0, -90, 240, 420, 900, 1500, 3000],
    "other_age_s": [0, 900, 3000],
    "source": ["ts_utc", "mtime"],
    "score": [1.0, 0.5, 0.1],
    "drop": [0.0, 0.5, 0.9],
    "ready": [True, False],
    "looks": [True, False],
    "marked": [Severity.CRITICAL, Severity.WARNING],
    "second_ran": [True, False],
}
GOOD = {name: values[0] for name, values in WORLD.items()}


def worlds():
    """The good world, and all that differ from it in one thing or in two."""
    yield GOOD
    for count in (1, 2):
        for names in itertools.combinations(WORLD, count):
            for values in itertools.product(*(WORLD[name][1:] for name in names)):
                yield GOOD | dict(zip(names, values, strict=True))


WORLDS = list(worlds())


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """Whether a promotion passes under some rules in some world, as the real functions say."""
    root = tmp_path_factory.mktemp("root")

    @functools.cache
    def fresh(age_s, source, window, max_age):
        moment = NOW - timedelta(seconds=age_s)
        path = root / f"{source}{age_s}.json"
        path.write_text(json.dumps({"ts_utc": iso(moment)} if source == "ts_utc" else {"x": 1}))
        os.utime(path, (moment.timestamp(), moment.timestamp()))
        shelf = Shelf(Root(root), Vault(root / "vault"), Notebook(), window, Clock(NOW))
        return not refused(lambda: shelf.fresh(shelf.get(path.name), max_age))

    @functools.cache
    def proven(looks, required):
        ledger = Ledger(evidence_required=required)
        ledger.plan(Gate("g", Severity.CRITICAL, "g"))
        seen = (Measurement("x", 1, ">=", 1, ok=True),) if looks else ()
        record = Record(measurements=seen, judged=Judged(judgements=1))
        for when in ("setup", "call", "teardown"):
            ledger.observe("g", Phase(when, "passed"), record)
        return ledger.result("g").passed

    def passes(rules: Rules, world: dict[str, Any]) -> bool:
        window = Window(
            parse_duration(rules.timestamps.max_report_age_min * 60),
            parse_duration(rules.timestamps.future_skew),
            mtime=rules.timestamps.mtime == "allow",
        )
        own = rules.gate("g")
        measure = Measure(Notebook())
        good = proven(world["looks"], rules.evidence == "required") and (
            not world["looks"]
            or (
                fresh(
                    world["age_s"],
                    world["source"],
                    window,
                    parse_duration(own.max_age) if own.max_age else window.max_age,
                )
                and not refused(lambda: measure.at_least("score", world["score"], own.thresholds["min_score"]))
                and not refused(lambda: measure.at_most("drop", world["drop"], own.thresholds["drop_limit"]))
                and not refused(lambda: measure.at_most("odd", world["drop"], own.thresholds["odd"]))
                and (world["ready"] or not own.thresholds["require_ready"])
            )
        )
        results = [
            GateResult(Gate("g", own.severity or world["marked"]), Outcome.PASS if good else Outcome.FAIL, ""),
            GateResult(
                Gate("other", Severity.CRITICAL),
                Outcome.PASS if fresh(world["other_age_s"], "ts_utc", window, window.max_age) else Outcome.FAIL,
                "",
            ),
        ]
        if world["second_ran"]:
            results.append(GateResult(Gate("second", Severity.CRITICAL), Outcome.PASS, ""))
        return decide(results, rules.required_ids).passed

    return passes


def refused(demand):
    try:
        demand()
    except (GateFailed, Unproven):
        return True
    return False


KINDS: dict[str, list[Any]] = {
    "required": [["g", "other"], ["g", "other", "second"]],
    "evidence": ["optional", "required"],
    "max_report_age_min": [10.0, 20.0],
    "future_skew": ["1m", "2m"],
    "mtime": ["allow", "forbid"],
    "severity": [None, Severity.CRITICAL, Severity.WARNING],
    "max_age": [None, "5m", "30m"],
    "min_score": [0.3, 0.7],
    "drop_limit": [0.3, 0.7],
    "odd": [0.3, 0.7],
    "require_ready": [True, False],
}


def rules_of(choice: dict[str, Any]) -> Rules:
    """The rules with one value of each kind."""
    thresholds = {name: choice[name] for name in ("min_score", "drop_limit", "odd", "require_ready")}
    gate = GateRules(
        severity=choice["severity"], max_age=choice["max_age"], thresholds=thresholds, stricter={"odd": "lower"}
    )
    return Rules(
        required=choice["required"],
        evidence=choice["evidence"],
        timestamps=Timestamps(**{name: choice[name] for name in ("max_report_age_min", "future_skew", "mtime")}),
        gates={"g": gate},
    )


CHOICES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in KINDS.items()})


def lets_in(judge, before, after):
    """A world that passes under *after* and failed under *before*, found by search."""
    return next((world for world in WORLDS if judge(after, world) and not judge(before, world)), None)


@settings(max_examples=60, deadline=None)
@given(choice=CHOICES, kind=st.sampled_from(sorted(KINDS)), data=st.data())
def test_weaker_is_what_lets_evidence_in(judge, choice, kind, data):
    """A change that is called harmless and is not merges itself."""
    if kind != "severity" and choice["severity"] is Severity.WARNING:
        choice = choice | {"severity": None}  # of a warning gate, nothing changes the verdict
    if kind in ("min_score", "drop_limit", "odd", "max_report_age_min", "future_skew", "mtime", "require_ready"):
        # What would mask the one that is changed.
        masks = {"drop_limit": ("odd", 0.7), "odd": ("drop_limit", 0.7)}
        if kind in masks:
            choice = choice | {masks[kind][0]: masks[kind][1]}
    other = choice | {kind: data.draw(st.sampled_from(KINDS[kind]))}
    before, after = rules_of(choice), rules_of(other)
    said = {change.strictness for change in changes(before, after)}
    assert (WEAKER in said) == (lets_in(judge, before, after) is not None)
    assert (STRONGER in said) == (lets_in(judge, after, before) is not None)
    assert INCOMPARABLE not in said


@settings(max_examples=60, deadline=None)
@given(one=CHOICES, other=CHOICES)
def test_many_changes_hide_no_weaker_one(judge, one, other):
    """Ten changes that are stronger are the place to put the one that is not."""
    before, after = rules_of(one), rules_of(other)
    said = {change.strictness for change in changes(before, after)}
    if lets_in(judge, before, after) is not None:
        assert said & {WEAKER, INCOMPARABLE}


@settings(max_examples=60, deadline=None)
@given(one=CHOICES, other=CHOICES)
def test_there_and_back_is_the_other_way_round(one, other):
    """Weaker one way and not stronger the other is a rule that nobody understands."""
    turned = {WEAKER: STRONGER, STRONGER: WEAKER, INCOMPARABLE: INCOMPARABLE}
    there = {change.place: change.strictness for change in changes(rules_of(one), rules_of(other))}
    back = {change.place: turned[change.strictness] for change in changes(rules_of(other), rules_of(one))}
    assert there == back


GATE = {"thresholds": {"x": 1, "min_n": 5, "skip_it": False, "files": ["a"], "off": None}}
BASE: dict[str, Any] = {"required": ["a", "b"], "gates": {"a": GATE}}


def built(**more: Any) -> Rules:
    return msgspec.convert(BASE | more, Rules)


def gate(**thresholds: Any) -> dict[str, Any]:
    return {"gates": {"a": {"thresholds": GATE["thresholds"] | thresholds}}}


@pytest.mark.parametrize(
    ("change", "place", "expected"),
    [
        ({"required": ["a"]}, "required.b", WEAKER),
        ({"required": ["a", "b", "c"]}, "required.c", STRONGER),
        ({"required": None}, "required", INCOMPARABLE),
        ({"partial": "allow"}, "partial", WEAKER),
        ({"refresh": ["p"]}, "refresh.p", STRONGER),
        ({"release_manifest": "m"}, "release_manifest", STRONGER),
        ({"waivers": "w"}, "waivers", WEAKER),
        ({"gates": {"a": GATE | {"source": "report"}}}, "gates.a.source", WEAKER),
        ({"gates": {"a": GATE | {"timestamps": ["made"]}}}, "gates.a.timestamps", INCOMPARABLE),
        ({"gates": {"a": GATE | {"stricter": {"x": "lower"}}}}, "gates.a.stricter.x", INCOMPARABLE),
        ({"gates": {"a": GATE | {"max_age": "10m"}}}, "gates.a.max_age", STRONGER),
        ({"gates": {"a": GATE | {"max_age": "30m"}}}, "gates.a.max_age", WEAKER),
        ({"gates": {"a": GATE, "a[1]": {}}}, "gates.a[1].thresholds.min_n", INCOMPARABLE),
        (gate(x=2), "gates.a.thresholds.x", INCOMPARABLE),
        (gate(x=True), "gates.a.thresholds.x", INCOMPARABLE),
        (gate(min_n=4), "gates.a.thresholds.min_n", WEAKER),
        (gate(min_n=6), "gates.a.thresholds.min_n", STRONGER),
        (gate(min_n=None), "gates.a.thresholds.min_n", INCOMPARABLE),
        (gate(min_n="6"), "gates.a.thresholds.min_n", INCOMPARABLE),
        (gate(min_n=True), "gates.a.thresholds.min_n", INCOMPARABLE),
        (gate(skip_it=True), "gates.a.thresholds.skip_it", WEAKER),
        (gate(skip_it=0), "gates.a.thresholds.skip_it", INCOMPARABLE),
        (gate(files=["a", "b"]), "gates.a.thresholds.files", INCOMPARABLE),
        (gate(new=1), "gates.a.thresholds.new", INCOMPARABLE),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else str(value),
)
def test_what_a_change_is_called(change, place, expected):
    """Each kind of change, by the rule that the documentation gives."""
    found = {".".join(one.place): one.strictness for one in changes(built(), built(**change))}
    assert found[place] is expected


@pytest.mark.parametrize("name", ["release_manifest", "waivers"])
def test_another_file_is_incomparable(name):
    """Both have one: that says nothing of what is in it."""
    [change] = changes(built(**{name: "a"}), built(**{name: "b"}))
    assert (change.place, change.strictness) == ((name,), INCOMPARABLE)


def test_a_threshold_that_is_gone_is_not_one_that_is_null():
    """A gate that asks for what is gone fails; one that finds null may take it for off."""
    gone = {
        "gates": {"a": {"thresholds": {key: GATE["thresholds"][key] for key in GATE["thresholds"] if key != "off"}}}
    }
    [change] = changes(built(), built(**gone))
    assert (change.before, change.after, change.strictness) == ("null", "nothing", INCOMPARABLE)


def test_the_direction_is_the_one_declared_before():
    """Whoever turns a threshold and its direction in one change has made the weaker look stronger."""
    one, other = (
        built(gates={"a": {"thresholds": {"x": value}, "stricter": {"x": way}}})
        for value, way in ((5, "higher"), (4, "lower"))
    )
    found = {change.place[2]: change.strictness for change in changes(one, other)}
    assert found == {"thresholds": WEAKER, "stricter": INCOMPARABLE}


@pytest.mark.parametrize("words", [("2m", "120s"), ("24h", "1d")])
def test_the_same_length_in_other_words_is_no_change(words):
    """A diff that cries over spelling is switched off."""
    one, other = (built(timestamps={"future_skew": word}, gates={"a": {"max_age": word}}) for word in words)
    assert changes(one, other) == []


@pytest.mark.parametrize("name", Rules.__struct_fields__)
def test_no_rule_of_a_policy_is_overlooked(name):
    """A rule that is added one day and not compared is the one that is weakened."""
    values = {
        "required": ["a"],
        "gates": {"a": {"max_age": "1m"}},
        "timestamps": {"mtime": "forbid"},
        "evidence": "required",
        "by_digest": [{"artifacts": ["store/*"], "because": "too large to be kept"}],
        "partial": "allow",
        "prove": "required",
        "provenance": "required",
        "confidence": 0.99,
        "refresh": ["p"],
        "release_manifest": "m",
        "waivers": "w.yaml",
        "signers": "s.yaml",
        "exceptions": {"waiver": {"warning": {"max": "1d", "approvals": {"any": 1}}}},
    }
    # A rule without an example here is one that nobody has thought about.
    value = values[name]
    assert changes(Rules(), msgspec.convert({name: value}, Rules))


QUORUM = {"max": "7d", "approvals": {"qa": 1, "backend": 1}}


@pytest.mark.parametrize(
    ("change", "place", "expected"),
    [
        ({"max": "168h"}, (), None),
        ({"max": "8d"}, ("max",), WEAKER),
        ({"max": "1d"}, ("max",), STRONGER),
        ({"approvals": {"qa": 1}}, ("approvals", "backend"), WEAKER),
        ({"approvals": {"qa": 2, "backend": 1}}, ("approvals", "qa"), STRONGER),
        ({"subjects": 3}, ("subjects",), WEAKER),
    ],
    ids=["same", "longer", "shorter", "a role less", "one more", "more candidates"],
)
def test_the_rules_of_exceptions_have_a_direction(change, place, expected):
    """Who may accept a failure, and for how long, is where a policy is loosened first."""
    one, other = (built(exceptions={"waiver": {"critical": quorum}}) for quorum in (QUORUM, QUORUM | change))
    found = {each.place: each.strictness for each in changes(one, other)}
    assert found == ({("exceptions", "waiver", "critical", *place): expected} if expected else {})


def test_an_exception_that_is_accepted_at_all_is_weaker():
    """Nothing can be waived by default; a rule for it opens the door."""
    open_, shut = built(exceptions={"override": QUORUM | {"post_mortem_within": "7d"}}), built()
    [found] = changes(shut, open_)
    assert (found.place, found.strictness) == (("exceptions", "override"), WEAKER)
    assert [each.strictness for each in changes(open_, shut)] == [STRONGER]


def test_a_rule_nobody_has_heard_of_is_incomparable(monkeypatch):
    """The next version of a policy has rules that this comparison does not know."""
    grown = msgspec.defstruct("Grown", [("quorum", dict[str, Any], {})], bases=(Rules,), frozen=True, kw_only=True)
    monkeypatch.setattr("pytest_promotion.policy.comparing.Rules", grown)
    found = changes(grown(quorum={"critical": {"max": "7d"}}), grown(quorum={"critical": {"max": "90d"}}))
    assert [(change.place, change.strictness) for change in found] == [(("quorum", "critical", "max"), INCOMPARABLE)]


def test_producers_are_compared():
    """Another command that writes the same report may write anything into it."""
    old = Policy(
        Rules(), producers={"p": Producer(command=["a"], writes=["x"]), "q": Producer(command=["a"], writes=["y"])}
    )
    new = Policy(Rules(), producers={"p": Producer(command=["b"], writes=["x"])})
    found = {change.place: change.strictness for change in between(old, new)}
    assert found == {("producers", "p", "command"): INCOMPARABLE, ("producers", "q"): WEAKER}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Prove(), Prove(min_kill_rate=0.5), {("min_kill_rate",): WEAKER}),
        (Prove(min_kill_rate=0.5), Prove(), {("min_kill_rate",): STRONGER}),
        (Prove(), Prove(equivalent=[EXCUSE]), {("equivalent", "a * * *"): WEAKER}),
        (Prove(equivalent=[EXCUSE]), Prove(), {("equivalent", "a * * *"): STRONGER}),
        (Prove(equivalent=[EXCUSE]), Prove(equivalent=[Equivalent(gate="a", because="other words")]), {}),
    ],
    ids=["lower-rate", "higher-rate", "excused", "no-longer-excused", "reason-reworded"],
)
def test_what_is_asked_of_proofs_is_compared(old, new, expected):
    """Excusing every sabotage is the quiet way to a gate that cannot fail."""
    found = between(Policy(Rules(), prove=old), Policy(Rules(), prove=new))
    assert {change.place[1:]: change.strictness for change in found} == expected


class TestCommands:
    """`promotion policy`."""

    POLICY = (
        "version: 1\nrequired: [a, b]\ngates: {a: {max_age: 5m, thresholds: {min_n: 3}}}\n"
        "profiles: {ci: {timestamps: {mtime: forbid}}, strict: {extends: ci}}\n"
    )

    @pytest.fixture
    def ask(self, tmp_path):
        """Compares the policy with a changed one."""

        def diff(old, new, *words):
            (tmp_path / "old.yaml").write_text(self.POLICY)
            (tmp_path / "new.yaml").write_text(self.POLICY.replace(old, new))
            return promotion("policy", "diff", "old.yaml", "new.yaml", *words, cwd=tmp_path)

        return diff

    @pytest.mark.parametrize(
        ("old", "new", "words", "code"),
        [
            ("", "", (), 0),
            ("5m", "4m", (), 0),
            ("5m", "6m", (), 2),
            ("5m", "6m", ("--allow-incomparable",), 2),
            ("min_n: 3", "min_n: null", (), 2),
            ("min_n: 3", "min_n: null", ("--allow-incomparable",), 0),
            ("mtime: forbid", "mtime: allow", (), 2),
            ("mtime: forbid", "mtime: allow", ("--profile", "default"), 0),
            ("mtime: forbid", "mtime: allow", ("--profile", "strict"), 2),
            ("strict:", "lax:", (), 2),
            ("strict:", "lax:", ("--profile", "strict"), 4),
            ("min_n", "min_n: 1, x", (), 2),
            ("version: 1", "version: 7", (), 4),
        ],
        ids=[
            "same",
            "stronger",
            "weaker",
            "weaker-allowed",
            "incomparable",
            "incomparable-allowed",
            "in-a-profile",
            "in-another-profile",
            "inherited",
            "profile-gone",
            "profile-gone-and-asked-for",
            "new-threshold",
            "wrong",
        ],
    )
    def test_diff_says_no_to_what_is_weaker(self, ask, old, new, words, code):
        """A gate that becomes a warning in a large change passes every review."""
        done = ask(old, new, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stdout + done.stderr

    def test_diff_says_it_per_profile_and_gate(self, ask):
        """Weaker somewhere is not an answer that anyone can act on."""
        done = ask("5m", "6m", "--json")
        said = json.loads(done.stdout)
        assert not said["as_strong"]
        assert set(said["profiles"]) == {"default", "ci", "strict"}
        assert all(one["gates"] == {"a": "weaker"} for one in said["profiles"].values())
        assert ask("5m", "6m").stdout.startswith("weaker: gates.a.max_age: 5m to 6m (every profile)")

    def test_check_prints_the_rules_of_a_profile(self, ask, tmp_path):
        """What a profile comes to after three others is nowhere to be read."""
        ask("", "")
        done = promotion("policy", "check", "old.yaml", "--profile", "strict", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["rules"]["timestamps"]["mtime"] == "forbid"
        assert said["resolved_sha256"] == load(tmp_path / "old.yaml", "strict").resolved_sha256
        assert "mtime: forbid" in promotion("policy", "check", "old.yaml", "--profile=ci", cwd=tmp_path).stdout

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("max_age", "max_aeg", "did you mean 'max_age'"),
            ("extends: ci", "extends: cii", "no profile 'cii'"),
            ("[a, b]", "[]", "`required` is empty"),
        ],
        ids=["key", "profile-that-is-not-printed", "empty"],
    )
    def test_check_refuses_a_wrong_policy_with_4(self, ask, tmp_path, old, new, said):
        """A mistake in a profile that is used once a month is found in that month."""
        ask(old, new)
        done = promotion("policy", "check", "new.yaml", cwd=tmp_path)
        assert done.returncode == 4
        assert said in done.stderr
        with pytest.raises(PolicyError):
            [load(tmp_path / "new.yaml", name) for name in ("default", "strict")]

    def test_a_missing_policy_is_4(self, tmp_path):
        """Nothing to check is not a policy that is right."""
        assert promotion("policy", "check", cwd=tmp_path).returncode == 4
