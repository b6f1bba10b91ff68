""" "Accepted" is only said of what was computed, agreed with later data, and was approved by a second person."""

from __future__ import annotations

import json
import shutil
import threading
from datetime import timedelta

import pytest
from click.testing import CliRunner

from fixtures.research import UNSEEN_PATH, build
from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research import chain, service, store
from pytest_promotion.suites.research.approvals import matter_of, signed_matter
from pytest_promotion.suites.research.approving import approve
from pytest_promotion.suites.research.database import connected, writing
from pytest_promotion.suites.research.gating import ThresholdConfig, impossible
from pytest_promotion.suites.research.migrations import run_migrations_phase3
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.people import Person
from pytest_promotion.suites.research.policy import SHIPPED
from pytest_promotion.suites.research.reality import Config, Origin, reality_check, summary
from pytest_promotion.trust import keys
from pytest_promotion.trust.approvals import approve as sign
from tests.candidates.whole import ADA, BEN, CREATED, EVE, Whole

pytestmark = pytest.mark.slow
SERIES, SWEEP = "ic_series_path_by_horizon", "sweep_panel_path"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    build(folder / "run")
    return folder / "run"


@pytest.fixture
def where(tmp_path, made):
    """A store of SQLite with its tables and nothing in them."""
    return str(shutil.copy(made, tmp_path / "whole.db"))


@pytest.fixture
def whole(where, built, tmp_path):
    """A run that deserves acceptance, to be spoilt."""
    with connected(where) as conn:
        yield Whole(conn, shutil.copytree(built, tmp_path / "run"))


def test_what_deserves_it_is_accepted(whole):
    """Rules that nothing meets are switched off."""
    found = whole.ready().evaluate()
    assert (found.new_status, found.reasons, found.open_questions) == ("accepted", (), ())
    payload = store.whole(whole.conn, whole.identity)["last_evaluation"]["payload"]
    assert payload["asked_by"] == {"name": "ada", "source": "given"}
    assert len(payload["policy"]["sha256"]) == 64
    for name in ("p_hac", "rc_p_value", "rw_adjusted_p_value", "unseen_p_value"):
        assert 0 < payload["metrics_snapshot"][name] <= 0.05
    assert payload["metrics_snapshot"]["approved_by"] == "ben (given)"
    assert chain.check(whole.conn).holds


# Each way leaves something out, or puts something else in its place: what is said then, and whether it is a no.
def _no_series(whole):
    whole.bundle(**{SERIES: None})


def _no_sweep(whole):
    whole.without(SWEEP)


def _no_states(whole):
    whole.bundle(regime_states_path=None).without("regime_states_path")


def _lone(whole):
    """Nobody says that anything else was tried."""
    whole.without(SWEEP, "rc_summary_path")
    del whole.given["family_id"]


