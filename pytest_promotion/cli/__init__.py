"""
The `promotion` command: one file a group, each of which parses, calls, prints and exits.

Exit codes: 0 yes, 2 no, 3 could not judge or do it, 4 wrong usage.
"""

from __future__ import annotations

from typing import Any, Final

import click

from pytest_promotion.cli.bundle import bundle
from pytest_promotion.cli.conformance import conformance
from pytest_promotion.cli.explain import diff, explain
from pytest_promotion.cli.gates import gates
from pytest_promotion.cli.history import history
from pytest_promotion.cli.init import init
from pytest_promotion.cli.keys import keygen, sign
from pytest_promotion.cli.merge import merge
from pytest_promotion.cli.override import override
from pytest_promotion.cli.policy import policy
from pytest_promotion.cli.render import render
from pytest_promotion.cli.schema import schema
from pytest_promotion.cli.vault import vault
from pytest_promotion.cli.verify import verify
from pytest_promotion.cli.waiver import waiver
from pytest_promotion.suites.deployment.commands.canonical import canonical
from pytest_promotion.suites.deployment.commands.monitor import monitor
from pytest_promotion.suites.deployment.commands.parity import parity
from pytest_promotion.suites.deployment.commands.plan import plan
from pytest_promotion.suites.deployment.commands.protection import protection
from pytest_promotion.suites.deployment.commands.scan_check import scan_check
from pytest_promotion.suites.deployment.commands.schema_change import schema_change
from pytest_promotion.suites.deployment.commands.slo import load, slo
from pytest_promotion.suites.release.commands.deploy import deploy
from pytest_promotion.suites.release.commands.drill import drill
from pytest_promotion.suites.release.commands.kb import kb
from pytest_promotion.suites.release.commands.threshold_change import threshold_change
from pytest_promotion.suites.research.commands.candidates import create, events, list_candidates, migrate, show
from pytest_promotion.suites.research.commands.evaluate import evaluate, set_status
from pytest_promotion.suites.research.commands.reality_check import reality_check
from pytest_promotion.suites.research.commands.ui import ui
from pytest_promotion.suites.trading.commands.cycle import cycle
from pytest_promotion.suites.trading.commands.finalize import finalize
from pytest_promotion.suites.trading.commands.health import health
from pytest_promotion.suites.trading.commands.replay import replay
from pytest_promotion.suites.trading.commands.secrets import secrets
from pytest_promotion.suites.trading.commands.tests import tests
from pytest_promotion.suites.trading.commands.upgrade_check import upgrade_check

USAGE: Final = 4


class _Group(click.Group):
    """Ends with 4, not click's 2, where the words of the call are off: 2 means no."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.UsageError as problem:
            problem.show()
            raise SystemExit(USAGE) from None
        except click.ClickException as problem:
            problem.show()
            raise SystemExit(3) from None
        except click.Abort:
            raise SystemExit(3) from None
        raise SystemExit(code or 0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-promotion", prog_name="promotion")
def main() -> None:
    """Decide promotions: gates are tests, one session becomes one decision."""


for command in (
    init,
    gates,
    verify,
    waiver,
    override,
    explain,
    diff,
    keygen,
    sign,
    merge,
    render,
    history,
    bundle,
    vault,
    cycle,
    finalize,
    health,
    kb,
    deploy,
    drill,
    monitor,
    replay,
    conformance,
    secrets,
    tests,
    threshold_change,
    upgrade_check,
    policy,
    canonical,
    parity,
    slo,
    load,
    scan_check,
    plan,
    protection,
    reality_check,
    migrate,
    create,
    list_candidates,
    show,
    evaluate,
    set_status,
    events,
    ui,
    schema,
    schema_change,
):
    main.add_command(command)
