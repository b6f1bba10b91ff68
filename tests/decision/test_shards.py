"""Shards: what a session found in its share, and the account that all shares make together."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion import policy as policies
from pytest_promotion.decision import shards
from pytest_promotion.decision.assembly import Account
from pytest_promotion.decision.shards import Share
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.model import (
    CommandRun,
    Exhibit,
    Gate,
    GateResult,
    GitState,
    Outcome,
    Requested,
    Severity,
    Subject,
)

POLICY = policies.Policy(policies.Rules())
NAMES = ("a", "b", "c", "d", "e")
PLAN = tuple(Gate(name, Severity.CRITICAL, f"t.py::test_{name}") for name in NAMES)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def result(name, outcome=Outcome.PASS, reason="said"):
    """One gate's result."""
    return GateResult(Gate(name, Severity.CRITICAL, f"t.py::test_{name}"), outcome, reason)


def shard(index, count=2, **changes):
    """One shard of a run in which every gate of its share passed."""
    found = shards.Shard(
        index=index, count=count, run_id="r", ts_utc=f"2026-01-01T00:00:0{index}+00:00", profile="default",
        overrides={}, policy_path=None, policy_sha256="1" * 64, policy_resolved_sha256="2" * 64, policy_files=(),
        subject=None, manifest=None, git=GitState(), plan=PLAN, known=NAMES,
        results=tuple(result(name) for name in sorted(Share(index, count).takes(NAMES))), problems=(), requested=Requested.ALL,
    )  # fmt: skip
    return replace(found, **changes)


def account(*found, policy_of=lambda one: POLICY):
    """What these shards found together."""
    return shards.account_of(frozenset(map(shards.written, found)), policy_of)


def outcomes(found):
    """The outcome of each gate, in order."""
    return [(one.gate.id, one.outcome) for one in found.results]


# --- the share ---


@pytest.mark.parametrize(
    ("share", "gates"),
    [
        (Share(1, 1), {"a", "b", "c", "d", "e"}),
        (Share(1, 2), {"a", "c", "e"}),
        (Share(2, 2), {"b", "d"}),
        (Share(3, 3), {"c"}),
        (Share(6, 7), set()),
    ],
)
def test_gates_are_dealt_by_name(share, gates):
    """Every machine has to come to the same hands without a word between them."""
    assert share.takes(list(reversed(NAMES))) == share.takes(set(NAMES)) == gates
    assert str(share) == f"{share.index}/{share.count}"


@given(st.sets(st.text(min_size=1)), st.integers(1, 12))
def test_every_gate_falls_to_exactly_one_share(names, count):
    """A gate in no share is never run; one in two is run twice."""
    dealt = [Share(index, count).takes(names) for index in range(1, count + 1)]
    assert sorted(name for share in dealt for name in share) == sorted(names)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


@pytest.mark.parametrize(
    ("text", "share"), [("1/1", Share(1, 1)), ("2/3", Share(2, 3)), ("9999/9999", Share(9999, 9999))]
)
def test_a_share_is_read(text, share):
    """I of N, counted from one."""
    assert shards.parse_share(text, "run") == share


@pytest.mark.parametrize(
    "text",
    ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "1 / 3", "01/3", "10000/10000", "1/3\n", "\u0661/\u0663", "a/b"],
)
def test_a_share_that_cannot_be_meant_is_refused(text):
    """A share that is misread leaves gates to no machine."""
    with pytest.raises(PolicyError, match=r"expected I/N with I from 1 to N, such as 2/3"):
        shards.parse_share(text, "run")


def test_a_share_needs_the_run_it_is_of():
    """Two runs at once would mix their shards."""
    with pytest.raises(
        PolicyError, match="^--promotion-shard needs --promotion-run-id: all shards of a run must say the same one$"
    ):
        shards.parse_share("1/2", "")


@pytest.mark.parametrize("text", ["r", "ci-7", "a.b_c:d-e", "x" * 128])
def test_a_run_id_may_be_in_a_file_name(text):
    """What CI systems call their runs."""
    shards.check_run_id(text)


