"""One candidate: what it is, what it rests on, how it was judged last, and what happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import streamlit as st

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.evidence_now import states
from pytest_promotion.suites.research.transitions import Status
from pytest_promotion.suites.research.ui import connection, tables
from pytest_promotion.suites.research.ui.serving import Served

_COLOURS: Final[Mapping[Status, Literal["gray", "blue", "green", "red"]]] = {
    "exploratory": "gray",
    "candidate": "blue",
    "accepted": "green",
    "rejected": "red",
}


def head(told: Mapping[str, Any]) -> None:
    """Which candidate it is, and what it is now."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if told["status"] in _COLOURS:
            st.badge(told["status"], color=_COLOURS[told["status"]])
        else:  # another tool wrote it, and a badge reads Markdown
            st.text(told["status"])
        st.text(told["candidate_id"])
        if told["accepted_by_hand"]:
            st.text(f"accepted by hand, by {told['accepted_by_hand']}")


def body(told: Mapping[str, Any], served: Served) -> None:
    """All that `store.whole` *told* of it, and whether its files are still what was named."""
    connection.table(tables.facts(told), "is")
    st.subheader("Evidence")
    _evidence(told["evidence"], served)
    st.subheader("Last evaluation")
    _evaluation(told["last_evaluation"])
    st.subheader("Events")
    connection.table(tables.events(told["events"]), "why")


def _evidence(named: Any, served: Served) -> None:
    try:
        now = states(named, served.evidence_base)
    except Unproven as problem:
        st.warning("There is nothing to judge")
        st.text(str(problem))
        return
    if any(state != "same" for state in now.values()):
        st.warning("Not every file is the one that was named. What changed is not judged.")
    connection.table(tables.evidence(named["artifacts"], now), "path")


def _evaluation(event: Mapping[str, Any] | None) -> None:
    if event is None:
        st.text("It was never evaluated.")
        return
    payload = event["payload"]
    [last] = tables.events([event])
    st.text(f"{last['when (UTC)']} UTC: {last['status']}")
    lines = (*payload.get("reasons", ()), *payload.get("open_questions", ()), *payload.get("warnings", ()))
    for line in lines:
        st.text(f"• {line}")
    left, right = st.columns([2, 3])
    with left:
        connection.table(tables.figures(payload))
    with right:
        connection.table(tables.thresholds(payload))