BEFORE = {
    "no series": (_no_series, "declared, not computed from a series: mean_ic"),
    "no sweep": (_no_sweep, "the reality check is declared, not computed"),
    "no family, no sweep": (_lone, "the reality check is declared, not computed"),
    "no regimes": (_no_states, "regimes are declared, not computed"),
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_is_only_declared_is_never_accepted(whole, name):
    """Invented figures without a series were accepted without a warning."""
    spoil, says = BEFORE[name]
    spoil(whole)
    whole.create()
    assert whole.evaluate().new_status == "candidate"
    found = whole.observe().approve().evaluate()
    assert found.new_status != "accepted"
    assert says in "; ".join(found.open_questions)


@pytest.mark.parametrize(
    ("share", "count", "fits"),
    [(0.5433, 1500, True), (0.55, 100, True), (1 / 3, 3, True), (0.555, 100, False), (0.5, 3, False)],
)
def test_a_rounded_share_fits_its_count(share, count, fits):
    """815 of 1,500 are 0.5433, rounded to four digits: no lie is told by that."""
    assert bool(impossible({"hit_rate": share, "n_obs": count})) is not fits


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"mean_ic": 7.0, "t_stat": 99.0}, "mean_ic 7 is impossible"),
        ({"hit_rate": 5}, "hit_rate 5 is impossible"),
        ({"hit_rate": 0.5003}, "hit_rate 0.5003 is impossible of 800"),
        ({"std_ic": -0.1}, "std_ic -0.1 is impossible"),
    ],
    ids=["ic", "hits", "count", "deviation"],
)
def test_impossible_figures_are_refused_when_the_candidate_is_created(whole, figures, says):
    """A correlation of 7 is a typing error or a lie, and neither is evidence."""
    whole.bundle(**{SERIES: None}).figures(**figures)
    with pytest.raises(Unproven, match=says):
        whole.create()


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"mean_ic": 0.5, "std_ic": 0.3, "t_stat": 0.5 / 0.3 * 800**0.5}, "mean_ic 0.5 is above 0.2"),
        ({"deflated_sharpe": 99.9}, "deflated_sharpe 99.9 is above 30"),
    ],
    ids=["ic", "sharpe"],
)
def test_what_is_too_good_to_be_true_is_no_answer(whole, figures, says):
    """The best signal of a sweep is most often the one that knows the future."""
    whole.bundle(**{SERIES: None, "delayed_ic_path_by_horizon": None}).without(SWEEP, "rc_summary_path")
    interval = {"hit_rate": None, "ic_95_lo": None, "ic_95_hi": None}
    whole.given.pop("family_id")
    found = whole.figures(**interval, **figures).create().evaluate()
    assert (found.judged, found.new_status) == (False, "exploratory")
    assert says in "; ".join(found.open_questions)
    assert "look for lookahead" in "; ".join(found.open_questions)


def test_a_signal_that_works_only_at_once_is_no_answer(whole):
    """What was built with the return that it predicts is worth nothing one bar later."""
    late = "reports/csv/ic_late_tide_h1.csv"
    rows = whole.rows(late)
    lines = [f"{row['ts']},{(-1) ** number * 0.05}" for number, row in enumerate(rows)]
    (whole.base / late).write_text("\n".join(["ts,ic", *lines]) + "\n")
    found = whole.create().evaluate()
    assert (found.judged, found.new_status) == (False, "exploratory")
    assert "one bar late the mean IC is" in "; ".join(found.open_questions)


def test_without_the_signal_one_bar_late_there_is_no_acceptance(whole):
    """One key taken out of the bundle switched the test for lookahead off."""
    whole.bundle(delayed_ic_path_by_horizon=None)
    assert whole.create().evaluate().new_status == "candidate"
    found = whole.observe().approve().evaluate()
    assert (found.judged, whole.status) == (False, "candidate")
    assert "not tested for lookahead" in "; ".join(found.open_questions)


def test_the_signal_at_once_is_not_the_signal_one_bar_late(whole):
    """A leak that is compared with itself loses nothing."""
    at_once = whole.base / "reports/csv/ic_series_tide_h1.csv"
    (whole.base / "reports/csv/ic_late_tide_h1.csv").write_text(at_once.read_text())
    found = whole.create().evaluate()
    assert (found.judged, found.new_status) == (False, "exploratory")
    assert "are those of the signal at once" in "; ".join(found.open_questions)


def test_later_data_take_as_long_as_bars_take(whole):
    """Six hundred moments within a second of the creation were weeks of later data."""
    whole.create().evaluate()

    def crowded(pairs):
        begin = pairs[0][0]
        return [(begin + (moment - begin) / 1000, value) for moment, value in pairs]

    found = whole.observe(whole.later(crowded)).approve().evaluate()
    assert (found.judged, whole.status) == (False, "candidate")
    assert "no later bars of it" in "; ".join(found.open_questions)


def test_another_candidate_of_the_same_signal_does_not_forget_a_look(whole):
    """A look that failed was forgotten by a second candidate with the same files."""
    weak = lambda pairs: [(m, v - 0.0215) for m, v in pairs]  # noqa: E731 - p is between 0.025 and 0.05
    whole.create().evaluate()
    whole.observe(whole.later(lambda pairs: [(m, v - 0.05) for m, v in pairs], "first.csv")).evaluate()
    whole.create().evaluate()
    found = whole.observe(whole.later(weak, "second.csv")).approve().evaluate()
    assert found.metrics_snapshot["unseen_looks"] == 2
    assert whole.status != "accepted"