@pytest.mark.parametrize("text", ["", "a b", "../x", "x" * 129, "a\n", "é", "a/b"])
def test_any_other_run_id_is_refused(text):
    """It becomes part of a path."""
    with pytest.raises(PolicyError, match="expected up to 128 letters, digits and"):
        shards.check_run_id(text)


# --- from a session to a shard ---


def session(**changes):
    """What a session found that ran everything."""
    fields = {
        "run_id": "r", "now": NOW, "rules_as_of": NOW, "as_of": False, "results": tuple(map(result, NAMES)), "known": frozenset(NAMES),
        "problems": ("it broke",), "requested": Requested.PLACES, "policy": POLICY, "policy_path": "p.yaml", "policy_files": (),
        "subject": Subject("x", {"sha256": "0" * 64}), "manifest": None, "git": GitState("c" * 40, "d" * 40, False),
    } | changes  # fmt: skip
    return Account(**fields)


def test_a_shard_has_the_results_of_its_share_and_the_whole_plan():
    """The others must be able to tell what was left to them."""
    exhibit = Exhibit("p.yaml", "0" * 64, 1, exists=True)
    found = shards.shard_of(session(policy_files=(exhibit,), manifest=exhibit), Share(2, 3), reversed(PLAN))
    assert [one.gate.id for one in found.results] == ["b", "e"]
    assert (found.plan, found.known) == (PLAN, NAMES)
    assert (found.index, found.count, found.run_id, found.ts_utc) == (2, 3, "r", "2026-01-01T12:00:00.000000+00:00")
    assert (found.policy_files, found.manifest) == ((exhibit,), exhibit)
    assert (found.problems, found.requested, found.git) == (
        ("it broke",),
        Requested.PLACES,
        GitState("c" * 40, "d" * 40, False),
    )
    assert (found.profile, found.overrides, found.policy_path) == ("default", {}, "p.yaml")
    assert found.policy_sha256 == found.policy_resolved_sha256 == POLICY.resolved_sha256
    assert (found.kind, found.schema_version, found.subject) == ("shard", 1, Subject("x", {"sha256": "0" * 64}))


def test_a_shard_keeps_what_belongs_to_no_share():
    """A gate that was never collected is in no plan, and every shard that knows of it says so."""
    found = shards.shard_of(session(), Share(1, 2), PLAN[:3])
    assert [one.gate.id for one in found.results] == ["a", "c", "d", "e"]


def test_a_shard_names_the_digest_of_its_policy_file():
    """Two machines with the same rules from different files have not the same checkout."""
    source = policies.PolicySource("p.yaml", b"version: 1\n")
    found = shards.shard_of(session(policy=replace(POLICY, sources=(source,))), Share(1, 1), PLAN)
    assert (found.policy_sha256, found.policy_resolved_sha256) == (source.sha256, POLICY.resolved_sha256)


def test_what_a_session_attached_and_ran_is_in_its_shard():
    """They are part of the decision."""
    more = {
        "attachments": (Exhibit("junit.xml", "0" * 64, 1, exists=True),),
        "refreshed": (("p", CommandRun(("x",), 0, 1.0)),),
    }
    found = shards.shard_of(session(**more), Share(1, 1), PLAN)
    assert (found.attachments, found.refreshed) == (more["attachments"], more["refreshed"])
    merged = account(replace(found, policy_files=more["attachments"], manifest=more["attachments"][0]))
    assert (merged.attachments, merged.refreshed) == (more["attachments"], more["refreshed"])
    assert (merged.policy_files, merged.manifest) == (more["attachments"], more["attachments"][0])


# --- files ---


def test_a_shard_is_read_as_it_was_written(tmp_path):
    """Nothing is lost between two machines."""
    path = tmp_path / "shard.json"
    path.write_bytes(shards.written(shard(1, overrides={"a": [1]}, problems=("ü\ud800",))))
    content = shards.read(path)
    assert content == path.read_bytes()
    assert content.endswith(b"}\n")
    assert shards.parse(content, "it") == shard(1, overrides={"a": [1]}, problems=("ü\\ud800",))


