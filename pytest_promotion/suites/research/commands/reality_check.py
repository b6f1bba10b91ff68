"""`promotion reality-check`: is the best of many hypotheses better than luck?"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.evidence.files import read_file


@click.command("reality-check", epilog="Example: promotion reality-check sweep.csv --block 12 --replicates 5000")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--statistic",
    type=click.Choice(["hac", "spa", "white"]),
    default="hac",
    show_default=True,
    help="What is tested: means over HAC errors, over errors of the bootstrap, or as they are.",
)
@click.option(
    "--method",
    type=click.Choice(["stationary", "circular"]),
    default="stationary",
    show_default=True,
    help="Bootstrap of the returns: stationary, or circular blocks.",
)
@click.option("--block", type=float, help="Moments in a block, on average; else chosen from the data.")
@click.option("--replicates", type=int, default=2000, show_default=True, help="Number of bootstrap replicates.")
@click.option(
    "--seed",
    type=int,
    default=42,
    show_default=True,
    help="Seed of the random numbers; the same seed gives the same p-value.",
)
@click.option(
    "--centre",
    type=click.Choice(["consistent", "upper"]),
    default="consistent",
    show_default=True,
    help="How the bootstrap distribution is centred under the null hypothesis.",
)
@click.option("--family-id", help="The family that the hypotheses are of.")
@click.option("--metric", help="What the values measure: mean_ic, deflated_sharpe.")
@click.option("--horizon", type=click.IntRange(1), help="The horizon that they are of, in bars.")
@click.option("--dataset-id", help="The data that they were measured on.")
@click.option("--git-commit", help="The commit that measured them.")
@click.option(
    "--cache", type=click.Path(path_type=Path), metavar="DIR", help="Keep the null there, and use what is kept."
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write it, as with CRYPTO_ANALYZER_NO_CACHE=1.")
@click.option(
    "--max-p-value", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Above it the answer is no."
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; the answer is the same."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the summary here too.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def reality_check(
    file: Path,
    family_id: str | None,
    metric: str | None,
    horizon: int | None,
    dataset_id: str | None,
    git_commit: str | None,
    cache: Path | None,
    no_cache: bool,
    max_p_value: float,
    workers: int,
    block: float | None,
    out: Path | None,
    as_json: bool,
    **config: Any,
) -> int:
    """
    Test the hypotheses in FILE: a CSV with moments in its first column, and in each other one how a hypothesis did.

    Exit code 0 the best of them is better than luck, 2 it is not shown to be, 3 it cannot be tested: too few moments in
    common, a value that is no number, a series that never changes, blocks shorter than half of what the memory of the
    series asks for.
    """
    from concurrent.futures import ProcessPoolExecutor

    import msgspec

    from pytest_promotion.json_files import write_json
    from pytest_promotion.suites.research.inference.block_length import automatic_block, demand_block
    from pytest_promotion.suites.research.null_cache import NullCache, checked
    from pytest_promotion.suites.research.panel import Panel
    from pytest_promotion.suites.research.reality import Config, Origin, summary

    try:
        with command_errors():
            panel = Panel.read(read_file(file), str(file))
            automatic = automatic_block(panel, horizon or 1)
            if block is not None:
                demand_block(block, automatic)
            asked = Config(block=block or automatic, **config)
            origin = Origin(family_id, metric, horizon, dataset_id, git_commit)
            nulls = NullCache(cache) if cache is not None and not no_cache else None
            with ProcessPoolExecutor(workers) if workers > 1 else nullcontext() as executor:
                found, null = checked(panel, asked, origin, nulls, executor)
            told = summary(found, origin) | {"cache": msgspec.to_builtins(null)}
            if out is not None:
                write_json(out, told)
    except ImportError:
        raise click.ClickException("this needs numpy: pip install 'pytest-promotion[research]'") from None
    if as_json:
        say_json(told, indent=2)
    else:
        of = f"{len(found.names)} hypotheses over {found.moments} moments"
        say(f"p = {found.p_value:.4f}: the best of {of} is {found.best}, in blocks of {found.config.block:g}")
        for name, value in sorted(told["rw_adjusted_p_values"].items(), key=lambda pair: pair[1])[:10]:
            say(f"  {name}: {value:.4f} (adjusted for all of them)")
        if cache is not None:
            say(f"null: {null.outcome}, {null.because}")
    return 0 if found.p_value <= max_p_value else 2
