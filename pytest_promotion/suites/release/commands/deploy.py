"""`promotion deploy`: what was decided is deployed, or put back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.cli.acting_options import acting_of, acting_options
from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json, say_lines
from pytest_promotion.cli.progress import waiting
from pytest_promotion.suites.release.commands.rollout_options import plan_of, planned, recorded_stage

if TYPE_CHECKING:
    from pytest_promotion.suites.release.rollout.plan import Scope

_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.command(
    epilog="Example: promotion deploy --env prod --database data/app.db --health-url http://localhost:8001/health "
    "--subject sha256:HEX --key release.pub --rollback-on-failure"
)
@planned
@click.option("--rollback-on-failure", is_flag=True, help="Put back databases and images where it is not well.")
@click.option(
    "--rollback-scope",
    type=click.Choice(["images", "images+data"]),
    default="images+data",
    show_default=True,
    help="What a rollback puts back: with images, databases stay as they are.",
)
@click.option("--dry-run", is_flag=True, help="Look whether it could be done, and do nothing: exit 7.")
@click.option("--resume", is_flag=True, help="Go on with a deployment that stopped on its way.")
@click.option("--rollback", is_flag=True, help="Go back from a deployment that stopped on its way.")
@click.option("--revert", is_flag=True, help="Go back from the newest deployment, which was done: images alone.")
@click.option(
    "--decision",
    type=_FILE,
    default=Path("reports/promotion_gates/latest.json"),
    show_default=True,
    help="The decision that allows it.",
)
@click.option("--subject", default="", metavar="[NAME=]sha256:HEX", help="What the decision has to be about.")
@click.option("--key", "keys", multiple=True, type=click.Path(path_type=Path), help="A public key that may sign it.")
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of the keys that must have signed.",
)
@acting_options
@click.option("--refuse-weakened", is_flag=True, help="Not with a decision whose profile was weakened by flags.")
@click.option("--override", type=_FILE, help="Somebody broke the glass: deploy what the decision says FAIL to.")
@click.option(
    "--allow-unjudged-configuration",
    is_flag=True,
    help="Deploy a Compose configuration that the decision has not judged. The report repeats it.",
)
@click.option(
    "--keep", type=click.IntRange(min=1), default=10, show_default=True, help="Number of backups that are kept."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report.")
def deploy(
    rollback_on_failure: bool,
    rollback_scope: Scope,
    dry_run: bool,
    resume: bool,
    rollback: bool,
    revert: bool,
    decision: Path,
    subject: str,
    keys: tuple[Path, ...],
    threshold: int,
    refuse_weakened: bool,
    override: Path | None,
    allow_unjudged_configuration: bool,
    keep: int,
    as_json: bool,
    **given: Any,
) -> int:
    """
    Deploy with Compose what a decision allows, and find the way back where it is not well.

    Exit 0 deployed, and nothing else; 2 refused and 3 not done, with nothing changed; 5 rolled back, 6 rollback
    failed, 7 dry run, 8 failed and left as it is.
    """
    from dataclasses import replace

    from pytest_promotion.suites.release.rollout.deploy import Way
    from pytest_promotion.suites.release.rollout.deploy import deploy as carry_out
    from pytest_promotion.suites.release.rollout.permission import Permission

    if sum((dry_run, resume, rollback, revert)) > 1:
        raise click.UsageError("--dry-run, --resume, --rollback and --revert exclude each other")
    if threshold > max(len(keys), 1):
        raise click.UsageError(f"--threshold {threshold} with {len(keys)} keys can never be met")
    way: Way = "resume" if resume else "rollback" if rollback else "revert" if revert else "new"
    if not given["profile"] and not given["any_profile"] and not given["stage"]:
        given["profile"] = given["env"]  # the profile of an environment is the one of its name
    acting = replace(acting_of(given, Path.cwd(), archived=not given["allow_dirty"]), environment=given["env"])
    permission = Permission(decision, subject, keys, threshold, acting, override, refuse_weakened)
    with command_errors("the report cannot be written"):
        # A dry run may come before there is a decision.
        needed = not dry_run or decision.exists()
        plan = plan_of(
            given,
            permission=permission if needed else None,
            roll_back=rollback_on_failure,
            rollback_scope=rollback_scope,
            dry_run=dry_run,
            keep=keep,
            allow_dirty=given["allow_dirty"],
            allow_unjudged_configuration=allow_unjudged_configuration,
            stage=recorded_stage(given),
            history=(given["history"] or decision.parent).absolute(),
        )
        with waiting("deploy"):
            done = carry_out(plan, way)
    if as_json:
        say_json(done.document, indent=2)
    else:
        say_lines(str(done))
    return done.ending.code
