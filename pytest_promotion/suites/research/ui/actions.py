"""
What can be done with a candidate: evaluate it, or change its status by hand. The store and its service do it.

Each button belongs to the candidate's last event: one that was pressed on an older page does nothing, and of two
presses in a row the second one does nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.suites.research import service, store
from pytest_promotion.suites.research.transitions import ways_from
from pytest_promotion.suites.research.ui import answers, connection, requests
from pytest_promotion.suites.research.ui.answers import Answer
from pytest_promotion.suites.research.ui.serving import Served

Told = Mapping[str, Any]


def evaluation(conn: Connection, served: Served, told: Told | None) -> None:
    """The sidebar: what is requests, and the button that asks it of the candidate that is shown."""
    with st.sidebar:
        st.header("Evaluate")
        button = st.container()  # above what it depends on, where it is seen
        given = _questions(from_a_sweep=bool(told and told["family_id"]))
        without = st.checkbox("Do without execution evidence", key="allow_missing_exec")
        if without:
            st.warning("Whether it could be traded is not looked at then. The record says so.")
    problem = ""
    try:
        thresholds = requests.thresholds(given)
    except ValueError as missing:
        problem = str(missing)
    with button:
        pressed = st.button(
            "Evaluate",
            type="primary",
            width="stretch",
            disabled=told is None or bool(problem),
            key=f"evaluate-{_version(told)}",
        )
        if problem:
            st.error(problem)
        elif told is None:
            st.text("Choose a candidate first.")
    if pressed and told is not None:
        identity = told["candidate_id"]
        _done(
            identity,
            lambda: answers.of_decision(
                identity,
                service.evaluate_and_record(
                    conn,
                    identity,
                    thresholds,
                    allow_missing_execution_evidence=without,
                    evidence_base_path=served.evidence_base,
                    vault=Vault(served.vault),
                    seen=_last_event(told),
                ),
            ),
        )


def by_hand(conn: Connection, told: Told) -> None:
    """The form that changes a status, along the ways that there are from the present one."""
    identity, old, version = told["candidate_id"], told["status"], _version(told)
    with st.expander("Change the status by hand"), st.form(f"form-{version}", border=False):
        left, right = st.columns(2)
        new = left.selectbox("New status", ways_from(old), index=None, placeholder="Choose", key=f"new-{version}")
        approver = right.text_input("Approver, needed to accept", key=f"approver-{version}")
        reason = st.text_area("Reason: it stays in the record", key=f"reason-{version}", height=80)
        pressed = st.form_submit_button("Change the status", key=f"change-{version}")
    if not pressed:
        return
    if new is None:
        connection.answer(Answer(identity, "error", "Choose the new status"))
        return

    def change() -> Answer:
        store.update_status(conn, identity, new, reason, approver=approver.strip() or None, seen=_last_event(told))
        return answers.of_change(identity, old, new)

    _done(identity, change)


def last_answer(told: Told) -> None:
    """What the last action on this candidate came to, or that somebody else was faster."""
    kept, now = _kept(), _version(told)
    identity, drawn = kept.get("drawn", (None, None))
    if identity == told["candidate_id"] and drawn != now:
        kept["answer"] = answers.overtaken(identity)
    kept["drawn"] = (told["candidate_id"], now)
    given = kept.get("answer")
    if given is not None and given.about == told["candidate_id"]:
        connection.answer(given)


def _done(identity: str, action: Callable[[], Answer]) -> None:
    """Does it, keeps what it came to, and draws the page anew, as the store is then."""
    kept = _kept()
    try:
        found = action()
    except (PolicyError, Unproven, OSError) as problem:
        found = answers.of_refusal(identity, problem)
    kept["answer"] = found
    kept.pop("drawn", None)
    st.rerun()


def _kept() -> dict[str, Any]:
    """What is remembered of this visitor. Streamlit may end a drawing wherever its session's state is touched: this
    dictionary is fetched before something is done, so that what was done is never forgotten."""
    found: dict[str, Any] = st.session_state.setdefault("kept", {})
    return found


def _questions(*, from_a_sweep: bool) -> dict[str, Any]:
    """The answers to what can be requests, by the names of the thresholds."""
    given: dict[str, Any] = {}
    for name, words in requests.SWITCHES.items():
        if name == "require_reality_check" and from_a_sweep:
            st.text("It came out of a sweep: the reality check of that sweep is required.")
            given[name] = True
        else:
            given[name] = st.checkbox(words, key=name)
    for limit in requests.LIMITS:
        if limit.by and not given[limit.by]:
            continue
        given[limit.name] = st.number_input(
            limit.words,
            value=limit.usual,
            step=limit.step,
            min_value=limit.least,
            max_value=limit.most,
            format=limit.form,
            key=limit.name,
        )
    return given


def _last_event(told: Told) -> int:
    """The id of the last event of the candidate that is shown, 0 for none."""
    return int(told["events"][-1]["event_id"]) if told["events"] else 0


def _version(told: Told | None) -> str:
    return f"{told['candidate_id']}-{_last_event(told)}" if told is not None else ""
