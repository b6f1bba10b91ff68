"""The page "Promotion": what it shows is what the store says, and what it does the store and its service do."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert

from pytest_promotion.suites.research import store
from pytest_promotion.suites.research.gating import ThresholdConfig
from pytest_promotion.suites.research.tables import CANDIDATES
from pytest_promotion.suites.research.ui import requests as asked
from pytest_promotion.suites.research.ui.promotion_page import ON_A_PAGE

pytestmark = pytest.mark.slow


def last_payload(conn, identity):
    """Of the last evaluation, as it is recorded."""
    return store.whole(conn, identity)["last_evaluation"]["payload"]


def status(conn, identity):
    return store.get_candidate(conn, identity)["status"]


def test_an_empty_store_is_shown(page):
    """A page that needs a candidate to be drawn is broken on the first day."""
    found = page()
    assert not found.exception
    assert [title.value for title in found.title] == ["Promotion"]
    assert [info.value for info in found.info] == ["No candidate answers that."]
    assert found.button_of("Evaluate").disabled


@pytest.mark.parametrize(
    ("box", "value", "wanted"),
    [
        ("status", "rejected", {"b"}),
        ("dataset", " d1 ", {"a", "b", "c"}),
        ("dataset", "d", set()),
        ("signal", "momentum", {"a", "b", "c"}),
        ("signal", "momentum%", set()),
    ],
    ids=["status", "dataset", "part-of-a-dataset", "signal", "pattern"],
)
def test_filters_are_the_stores(page, conn, candidate, box, value, wanted):
    """A filter that shows more than was asked for has the wrong one approved."""
    ids = {name: candidate(notes=name) for name in "abc"}
    store.update_status(conn, ids["b"], "rejected", "it leaks")
    found = page()
    assert set(found.listed) == set(ids.values())
    field = found.selectbox(box) if box == "status" else found.text_input(box)
    field.set_value(value).run()
    assert (set(found.listed) if wanted else set()) == {ids[name] for name in wanted}
    assert bool(found.info) == (not wanted)


def test_pages_lead_there_and_back(page, candidate):
    """What is on no page is never looked at; and a page behind the last one is empty for ever."""
    ids = [candidate() for _ in range(ON_A_PAGE + 2)][::-1]
    found = page()
    assert found.listed == ids[:ON_A_PAGE]
    assert found.button("newer").disabled
    found.button("older").click().run()
    assert found.listed == ids[ON_A_PAGE:]
    assert found.button("older").disabled
    found.button("newer").click().run()
    assert found.listed == ids[:ON_A_PAGE]
    found.button("older").click().run()
    found.text_input("signal").set_value("momentum").run()
    assert found.listed == ids[:ON_A_PAGE]  # a filter begins at the first page


def test_each_evaluation_is_one_step_and_its_answer_stays(page, conn, candidate, served):
    """An answer that the next drawing takes away was never read."""
    identity = candidate()
    found = page().choose(identity).press("Evaluate")
    assert found.said == ("success", "Candidate: every rule is met")
    assert status(conn, identity) == "candidate"
    found.run()
    assert found.said == ("success", "Candidate: every rule is met")
    found.press("Evaluate")
    assert found.said == ("warning", "Could not be judged: still candidate")
    assert any("lacks the approval" in line for line in found.texts)
    assert found.table("id")[0]["status"] == "candidate"
    assert [row["status"] for row in found.table("why")] == [
        "not judged",
        "exploratory → candidate",
        "passed",
        "exploratory",
    ]
    assert len([path for path in served.vault.rglob("*") if path.is_file()]) == 5  # what was judged is kept


def test_what_a_filter_hides_stays_chosen(page, candidate):
    """A candidate that goes off the list by being evaluated takes the answer with it."""
    identity = candidate()
    found = page()
    found.selectbox("status").set_value("exploratory").run()
    found.choose(identity).press("Evaluate")
    assert found.said == ("success", "Candidate: every rule is met")
    assert [info.value for info in found.info] == ["No candidate answers that."]


def test_every_reason_of_a_rejection_is_shown(page, conn, run, candidate):
    """Whoever reads half of the reasons mends half."""
    run.change("bundle.json", mean_ic=0.01, t_stat=3.0, deflated_sharpe=0.5)
    identity = candidate()
    found = page().choose(identity).press("Evaluate")
    assert found.said == ("error", "Rejected: 2 rules are not met")
    assert status(conn, identity) == "rejected"
    assert {"mean_ic 0.0100 < 0.02", "deflated_sharpe 0.5000 < 1.0"} <= set(found.texts)
    figures = {row["figure"]: (row["found"], row["asked"]) for row in found.table("found")}
    assert figures["mean ic"] == ("0.01", "≥ 0.02")


def test_what_was_rejected_stays_so(page, conn, candidate):
    """A rejection that the next press of a button undoes rejected nothing."""
    identity = candidate()
    store.update_status(conn, identity, "rejected", "it leaks")
    found = page().choose(identity).press("Evaluate")
    assert found.said == ("warning", "Still rejected, though every rule is met")
    assert status(conn, identity) == "rejected"


def test_nothing_to_judge_is_no_rejection(page, conn, run, candidate):
    """A run without results says nothing against its signal."""
    bundle = json.loads((run.base / "reports/bundle.json").read_text())
    run.write("bundle.json", bundle | {"ic_summary_by_horizon": {}})
    identity = candidate()
    found = page().choose(identity).press("Evaluate")
    assert found.said == ("warning", "Exploratory: there are no results to judge")
    assert status(conn, identity) == "exploratory"


def test_a_file_that_changed_is_shown_and_not_judged(page, conn, run, candidate):
    """The page that judges the new file approves what nobody named."""
    identity = candidate()
    found = page().choose(identity)
    assert not found.main.warning
    run.change("rc.json", rc_p_value=0.0001)
    found.press("Evaluate")
    headlines = [alert.value for alert in found.main.warning]
    assert headlines[0] == "Could not be judged: still exploratory"
    assert any("changed since the candidate was created" in text for text in found.texts)
    assert status(conn, identity) == "exploratory"
    (run.base / "reports/curve.csv").unlink()
    found.run()
    states = {row["evidence"]: row["file now"] for row in found.table("sha256")}
    assert states == {
        "validation bundle": "same",
        "ic summary by regime": "same",
        "rc summary": "changed",
        "execution evidence": "same",
        "capacity curve": "gone",
    }


@pytest.mark.parametrize("evidence", [None, {"bundle_path": "reports/bundle.json"}], ids=["none", "without-digests"])
def test_a_row_of_another_tool_is_shown(page, conn, candidate, evidence):
    """One row that the page cannot draw hides all the others."""
    row = store.get_candidate(conn, candidate(luck=False))
    identity = "prom_of_another_tool"
    row |= {"candidate_id": identity, "evidence_json": evidence and json.dumps(evidence)}
    conn.execute(insert(CANDIDATES), row)
    conn.commit()
    found = page().choose(identity)
    assert not found.exception
    assert found.said == ("warning", "There is nothing to judge")
    found.press("Evaluate")
    assert not found.exception
    assert "Could not be judged: still exploratory" in [alert.value for alert in found.main.warning]


def test_the_sidebar_decides_what_is_asked(page, conn, candidate):
    """A threshold that is shown and not applied is decoration."""
    identity = candidate()
    found = page().choose(identity)
    found.number_input("tstat_min").set_value(20.0)
    found.checkbox("require_regime_robustness").check().run()
    found.number_input("worst_regime_ic_mean_min").set_value(0.03).run()
    found.press("Evaluate")
    assert found.said == ("error", "Rejected: 2 rules are not met")
    assert {"t_stat 9.0000 < 20.0", "worst regime mean_ic 0.0250 < 0.03"} <= set(found.texts)
    asked = last_payload(conn, identity)["thresholds_used"]
    assert (asked["tstat_min"], asked["worst_regime_ic_mean_min"]) == (20.0, 0.03)
    shown = {row["threshold"]: (row["asked"], row["usually"]) for row in found.table("usually")}
    assert shown["t statistic, at least"] == ("20", "2.5")


def test_every_threshold_can_be_asked(page, conn, candidate):
    """A rule that the page leaves out is one that nobody who uses it can ask for."""
    identity = candidate(luck=False)
    found = page().choose(identity)
    for switch in ("require_reality_check", "require_regime_robustness"):
        found.checkbox(switch).check().run()
    values = {
        "ic_mean_min": 0.021,
        "tstat_min": 2.6,
        "p_value_max": 0.04,
        "deflated_sharpe_min": 1.1,
        "n_obs_min": 201,
        "max_rc_p_value": 0.03,
        "rc_blocks_min": 51,
        "worst_regime_ic_mean_min": 0.01,
        "min_liquidity_usd_min": 5.0,
        "max_participation_rate_max": 0.5,
    }
    for name, value in values.items():
        found.number_input(name).set_value(value)
    found.run()
    found.press("Evaluate")
    switches = dict.fromkeys(("require_reality_check", "require_regime_robustness"), True)
    switches["require_execution_evidence"] = False  # it is asked of every step, whatever is set
    assert last_payload(conn, identity)["thresholds_used"] == values | switches


def test_an_empty_field_is_not_evaluated(page, candidate):
    """A candidate is not rejected because somebody forgot to type a number."""
    identity = candidate()
    found = page().choose(identity)
    found.checkbox("require_regime_robustness").check().run()
    assert found.button_of("Evaluate").disabled
    assert "The field is empty" in found.sidebar.error[0].value
    found.number_input("worst_regime_ic_mean_min").set_value(0.0).run()
    assert not found.button_of("Evaluate").disabled


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"tstat_min": None}, "t statistic"),
        ({"require_regime_robustness": True}, "worst regime"),
        ({"require_reality_check": True, "max_rc_p_value": None}, "Reality check"),
        ({"ic_mean_min": float("nan")}, "ic_mean_min"),
    ],
    ids=["number", "regimes", "reality-check", "nan"],
)
def test_answers_that_ask_for_nothing_are_refused(answers, wanted):
    """A threshold that no comparison could fail lets everything through."""
    with pytest.raises(ValueError, match=wanted):
        asked.thresholds(answers)


def test_the_usual_answers_are_the_usual_thresholds():
    """A page that asks for less than the command by itself is the way round the command."""
    assert asked.thresholds({}) == ThresholdConfig()
    assert asked.thresholds({"max_rc_p_value": 1.0, "worst_regime_ic_mean_min": -1.0}) == ThresholdConfig()


def test_a_sweep_needs_its_reality_check_whatever_is_asked(page, conn, candidate):
    """The best of many useless signals looks well to whoever may leave the check out."""
    identity = candidate()
    found = page().choose(identity)
    assert "require_reality_check" not in [box.key for box in found.checkbox]
    found.press("Evaluate")
    assert last_payload(conn, identity)["thresholds_used"]["require_reality_check"] is True


def test_doing_without_execution_evidence_is_warned_of_and_recorded(page, conn, candidate):
    """An exception that leaves no trace becomes the rule."""
    identity = candidate(execution=False)
    found = page().choose(identity)
    assert not found.sidebar.warning
    found.checkbox("allow_missing_exec").check().run()
    assert "not looked at" in found.sidebar.warning[0].value
    found.press("Evaluate")
    assert found.said == ("success", "Candidate: every rule is met")
    assert "allow_missing_execution_evidence: execution evidence not checked" in found.texts
    assert last_payload(conn, identity)["allow_missing_execution_evidence"] is True


@pytest.mark.parametrize(
    ("new", "reason", "approver", "said"),
    [
        (None, "because", "Ada", "Choose the new status"),
        ("accepted", "", "Ada", "a status that is changed by hand needs a reason"),
        ("accepted", "  \n", "Ada", "a status that is changed by hand needs a reason"),
        ("accepted", "because", " ", "accepting by hand needs an approver, whose name stays in the record"),
    ],
    ids=["no-status", "no-reason", "blank-reason", "no-approver"],
)
def test_a_change_by_hand_that_lacks_something_is_refused(page, conn, candidate, new, reason, approver, said):
    """One click, no name and no word: so a signal came to be traded that nobody answers for."""
    identity = candidate()
    store.update_status(conn, identity, "candidate", "for the test")
    found = page().choose(identity).by_hand(new, reason, approver)
    assert found.said[0] == "error"
    assert said in [found.said[1], *found.texts]
    assert status(conn, identity) == "candidate"
    assert len(store.get_events(conn, identity)) == 2


def test_what_is_accepted_by_hand_shows_by_whom(page, conn, candidate):
    """An acceptance that rests on a person's word looks like one that rests on evidence."""
    identity = candidate()
    store.update_status(conn, identity, "candidate", "for the test")
    found = page().choose(identity).by_hand("accepted", "the board said so", "Ada")
    assert found.said == ("success", "Accepted: it was candidate")
    assert found.table("id")[0]["status"] == "accepted (by hand: Ada)"
    assert "accepted by hand, by Ada" in found.texts
    newest = found.table("why")[0]
    assert (newest["status"], newest["by"], newest["why"]) == (
        "candidate → accepted",
        "by hand: Ada",
        "the board said so",
    )
    assert found.text_area[0].value == ""  # the next change needs a reason of its own