@pytest.mark.parametrize("text", ["ü", "€", "😀"])
def test_letters_beyond_ascii_are_read_as_they_were_written(text):
    """The owner of a gate is called Jürgen, and the shard of his machine could not be read."""
    found = shard(1, problems=(text,))
    assert shards.parse(shards.written(found), "it") == found


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(tmp_path):
    """A download that failed, and one that fills the memory."""
    with pytest.raises(Unproven, match="gone.json cannot be read: no such file or directory"):
        shards.read(tmp_path / "gone.json")
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(Unproven, match="large.json cannot be read: larger than 64 megabytes"):
        shards.read(large)
    (tmp_path / "small.json").write_bytes(b"{}")
    with pytest.raises(Unproven, match="small.json"):
        shards.read(tmp_path / "small.json")


def plain(**changes):
    """The JSON of a shard with some fields changed."""
    return json.dumps(json.loads(shards.written(shard(1))) | changes).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "it is no shard of a run$"),
        (plain(kind="decision"), "it is no shard of a run$"),
        (plain(schema_version=2), "it is no shard of a run$"),
        (plain(index="1"), "it is no shard of a run: Expected `int`"),
        (plain(ts_utc="yesterday"), "it is no shard of a run: 'yesterday'"),
        (plain(index=0), "it is shard 0 of 2, which cannot be"),
        (plain(index=3), "it is shard 3 of 2, which cannot be"),
        (b"{", "it"),
    ],
)
def test_what_is_no_shard_is_refused(content, message):
    """A file that was cut on its way is no answer of its machine."""
    with pytest.raises(Unproven, match=message):
        shards.parse(content, "it")


@pytest.mark.parametrize("index", [1, 2])
def test_the_first_and_the_last_shard_are_read(index):
    """The bounds of the index belong to it."""
    assert shards.parse(plain(index=index), "it").index == index


# --- merging ---


def test_all_shards_together_are_the_whole_run():
    """The account is the one that a single session would have given."""
    found = account(shard(2), shard(1))
    assert outcomes(found) == [(name, Outcome.PASS) for name in NAMES]
    assert (found.problems, found.known, found.run_id, found.as_of) == ((), frozenset(NAMES), "r", False)
    assert found.now == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert found.policy is POLICY
    assert found.requested is Requested.ALL


def test_what_all_agree_on_is_that_of_the_first():
    """The policy is that of the shards, not that of the machine that merges."""
    changes = {
        "subject": Subject("x", {"sha256": "0" * 64}),
        "git": GitState("c" * 40),
        "policy_path": "p",
        "requested": "some files or folders",
    }
    seen = []
    found = account(shard(1, **changes), shard(2, **changes), policy_of=lambda one: seen.append(one.index) or POLICY)
    assert seen == [1]
    assert {name: getattr(found, name) for name in changes} == changes
    assert found.problems == ()


def test_the_problems_of_each_shard_are_named_once():
    """A worker that died on one machine broke the run."""
    found = account(shard(1, problems=("it broke", "it broke")), shard(2, problems=("it broke",)))
    assert found.problems == ("shard 1: it broke", "shard 2: it broke")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("run id", {"run_id": "s"}),
        ("number of shards", {"count": 3}),
        ("profile", {"profile": "ci"}),
        ("profile", {"overrides": {"x": 1}}),
        ("policy", {"policy_path": "p"}),
        ("policy", {"policy_sha256": "3" * 64}),
        ("policy", {"policy_resolved_sha256": "3" * 64}),
        ("policy", {"policy_files": (Exhibit("p", "4" * 64, 1, exists=True),)}),
        ("subject", {"subject": Subject("x", {"sha256": "0" * 64})}),
        ("release manifest", {"manifest": Exhibit("m", "4" * 64, 1, exists=True)}),
        ("commit", {"git": GitState("c" * 40)}),
        ("list of gates", {"plan": PLAN[:-1]}),
        ("list of gates", {"known": NAMES[:-1]}),
        ("choice of gates", {"requested": "single gates or parameters"}),
    ],
)
def test_shards_that_do_not_agree_are_named(name, changes):
    """Half of yesterday's PASS and half of today's is a PASS of no run."""
    found = account(shard(1), shard(2, **changes))
    assert found.problems[0] == f"shard 1 and shard 2 have not the same {name}"


