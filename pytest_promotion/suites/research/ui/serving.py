"""Starts the pages, and tells them where the store is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pytest_promotion.errors import Unproven

APP: Final = Path(__file__).with_name("app.py")
STORE: Final = "CRYPTO_ANALYZER_DB_PATH"
REPORTS: Final = "PROMOTION_UI_REPORTS"
EVIDENCE_BASE: Final = "PROMOTION_UI_EVIDENCE_BASE"


@dataclass(frozen=True, slots=True)
class Served:
    """What the pages are about: the store, where judged bytes are kept, and where evidence is if it was moved."""

    db: str = "reports/candidates.db"
    reports: Path = Path("reports")
    evidence_base: Path | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """What was handed over by *environment*."""
        usual = cls()
        base = environment.get(EVIDENCE_BASE)
        reports = environment.get(REPORTS) or usual.reports
        return cls(environment.get(STORE) or usual.db, Path(reports), Path(base) if base else usual.evidence_base)

    @property
    def environment(self) -> dict[str, str]:
        """How it is handed over: a URL may have a password, and arguments are seen by everybody on the machine."""
        return {STORE: self.db, REPORTS: str(self.reports), EVIDENCE_BASE: str(self.evidence_base or "")}

    @property
    def vault(self) -> Path:
        """Where the bytes are kept that an evaluation judged."""
        return self.reports / "promotion_gates" / "evidence"


def serve(what: Served, *, host: str, port: int, headless: bool) -> None:
    """
    Serves the pages in this process until it is interrupted; opens a browser unless *headless*.

    Raises:
        Unproven: where the server cannot start, as on a port that is taken.
    """
    from streamlit.web import cli

    os.environ.update(what.environment)
    settings = {
        "server.address": host,
        "server.port": port,
        "server.headless": headless,
        "server.showEmailPrompt": False,  # or the first start waits for somebody to type an address
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",  # the log has the traceback; the page would show it to every visitor
        "theme.primaryColor": "#1c5d99",  # Streamlit's own is the red of a refusal
        "global.developmentMode": False,
    }
    words = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in settings.items()]
    try:
        cli.main(["run", str(APP), *words], standalone_mode=False)
    except SystemExit as end:
        if end.code:
            raise Unproven(f"the pages cannot be served at {host}:{port}: is the port taken?") from None