@pytest.mark.parametrize(
    ("path", "offered"),
    [
        ([], ["candidate", "rejected"]),
        (["candidate"], ["accepted", "rejected", "exploratory"]),
        (["candidate", "accepted"], ["rejected"]),
        (["rejected"], ["exploratory"]),
    ],
    ids=["exploratory", "candidate", "accepted", "rejected"],
)
def test_only_the_ways_that_there_are_are_offered(page, conn, candidate, path, offered):
    """What is offered and refused teaches people to try again."""
    identity = candidate()
    for step in path:
        store.update_status(conn, identity, step, "for the test", approver="Ada")
    found = page().choose(identity)
    assert next(box for box in found.selectbox if box.label == "New status").options == offered


def test_a_button_on_an_older_page_does_nothing(page, conn, candidate):
    """Two people who each press once are two steps: to accepted, by somebody who saw it exploratory."""
    identity = candidate()
    mine, theirs = page().choose(identity), page().choose(identity)
    theirs.press("Evaluate")
    mine.press("Evaluate")
    assert mine.said == ("warning", "Something happened to it while this page was open")
    assert status(conn, identity) == "candidate"
    mine.press("Evaluate")
    assert mine.said == ("warning", "Could not be judged: still candidate")


def test_a_form_on_an_older_page_does_nothing(page, conn, candidate):
    """The status that was chosen is not among the ways any more, and the first of the others would be taken."""
    identity = candidate()
    store.update_status(conn, identity, "candidate", "for the test")
    mine = page().choose(identity)
    store.update_status(conn, identity, "rejected", "it leaks")
    mine.by_hand("accepted", "the board said so", "Ada")
    assert mine.said == ("warning", "Something happened to it while this page was open")
    assert status(conn, identity) == "rejected"


