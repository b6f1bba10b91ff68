"""
The reality check of a candidate's sweep, drawn again here, and corrected for the other sweeps of the data set.

A summary that came along is held against the rules as well, and is never enough by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.findings import Findings
from pytest_promotion.suites.research.inference.block_length import automatic_block, too_short
from pytest_promotion.suites.research.inference.effective_trials import effective_trials
from pytest_promotion.suites.research.inference.overfitting import overfitting_probability
from pytest_promotion.suites.research.numbers import number
from pytest_promotion.suites.research.reality import Config, Found, Origin, reality_check, summary

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel
    from pytest_promotion.suites.research.policy import Luck
    from pytest_promotion.suites.research.series import Series

_SAME = 1e-9  # by how much the sweep's column and the series may differ


@dataclass(frozen=True, slots=True)
class Drawn:
    """The check of *sweep* at one horizon."""

    sweep: Panel
    horizon: int
    found: Found
    effective: float

    @property
    def block(self) -> float:
        """Its block length in moments, chosen from the data."""
        return self.found.config.block

    def summary(self, sweeps: int = 1) -> dict[str, Any]:
        """The summary, each p-value times the number of *sweeps* of the data set (Bonferroni)."""
        return corrected(summary(self.found, Origin(rc_horizon=self.horizon)), sweeps)

    def findings(self, signal: str, series: Series | None, limits: Luck, sweeps: int) -> Findings:
        """Whether the sweep is that of *signal*, and the figures of the check."""
        import numpy as np

        names = self.sweep.names
        if signal not in names:
            raise Unproven(f"{signal} is not among the hypotheses of the sweep")
        found = Findings()
        column = self.sweep.values[:, names.index(signal)]
        if series is not None and (len(column) != len(series.values) or np.abs(column - series.array).max() > _SAME):
            found.open_questions.append(f"the column of {signal} in the sweep is not the series of the bundle")
        if len(names) < limits.hypotheses_min:
            found.open_questions.append(f"hypotheses in the sweep {len(names)} < {limits.hypotheses_min}")
        told = self.summary(sweeps)
        found.figures = {
            "rc_p_value": told["rc_p_value"],
            "rw_adjusted_p_value": told["rw_adjusted_p_values"][signal],
            "rc_block": self.block,
            "hypotheses": len(names),
            "effective_hypotheses": self.effective,
            "sweeps": sweeps,
        }
        try:
            found.figures["overfitting_probability"] = overfitting_probability(self.sweep)
        except Unproven:
            found.figures["overfitting_probability"] = None  # too short, or nothing to choose from
        return found

    def block_reasons(self, declared: Mapping[str, Any]) -> list[str]:
        """What is wrong with the blocks of a summary that came along; one of another tool does not say how it drew."""
        config = declared.get("config")
        if not isinstance(config, Mapping):
            return []
        block = number(config.get("block"))
        if block is not None and not too_short(block, self.block):
            return []
        return [f"rc_block {config.get('block')} < {self.block:g}, which the memory of the sweep asks for"]


def drawn(sweep: Panel, horizon: int, limits: Luck) -> Drawn:
    """
    Draws the check of *sweep*.

    Raises:
        Unproven: where the sweep is too short for its own memory.
    """
    return _drawn(_Key(sweep), horizon, limits.replicates, limits.seed)


def corrected(told: Mapping[str, Any], sweeps: int) -> dict[str, Any]:
    """*told* with each p-value times *sweeps*, at most 1; what is no number stays, and is refused later."""

    def times(value: Any) -> Any:
        known = number(value)
        return value if known is None or known <= 0 else max(known, min(1.0, known * sweeps))

    found = dict(told)
    if "rc_p_value" in found:
        found["rc_p_value"] = times(found["rc_p_value"])
    adjusted = found.get("rw_adjusted_p_values")
    if isinstance(adjusted, Mapping):
        found["rw_adjusted_p_values"] = {name: times(value) for name, value in adjusted.items()}
    return found


class _Key:
    """A sweep that is the same key where its data are the same."""

    def __init__(self, sweep: Panel) -> None:
        self.sweep, self._digest = sweep, sweep.sha256

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other._digest == self._digest


@lru_cache(maxsize=8)
def _drawn(key: _Key, horizon: int, replicates: int, seed: int) -> Drawn:
    sweep = key.sweep
    config = Config(statistic="hac", block=automatic_block(sweep, horizon), replicates=replicates, seed=seed)
    return Drawn(sweep, horizon, reality_check(sweep, config), effective_trials(sweep))
