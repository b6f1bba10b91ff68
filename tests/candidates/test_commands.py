"""The commands around candidates: their answers as exit codes, tables for people and JSON for machines."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.store import create_candidate, record_event

pytestmark = pytest.mark.slow


@pytest.fixture
def call(tmp_path, run, monkeypatch):
    """Calls `promotion` where the run is; the exit code and what was said."""
    monkeypatch.chdir(run.base)
    monkeypatch.delenv("CRYPTO_ANALYZER_DB_PATH", raising=False)

    def called(*words):
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return called


CREATE = ["create", "--from-run", "run-1", "--signal", "momentum", "--horizon", 4]
FILES = ["--bundle-path", "reports/bundle.json", "--execution-evidence-path", "reports/execution.json"]
SWEEP = ["--rc-summary-path", "reports/rc.json", "--family-id", "rcfam_1"]


@pytest.fixture
def identity(call):
    """A candidate in a store of its own."""
    assert call("migrate") == (
        0,
        "applied: 2026_02_promotion_candidates, 2026_02_promotion_events, 0002_other_statuses\n",
    )
    code, said = call(*CREATE, *FILES, *SWEEP)
    assert code == 0, said
    return said.strip()


def test_what_is_only_declared_stays_a_candidate(call, identity):
    """Exit 0 means accepted and nothing else, or a script deploys what nobody computed."""
    code, said = call("evaluate", "--id", identity)
    assert (code, said.splitlines()[0]) == (2, f"{identity}: candidate")
    assert "declared, not computed from a series: mean_ic" in said
    code, said = call("evaluate", "--id", identity)
    assert (code, said.splitlines()[0]) == (3, f"{identity}: could not be judged")
    for line in ("declared, not computed", "no data dated after the creation", "lacks the approval"):
        assert f"open: {line}" in said.replace("it lacks", "lacks")
    code, said = call("list", "--status", "candidate", "--json")
    [row] = map(json.loads, said.splitlines())
    assert (code, row["candidate_id"], row["asked_less"]) == (0, identity, None)


def test_less_is_asked_only_with_an_approver_and_shows(call, identity):
    """Whoever evaluates set the bar, and nobody could see it."""
    words = ["evaluate", "--id", identity, "--ic-mean-min", "-5", "--tstat-min", "-99", "--p-value-max", "1"]
    code, said = call(*words)
    assert (code, "needs an approver" in said) == (4, True)
    assert call(*words, "--approver", "Eve")[0] == 2
    said = call("list")[1]
    assert "asked less: " in said
    assert "candidate.ic_mean_min" in said
    assert "approved by Eve" in said


def test_what_people_add_is_recorded(call, identity, run):
    """What has no command is done with an editor in the database."""
    (run.base / "later.csv").write_text("ts,ic\n2020-01-01T00:00:00Z,0.1\n2020-01-02T00:00:00Z,0.2\n")
    code, said = call("candidates", "observe", identity, "later.csv")
    assert (code, "not after the candidate's creation" in said) == (3, True)
    code, said = call("candidates", "approve", identity, "--reason", "seen")
    assert (code, "second person" in said) == (4, True)
    assert call("candidates", "approve", identity, "--reason", "seen", "--as", "ben")[0] == 4
    code, said = call("candidates", "adopt", identity, "--bundle-path", "reports/bundle.json")
    assert (code, "has evidence with digests" in said) == (4, True)


def test_a_candidate_of_another_tool_is_adopted(call, identity, run):
    """A database of years must not be thrown away because its evidence has no digests."""
    with connected("reports/candidates.db") as conn:
        told = {"run_id": "run-1", "signal_name": "momentum", "horizon": 4, "dataset_id": "d1"}
        other = create_candidate(
            conn, told | {"config_hash": "c1", "git_commit": "a1", "evidence": {"bundle_path": "b"}}
        )
    assert call("evaluate", "--id", other)[0] == 3
    code, said = call("candidates", "adopt", other, *FILES)
    assert code == 0, said
    code, said = call("evaluate", "--id", other)
    assert "is not named as" not in said
    assert call("events", "--verify")[0] == 0


def test_what_is_rejected_says_why(call, identity):
    """A no without a reason is asked again until it is a yes."""
    code, said = call("evaluate", "--id", identity, "--max-rc-p-value", "0.001", "--ic-mean-min", "0.04")
    assert code == 2
    assert said.splitlines()[0] == f"{identity}: rejected"
    assert "rc_p_value 0.0100 > 0.001" in said
    assert "mean_ic 0.0300 < 0.04" in said
    code, said = call("show", identity)
    assert "mean_ic 0.0300 < 0.04" in said


def test_a_candidate_of_another_tool_is_shown(call, identity, run):
    """What cannot be judged can still be looked at, without a traceback."""
    with connected("reports/candidates.db") as conn:
        whole = {
            "run_id": "r",
            "signal_name": "s",
            "horizon": 1,
            "dataset_id": "d",
            "config_hash": "c",
            "git_commit": "g",
        }
        for evidence in ({"bundle_path": "b.json"}, ["b.json"], None):
            other = create_candidate(conn, whole | {"evidence": evidence})
            code, said = call("show", other)
            assert (code, "evidence" in said) == (0, True)
    (run.base / "reports/curve.csv").unlink()
    said = call("show", identity)[1]
    assert "gone      capacity curve" in said
    assert "same      validation bundle" in said


def test_texts_do_not_command_the_terminal(call, identity):
    """Whoever names a signal must not be able to clear the screen of whoever decides about it."""
    call(*CREATE, *FILES, "--notes", "fine\x1b[2J\nprom_0: accepted")
    [row] = [one for one in map(json.loads, call("list", "--json")[1].splitlines()) if one["notes"]]
    said = call("show", row["candidate_id"])[1]
    assert "\x1b" not in said
    assert "fine [2J prom_0: accepted" in said


def test_evidence_that_changed_is_no_answer(call, identity, run):
    """Could not judge is neither yes nor no: exit 3."""
    run.change("rc.json", rc_p_value=0.001)
    code, said = call("evaluate", "--id", identity)
    assert code == 3
    assert "could not be judged" in said
    assert "rc.json changed" in said
    assert json.loads(call("show", identity, "--json")[1])["status"] == "exploratory"


def test_asking_for_regimes_without_saying_how_well_is_refused(call, identity):
    """A rule without its threshold must not read as kept."""
    code, said = call("evaluate", "--id", identity, "--require-regime")
    assert code == 2
    assert "worst_regime_ic_mean_min not set" in said


def test_each_flag_reaches_its_rule(call, identity):
    """A flag that changes nothing is worse than none."""
    for words, says in (
        (["--tstat-min", "10"], "t_stat 9.0000 < 10.0"),
        (["--n-obs-min", "1000"], "n_obs 900 < 1000"),
        (["--deflated-sharpe-min", "3"], "deflated_sharpe 1.5000 < 3.0"),
        (["--p-value-max", "0"], "p_value 0.0000 > 0.0"),
        (["--require-regime", "--worst-regime-ic-mean-min", "0.03"], "worst regime mean_ic 0.0250 < 0.03"),
        (["--min-liquidity-usd", "2e6"], "min_liquidity_usd 1e+06 < 2000000.0"),
        (["--max-participation", "0.01"], "max_participation_rate 0.05 > 0.01"),
    ):
        code, said = call("evaluate", "--id", identity, *words)
        assert (code, says in said) == (2, True), (words, said)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["evaluate", "--id", "prom_ghost"], 3, "not found"),
        (["evaluate", "--id", "x", "--ic-mean-min", "nan"], 4, "ic_mean_min"),
        (["show", "prom_ghost"], 3, "not found"),
        (["events", "prom_ghost"], 3, "not found"),
        (["events"], 4, "--verify"),
        (["events", "x", "--verify"], 4, "--verify"),
        (["events", "x", "--anchor", "y"], 4, "--anchor"),
        (["list", "--status", "bananas"], 4, "bananas"),
        (["list", "--db", "nowhere.db"], 3, "promotion migrate"),
        (["list", "--db", "mysql://h/d"], 4, "SQLite or by PostgreSQL"),
        (["list", "--db", "postgresql://promotion@127.0.0.1:1/x"], 3, "the store answers"),
        (["set-status", "prom_ghost", "candidate", "--reason", "x"], 3, "not found"),
        ([*CREATE, "--bundle-path", "reports/no.json"], 3, "no.json is not there"),
        ([*CREATE, "--bundle-path", "reports/curve.csv"], 3, "not JSON"),
        ([*CREATE, *FILES, "--dataset-id", "d9"], 3, "dataset_id is d1"),
        ([*CREATE, *FILES, "--notes", " "], 4, "notes"),
        (["migrate", "--db", "reports"], 3, "the store answers"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_a_user_can_cause_is_a_sentence(call, identity, words, code, says):
    """A traceback tells a user nothing, and exit 1 or 2 tells a script the wrong thing."""
    found, said = call(*words)
    assert found == code, said
    assert says in said


def test_a_store_that_was_mistyped_is_not_made(call, run):
    """An empty store is one in which nothing was ever rejected."""
    assert call("list", "--db", "typo.db")[0] == 3
    assert not (run.base / "typo.db").exists()


def test_a_status_changes_by_hand_with_a_reason(call, identity):
    """Somebody's word is on record, and wherever the candidate is shown."""
    assert call("set-status", identity, "candidate", "--reason", "worth a look")[0] == 0
    code, said = call("set-status", identity, "accepted", "--reason", "we know it")
    assert (code, "approver" in said) == (4, True)
    assert call("set-status", identity, "accepted", "--reason", "we know it", "--approver", "Ann")[0] == 0
    assert "accepted (by hand: Ann)" in call("list")[1]
    assert "Ann" in call("show", identity)[1]
    assert call("set-status", identity, "candidate", "--reason", "x")[0] == 4


