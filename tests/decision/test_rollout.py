"""Gates that are introduced step by step: a warning until a date, or in shadow."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pytest_promotion import policy
from pytest_promotion.clock import iso
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy import GateRules, Policy, Rules, Upcoming
from pytest_promotion.policy.comparing import changes
from pytest_promotion.reporting.markdown import markdown
from pytest_promotion.trust.contradictions import contradictions
from pytest_promotion.trust.required_gates import unanswered
from pytest_promotion.trust.stored import StoredDecision
from tests.decisions import NOW, decided, gate, seen

TOMORROW, YESTERDAY = (iso(NOW + timedelta(days=days)) for days in (1, -1))


def ruled(required=None, **gates) -> Policy:
    """A policy with rules for *gates*."""
    return Policy(Rules(required=required, gates={name: GateRules(**rules) for name, rules in gates.items()}))


def against(document, rules: Policy) -> list[str]:
    """What `verify` finds in the decision by itself, and by the policy."""
    stored = msgspec.convert(document, StoredDecision)
    return [*contradictions(stored), *unanswered(stored, rules)]


def test_before_its_day_a_gate_is_a_warning():
    """A new rule that blocks from the first minute is taken out again in the second."""
    rules = ruled(new={"effective_on": TOMORROW})
    document = decided(gate("old"), gate("new", "FAIL"), policy=rules)
    assert (document["status"], document["warnings"]) == ("PASS", ["new"])
    [found] = [one for one in document["checks"] if one["name"] == "new"]
    assert (found["severity"], found["effective_on"]) == ("warning", TOMORROW)
    assert f"## Later\n\n- **new** is critical from {TOMORROW} on: FAIL" in markdown(document)
    assert against(document, rules) == []


def test_from_its_day_on_a_gate_is_critical():
    """A date that passes without an effect is a rule that nothing enforces."""
    rules = ruled(new={"effective_on": YESTERDAY})
    document = decided(gate("old"), gate("new", "FAIL", severity="warning"), policy=rules)
    assert (document["status"], document["critical_failures"]) == ("FAIL", ["new"])
    assert "## Later" not in markdown(document)
    assert against(document, rules)  # it is FAIL
    assert decided(gate("old"), gate("new"), policy=rules)["status"] == "PASS"


def test_a_pass_ends_when_a_rule_starts_that_it_does_not_meet():
    """A PASS of the evening before is no PASS of the day."""
    document = decided(gate("old"), gate("new", "FAIL"), policy=ruled(new={"effective_on": TOMORROW}))
    assert document["valid_until"] == {
        "ts_utc": TOMORROW,
        "because": "new is critical from then on, and did not pass",
    }
    assert decided(gate("old"), gate("new"), policy=ruled(new={"effective_on": TOMORROW}))["valid_until"] is None


def test_the_severity_of_another_moment_is_refused():
    """A file whose gate was demoted after its day contradicts the policy."""
    rules = ruled(new={"effective_on": YESTERDAY})
    document = decided(gate("old"), gate("new"), policy=rules)
    document["checks"][0]["severity"] = "warning"
    assert "new counted as warning, and the policy calls it critical" in against(document, rules)


@pytest.mark.parametrize("outcome", ["PASS", "FAIL"])
def test_a_gate_in_shadow_does_not_count(outcome):
    """A gate on trial neither blocks nor lets through."""
    rules = ruled(trial={"shadow": True})
    document = decided(gate("old"), gate("trial", outcome), policy=rules)
    assert (document["status"], document["critical_failures"], document["shadow"]) == ("PASS", [], ["trial"])
    assert f"## In shadow, not counted\n\n- **trial** {outcome}" in markdown(document)
    assert against(document, rules) == []
    alone = decided(gate("trial", outcome), policy=rules)
    assert alone["status"] == "FAIL"
    assert "no critical gate ran" in alone["reasons"][0]


def test_a_required_gate_in_shadow_weakens():
    """Shadow would be the way to demote a critical gate without a word."""
    sentence = "score is required and critical, and does not count: it is in shadow"
    rules = ruled(["old", "score"], score={"shadow": True})
    assert decided(gate("old"), gate("score", "FAIL"), policy=rules)["weakened"] == [sentence]
    other = ruled(["old"], score={"shadow": True})
    assert decided(gate("old"), gate("score", "FAIL"), policy=other)["weakened"] == []


def test_a_shadow_that_the_policy_does_not_have_is_refused():
    """One word in the file would take a failed gate out of the decision."""
    document = decided(gate("old"), gate("score", "FAIL"))
    [found] = [one for one in document["checks"] if one["name"] == "score"]
    found["shadow"] = True
    assert "score is in shadow, and the policy does not say so" in against(document, Policy(Rules()))


def test_the_digest_of_other_policies_is_what_it_was():
    """A decision of last month would not be that of its policy any more."""
    plain = ruled(score={"thresholds": {"least": 0.9}})
    assert plain.resolved_sha256 == "001ecbb175cec0da55ecfa28865af82bb7954423c067916de0134ef28687a575"
    assert ruled(score={"thresholds": {"least": 0.9}, "shadow": True}).resolved_sha256 != plain.resolved_sha256


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("effective_on: soon", "line 2: gates.score.effective_on: 'soon"),
        ("effective_on: 2026-02-30", "line 2: gates.score.effective_on: "),
        ("effective_on: 2026-05-01T10:00:00", "which has no offset"),
        (
            "effective_on: 2026-05-01, severity: warning",
            "`effective_on` makes it critical, and `severity` says warning",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, rules, sentence):
    """A date that is not one would leave a rule a warning for ever."""
    path = tmp_path / "promotion.yaml"
    path.write_text(f"version: 1\ngates: {{score: {{{rules}}}}}\n")
    with pytest.raises(PolicyError, match="promotion.yaml line 2") as refused:
        policy.load(path, None)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "strictness"),
    [
        ({"shadow": False}, {"shadow": True}, "weaker"),
        ({"effective_on": "2026-05-01"}, {"effective_on": "2026-06-01"}, "weaker"),
        ({"effective_on": "2026-06-01"}, {"effective_on": "2026-05-01"}, "stronger"),
        ({}, {"effective_on": "2026-05-01"}, "incomparable"),
    ],
)
def test_they_are_compared(old, new, strictness):
    """A date that is put off in a pull request is what a reviewer has to see."""
    [change] = changes(ruled(score=old).rules, ruled(score=new).rules)
    assert change.strictness.value == strictness


def test_the_clock_of_the_session_decides(place):
    """A replay of next week has to show what next week will decide."""
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    place.file("promotion.yaml", f"version: 1\ngates: {{new: {{effective_on: {day}}}}}\n")
    place.write(
        test_g="import pytest\n"
        "@pytest.mark.critical\ndef test_old(measure):\n    measure.equals('a', 1, 1)\n"
        "@pytest.mark.critical\ndef test_new(measure):\n    measure.equals('a', 2, 1)\n"
    )
    place.run()
    assert (place.latest()["status"], place.latest()["warnings"]) == ("PASS", ["new"])
    place.run("--promotion-as-of", iso(datetime.now(UTC) + timedelta(days=3)))
    [replay] = place.folder.glob("replay_*.json")
    assert json.loads(replay.read_text())["critical_failures"] == ["new"]


def rising(value, effective_on=TOMORROW, present=0.5) -> dict:
    """Rules of a gate whose threshold changes."""
    change = Upcoming(value=value, effective_on=effective_on)
    return {"thresholds": {"min_score": present}, "upcoming": {"min_score": change}}


@pytest.mark.parametrize(
    ("value", "present", "holds", "words"),
    [
        (0.8, 0.5, True, "met now"),
        (0.95, 0.5, False, "not met now"),
        (0.95, 0.6, None, "whether it is met now is not known"),  # no measurement was held against 0.6
        ("high", 0.5, False, "not met now"),
    ],
)
def test_a_threshold_that_changes_says_whether_it_would_hold(value, present, holds, words):
    """A stricter threshold that is first heard of on its day stops a release that could have been mended before."""
    document = decided(gate("a", record=seen("a.json")), policy=ruled(a=rising(value, present=present)))
    [found] = document["checks"]
    assert found["upcoming"] == [{"threshold": "min_score", "value": value, "effective_on": TOMORROW, "pass": holds}]
    assert f"min_score of **a** is {value} from {TOMORROW} on: {words}" in markdown(document)
    assert document["status"] == "PASS"
    if holds:  # then the age of the file is the first that ends it
        assert document["valid_until"]["because"] == "a.json goes stale at 20 min of age"


def test_a_pass_ends_when_a_threshold_begins_that_it_does_not_meet():
    """A PASS of the evening before by yesterday's threshold is acted on in the morning."""
    soon = iso(NOW + timedelta(minutes=1))
    document = decided(gate("a", record=seen("a.json")), policy=ruled(a=rising(0.95, soon)))
    assert document["valid_until"] == {"ts_utc": soon, "because": "min_score of a is 0.95 from then on"}


