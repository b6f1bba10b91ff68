"""`promotion drill`: does the rollback still work?"""

from __future__ import annotations

from typing import Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json, say_lines
from pytest_promotion.cli.progress import waiting
from pytest_promotion.suites.release.commands.rollout_options import plan_of, planned


@click.command(epilog="Example: promotion drill --env staging --live --database data/app.db --retain-count 36")
@planned
@click.option("--live/--dry-run", default=False, help="Deploy and roll back for real; else only look: exit 7.")
@click.option(
    "--retain-count",
    type=click.IntRange(min=1),
    default=24,
    show_default=True,
    envvar="PROMOTION_DRILL_RETAIN",
    help="Number of reports of the environment that are kept [$PROMOTION_DRILL_RETAIN].",
)
@click.option(
    "--from",
    "first",
    default="",
    metavar="VERSION",
    help="What is deployed first: a commit, or NAME@sha256:HEX; the commit before this one on a target of programs.",
)
@click.option("--to", "second", default="", metavar="VERSION", help="What is deployed over it [what lies here].")
@click.option("--shared-data", is_flag=True, help="What its containers write to outside of them may be written to.")
@click.option("--json", "as_json", is_flag=True, help="Print the report.")
def drill(
    live: bool, retain_count: int, first: str, second: str, shared_data: bool, as_json: bool, **given: Any
) -> int:
    """
    Make a deployment fail in a project of its own, and look whether it is rolled back.

    It is the project NAME-drill, on copies of the databases, and goes from one version to another.

    Exit 0 passed, 2 failed, 3 not done, 7 not exercised.
    """
    from pytest_promotion.suites.release.rollout.drill import drill as carry_out

    with command_errors("the report cannot be written"), waiting("drill"):
        plan = plan_of(given, dry_run=not live)
        done = carry_out(plan, retain=retain_count, shared_data=shared_data, first=first, second=second)
    if as_json:
        say_json(done.document, indent=2)
    else:
        say_lines(str(done))
    return done.code
