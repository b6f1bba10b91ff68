"""What the sidebar asks of a candidate: the questions, and the thresholds that their answers make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pytest_promotion.suites.research.gating import ThresholdConfig


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that is asked for: a field of `ThresholdConfig`, in words; asked only together with the switch `by`."""

    name: str
    words: str
    step: float
    least: float | None = None
    most: float | None = None
    by: str = ""
    form: str = "%.4f"

    @property
    def usual(self) -> Any:
        """What is asked where nobody says anything else."""
        return USUAL[self.name]


USUAL: Final[Mapping[str, Any]] = msgspec.structs.asdict(ThresholdConfig())
SWITCHES: Final[Mapping[str, str]] = {
    "require_reality_check": "Require the reality check",
    "require_regime_robustness": "Require every regime",
}
LIMITS: Final = (
    Limit("ic_mean_min", "Mean IC, at least", 0.005),
    Limit("tstat_min", "t statistic, at least", 0.1, form="%.2f"),
    Limit("p_value_max", "p-value, at most", 0.01, 0.0, 1.0),
    Limit("deflated_sharpe_min", "Deflated Sharpe, at least (standard errors)", 0.1, form="%.2f"),
    Limit("n_obs_min", "Observations, at least", 50, 2, form="%d"),
    Limit("max_rc_p_value", "Reality check p-value, at most", 0.01, 0.0, 1.0, "require_reality_check"),
    Limit("rc_blocks_min", "Reality check blocks, at least", 5, 1, by="require_reality_check", form="%d"),
    Limit("worst_regime_ic_mean_min", "Mean IC of the worst regime, at least", 0.005, by="require_regime_robustness"),
    Limit("min_liquidity_usd_min", "Liquidity in USD, at least (empty: any)", 10_000.0, 0.0, form="%.0f"),
    Limit("max_participation_rate_max", "Share of the volume, at most (empty: any)", 0.01, 0.0, 1.0),
)
OPTIONAL: Final = ("min_liquidity_usd_min", "max_participation_rate_max")  # an empty answer is one


def thresholds(answers: Mapping[str, Any]) -> ThresholdConfig:
    """
    What the *answers* ask for; an answer that nobody gave is the usual one.

    Raises:
        ValueError: for a number that was taken away and not put back: a candidate is not rejected, nor let through,
            because a field was empty.
    """
    found = {**USUAL, **answers}
    for limit in LIMITS:
        wanted = limit.name not in OPTIONAL and (not limit.by or found[limit.by])
        if wanted and found[limit.name] is None:
            raise ValueError(f"{limit.words}: how much? The field is empty")
        if limit.by and not found[limit.by]:
            found[limit.name] = limit.usual
    return ThresholdConfig(**found)