def test_bad_moments_are_not_left_out_of_later_data(whole):
    """Of noise without its losers everything is an edge."""
    assert whole.create().evaluate().new_status == "candidate"
    path = whole.base / UNSEEN_PATH
    lines = path.read_text().splitlines()
    kept = [f"{line.partition(',')[0]}," if number % 9 == 5 else line for number, line in enumerate(lines)]
    path.write_text("\n".join(kept) + "\n")
    found = whole.observe().approve().evaluate()
    assert (found.judged, whole.status) == (False, "candidate")
    assert "moments have no value" in "; ".join(found.open_questions)


WEAKER = {
    "figures": {"ic_mean_min": -5.0, "tstat_min": -99.0, "p_value_max": 1.0},
    "luck": {"max_rc_p_value": 1.0},
    "not asked at all": {"p_value_max": None},
}


def test_blocks_of_one_moment_are_no_reality_check(whole):
    """Blocks of one moment passed the guard of at least fifty of them, and found an edge in all noise."""
    panel = Panel.read((whole.base / "reports/csv/sweep_panel.csv").read_bytes(), "sweep")
    path = whole.base / "reports/rc_summary.json"
    family = json.loads(path.read_text())["family_id"]
    short = summary(reality_check(panel, Config(replicates=199, block=1)), Origin(family, "mean_ic", 1))
    path.write_text(json.dumps(short))
    assert "rc_block 1" in str(whole.create().evaluate().reasons)
    assert whole.status == "rejected"
    done = CliRunner().invoke(main, ["reality-check", str(whole.base / "reports/csv/sweep_panel.csv"), "--block", "1"])
    assert (done.exit_code, "shorter than the memory" in done.output) == (3, True)


@pytest.mark.parametrize("name", sorted(WEAKER))
def test_whoever_evaluates_does_not_set_the_bar(whole, name):
    """Thresholds of -99 are met by everything."""
    whole.create()
    if name == "not asked at all":
        assert whole.evaluate(thresholds=ThresholdConfig(**WEAKER[name])).new_status == "candidate"
        payload = store.whole(whole.conn, whole.identity)["last_evaluation"]["payload"]
        assert payload["thresholds_used"]["p_value_max"] == 0.05  # asked all the same
        return
    asked = ThresholdConfig(**WEAKER[name])
    for approver in (None, "", "Ada", " a d a "):
        with pytest.raises(PolicyError, match="approv"):
            whole.evaluate(thresholds=asked, approver=approver)
    assert whole.status == "exploratory"
    whole.evaluate(thresholds=asked, approver="Eve")
    said = store.weakened(whole.conn, [whole.identity])[whole.identity]
    assert "approved by Eve" in said
    assert all(f"candidate.{name}" in said for name in WEAKER[name])


def test_a_flag_that_asks_more_is_asked_once(whole):
    """A bar that stays where one evaluation put it is set by whoever came last."""
    whole.create()
    assert "t_hac" in str(whole.evaluate(thresholds=ThresholdConfig(tstat_min=9.3)).reasons)
    store.update_status(whole.conn, whole.identity, "exploratory", "asked too much", by=ADA)
    assert whole.evaluate().new_status == "candidate"


def test_an_edited_policy_asks_less_only_by_name(whole, tmp_path):
    """A file is edited as easily as a flag is typed."""
    weak, strict = tmp_path / "weak.yaml", tmp_path / "strict.yaml"
    text = SHIPPED.read_text()
    weak.write_text(text.replace("p_value_max: 0.05 # one-sided", "p_value_max: 0.9 # one-sided"))
    strict.write_text(text.replace("tstat_min: 2.5", "tstat_min: 3.5"))
    whole.create()
    with pytest.raises(PolicyError, match=r"unseen\.p_value_max"):
        whole.evaluate(policy=weak)
    assert whole.evaluate(policy=strict).new_status == "candidate"
    used = store.whole(whole.conn, whole.identity)["last_evaluation"]["payload"]["policy"]
    assert used["origin"] == "strict.yaml"
    with pytest.raises(PolicyError, match="tstat_min"):  # the stricter one is the one in force now
        whole.evaluate(policy=SHIPPED)
    whole.evaluate()
    used = store.whole(whole.conn, whole.identity)["last_evaluation"]["payload"]["policy"]
    assert used["document"]["candidate"]["tstat_min"] == 3.5


