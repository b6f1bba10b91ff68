"""
How often the reality check finds something in nothing: `python benchmarks/reality_check_size.py [TRIALS] [STATISTICS]`.

Noise without a memory, with an AR(1) memory, and with overlapping horizons, tested at 5 % with automatic blocks.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.signal import lfilter

from pytest_promotion.suites.research.inference.block_length import automatic_block
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, reality_check

REPLICATES, SEED = 199, 20261130
CASES = {
    "independent, T=500, K=10": (500, 10, 0.0, 1),
    "AR(1) 0.6, T=500, K=10": (500, 10, 0.6, 1),
    "overlapping by 6, T=500, K=10": (500, 10, 0.0, 6),
    "AR(1) 0.3, T=1500, K=20": (1500, 20, 0.3, 1),
    "AR(1) 0.6, T=1500, K=20": (1500, 20, 0.6, 1),
    "overlapping by 12, T=1500, K=20": (1500, 20, 0.0, 12),
}


def noise(rng: np.random.Generator, length: int, hypotheses: int, memory: float, horizon: int) -> np.ndarray:
    fresh = rng.normal(size=(length + 200, hypotheses))
    if horizon > 1:
        total = np.cumsum(fresh, axis=0)
        return (total[horizon:] - total[:-horizon])[-length:]
    return lfilter([1.0], [1.0, -memory], fresh, axis=0)[-length:]


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    statistics = sys.argv[2].split(",") if len(sys.argv) > 2 else ["hac", "spa", "white"]
    print(f"{trials} trials, {REPLICATES} replicates, rejected at 5 %\n")
    print(f"| noise | block | {' | '.join(f'`{name}`' for name in statistics)} |\n|---|---{'|---' * len(statistics)}|")
    for name, (length, hypotheses, memory, horizon) in CASES.items():
        rng = np.random.default_rng(SEED)
        rejected = dict.fromkeys(statistics, 0)
        blocks = []
        for trial in range(trials):
            names = [f"h{number:03}" for number in range(hypotheses)]
            panel = Panel.of(names, noise(rng, length, hypotheses, memory, horizon))
            block = automatic_block(panel, horizon)
            blocks.append(block)
            for statistic in rejected:
                config = Config(statistic=statistic, block=block, replicates=REPLICATES, seed=SEED + trial)
                rejected[statistic] += reality_check(panel, config).p_value <= 0.05
        shares = " | ".join(f"{count / trials:.1%}" for count in rejected.values())
        print(f"| {name} | {np.median(blocks):.0f} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
