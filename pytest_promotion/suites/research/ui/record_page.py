"""The page "Record": is the chain of all events whole?"""

from __future__ import annotations

import os

import streamlit as st

from pytest_promotion.suites.research import chain
from pytest_promotion.suites.research.ui import connection
from pytest_promotion.suites.research.ui.answers import Answer
from pytest_promotion.suites.research.ui.serving import Served


def page() -> None:
    """Draws the page. The chain is read when it is asked for: it may have a million events."""
    st.title("Record")
    st.write(
        "Each event names the digest of the one before it. Keep the head that is shown here elsewhere: "
        "only it can tell a chain that was cut off, or a store that was made anew."
    )
    with connection.opened(Served.of(os.environ)) as conn:
        anchor = st.text_input("A head that was kept elsewhere", placeholder="optional: 64 hex digits", key="anchor")
        if st.button("Check the chain", type="primary", key="check"):
            found = chain.check(conn, anchor.strip())
            if found.holds:
                connection.answer(Answer("", "success", f"The chain is whole: {found.events} events"))
            else:
                headline = f"The record was changed: {len(found.problems)} problems in {found.events} events"
                connection.answer(Answer("", "error", headline, found.problems))
            if found.unchained:
                st.text(f"{found.unchained} events are older than the chain.")
            st.text("Its head:")
            st.code(found.head or "none", language=None)