HOSTILE = '![x](https://evil.test/a.png) [go](https://evil.test) <img src="https://evil.test/b.png"> :red[x] $x$ `x`'


def test_no_text_turns_the_direction_of_what_follows(page, candidate):
    """With one character a note reads backwards, and a rejection as an acceptance."""
    candidate(notes="x")
    identity = candidate(estimator="ridge\u202edetpecca\u2066")
    shown = [row["is"] for row in page().choose(identity).table("is")]
    assert "ridge\\u202edetpecca\\u2066" in shown


def test_what_people_wrote_is_shown_as_text(page, conn, run, candidate):
    """A note that becomes a picture tells a stranger who reads it; one that becomes a link leads there."""
    bundle = json.loads((run.base / "reports/bundle.json").read_text())
    run.write("bundle.json", bundle | {"signal_name": HOSTILE})
    luck = json.loads((run.base / "reports/rc.json").read_text())
    run.write("rc.json", luck | {"hypothesis_ids": [HOSTILE], "rw_adjusted_p_values": {"other": 0.02}})
    identity = candidate(signal_name=HOSTILE, notes=HOSTILE)
    store.record_event(conn, identity, "noted", {"by": HOSTILE})
    store.update_status(conn, identity, "candidate", HOSTILE, approver=HOSTILE)
    store.update_status(conn, identity, "accepted", HOSTILE, approver=HOSTILE)
    found = page().choose(identity).press("Evaluate")
    assert f"rw_adjusted_p_values has no {HOSTILE}" in found.texts
    plain = {"Text", "Dataframe"}  # which Streamlit draws as they are
    acting = [element for element in found.main if type(element).__name__ not in plain]
    kinds = {type(element).__name__ for element in acting}
    assert {"Title", "Subheader", "Error", "Selectbox", "Markdown"} <= kinds
    for element in acting:
        # The options of a select box are text; its label is Markdown.
        shown = [element.label] if hasattr(element, "label") else [str(getattr(element, "value", ""))]
        assert "evil.test" not in "".join(shown), element


