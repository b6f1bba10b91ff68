"""A run whose candidate deserves its acceptance, and the steps to it, each of which can be done wrongly."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection

from fixtures.research import UNSEEN_PATH, simulated
from fixtures.research.cases import CASES
from pytest_promotion.suites.research import events, service, store
from pytest_promotion.suites.research.approving import approve
from pytest_promotion.suites.research.gating import PromotionDecision
from pytest_promotion.suites.research.observations import observe
from pytest_promotion.suites.research.people import Person

ADA, BEN, EVE = (Person(name, "given") for name in ("ada", "ben", "eve"))
CREATED = simulated(CASES["edge"]).created


class Whole:
    """The run in `base`, and its candidate in the store of `conn`."""

    def __init__(self, conn: Connection, base: Path) -> None:
        self.conn, self.base, self.identity = conn, base, ""
        told = json.loads((base / "candidate.json").read_text())
        self.files: dict[str, str] = told.pop("evidence")
        self.given: dict[str, Any] = told

    def create(self, *, at: datetime = CREATED, **changes: Any) -> Whole:
        """Creates the candidate as if it were *at*."""
        payload = service.proposed(self.given | changes, self.files, self.base)
        with mock.patch.object(events, "now", return_value=at):
            self.identity = store.create_candidate(self.conn, payload, by=ADA)
        return self

    def without(self, *kinds: str) -> Whole:
        """Names fewer files."""
        self.files = {kind: path for kind, path in self.files.items() if kind not in kinds}
        return self

    def bundle(self, **changes: Any) -> Whole:
        """Puts other values into the bundle; None takes one away."""
        path = self.base / self.files["validation_bundle_path"]
        told = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({name: value for name, value in told.items() if value is not None}))
        return self

    def figures(self, **changes: Any) -> Whole:
        """Puts other figures into the bundle, at the candidate's horizon."""
        told = json.loads((self.base / self.files["validation_bundle_path"]).read_text())["ic_summary_by_horizon"]
        return self.bundle(ic_summary_by_horizon=told | {"1": told["1"] | changes})

    def evaluate(self, **given: Any) -> PromotionDecision:
        """Evaluates it, by Ada where nobody else is named."""
        return service.evaluate_and_record(self.conn, self.identity, **({"by": ADA} | given))

    def observe(self, path: str = UNSEEN_PATH, kind: str = "paper") -> Whole:
        """Names the later data."""
        observe(self.conn, self.identity, path, kind, self.base, by=ADA)
        return self

    def approve(self, by: Person = BEN) -> Whole:
        """A second person approves it."""
        approve(self.conn, self.identity, "the thesis holds", by=by)
        return self

    def ready(self) -> Whole:
        """All that comes before the last evaluation."""
        self.create()
        assert self.evaluate().new_status == "candidate"
        return self.observe().approve()

    def rows(self, path: str) -> list[dict[str, str]]:
        """The rows of a CSV of the run."""
        with (self.base / path).open(newline="") as lines:
            return list(csv.DictReader(lines))

    def later(self, change: Any, name: str = "other.csv") -> str:
        """Another series of later data: *change* is given the moments and values, and returns others."""
        pairs = [(datetime.fromisoformat(row["ts"]), float(row["ic"])) for row in self.rows(UNSEEN_PATH)]
        lines = [f"{moment.isoformat()},{value!r}" for moment, value in change(pairs)]
        (self.base / name).write_text("\n".join(["ts,ic", *lines]) + "\n")
        return name

    @property
    def status(self) -> str:
        """What it is now."""
        row = store.get_candidate(self.conn, self.identity)
        assert row is not None
        return str(row["status"])


def soon() -> datetime:
    """A moment that has not come yet."""
    return datetime.now(UTC) + timedelta(days=1)
