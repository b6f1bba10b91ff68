"""`promotion candidates bundle`: from a panel to everything that a candidate needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json, say_lines

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Example: promotion candidates bundle panel.parquet --horizon 1 --horizon 5 --out run --freq 1h")
@click.argument("panel", nargs=-1, type=_FILE)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="Folder below which the files are written, under reports/.",
)
@click.option(
    "--kind",
    type=click.Choice(["panel", "ic", "returns"]),
    help="What the columns are: signals by asset, coefficients by signal, or returns by strategy.",
)
@click.option(
    "--horizon",
    "horizons",
    type=click.IntRange(1),
    multiple=True,
    default=(1,),
    show_default=True,
    help="Bars ahead, repeatable; the first one is that of the sweep and of the candidate.",
)
@click.option(
    "--signal",
    "signals",
    multiple=True,
    help="A signal to write a bundle for, repeatable; else each one whose adjusted p-value is low enough.",
)
@click.option(
    "--max-p-value",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Without --signal: greatest adjusted p-value of a signal that gets a bundle.",
)
@click.option("--freq", default="unknown", show_default=True, help="Length of a bar, as text: 1h, 1d.")
@click.option("--run-id", help="Name of the run; else made from the data and the settings.")
@click.option("--dataset-id", help="Name of the data set; else made from the digest of the files.")
@click.option("--git-commit", help="The commit that made the signals; else that of the present folder.")
@click.option(
    "--replicates",
    type=click.IntRange(99),
    default=1999,
    show_default=True,
    help="Bootstrap replicates of the reality check.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Seed of the random numbers.")
@click.option("--plots", is_flag=True, help="Draw the coefficients, their decay and the null, as SVG.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a bundle, and do nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def bundle(panel: tuple[Path, ...], schema: bool, as_json: bool, **asked: Any) -> int:
    """
    Compute the evidence of candidates from PANEL, one or more CSV or Parquet files.

    A panel has the columns ts, asset, return, and one for each signal. Written are the sweep of all signals with its
    reality check, and for each chosen signal its bundle with every series behind it. Signals that are too good to be
    true are named, and get a bundle only by --signal.

    Exit code 0 a bundle is written, 2 no signal is better than luck, 3 the panel cannot be measured.
    """
    from pytest_promotion.suites.research.bundle import SCHEMA

    if schema:
        say_lines(SCHEMA.read_text(encoding="utf-8").rstrip("\n"))
        return 0
    if not panel:
        raise click.UsageError("name a file with the panel")
    try:
        with command_errors():
            from pytest_promotion.suites.research.measuring.run import measure

            found = measure(panel, **asked)
    except ImportError as problem:
        raise click.ClickException(f"this needs pip install 'pytest-promotion[research]' ({problem.name})") from None
    if as_json:
        say_json(found, indent=2)
    else:
        say(f"{found['signals']} signals over {found['moments']} moments, blocks of {found['block']:g}")
        for one in found["ranking"][:10]:
            say(f"  {one['signal']}: mean {one['mean']:.4f}, adjusted p {one['adjusted_p']:.4f}")
        for name in found["implausible"]:
            say(f"  {name} is too good to be true: look for lookahead")
        for one in found["bundles"]:
            say(f"{one['signal']}: {one['bundle']}")
            say(f"  {one['create']}")
        if not found["bundles"]:
            say("no signal is better than luck")
    return 0 if found["bundles"] else 2
