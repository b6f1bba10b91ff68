"""`promotion plan-samples`: how many samples a gate needs, and what it lets through with so many."""

from __future__ import annotations

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json

_AROUND = (-5.0, -2.0, -1.0, 0.0, 1.0, 2.0, 5.0)  # margins from the threshold


@click.command("plan-samples", epilog="Example: promotion plan-samples --proportion 0.9 --margin 0.01")
@click.option("--proportion", type=float, required=True, help="The share that the gate demands, such as 0.9.")
@click.option("--margin", type=float, required=True, help="How much better a candidate is that has to pass.")
@click.option("--power", type=float, default=0.8, show_default=True, help="How often it has to pass.")
@click.option("--confidence", type=float, default=0.95, show_default=True, help="That of the gate.")
@click.option("--samples", type=click.IntRange(1, 10_000_000), help="Ask about so many samples instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def plan_samples(
    proportion: float, margin: float, power: float, confidence: float, samples: int | None, as_json: bool
) -> int:
    """How many samples `measure.proportion(…, at_least=PROPORTION)` needs, and how often it then passes."""
    from pytest_promotion.samples.planning import passing, samples_for

    with command_errors():
        needed = samples or samples_for(proportion, margin, power, confidence)
        shares = [proportion + step * margin for step in _AROUND]
        rows = [passing(share, proportion, needed, confidence) for share in shares if 0 <= share <= 1]
    if as_json:
        outcomes = [
            {"share": round(row.share, 9), "pass": row.passed, "cannot_tell": row.undecided, "fail": row.failed}
            for row in rows
        ]
        say_json({"samples": needed, "confidence": confidence, "outcomes": outcomes}, indent=2)
        return 0
    say(f"{needed:,} samples, at a confidence of {confidence:g}")
    say(f"{'true share':>10}  {'passes':>7}  {'cannot tell':>11}  {'fails':>7}")
    for row in rows:
        shown = "  ".join(
            f"{100 * value:>{width - 1}.1f}%"
            for value, width in ((row.passed, 7), (row.undecided, 11), (row.failed, 7))
        )
        say(f"{row.share:>10.4g}  {shown}")
    return 0
