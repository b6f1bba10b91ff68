"""The trading contract: strict cycle, replay, health, upgrade checks and readiness."""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import GatesOption, Suite, bundled
from pytest_promotion.version import VERSION

_COMMANDS: Final = "pytest_promotion.suites.trading.commands"

_SERVICES: Final = {
    "reports/coordination/latest.json": "coordination-service",
    "reports/event_store/events_*.jsonl": "event-store-service",
    "reports/event_store/integrity_*.json": "event-store-service",
    "reports/event_store/source_compare_*.json": "event-store-monitor",
    "reports/event_store/day2_gate_eval_latest.json": "day2-gate-monitor",
    "reports/reconciliation/latest.json": "reconciliation-service",
    "reports/exchange_snapshots/latest.json": "exchange-snapshot-service",
    "reports/parity/latest.json": "shadow-parity-service",
    "reports/portfolio_risk/latest.json": "portfolio-risk-service",
    "reports/soak/latest.json": "soak-monitor",
    "docs/ops/daily_ops_report_*.md": "daily-ops-reporter",
    "reports/ops_db_writer/latest.json": "ops-db-writer",
}
_GROUPS: Final = " ".join(f"--group {name}=tests/{name}" for name in ("unit", "service", "integration"))

suite: Final = Suite(
    name="trading",
    version=VERSION,
    summary="The contract of a trading system: replay, strict cycle, health, readiness.",
    gates="pytest_promotion.suites.trading.gates",
    policy=bundled(__file__, "trading") / "promotion.yaml",
    writers={
        "reports/tests/latest.json": f"promotion tests run {_GROUPS} --cov PACKAGE --cov-fail-under 60",
        "reports/security/latest.json": "promotion secrets scan .",
        "reports/backtest_regression/latest.json": "promotion replay harness",
        "reports/replay_regression/latest.json": "promotion replay cycle --replayer MODULE:FUNCTION",
        "reports/replay_regression_multi_window/latest.json": "promotion replay windows --replayer MODULE:FUNCTION",
        **{
            path: f"docker compose restart {service}, until `promotion health {service}` says healthy"
            for path, service in _SERVICES.items()
        },
    },
    commands={
        "replay": f"{_COMMANDS}.replay:replay",
        "event-store": f"{_COMMANDS}.event_store:event_store",
        "cycle": f"{_COMMANDS}.cycle:cycle",
        "finalize": f"{_COMMANDS}.finalize:finalize",
        "upgrade-check": f"{_COMMANDS}.upgrade_check:upgrade_check",
        "health": f"{_COMMANDS}.health:health",
        "tests": f"{_COMMANDS}.tests:tests",
        "secrets": f"{_COMMANDS}.secrets:secrets",
    },
    layout=("config/multi_bot_policy_v1.json", "config/strategy_catalog/catalog_v1.json"),
    adopts="pytest_promotion.suites.trading.adopting:adopt",
    options=(
        GatesOption(
            flag="--require-day2-go",
            sets=("require_day2_go=true",),
            help="Demand that the day-2 evaluation says GO.",
        ),
        GatesOption(
            flag="--refresh-parity-once",
            sets=("refresh=parity",),
            help="Run the parity producer before the gates.",
        ),
        GatesOption(
            flag="--skip-replay-cycle",
            sets=("skip_replay_cycle=true",),
            help="Leave the replay out: its gate is NOT_RUN and the decision FAIL.",
        ),
    ),
)
