"""
How often the drift rules alarm for nothing, and how soon for something.

    python benchmarks/drift_simulation.py

Each history begins at a baseline of 0.90 precision and 0.95 recall, and each later run is off by chance: normally
distributed, with a quarter of the allowed drop as its standard deviation, rounded to four places. From
the ninth run on something is wrong with it. Told is the run, counted from then, by
which half of 200 histories had an alarm; where fewer than half had one in 60 runs, and where nothing is wrong, how
many had. The second table is of the cumulative sum of precision alone: the average number of runs to its first
alarm, and what becomes of an alarm after one bad run. Seeded: the tables are the same on every machine, and a test
holds them against those in the docs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from pytest_promotion.suites.release.knowledge.drift import Rules, alerts, cumulated
from pytest_promotion.suites.release.knowledge.history import Figures

RULES = {"mean of the last 8": "_drift", "distance from the baseline": "_below_baseline", "cumulative sum": "_decay"}
HISTORIES, BEFORE, RUNS = 200, 8, 60
LEVEL, SPREAD = {"precision": 0.90, "recall": 0.95}, {"precision": 0.02, "recall": 0.0125}

Wrong = Callable[[int], float]  # from the number of the run to how much precision is lost; recall loses 5/8 of it
WRONG: dict[str, Wrong] = {
    "nothing": lambda _: 0.0,
    "a drop of 0.12": lambda _: 0.12,
    "a drop of 0.06": lambda _: 0.06,
    "a drop of 0.03": lambda _: 0.03,
    "0.017 less each run": lambda run: 0.017 * run,
    "0.005 less each run": lambda run: 0.005 * run,
}


def history(chance: random.Random, wrong: Wrong) -> Iterator[Figures]:
    """The runs after the baseline."""
    for run in range(BEFORE + RUNS):
        loss = wrong(run - BEFORE + 1) if run >= BEFORE else 0.0
        values = {
            name: level - loss * (1 if name == "precision" else 5 / 8) + chance.gauss(0, SPREAD[name])
            for name, level in LEVEL.items()
        }
        yield Figures(**{name: Decimal(str(round(min(1.0, max(0.0, value)), 4))) for name, value in values.items()})


def first_alarms(chance: random.Random, wrong: Wrong) -> dict[str, int | None]:
    """For each rule the run at which it first alarms, counted from the first that is wrong; None for never."""
    baseline = Figures(Decimal("0.90"), Decimal("0.95"))
    runs = list(history(chance, wrong))
    found: dict[str, int | None] = dict.fromkeys((*RULES, "any of them"))
    for number in range(BEFORE, len(runs)):
        said = [one.code for one in alerts(runs[number], runs[:number], baseline, runs[:number], Rules())]
        for rule, first in found.items():
            if first is None and any(code.endswith(RULES.get(rule, "")) for code in said):
                found[rule] = number - BEFORE + 1
        if None not in found.values():
            break
    return found


def table() -> str:
    """The table as it stands in docs/how-to/knowledge.md."""
    rules = (*RULES, "any of them")
    lines = [f"| what is wrong | {' | '.join(rules)} |", "|---|" + "---|" * len(rules)]
    for name, wrong in WRONG.items():
        chance = random.Random(name)  # a seed that Python hashes alike everywhere
        alarms = [first_alarms(chance, wrong) for _ in range(HISTORIES)]
        cells = []
        for rule in rules:
            found = sorted(one[rule] or RUNS + 1 for one in alarms)
            middle, alarmed = found[HISTORIES // 2], sum(run <= RUNS for run in found)
            cells.append(f"{alarmed} of {HISTORIES}" if middle > RUNS or name == "nothing" else f"{middle}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def decays(values: Sequence[Decimal]) -> list[bool]:
    """For each run whether the cumulative sum alarms at it."""
    drop = Rules().max_precision_drop
    target, allowance, limit = Decimal("0.90"), drop / 8, drop * 5 / 4
    return [cumulated(target, values[: number + 1], allowance, limit) > limit for number in range(len(values))]


def drawn(chance: random.Random, loss: float, count: int) -> list[Decimal]:
    """Precision of as many runs, *loss* below the baseline but for chance."""
    return [Decimal(str(round(0.90 - loss + chance.gauss(0, SPREAD["precision"]), 4))) for _ in range(count)]


def run_lengths() -> str:
    """The second table."""
    header = (
        "| loss that stays | average runs to the first alarm | after one run at 0.40: ended by run "
        "| again within 30 runs |"
    )
    lines = [header, "|---|---|---|---|"]
    for loss in (0.0, 0.01, 0.02, 0.03, 0.06):
        chance = random.Random(f"length {loss}")
        first = [next((n for n, one in enumerate(decays(drawn(chance, loss, 120)), 1) if one), 120) for _ in range(100)]
        ended, again = [], 0
        for _ in range(100):
            alarms = decays([Decimal("0.40"), *drawn(chance, loss, 60)])
            end = next((number for number, one in enumerate(alarms) if not one), 61)
            ended.append(end)
            again += any(alarms[end : end + 30])
        middle = sorted(ended)[50]
        over = "more than " if first.count(120) > 5 else ""
        shown = f"{middle}" if middle <= 60 else f"{sum(one <= 60 for one in ended)} of 100 in 60 runs"
        lines.append(f"| {loss} | {over}{sum(first) / len(first):.0f} | {shown} | {again} of 100 |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
    print(run_lengths())