@pytest.mark.parametrize(
    "text",
    ["", "version: 1\n", "{}", "version: 2\n", "version: 1\ncandidate: {ic_mean_min: .nan}\naccepted: {}\n"],
    ids=["empty", "half", "object", "version", "nan"],
)
def test_a_policy_that_is_none_judges_nothing(whole, tmp_path, text):
    """An empty policy asks for nothing."""
    (tmp_path / "policy.yaml").write_text(text)
    whole.create()
    with pytest.raises(PolicyError):
        whole.evaluate(policy=tmp_path / "policy.yaml", approver="Eve")
    assert whole.status == "exploratory"


def test_a_policy_cannot_do_without_what_acceptance_means(whole, tmp_path):
    """With an approver every threshold can be lowered, but not what an acceptance is."""
    for name in ("require_reality_check", "require_execution_evidence"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(SHIPPED.read_text().replace(f"{name}: true", f"{name}: false"))
        with pytest.raises(PolicyError, match="always true"):
            whole.create().evaluate(policy=path, approver="Eve")


LATER = {
    "none": (None, "no data dated after the creation"),
    "too few": (lambda pairs: pairs[:99], "unseen n_obs 99 < 100"),
    "against it": (lambda pairs: [(m, -v) for m, v in pairs], "unseen mean_ic"),
    "nothing in them": (lambda pairs: [(m, v - 0.031) for m, v in pairs], "unseen p_value"),
    "too good": (lambda pairs: [(m, 0.5 + v / 100) for m, v in pairs], "too good to be true"),
    "much later": (lambda pairs: [(m + timedelta(days=90), v) for m, v in pairs], "more than 60 days after"),
}


@pytest.mark.parametrize("name", LATER)
def test_later_data_have_to_agree(whole, name):
    """A signal that is accepted by the data that it was found in is found again, not tested."""
    change, says = LATER[name]
    whole.create().evaluate()
    if change is not None:
        whole.observe(whole.later(change))
    found = whole.approve().evaluate()
    assert whole.status != "accepted"
    assert says in "; ".join((*found.reasons, *found.open_questions))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda pairs: [(m - timedelta(days=5), v) for m, v in pairs], "not after the candidate's creation"),
        (lambda pairs: [(m + timedelta(days=400), v) for m, v in pairs], "in the future"),
        (lambda pairs: [], "no rows"),
        (lambda pairs: pairs[:1], "1 values"),
        (lambda pairs: [(m, float("nan")) for m, _ in pairs], "no number"),
        (lambda pairs: pairs[::-1], "not later than"),
    ],
    ids=["stale", "future", "empty", "one", "nan", "backwards"],
)
def test_later_data_that_cannot_be_are_refused(whole, change, says):
    """Data from before the creation were there when the signal was chosen."""
    whole.create().evaluate()
    with pytest.raises(Unproven, match=says):
        whole.observe(whole.later(change))


def test_the_data_of_the_bundle_under_later_dates_are_no_answer(whole):
    """The easiest later data are the ones that are there already."""
    seen = [float(row["ic"]) for row in whole.rows("reports/csv/ic_series_tide_h1.csv")]
    whole.create().evaluate()
    replayed = whole.later(lambda pairs: [(m, v) for (m, _), v in zip(pairs, seen, strict=False)])
    found = whole.observe(replayed).approve().evaluate()
    assert "the values of the series that the bundle rests on" in "; ".join(found.open_questions)


def test_each_further_look_at_later_data_costs(whole):
    """Of twenty series of later data one agrees by luck."""
    weak = lambda pairs: [(m, v - 0.0215) for m, v in pairs]  # noqa: E731 - p is between 0.025 and 0.05
    whole.create().evaluate()
    whole.observe(whole.later(weak, "weak.csv"))
    p_value = whole.evaluate().metrics_snapshot["unseen_p_value"]
    assert 0.025 < p_value < 0.05
    whole.observe(whole.later(lambda pairs: weak(pairs)[1:], "again.csv"))
    found = whole.approve().evaluate()
    assert (found.metrics_snapshot["unseen_looks"], whole.status) == (2, "rejected")
    assert "2 looks" in str(found.reasons)