def test_a_threshold_that_began_while_the_gates_ran():
    """The gates were given the old threshold, and the decision is of the first second of the new one."""
    rules = ruled(a=rising(0.95, iso(NOW - timedelta(seconds=1))))
    document = decided(gate("a", record=seen("a.json")), policy=rules, rules_as_of=NOW - timedelta(seconds=2))
    assert document["status"] == "FAIL"
    assert "min_score of a is 0.95 from then on before the session ended" in document["reasons"]


def test_the_session_takes_the_threshold_of_its_day(place):
    """A date that passes without an effect is a rule that nothing enforces."""
    place.write(
        test_g="import pytest\n"
        "@pytest.mark.critical\ndef test_score(artifact, measure, policy):\n"
        "    measure.at_least('score', artifact('score.json')['score'], policy['min_score'])\n"
    )
    place.file("score.json", '{"score": 0.9}')
    for days, expected in ((1, "PASS"), (-1, "FAIL")):
        day = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
        place.file(
            "promotion.yaml",
            "version: 1\ngates:\n  score:\n    thresholds: {min_score: 0.5}\n"
            f"    upcoming: {{min_score: {{value: 0.95, effective_on: {day}}}}}\n",
        )
        place.run()
        assert place.latest()["status"] == expected
        assert place.latest()["checks"][0]["measurements"][0]["threshold"] == (0.5 if days > 0 else 0.95)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{min_scroe: {value: 1, effective_on: 2027-01-01}}", "no threshold 'min_scroe' that could change; did you mean 'min_score'?"),
        ("{min_score: {value: 1, effective_on: soon}}", "line 4: gates.score.upcoming.min_score.effective_on: 'soon'"),
        ("{min_score: {value: 1}}", "effective_on"),
        ("{min_score: {value: .nan, effective_on: 2027-01-01}}", "line 4"),
    ],
)  # fmt: skip
def test_an_upcoming_threshold_that_can_never_begin_is_refused(tmp_path, text, message):
    """A misspelt name changes nothing on its day, and says nothing."""
    path = tmp_path / "promotion.yaml"
    path.write_text(f"version: 1\ngates:\n  score: {{thresholds: {{min_score: 0.5}},\n    upcoming: {text}}}\n")
    with pytest.raises(PolicyError) as caught:
        policy.load(path, None)
    assert message in str(caught.value)


@pytest.mark.parametrize(("new", "verdict"), [(0.7, "weaker"), (0.9, "stronger")])
def test_a_change_of_an_upcoming_threshold_has_a_direction(new, verdict):
    """What was announced is lowered before its day, and nobody who reads `policy diff` sees which way."""
    [found] = changes(ruled(a=rising(0.8)).rules, ruled(a=rising(new)).rules)
    assert found.strictness == verdict
