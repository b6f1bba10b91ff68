"""
Is a candidate good enough? The rules, on values that were read before: nothing here opens a file.

Each rule that is not met is a reason. A figure that is missing or no finite number is a reason too: comparisons with
NaN are all false, and False is a p-value of nothing to those who do not look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, get_args

import msgspec

from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.numbers import number, student_p
from pytest_promotion.suites.research.transitions import Status

REGIMES: Final = 2  # fewer say nothing about robustness
UNKNOWN: Final = "unknown"  # the regime of bars that no regime was found for
# What a correlation coefficient, the deviation of several (n - 1) and a share can be.
_RANGES: Final = {"mean_ic": (-1.0, 1.0), "std_ic": (0.0, 1.5), "hit_rate": (0.0, 1.0)}
_COUNTED: Final = 0.01  # by how much a share times its count may miss a whole number, beside its rounding
UNCHECKED: Final = "allow_missing_execution_evidence: execution evidence not checked"
SLACK: Final = 1e-6  # how far a declared statistic may be from the one computed here, by rounding


class ThresholdConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    What is asked of a candidate. A threshold of None is not asked for, which the record of an evaluation shows.

    `n_obs_min` counts observations, `max_participation_rate_max` is a share of volume, `min_liquidity_usd_min` is in
    US dollars. `deflated_sharpe_min` is in standard errors (see `sharpe`). `rc_blocks_min` counts the blocks that a
    reality check was drawn in: with fewer, and many hypotheses, it finds too much.
    """

    ic_mean_min: float = 0.02
    tstat_min: float = 2.5
    p_value_max: float | None = 0.05
    deflated_sharpe_min: float | None = 1.0
    n_obs_min: int = 200
    require_regime_robustness: bool = False
    worst_regime_ic_mean_min: float | None = None
    require_reality_check: bool = False
    max_rc_p_value: float = 0.05
    rc_blocks_min: int = 50
    require_execution_evidence: bool = False
    min_liquidity_usd_min: float | None = None
    max_participation_rate_max: float | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for a threshold that no comparison could fail."""
        for known in msgspec.structs.fields(type(self)):
            value = getattr(self, known.name)
            if known.type is bool:
                meant = isinstance(value, bool)
            else:
                meant = number(value) is not None or (value is None and type(None) in get_args(known.type))
            if not meant:
                raise ValueError(f"{known.name} is {value!r}")


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    """
    What was found: `accepted` (every rule is met), `rejected`, or `exploratory` (there are no results to judge).

    `judged` is False where the evidence could not be used, or leaves `open_questions`: that is no verdict about the
    candidate. `new_status` is what the candidate is now, where an evaluation was recorded.
    """

    status: Status
    reasons: tuple[str, ...] = ()
    metrics_snapshot: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    judged: bool = True
    new_status: Status | None = None
    open_questions: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The decision as plain values."""
        lists = {name: list(getattr(self, name)) for name in ("reasons", "warnings", "open_questions")}
        return asdict(self) | lists | {"metrics_snapshot": dict(self.metrics_snapshot)}


def evaluate_candidate(
    bundle: ValidationBundle,
    thresholds: ThresholdConfig,
    regime_summary: Sequence[Mapping[str, Any]] | None = None,
    rc_summary: Mapping[str, Any] | None = None,
    execution_evidence: Mapping[str, Any] | None = None,
    target_status: Status = "exploratory",
    *,
    horizon: int | None = None,
    allow_missing_execution_evidence: bool = False,
    capacity_curve_readable: bool = False,
) -> PromotionDecision:
    """
    The decision about the signal of *bundle* at *horizon*, in bars; the bundle's first one where none is named.

    *regime_summary* has a row for each regime and horizon, *rc_summary* is what `reality.summary` makes, and
    *capacity_curve_readable* says whether the file that *execution_evidence* names is there and holds rows.
    """
    at = bundle.horizons[0] if horizon is None else horizon
    if (nothing := nothing_to_judge(bundle, at, named=horizon is not None)) is not None:
        return nothing
    figures = bundle.ic_summary_by_horizon[at]
    reasons, snapshot = figure_reasons(figures, thresholds)
    reasons += [*regime_reasons(regime_summary, at, thresholds), *luck_reasons(rc_summary, bundle, thresholds)]
    warnings: list[str] = []
    if thresholds.require_execution_evidence or target_status in {"candidate", "accepted"}:
        if allow_missing_execution_evidence:
            warnings.append(UNCHECKED)
        else:
            reasons += execution_reasons(execution_evidence, capacity_curve_readable, thresholds)
    return PromotionDecision(
        "rejected" if reasons else "accepted", tuple(reasons), {**snapshot, "horizon": at}, tuple(warnings)
    )