def test_later_data_that_were_edited_are_no_answer(whole):
    """Bytes that change after they were named are other data."""
    whole.ready()
    path = whole.base / UNSEEN_PATH
    path.write_text(path.read_text().replace(",-0.0", ",0.0"))
    found = whole.evaluate()
    assert (found.judged, whole.status) == (False, "candidate")
    assert "changed since it was named" in str(found.reasons)


@pytest.mark.parametrize("by", [ADA, Person("ADA ", "git"), Person("a d a", "os")], ids=lambda by: by.name)
def test_nobody_approves_alone(whole, by):
    """One person in two spellings is one person."""
    whole.create().evaluate()
    whole.observe()
    with pytest.raises(PolicyError, match="second person"):
        whole.approve(by)
    found = whole.evaluate()
    assert (found.new_status, whole.status) == ("candidate", "candidate")
    assert "lacks the approval" in str(found.open_questions)


def test_whoever_evaluates_last_is_not_the_second_person(whole):
    """Two people of whom each approves what he judges are one pair of eyes."""
    whole.ready()
    found = whole.evaluate(by=BEN)
    assert (found.judged, whole.status) == (False, "candidate")


@pytest.mark.parametrize("spoil", ["later data", "policy", "reopened", "another candidate"])
def test_an_approval_is_of_what_was_seen(whole, spoil, tmp_path):
    """An approval that survives a change of what it approves is a blank signature."""
    whole.ready()
    if spoil == "later data":
        whole.observe(whole.later(lambda pairs: pairs[1:]))
        found = whole.evaluate()
    elif spoil == "policy":
        path = tmp_path / "strict.yaml"
        path.write_text(SHIPPED.read_text().replace("tstat_min: 2.5", "tstat_min: 2.6"))
        found = whole.evaluate(policy=path)
    elif spoil == "reopened":
        store.update_status(whole.conn, whole.identity, "exploratory", "the data were mended", by=ADA)
        whole.evaluate()
        found = whole.evaluate()
    else:
        mine = whole.identity
        told = store.get_events(whole.conn, mine)[-1]["payload"]["matter"]
        whole.create(at=CREATED + timedelta(minutes=1)).evaluate()
        whole.observe()
        with writing(whole.conn):  # another candidate's approval, as somebody with the database could copy it
            store.add_event(whole.conn, whole.identity, "approved", {"matter": told, "reason": "x"}, BEN)
        found = whole.evaluate()
    assert whole.status == "candidate"
    assert "lacks the approval" in str(found.open_questions)


def signed_by_ben(folder):
    """A policy that asks for signatures, of which Ben's is one that counts, and his key."""
    private, public = keys.generate(folder / "ben")
    indented = public.read_text().strip().replace("\n", "\n      ")
    signers = folder / "signers.yaml"
    signers.write_text(f"version: 1\nsigners:\n  - name: ben\n    roles: [research]\n    key: |\n      {indented}\n")
    policy = folder / "policy.yaml"
    policy.write_text(SHIPPED.read_text().replace("signed: false", f"signed: true\n  signers: {signers}"))
    return policy, private


def test_where_the_policy_asks_for_signatures_a_name_is_none(whole, tmp_path):
    """Anybody can set user.email."""
    policy, _ = signed_by_ben(tmp_path)
    eve, _ = keys.generate(tmp_path / "eve")
    whole.create().evaluate(policy=policy)
    whole.observe().approve()
    assert "lacks the approval" in str(whole.evaluate().open_questions)
    record = store.whole(whole.conn, whole.identity)
    matter = signed_matter(matter_of(record, record["events"]))
    forged = sign(matter, "ben", eve, None)
    approve(whole.conn, whole.identity, "seen", approval=forged)
    assert whole.evaluate().judged is False
    assert whole.status == "candidate"