def test_a_store_that_is_not_there_is_not_made(page, served, monkeypatch, tmp_path):
    """A mistyped path that becomes an empty store says that there is nothing to worry about."""
    missing = tmp_path / "elsewhere.db"
    monkeypatch.setenv("CRYPTO_ANALYZER_DB_PATH", str(missing))
    found = page()
    assert not found.exception
    assert found.said == ("error", "This cannot be shown")
    assert any("promotion migrate" in text for text in found.texts)
    assert not missing.exists()


def test_a_store_without_tables_says_what_makes_them(page, served, monkeypatch, tmp_path):
    """Tables that come into being by looking are migrations that nobody decided."""
    (tmp_path / "bare.db").touch()
    monkeypatch.setenv("CRYPTO_ANALYZER_DB_PATH", str(tmp_path / "bare.db"))
    found = page()
    assert found.said == ("error", "This cannot be shown")
    assert any("promotion migrate" in text for text in found.texts)
    assert (tmp_path / "bare.db").stat().st_size == 0


def test_bytes_that_cannot_be_kept_are_not_judged(page, conn, candidate, served):
    """A verdict on bytes that nobody has any more cannot be looked at again."""
    served.reports.write_text("a file where a folder belongs")
    identity = candidate()
    found = page().choose(identity).press("Evaluate")
    assert not found.exception
    assert found.said == ("warning", "Could not be judged: still exploratory")
    assert status(conn, identity) == "exploratory"
