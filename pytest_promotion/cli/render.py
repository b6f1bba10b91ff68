"""`promotion render`: a stored decision in another form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json
from pytest_promotion.errors import Unproven

if TYPE_CHECKING:
    from pytest_promotion.reporting.locations import Places


@click.command(epilog="Example: promotion render --format sarif --output gates.sarif")
@click.argument("file", type=click.Path(path_type=Path), default=Path("reports/promotion_gates/latest.json"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "sarif", "ctrf", "junit", "github", "annotations"]),
    default="markdown",
    show_default=True,
    help="github is a step's summary, annotations the workflow commands for its log.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write it there, or not at all (default: print it).")
@click.option("--rootdir", default="", metavar="DIR", help="Pytest's root directory, as a folder of the repository.")
@click.option("--root", default="", metavar="DIR", help="The promotion root, as a folder of the repository.")
@click.option("--json", "as_json", is_flag=True, help="Print what was rendered as one JSON object.")
def render(file: Path, form: str, output: Path | None, rootdir: str, root: str, as_json: bool) -> int:
    """
    Render the decision in FILE (default: the latest) in another form. Exit 0 done, 3 not.

    Nothing is decided again: a file that is no finished decision, or whose parts contradict each other,
    is not rendered.
    """
    from pytest_promotion import json_files
    from pytest_promotion.reporting.locations import Places
    from pytest_promotion.text import clean, legible
    from pytest_promotion.trust.contradictions import read

    with command_errors(f"{output} cannot be written"):
        _, content = read(file)
        try:
            text = _rendered(clean(json.loads(content)), form, Places(rootdir, root))
        except (KeyError, TypeError, ValueError) as problem:
            raise Unproven(f"{file} is not a decision that can be rendered: it lacks {problem}") from None
        if output is not None:
            json_files.write(output, text)
    if as_json:
        say_json({"format": form, "output": legible(output) if output else None, "content": text})
    elif output is None:
        click.echo(text, nl=False)
    return 0


def _rendered(document: dict[str, Any], form: str, places: Places) -> str:
    from pytest_promotion.reporting import ctrf, github, junit, markdown, sarif

    if form == "sarif":
        return json.dumps(sarif.sarif(document, places), indent=2) + "\n"
    if form == "ctrf":
        return json.dumps(ctrf.ctrf(document), indent=2) + "\n"
    if form == "junit":
        return junit.junit(document, places).decode()
    if form == "github":
        return github.summary(document)
    if form == "annotations":
        return "".join(f"{command}\n" for command in github.commands(document, places))
    return markdown.markdown(document)
