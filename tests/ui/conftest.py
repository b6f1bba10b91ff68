"""A store with candidates of a research run, and the pages on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from streamlit.testing.v1 import AppTest

from pytest_promotion.suites.research.database import connected
from pytest_promotion.suites.research.ui.serving import APP, Served
from tests.candidates.conftest import candidate, made, run  # noqa: F401 - fixtures, of the `conn` that is here


@pytest.fixture
def served(tmp_path: Path, made: str, monkeypatch: pytest.MonkeyPatch) -> Served:  # noqa: F811 - the fixture itself
    """A store with nothing in it, to which the pages are pointed."""
    found = Served(str(shutil.copy(made, tmp_path / "store.db")), tmp_path / "reports")
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def conn(served: Served) -> Iterator[Connection]:
    """A connection to that store beside the pages."""
    with connected(served.db) as connection:
        yield connection


class Page:
    """The page "Promotion" as one person has it open."""

    def __init__(self) -> None:
        self.drawn = AppTest.from_file(APP, default_timeout=300).run()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.drawn, name)

    def choose(self, identity: str) -> Page:
        """Chooses a candidate."""
        self.selectbox("chosen").set_value(identity).run()
        return self

    def press(self, label: str) -> Page:
        """Presses a button."""
        self.button_of(label).click().run()
        return self

    def button_of(self, label: str) -> Any:
        """The button that says that."""
        return next(button for button in self.drawn.button if button.label == label)

    def by_hand(self, new: str | None, reason: str = "", approver: str = "") -> Page:
        """Fills in the form, and sends it."""
        next(box for box in self.drawn.selectbox if box.label == "New status").set_value(new)
        self.drawn.text_area[0].set_value(reason)
        next(field for field in self.drawn.text_input if field.label.startswith("Approver")).set_value(approver)
        return self.press("Change the status")

    def table(self, column: str) -> list[dict[str, Any]]:
        """The rows of the first table that has that column."""
        frame = next(table.value for table in self.drawn.dataframe if column in table.value.columns)
        return json.loads(frame.to_json(orient="records"))

    @property
    def listed(self) -> list[str]:
        """The ids in the list."""
        return [row["id"] for row in self.table("id")]

    @property
    def said(self) -> tuple[str, str]:
        """What the last action came to: the kind of the alert in the page's own part, and its headline."""
        [alert] = [*self.drawn.main.success, *self.drawn.main.warning, *self.drawn.main.error]
        return alert.type, alert.value

    @property
    def texts(self) -> list[str]:
        """What is shown as text."""
        return [text.value for text in self.drawn.text]


@pytest.fixture
def page(served: Served) -> Callable[[], Page]:
    """Opens the page, as often as it is called."""
    return Page
