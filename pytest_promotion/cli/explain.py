"""`promotion explain` and `promotion diff`: why a decision is what it is, and what changed between two."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from pytest_promotion.cli.errors import asked_at, command_errors
from pytest_promotion.cli.output import say, say_json


@click.command(epilog="Example: promotion explain reports/promotion_gates/latest.json --gate parity_thresholds")
@click.argument("file", type=click.Path(path_type=Path), default=Path("reports/promotion_gates/latest.json"))
@click.option(
    "--gate", default="", metavar="ID", help="Explain this gate only, instead of every gate that did not pass."
)
@click.option("--at", metavar="ISO-8601", help="Ask as of that moment (default: now).")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
def explain(file: Path, gate: str, at: str | None, as_json: bool) -> int:
    """
    Explain the decision in FILE (default: the latest). Exit 0 it is PASS, 2 it is not, 3 it cannot be read.

    Root causes before consequences, each with its owner, its command and its evidence; the fewest gates
    that have to be mended; and what no mend of a gate would turn. Of a PASS: what turns first.
    """
    from pytest_promotion.explain import explanation
    from pytest_promotion.trust.contradictions import read

    moment = asked_at(at)
    with command_errors():
        decision, _ = read(file)
        names = [check.name for check in decision.checks]
        if gate and gate not in names:
            near = difflib.get_close_matches(gate, names, n=1, cutoff=0.5)
            raise click.UsageError(f"{file} has no gate {gate!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        found = explanation.explain(decision, moment, gate)
    if as_json:
        say_json(found.document())
    else:
        for line in explanation.lines(found):
            say(line)
    return 0 if found.passed else 2


@click.command(epilog="Example: promotion diff promotion_gates_20260221T120000Z.json latest.json")
@click.argument("before", type=click.Path(path_type=Path), metavar="A")
@click.argument("after", type=click.Path(path_type=Path), metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def diff(before: Path, after: Path, as_json: bool) -> int:
    """
    Show what is different between the decisions in A and B. Exit 0 same outcomes, 2 other ones, 3 unreadable.

    Outcomes are the status and every gate with its severity and outcome. Evidence, measurements, windows,
    policy, overrides, waivers, subject and commit are shown too and do not change the exit code.
    """
    from pytest_promotion.explain.difference import differences, same_outcomes
    from pytest_promotion.trust.contradictions import read

    with command_errors():
        (one, _), (other, _) = read(before), read(after)
    found, same = differences(one, other), same_outcomes(one, other)
    if as_json:
        say_json({"same_outcomes": same, "changes": [change.document() for change in found]})
    else:
        for change in found:
            say(change.line())
        say("the outcomes are the same" if same else "the outcomes differ")
    return 0 if same else 2
