"""The trading contract: strict cycle, replay, health, upgrade checks and readiness."""

from __future__ import annotations

from typing import Final

from pytest_promotion.suites.api import GatesOption, Suite, bundled
from pytest_promotion.version import VERSION

_COMMANDS: Final = "pytest_promotion.suites.trading.commands"

suite: Final = Suite(
    name="trading",
    version=VERSION,
    summary="The contract of a trading system: replay, strict cycle, health, readiness.",
    gates="pytest_promotion.suites.trading.gates",
    policy=bundled(__file__, "trading") / "promotion.yaml",
    commands={
        "replay": f"{_COMMANDS}.replay:replay",
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