def test_every_shard_is_compared_with_the_first():
    """The last one may be the odd one."""
    found = account(shard(1, 3), shard(2, 3), shard(3, 3, run_id="s", git=GitState("c" * 40)))
    assert found.problems == (
        "shard 1 and shard 3 have not the same run id",
        "shard 1 and shard 3 have not the same commit",
    )


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_shard_is_named_and_its_gates_have_not_run(missing):
    """A machine that never answered is what a pipeline loses most easily."""
    found = account(*(shard(index, 3) for index in (1, 2, 3) if index != missing))
    assert found.problems == (f"shard {missing} of 3 is missing",)
    lost = Share(missing, 3).takes(NAMES)
    assert {one.gate.id for one in found.results if one.outcome is Outcome.NOT_RUN} == lost
    assert {one.reason for one in found.results if one.gate.id in lost} == {f"is missing with shard {missing} of 3"}
    assert [one.gate.id for one in found.results] == list(NAMES)


def test_a_shard_that_was_run_again_is_named_and_the_worst_counts():
    """Running a red shard until it is green is a vote on a flaky gate."""
    again = replace(shard(1), results=tuple(result(name, Outcome.FAIL) for name in "ace"), problems=("x",))
    for found in (account(shard(1), again, shard(2)), account(again, shard(2), shard(1))):
        assert "shard 1 of 2 was run 2 times: nobody can tell which one counts" in found.problems
        assert [name for name, outcome in outcomes(found) if outcome is Outcome.FAIL] == ["a", "c", "e"]


def test_a_shard_has_no_say_in_the_gates_of_another():
    """It could outvote the machine that ran them."""
    found = account(shard(1, results=(*shard(1).results, result("b"))), shard(2))
    [wrong] = [one for one in found.results if one.outcome is not Outcome.PASS]
    assert (wrong.gate.id, wrong.outcome) == ("b", Outcome.ERROR)
    assert wrong.reason == "was run by shard 1, which it does not belong to"


def test_a_gate_outside_of_the_plan_counts():
    """Every shard reports what was not collected; the worst of these is the one that stands."""
    more = [
        (*shard(index).results, result("z", outcome)) for index, outcome in ((1, Outcome.NOT_RUN), (2, Outcome.PASS))
    ]
    found = account(shard(1, results=more[0]), shard(2, results=more[1]))
    assert outcomes(found)[-1] == ("z", Outcome.NOT_RUN)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ((False, False), False),
        ((None, None), None),
        ((False, True), True),
        ((True, None), True),
        ((False, None), None),
    ],
)
def test_one_dirty_checkout_makes_the_run_dirty(dirty, expected):
    """And where it is not known of one, it is not known of the run."""
    found = account(shard(1, git=GitState(dirty=dirty[0])), shard(2, git=GitState(dirty=dirty[1])))
    assert found.git.dirty is expected


def test_no_shard_at_all_is_refused():
    """The purest form of no data."""
    with pytest.raises(Unproven, match="^there are no shards to merge$"):
        account()


def test_of_two_results_that_are_as_bad_that_of_the_first_shard_stands():
    """The same set of files gives the same sentences, in any order."""
    first, second = (
        shard(index, results=(*shard(index).results, result("z", Outcome.FAIL, f"of {index}"))) for index in (1, 2)
    )
    for found in (account(first, second), account(second, first)):
        assert found.results[-1].reason == "of 1"
