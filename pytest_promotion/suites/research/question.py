"""All that the judge of a candidate is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import msgspec

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.evidence import Case
from pytest_promotion.suites.research.gating import ThresholdConfig
from pytest_promotion.suites.research.luck import Drawn, drawn
from pytest_promotion.suites.research.policy import ResearchPolicy
from pytest_promotion.suites.research.recomputed import figures_of
from pytest_promotion.suites.research.series import Series
from pytest_promotion.suites.research.sharpe import deflated_of
from pytest_promotion.suites.research.transitions import Status
from pytest_promotion.suites.research.unseen import Observation

_COMPUTED: Final = ("mean_ic", "std_ic", "t_stat", "n_obs", "deflated_sharpe")


@dataclass(frozen=True)
class Question:
    """
    All that the judge is given: what the files say, what the candidate is, the policy, and what the store counted.

    `target` is the step, `sweeps` and `hypotheses` are counts of the data set (see `attempts`), `approvers` the people
    whose approval of exactly this evidence counts, `accepted` the coefficients of what is accepted on the data set.
    """

    case: Case
    row: Mapping[str, Any]
    target: Status
    policy: ResearchPolicy
    now: datetime
    sweeps: int = 1
    hypotheses: int = 1
    observation: Observation | None = None
    approvers: Sequence[str] = ()
    accepted: Mapping[str, Series] = field(default_factory=dict)
    allow_missing_execution_evidence: bool = False

    @property
    def thresholds(self) -> ThresholdConfig:
        """Those of the step, with the reality check wherever more than one hypothesis is known of."""
        found = self.policy.step(self.target)
        several = self.row.get("family_id") or self.hypotheses > 1 or self.case.sweep is not None
        return msgspec.structs.replace(found, require_reality_check=True) if several else found

    @property
    def final(self) -> bool:
        """Whether it is the step to accepted."""
        return self.target == "accepted"

    @property
    def horizon(self) -> int:
        """That of the candidate, in bars."""
        return int(self.row["horizon"])

    @property
    def created(self) -> datetime:
        """When the candidate was created. Raises `Unproven` where its row does not say."""
        try:
            return parse_moment(self.row["created_at_utc"])
        except BadTimestamp as problem:
            raise Unproven(f"the candidate's creation is undated: {problem}") from None

    @property
    def series(self) -> Series | None:
        """The coefficients at the candidate's horizon."""
        return self.case.series.get(self.horizon)

    @cached_property
    def figures(self) -> tuple[dict[str, Any], list[str]]:
        """The figures at the horizon, computed where they can be, and the names of those that are only declared."""
        bundle = self.case.bundle
        declared = dict(bundle.ic_summary_by_horizon.get(self.horizon, {}))
        computed: dict[str, Any] = {}
        if self.series is not None:
            computed |= figures_of(self.series, "the series")
        if self.case.sweep is not None and bundle.signal_name in self.case.sweep.names:
            computed["deflated_sharpe"] = deflated_of(self.case.sweep, bundle.signal_name).statistic
        return declared | computed, [name for name in _COMPUTED if name in declared and name not in computed]

    @cached_property
    def drawn(self) -> Drawn | None:
        """The reality check of the sweep, drawn again; None without a sweep."""
        sweep = self.case.sweep
        return None if sweep is None else drawn(sweep, self.horizon, self.policy.luck)
