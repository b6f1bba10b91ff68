"""
The services that are watched, and what shows that each of them is alive.

Built in are the thirteen that the trading system's hardening names, with their variables and
limits; a company adds its own in a YAML file of the same shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal

import msgspec

from pytest_promotion.errors import PolicyError
from pytest_promotion.evidence.typed import converted

_NUMBER = re.compile(r"\d+(\.\d+)?")


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A length of time that an environment variable may set, in seconds; one called `*_MS` counts milliseconds."""

    variable: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    seconds: Annotated[float, msgspec.Meta(gt=0, lt=1e9)]  # where the variable is not set

    def given(self, environ: Mapping[str, str]) -> float:
        """The seconds that hold under *environ*. Raises `PolicyError` for what is no number above 0."""
        text = environ.get(self.variable)
        if text is None:
            return self.seconds
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not 0 < value < math.inf:
            unit = "milliseconds" if self._milliseconds else "seconds"
            raise PolicyError(f"{self.variable} is {text!r}, expected a number of {unit} above 0")
        return value / 1000 if self._milliseconds else value

    @property
    def _milliseconds(self) -> bool:
        return self.variable.endswith("_MS")


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One service: a file that it must keep writing, a Redis that it must reach, or both."""

    writes: str = ""  # a glob pattern below the root
    field: str = ""  # what dates the file or its rows, where that is not one of the usual names
    path_variable: str = ""  # the environment variable that may name another file
    limit: Setting | None = None  # how old the newest content may be
    every: Setting | None = None  # how often it is written
    redis: bool = False


def _writer(writes: str, limit: tuple[str, float], every: tuple[str, float], **more: Any) -> Service:
    return Service(writes=writes, limit=Setting(*limit), every=Setting(*every), **more)


BUILT_IN: Final[Mapping[str, Service]] = {
    "signal-service": Service(redis=True),
    "risk-service": Service(redis=True),
    # It writes and it listens: a file that is fresh beside a bus that is gone coordinates nothing.
    "coordination-service": _writer(
        "reports/coordination/latest.json",
        ("COORD_HEALTH_MAX_SEC", 600),
        ("COORD_HEALTH_WRITE_SEC", 5),
        path_variable="COORD_HEALTH_PATH",
        redis=True,
    ),
    "event-store-service": _writer(
        "reports/event_store/events_*.jsonl", ("EVENT_STORE_HEALTH_MAX_SEC", 900), ("EVENT_POLL_MS", 1)
    ),
    # The integrity reports are another service's; what the monitor itself writes are its comparisons.
    "event-store-monitor": _writer(
        "reports/event_store/source_compare_*.json",
        ("EVENT_STORE_MONITOR_HEALTH_MAX_SEC", 1800),
        ("EVENT_STORE_MONITOR_INTERVAL_SEC", 900),
    ),
    "day2-gate-monitor": _writer(
        "reports/event_store/day2_gate_eval_latest.json",
        ("DAY2_GATE_HEALTH_MAX_SEC", 900),
        ("DAY2_GATE_INTERVAL_SEC", 300),
    ),
    "reconciliation-service": _writer(
        "reports/reconciliation/latest.json", ("RECON_HEALTH_MAX_SEC", 900), ("RECON_INTERVAL_SEC", 300)
    ),
    "exchange-snapshot-service": _writer(
        "reports/exchange_snapshots/latest.json",
        ("EXCHANGE_SNAPSHOT_HEALTH_MAX_SEC", 600),
        ("EXCHANGE_SNAPSHOT_INTERVAL_SEC", 120),
    ),
    "shadow-parity-service": _writer(
        "reports/parity/latest.json", ("PARITY_HEALTH_MAX_SEC", 900), ("PARITY_INTERVAL_SEC", 300)
    ),
    "portfolio-risk-service": _writer(
        "reports/portfolio_risk/latest.json",
        ("PORTFOLIO_RISK_HEALTH_MAX_SEC", 900),
        ("PORTFOLIO_RISK_INTERVAL_SEC", 300),
    ),
    "soak-monitor": _writer(
        "reports/soak/latest.json", ("SOAK_MONITOR_HEALTH_MAX_SEC", 1200), ("SOAK_MONITOR_INTERVAL_SEC", 300)
    ),
    "daily-ops-reporter": _writer(
        "docs/ops/daily_ops_report_*.md",
        ("DAILY_OPS_REPORT_HEALTH_MAX_SEC", 3600),
        ("DAILY_OPS_REPORT_INTERVAL_SEC", 900),
    ),
    "ops-db-writer": _writer(
        "reports/ops_db_writer/latest.json",
        ("OPS_DB_WRITER_HEALTH_MAX_SEC", 900),
        ("OPS_DB_WRITER_INTERVAL_SEC", 300),
    ),
}


class _Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    services: dict[str, Service]


_NONE: Final = object()


def known(own: Any = _NONE, origin: str = "the services file") -> dict[str, Service]:
    """
    The built-in services with those of *own* laid on top, a document `{version: 1, services: {name: …}}`.

    Raises:
        PolicyError: for a document of another shape, and for a service that nothing would show alive.
    """
    if own is _NONE:  # an empty document is not the same as none
        return dict(BUILT_IN)
    added = converted(own, _Own, f"{origin}", PolicyError).services
    for name, service in added.items():
        if bool(service.writes) != (service.limit is not None) or not (service.writes or service.redis):
            raise PolicyError(f"{origin}: {name} needs `writes` and `limit` together, or `redis: true`")
        path = PurePosixPath(service.writes)
        if path.is_absolute() or ".." in path.parts:
            raise PolicyError(f"{origin}: {name} writes {service.writes}, which is not below the root")
    return {**BUILT_IN, **added}