def nothing_to_judge(bundle: ValidationBundle, at: int, *, named: bool = True) -> PromotionDecision | None:
    """What is found where *bundle* has no figures at the horizon *at*; None where it has. *named*: by a candidate."""
    figures = bundle.ic_summary_by_horizon.get(at)
    if at not in bundle.horizons or (figures is None and named and bundle.ic_summary_by_horizon):
        return PromotionDecision("rejected", (f"horizon {at} is not in the bundle, which has {_listed(bundle)}",))
    if figures is None or figures.get("mean_ic") is None:
        return PromotionDecision("exploratory", ("missing IC summary",))
    return None


def impossible(figures: Mapping[str, Any], at: str = "") -> list[str]:
    """Which *figures* no correlation over a number of moments can have, as sentences that end with *at*."""
    found = []
    for name, (least, most) in _RANGES.items():
        value = number(figures.get(name))
        if value is not None and not least <= value <= most:
            found.append(f"{name} {value:g} is impossible: it is between {least:g} and {most:g}{at}")
    low, mean, high = (number(figures.get(name)) for name in ("ic_95_lo", "mean_ic", "ic_95_hi"))
    if low is not None and mean is not None and high is not None and not low <= mean <= high:
        found.append(f"mean_ic {mean:g} is outside of its interval, {low:g} to {high:g}{at}")
    count = number(figures.get("n_obs"))
    hits = number(figures.get("hit_rate"))
    if count is not None and hits is not None and count > 0 and _is_no_share(hits, count):
        found.append(f"hit_rate {hits:g} is impossible of {count:g} observations{at}")
    return found


def _is_no_share(share: float, count: float) -> bool:
    """Whether no whole number of *count* is the *share*, rounded to the digits that it has."""
    digits = len(repr(share).partition(".")[2]) if "e" not in repr(share) else 15
    rounding = count * 0.5 * 10.0**-digits
    return abs(share * count - round(share * count)) > _COUNTED + rounding


def _shown(value: Any) -> Any:
    """A figure as a record can keep it: what is no number as text."""
    return number(value) if value is None or number(value) is not None else repr(value)


def _listed(bundle: ValidationBundle) -> str:
    return ", ".join(map(str, bundle.horizons))


