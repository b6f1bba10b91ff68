"""What Streamlit runs: the pages, in the order in which the sidebar names them."""

from __future__ import annotations

import streamlit as st

from pytest_promotion.suites.research.ui import promotion_page, record_page

st.set_page_config(page_title="pytest-promotion", layout="wide")
st.navigation(
    [
        st.Page(promotion_page.page, title="Promotion", url_path="promotion", default=True),
        st.Page(record_page.page, title="Record", url_path="record"),
    ]
).run()