def test_a_signature_by_the_right_key_counts(whole, tmp_path):
    """Signatures that are never good make everybody switch them off."""
    policy, key = signed_by_ben(tmp_path)
    whole.create().evaluate(policy=policy)
    record = store.whole(whole.observe().conn, whole.identity)
    matter = signed_matter(matter_of(record, record["events"]))
    approve(whole.conn, whole.identity, "seen", approval=sign(matter, "ben", key, None))
    assert whole.evaluate().new_status == "accepted"


def test_several_sweeps_of_one_data_set_are_corrected_for(whole, built, tmp_path):
    """Whoever asks the same data with a hundred sweeps finds five that are better than luck."""
    whole.create()
    before = whole.evaluate().metrics_snapshot["rw_adjusted_p_value"]
    other = Whole(whole.conn, shutil.copytree(built, tmp_path / "other"))
    path = other.base / "reports/csv/sweep_panel.csv"
    path.write_text(path.read_text().replace("0.1", "0.2"))
    other.without("rc_summary_path").create(at=CREATED + timedelta(minutes=5))
    found = whole.observe().approve().evaluate()
    assert found.metrics_snapshot["rw_adjusted_p_value"] == pytest.approx(2 * before)
    assert found.metrics_snapshot["sweeps"] == 2


def test_leaving_the_family_out_does_not_remove_the_reality_check(whole):
    """The sweep that a signal came out of was a matter of confession."""
    _lone(whole)
    whole.create()
    other = dict.fromkeys(("run_id", "signal_name", "config_hash", "git_commit"), "other")
    dataset = store.get_candidate(whole.conn, whole.identity)["dataset_id"]
    store.create_candidate(whole.conn, other | {"horizon": 1, "dataset_id": dataset})
    found = whole.evaluate()
    assert whole.status == "rejected"
    assert "no rc_p_value" in str(found.reasons)


def test_the_same_edge_twice_is_not_accepted_twice(whole):
    """Ten names for one signal are one signal with ten times the capital."""
    assert whole.ready().evaluate().new_status == "accepted"
    first = whole.identity
    found = whole.ready().evaluate()
    assert whole.status == "rejected"
    assert f"correlation with {first}, which is accepted, 1.0000 > 0.9" in found.reasons


def test_what_was_evaluated_is_not_evaluated_again_by_replay(whole):
    """An evaluation that passed is of the evidence that it saw, and of one candidate."""
    whole.ready()
    passed = [e for e in store.get_events(whole.conn, whole.identity) if e["event_type"] == "evaluated"][-1]
    with writing(whole.conn):
        store.change_status(whole.conn, whole.identity, "accepted", {"evaluation": passed["event_id"]})
    found = chain.check(whole.conn)
    assert any("accepted by an evaluation to candidate" in problem for problem in found.problems)


def test_two_who_evaluate_at_once_take_one_step(whole, where):
    """A race that makes two steps of one evaluation skips what the second one asks."""
    whole.create()
    errors = []

    def press():
        try:
            with connected(where) as conn:
                service.evaluate_and_record(conn, whole.identity, by=EVE)
        except Exception as problem:  # noqa: BLE001 - shown below
            errors.append(problem)

    pressing = [threading.Thread(target=press) for _ in range(3)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert errors == []
    assert whole.status == "candidate"


def test_a_second_approval_does_not_make_up_for_the_bundle_of_another(whole):
    """A good bundle of another signal is the easiest evidence to come by."""
    with pytest.raises(Unproven, match="signal_name"):
        whole.create(signal_name="noise_001")
    told = json.loads((whole.base / whole.files["validation_bundle_path"]).read_text())
    assert told["signal_name"] == "tide"


def test_an_older_store_is_migrated_and_its_trigger_repaired(where):
    """A trigger that was dropped is a rule that is gone, until somebody looks."""
    with connected(where) as conn:
        with writing(conn):
            conn.exec_driver_sql("DROP TRIGGER promotion_events_whole")
        assert chain.check(conn).problems == ("the trigger promotion_events_whole is missing",)
        assert run_migrations_phase3(conn) == ("trigger promotion_events_whole was missing, and is back",)
        assert chain.check(conn).holds