def test_events_are_printed_and_the_chain_is_checked(call, identity, run):
    """A record that nobody can read or check is not kept for anybody."""
    call("evaluate", "--id", identity)
    lines = [json.loads(line) for line in call("events", identity, "--json")[1].splitlines()]
    assert [line["event_type"] for line in lines] == ["created", "evaluated", "status_change"]
    assert "exploratory → candidate" in call("events", identity)[1]
    code, said = call("events", "--verify", "--json")
    head = json.loads(said)["head"]
    assert (code, json.loads(said)["events"]) == (0, 3)
    assert call("events", "--verify", "--anchor", head)[0] == 0
    with connected("reports/candidates.db") as conn:
        record_event(conn, identity, "noted", {"by": "us"})
    assert call("events", "--verify", "--anchor", head)[0] == 0
    assert call("events", "--verify", "--anchor", "0" * 64)[0] == 2


def test_the_store_may_be_named_by_the_environment(call, identity, monkeypatch, run):
    """The variable that other tools know means the same store."""
    monkeypatch.setenv("CRYPTO_ANALYZER_DB_PATH", str(run.base / "reports/candidates.db"))
    monkeypatch.chdir("/")
    assert identity in call("list")[1]


def test_an_empty_list_says_so(call):
    """Nothing at all could be a list that was not printed."""
    call("migrate")
    assert call("list") == (0, "no candidate answers that\n")
    assert call("list", "--json") == (0, "")
