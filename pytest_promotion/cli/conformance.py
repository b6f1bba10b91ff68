"""`promotion conformance`: broken candidates, and which tool lets them through."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json, say_lines
from pytest_promotion.text import listed


@click.command(epilog="Example: promotion conformance --also 'ours=./run-gates.sh'")
@click.option("--case", "ids", metavar="ID", multiple=True, help="Only this case, by id, number or group; repeatable.")
@click.option("--also", "also", metavar="NAME=COMMAND", multiple=True, help="One more tool, run in each case's folder.")
@click.option(
    "--write", "into", metavar="DIR", type=click.Path(path_type=Path), help="Write the cases below DIR, run none."
)
@click.option("--jobs", type=click.IntRange(1), default=None, metavar="N", help="So many at a time. [one a processor]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Print the table as plain text, Markdown or JSON.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def conformance(
    ids: tuple[str, ...], also: tuple[str, ...], into: Path | None, jobs: int | None, form: str, as_json: bool
) -> int:
    """
    Put broken candidates to plain pytest, to its strictest settings and to this plugin.

    In each case a candidate is broken and the gate that should say so does not. A tool that ends with 0 would
    promote it. Exit code 0: this plugin lets none through; 2: it does; 3: a tool is red where nothing is wrong, or
    cannot be run.
    """
    from pytest_promotion.conformance import table
    from pytest_promotion.conformance.cases import corpus
    from pytest_promotion.conformance.trial import PLAIN, PROMOTION, STRICT, Tool, try_all

    cases = [case for case in corpus() if not ids or set(case.names) & set(ids)]
    unknown = set(ids) - {name for case in cases for name in case.names}
    if unknown:
        raise click.UsageError(f"no such case: {listed(sorted(unknown))}")
    if into is not None:
        for case in cases:
            case.write(into / case.id)
        say(f"{len(cases)} cases are below {into}")
        return 0
    left_out = [case for case in cases if case.missing]
    cases = [case for case in cases if not case.missing]
    try:
        tools = [PLAIN, STRICT, PROMOTION, *map(Tool.of, also)]
    except ValueError as problem:
        raise click.UsageError(str(problem)) from None
    with tempfile.TemporaryDirectory(prefix="promotion-conformance-") as folder, command_errors():
        trials = list(try_all(cases, tools, Path(folder), jobs or os.cpu_count() or 1))
    found = table.Comparison(cases, tools, trials)
    if as_json or form == "json":
        say_json(found.document(), indent=2)
    else:
        say_lines((table.as_markdown(found) if form == "markdown" else table.as_text(found)).rstrip("\n"))
    for case in left_out:
        say(f"{case.id} was not run: {', '.join(case.missing)} is not installed", err=True)
    for tool in found.untrusted:
        say(f"{tool.name} is red where nothing is wrong: what it stops shows nothing", err=True)
    if found.untrusted:
        return 3
    return 2 if found.green(PROMOTION) else 0
