"""
How often the drift rules alarm for nothing, and how soon for something.

    python benchmarks/drift_simulation.py

Each history begins at a baseline of 0.90 precision and 0.95 recall, and each later run is off by chance: normally
distributed, with a quarter of the allowed drop as its standard deviation, rounded to four places. From
the ninth run on something is wrong with it. Told is the run, counted from then, by
which half of 200 histories had an alarm; where fewer than half had one in 60 runs, and where nothing is wrong, how
many had. Seeded: the table is the same on every machine, and a test holds it against the one in the docs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal

from pytest_promotion.suites.release.knowledge.drift import Rules, alerts
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


if __name__ == "__main__":
    print(table())
