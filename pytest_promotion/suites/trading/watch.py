"""
The watcher: strict cycles at an interval, and a record of each change of status.

What it knows survives it. A state file that cannot be read is set aside, and the last
transition that was recorded says where things stood; one watcher at a time owns the state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pytest_promotion.clock import iso, stamp
from pytest_promotion.errors import PromotionError, Unproven
from pytest_promotion.interrupts import stop_event
from pytest_promotion.json_files import append_line, read_object, write_json
from pytest_promotion.suites.trading.cycle import Cycle, note_incident, write_summary
from pytest_promotion.suites.trading.watch_alerts import Alerts

_STATUSES = ("PASS", "FAIL", "UNKNOWN")


class AnotherWatcher(PromotionError):
    """The state belongs to a watcher that is running."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Where a watcher keeps what it knows, and whom it tells."""

    reports: Path
    incidents: Path | None = None  # the document that notes go to, where they are wanted
    alerts: Alerts = field(default_factory=Alerts)

    @property
    def state(self) -> Path:
        return self.reports / "promotion_gates" / "strict_watch_state.json"

    @property
    def transitions(self) -> Path:
        return self.reports / "promotion_gates" / "strict_watch_transitions.jsonl"

    def last_status(self) -> str:
        """PASS, FAIL or UNKNOWN as it was known last; a damaged state file is set aside."""
        if not self.state.exists():
            return self._last_transition()
        try:
            status = str(read_object(self.state)["last_status"])
        except Unproven:
            aside = self.state.with_name(f"{self.state.stem}.corrupt-{stamp(datetime.now(UTC))}.json")
            self.state.replace(aside)
            return self._last_transition()
        return status if status in _STATUSES else self._last_transition()

    def recall_alerts(self) -> None:
        """Takes down which channel knows which status, as the watcher before this one left it."""
        try:
            told = read_object(self.state).get("alerted", {})
        except Unproven:
            return
        if isinstance(told, dict):
            self.alerts.told.update({str(key): str(value) for key, value in told.items() if value in _STATUSES})

    def _last_transition(self) -> str:
        try:
            lines = self.transitions.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "UNKNOWN"
        for line in reversed(lines):
            try:
                status = json.loads(line)["to_status"]
            except (ValueError, KeyError, TypeError, RecursionError):
                continue  # a line that was half written; the one before it is whole
            if status in _STATUSES:
                return str(status)
        return "UNKNOWN"

    def note(self, cycle: Cycle, before: str, count: int) -> list[str]:
        """
        Records one cycle: summary, transition, incident, alerts, and the state last of all.

        Returns:
            a sentence for each alert that was not delivered. Raises `OSError`.
        """
        path = write_summary(cycle, self.reports)
        if cycle.status != before:
            line: dict[str, Any] = {
                "ts_utc": iso(cycle.at),
                "from_status": before,
                "to_status": cycle.status,
                "critical_failures": list(cycle.decision.critical_failures),
                "strict_cycle_latest_path": str(path),
            }
            append_line(self.transitions, json.dumps(line))
            if self.incidents is not None and cycle.status != "PASS":
                note_incident(self.incidents, cycle, before)
        undelivered = list(self.alerts.send(cycle, before))
        write_json(
            self.state,
            {
                "ts_utc": iso(cycle.at),
                "run_count": count,
                "last_status": cycle.status,
                "last_rc": cycle.exit_code,
                "last_failures": list(cycle.decision.critical_failures),
                "strict_cycle_latest_path": str(path),
                "alerted": self.alerts.told,
            },
        )
        return undelivered

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Holds the state. Raises `AnotherWatcher`."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.state.with_suffix(".lock"), timeout=0):
                yield
        except Timeout:
            raise AnotherWatcher(f"another watcher owns {self.state}") from None


def watch(
    place: Watch,
    cycle: Callable[[], Cycle],
    interval_s: float,
    max_runs: int = 0,
    tell: Callable[[Cycle, str], None] | None = None,
    complain: Callable[[str], None] | None = None,
) -> str:
    """
    Runs *cycle* every *interval_s* seconds until SIGTERM, SIGINT, or *max_runs* (0: no end).

    A cycle or a record that fails is told and does not end the watch: the next one may not. *complain* hears of each
    alert that was not delivered, and of a record that was not written.

    Returns:
        the status after the last cycle.

    Raises:
        AnotherWatcher: where the state is owned already.
    """
    with place.owned(), stop_event() as ended:
        place.recall_alerts()
        status, count = place.last_status(), 0
        while not ended.is_set():
            before, count = status, count + 1
            done = cycle()
            status = done.status
            if tell is not None:
                tell(done, before)
            try:
                complaints = place.note(done, before, count)
            except OSError as problem:
                status = before  # unrecorded, so that the next cycle records the change
                complaints = [f"the cycle was not recorded: {(problem.strerror or 'failed').lower()}"]
            if complain is not None:
                for complaint in complaints:
                    complain(complaint)
            if max_runs and count >= max_runs:
                break
            ended.wait(interval_s)
        return status
