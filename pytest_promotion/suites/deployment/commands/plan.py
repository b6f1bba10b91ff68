"""`promotion plan`: may this infrastructure plan be applied, and what of it may be kept?"""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.text import clean


@click.group()
def plan() -> None:
    """Infrastructure plans, as `terraform show -json` or `tofu show -json` prints them."""


@plan.command("check", epilog="Example: promotion plan check plan.json --protect 'aws_db_*' --drift refuse")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--protect", multiple=True, metavar="PATTERN", help="An address or a type that may not be lost; repeatable."
)
@click.option("--most-lost", type=click.IntRange(0), metavar="N", help="How many others may be destroyed or replaced.")
@click.option(
    "--drift",
    type=click.Choice(["report", "refuse"]),
    default="report",
    show_default=True,
    help="report: list drift of resources; refuse: exit 2 where there is any.",
)
@click.option(
    "--undecided",
    type=click.Choice(["report", "refuse"]),
    default="report",
    show_default=True,
    help="report: list checks of resources that the plan creates; refuse: exit 3 where one is undecided.",
)
@click.option(
    "--max-age",
    default="24h",
    show_default=True,
    metavar="SPAN",
    help="Greatest age of the plan, such as 1h; an older one is refused.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here too.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(
    file: Path,
    protect: tuple[str, ...],
    most_lost: int | None,
    drift: str,
    undecided: str,
    max_age: str,
    out: Path | None,
    as_json: bool,
) -> int:
    """
    Hold the plan in FILE against rules.

    Exit code 0 it may be applied, 2 it may not, 3 nobody can tell: it is old, undated, not whole, or no plan.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.json_files import write_json
    from pytest_promotion.readers.terraform import read
    from pytest_promotion.suites.deployment.plan_rules import document, judge, rules

    now = Clock().now()
    with command_errors():
        accepted = {"most_lost": most_lost, "drift": drift, "undecided": undecided, "max_age": max_age}
        asked = rules({"protected": list(protect)} | accepted)
        found = read(read_file(file), str(file))
        judgement = judge(found, asked, now)
        report = document(str(file), found, judgement, now)
        if out is not None:
            write_json(out, clean(report))
    if as_json:
        say_json(report, indent=2)
    else:
        told = ", ".join(f"{count} to {action}" for action, count in judgement.actions.items()) or "no resources"
        say(f"{judgement.status}: {told}")
        for line in judgement.reasons:
            say(f"  {line}")
        for note in judgement.notes:
            say(f"  note: {note}")
        for address in judgement.drifted:
            say(f"  drifted: {address}")
    if found.values:
        say(
            f"note: {file} holds values; keep `promotion plan mask` of it as evidence, which gives the same answer",
            err=True,
        )
    return judgement.exit_code


@plan.command("mask", epilog="Example: terraform show -json tfplan | promotion plan mask - --out reports/plan.json")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it here instead of printing it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which it always does.")
def mask(file: Path, out: Path | None, as_json: bool) -> int:  # noqa: ARG001 - every command takes --json
    """Write the plan in FILE (- is standard input) without any value, so that it can be evidence."""
    import sys

    from pytest_promotion.json_files import write_json
    from pytest_promotion.suites.deployment.plan_masking import masked

    with command_errors():
        piped = str(file) == "-"
        content = sys.stdin.buffer.read() if piped else read_file(file)
        found = masked(content, "standard input" if piped else str(file))
        if out is not None:
            write_json(out, found)
    if out is None:
        say_json(found, indent=2)
    return 0
