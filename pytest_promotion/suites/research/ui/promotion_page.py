"""The page "Promotion": find a candidate, see what it rests on and what happened to it, evaluate it, decide by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st
from sqlalchemy import Connection

from pytest_promotion.suites.research import store
from pytest_promotion.suites.research.transitions import STATUSES
from pytest_promotion.suites.research.ui import actions, connection, details, tables
from pytest_promotion.suites.research.ui.serving import Served

ON_A_PAGE: Final = 15


def page() -> None:
    """Draws the page from the store as it is now."""
    st.title("Promotion")
    served = Served.of(os.environ)
    with connection.opened(served) as conn:
        chosen = _chosen(conn, _listed(conn))
        told = store.whole(conn, chosen) if chosen else None
        actions.evaluation(conn, served, told)
        if told is not None:
            details.head(told)
            actions.last_answer(told)
            actions.by_hand(conn, told)
            details.body(told, served)


def _listed(conn: Connection) -> Sequence[Mapping[str, Any]]:
    """Shows a page of the candidates that the filters let through, and returns it."""
    pages: list[tuple[str, str]] = st.session_state.setdefault("pages", [])  # behind which row each page begins
    columns = st.columns(3)
    status = columns[0].selectbox(
        "Status", STATUSES, index=None, placeholder="any", key="status", on_change=pages.clear
    )
    dataset = columns[1].text_input("Dataset", placeholder="any, or exactly this", key="dataset", on_change=pages.clear)
    signal = columns[2].text_input("Signal", placeholder="any, or exactly this", key="signal", on_change=pages.clear)
    before = pages[-1] if pages else None
    found = store.list_candidates(
        conn, status, dataset.strip() or None, signal.strip() or None, limit=ON_A_PAGE + 1, before=before
    )
    rows = found[:ON_A_PAGE]
    if rows:
        identities = [row["candidate_id"] for row in rows]
        shown = tables.candidates(rows, store.approvers(conn, identities), store.weakened(conn, identities))
        connection.table(shown)
    else:
        st.info("No candidate answers that.")
    if pages or len(found) > ON_A_PAGE:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Newer", key="newer", disabled=not pages, on_click=_back, args=(pages,))
            behind = (rows[-1]["created_at_utc"], rows[-1]["candidate_id"]) if rows else None
            more = len(found) > ON_A_PAGE
            st.button("Older", key="older", disabled=not more, on_click=pages.append, args=(behind,))
            st.text(f"Page {len(pages) + 1}")
    return rows


def _chosen(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The id of the candidate to be shown: it stays chosen where its new status takes it off the list."""
    found = {row["candidate_id"]: row for row in rows}
    before = st.session_state.get("chosen")
    if before and before not in found and (row := store.get_candidate(conn, before)):
        found[before] = row
    # A browser sends the words of what is chosen: they have to be the same as long as it is.
    words = {
        name: f"{row['signal_name']} at {row['horizon']} · {row['run_id']} · {name}" for name, row in found.items()
    }
    chosen: str | None = st.selectbox(
        "Candidate",
        list(words),
        index=None,
        format_func=lambda identity: words.get(identity, identity),
        placeholder="Choose one to see what it rests on",
        key="chosen",
    )
    return chosen


def _back(pages: list[tuple[str, str]]) -> None:
    pages.pop()
