"""
What the pages are made of. What anybody wrote into the store is shown as text, never as Markdown or HTML.

Streamlit reads Markdown in its alerts, headings, labels and in `st.table`: those get words of ours only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import streamlit as st
from sqlalchemy import Connection

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.migrations import require_promotion_tables
from pytest_promotion.suites.research.ui.answers import Answer
from pytest_promotion.suites.research.ui.serving import Served
from pytest_promotion.suites.research.ui.tables import Row

# Unicode's bidirectional controls (UAX 9): with one of them `accepted` can be read where `rejected` is written.
_TURNING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@contextmanager
def opened(served: Served) -> Iterator[Connection]:
    """A connection to the store. What cannot be shown is said in a sentence, and the page ends there."""
    try:
        with connected(served.db) as conn:
            require_promotion_tables(conn)
            url = conn.engine.url
            st.sidebar.text(f"Store: {url.host + '/' if url.host else ''}{url.database}")
            yield conn
    except (PolicyError, Unproven) as problem:
        answer(Answer("", "error", "This cannot be shown", (str(problem),)))
        st.stop()


def table(rows: Sequence[Row], *wide: str) -> None:
    """Rows under the names of their fields. The columns that are *wide* get the room."""
    if not rows:
        st.text("There is nothing.")
        return
    columns = {
        name: st.column_config.TextColumn(width="large" if name in wide else None)
        for name, value in rows[0].items()
        if isinstance(value, str)
    }
    shown = [
        {name: harmless(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
    ]
    st.dataframe(shown, hide_index=True, width="stretch", height="content", column_config=columns)


def answer(given: Answer) -> None:
    """What an action came to."""
    with st.container(border=bool(given.lines)):
        getattr(st, given.kind)(given.headline)
        for line in given.lines:
            st.text(harmless(line))


def harmless(text: str) -> str:
    """*text* with the characters that turn the direction of what follows written as escapes: `\\u202e`."""
    return "".join(f"\\u{ord(letter):04x}" if letter in _TURNING else letter for letter in text)