def figure_reasons(figures: Mapping[str, Any], asked: ThresholdConfig) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with the figures themselves, and a snapshot of them, with the p-value that is computed here."""
    snapshot = {name: _shown(figures.get(name)) for name in ("mean_ic", "t_stat", "n_obs", "deflated_sharpe")}
    bounds = [
        _Bound("mean_ic", asked.ic_mean_min, "<"),
        _Bound("t_stat", asked.tstat_min, "<"),
        _Bound("n_obs", asked.n_obs_min, "<", "g"),
        _Bound("deflated_sharpe", asked.deflated_sharpe_min, "<"),
    ]
    reasons = impossible(figures)
    reasons += [reason for bound in bounds for reason in bound.missed(figures)]
    mean, std, t, n = (number(figures.get(name)) for name in ("mean_ic", "std_ic", "t_stat", "n_obs"))
    if std is None or std <= 0:
        reasons.append(f"std_ic is {figures.get('std_ic')!r}, expected a number above 0")
    if n is None or n < 2 or n != int(n):
        wrong = [f"n_obs is {figures.get('n_obs')!r}, expected a count"] if n is not None else []
        return reasons + wrong, snapshot
    if mean is not None and std is not None and std > 0 and t is not None:
        computed = mean / std * n**0.5
        if abs(computed - t) > SLACK * max(1.0, abs(computed)):
            reasons.append(f"t_stat {t:.4f} is not mean_ic / std_ic * sqrt(n_obs) = {computed:.4f}")
    if t is not None:
        snapshot["p_value"] = student_p(t, int(n) - 1)
        reasons += _Bound("p_value", asked.p_value_max, ">").missed(snapshot)
    return reasons, snapshot


@dataclass(frozen=True, slots=True)
class _Bound:
    """A figure, and what it may not be below or above; a bound of None is not asked for."""

    name: str
    bound: float | None
    sign: str
    form: str = ".4f"

    def missed(self, figures: Mapping[str, Any]) -> list[str]:
        """Why the figure does not hold, if it does not."""
        if self.bound is None:
            return []
        said = figures.get(self.name)
        if said is None:
            return [f"missing {self.name}"]
        found = number(said)
        if found is None:
            return [f"{self.name} is {said!r}, which is no number"]
        beyond = found < self.bound if self.sign == "<" else found > self.bound
        return [f"{self.name} {found:{self.form}} {self.sign} {self.bound}"] if beyond else []


def regime_reasons(rows: Sequence[Mapping[str, Any]] | None, horizon: int, asked: ThresholdConfig) -> list[str]:
    """What is wrong with how the signal did in each regime, at this horizon alone."""
    if not asked.require_regime_robustness:
        return []
    least = asked.worst_regime_ic_mean_min
    if least is None:
        return ["require_regime_robustness=True but worst_regime_ic_mean_min not set"]
    if rows is None:
        return ["require_regime_robustness=True but no regime summary provided"]
    for column in ("mean_ic", "regime", "horizon", "n_bars"):
        if any(column not in row for row in rows):
            return [f"regime summary missing {column} column"]
    here = [row for row in rows if number(row["horizon"]) == horizon and row["regime"] != UNKNOWN]
    sampled = [row for row in here if (number(row["n_bars"]) or 0) > 1]
    names = [row["regime"] for row in sampled]
    if len(set(names)) != len(names):
        return [f"regime summary names a regime twice at horizon {horizon}"]
    if len(names) < REGIMES:
        return [f"fewer than {REGIMES} regimes with samples (got {len(names)})"]
    reasons = []
    means = {row["regime"]: number(row["mean_ic"]) for row in sampled}
    bad = sorted(str(name) for name, mean in means.items() if mean is None)
    if bad:
        reasons.append(f"regime mean_ic is no number in {', '.join(bad)}")
    worst = min((mean for mean in means.values() if mean is not None), default=None)
    if worst is not None and worst < least:
        reasons.append(f"worst regime mean_ic {worst:.4f} < {least}")
    return reasons


def luck_reasons(summary: Mapping[str, Any] | None, bundle: ValidationBundle, asked: ThresholdConfig) -> list[str]:
    """What is wrong with the reality check: of the best of all that was tried, and of this signal among them."""
    if not asked.require_reality_check:
        return []
    said = summary.get("rc_p_value") if summary is not None else None
    said = bundle.meta.get("rc_p_value") if said is None else said
    if said is None:
        return ["require_reality_check=True but no rc_p_value in meta or rc_summary"]
    reasons = _p_value("rc_p_value", said, asked.max_rc_p_value) + _blocks(summary or {}, asked)
    adjusted = (summary or {}).get("rw_adjusted_p_values")
    if adjusted is not None:
        # The best of many may be better than luck, and this one along with it.
        if not isinstance(adjusted, Mapping) or bundle.signal_name not in adjusted:
            return [*reasons, f"rw_adjusted_p_values has no {bundle.signal_name}"]
        reasons += _p_value("rw_adjusted_p_value", adjusted[bundle.signal_name], asked.max_rc_p_value)
    return reasons


def _blocks(summary: Mapping[str, Any], asked: ThresholdConfig) -> list[str]:
    """Whether it was drawn in enough blocks; a summary of another tool does not say how it was drawn."""
    if "config" not in summary:
        return []
    drawn = summary["config"]
    moments, block = number(summary.get("n_obs")), number(drawn.get("block") if isinstance(drawn, Mapping) else None)
    blocks = moments / block if moments is not None and block else None
    return _Bound("rc_blocks", asked.rc_blocks_min, "<", "g").missed({"rc_blocks": blocks})


def _p_value(name: str, said: Any, most: float) -> list[str]:
    found = number(said)
    if found is None or not 0 < found <= 1:
        return [f"{name} is {said!r}, which is no p-value"]
    return [f"{name} {found:.4f} > {most}"] if found > most else []


def execution_reasons(evidence: Mapping[str, Any] | None, curve: bool, asked: ThresholdConfig) -> list[str]:
    """What is wrong with the evidence that the signal could be traded."""
    if evidence is None:
        return [
            "execution evidence required (target beyond exploratory or require_execution_evidence) but none provided"
        ]
    costs = evidence.get("cost_config")
    costs = costs if isinstance(costs, Mapping) else {}
    whole = {
        "capacity_curve_path": bool(evidence.get("capacity_curve_path")) and curve,
        "max_participation_rate": _at_least_zero(evidence.get("max_participation_rate")),
        "cost_config.fee_bps": _at_least_zero(costs.get("fee_bps")),
        "cost_config.slippage_bps": _at_least_zero(costs.get("slippage_bps")),
    }
    missing = [name for name, here in whole.items() if not here]
    reasons = [f"execution evidence missing required: {', '.join(missing)}"] if missing else []
    reasons += _Bound("min_liquidity_usd", asked.min_liquidity_usd_min, "<", "g").missed(evidence)
    reasons += _Bound("max_participation_rate", asked.max_participation_rate_max, ">", "g").missed(evidence)
    return reasons


def _at_least_zero(value: Any) -> bool:
    found = number(value)
    return found is not None and found >= 0
