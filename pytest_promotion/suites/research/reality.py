"""
Is the best of many hypotheses better than luck makes the best of as many useless ones?

White's reality check (2000) and Hansen's test for superior predictive ability (2005), with Romano and Wolf's step-down
(2005) for each hypothesis. The null is centred: what is drawn is the deviation from what was observed, so that an edge
does not hide itself by being in every replicate too.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.research.bootstrap import VERSION, Method, counts, key_of, long_run_variance
from pytest_promotion.suites.research.inference.hac import long_run_variance as long_run_variance_of_mean
from pytest_promotion.suites.research.panel import Panel

if TYPE_CHECKING:
    import numpy as np

CHUNK: Final = 125  # replicates in one product: two megabytes of weights at two thousand moments, which a cache holds
FEWEST: Final = 99  # replicates below which no p-value can be 1 %
_TASKS: Final = 8  # pieces of work for an executor, each of which is sent the panel once
_LARGEST: Final = 38.0  # the normal quantile of the smallest probability that a float has
_EXACT: Final = 2**53 - 1  # up to here every reader of JSON takes an integer for the same number


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    How to test.

    `statistic` is `hac` (each mean over its HAC error, made normal by Student's distribution), `spa` (over the error
    that the bootstrap has in expectation, which is too small where memory is long), or `white` (means as they are: one
    volatile hypothesis drowns the others). `centre` is what a hypothesis is compared with under the null: `upper`
    centres all of them, `consistent` leaves those that are clearly worse than nothing where they are (Hansen 2005),
    which gains power.
    """

    statistic: Literal["hac", "spa", "white"] = "spa"
    method: Method = "stationary"
    block: float = 12
    replicates: int = 2000
    seed: int = 42
    centre: Literal["upper", "consistent"] = "consistent"

    @classmethod
    def read(cls, document: Any) -> Config:
        """The test that a summary says was made; `Unproven` where it does not say all of it."""
        try:
            found = msgspec.convert(dict(document), cls)
        except (TypeError, ValueError) as problem:
            raise Unproven(f"the summary does not say how was tested: {problem}") from None
        if unsaid := sorted(set(cls.__struct_fields__) - set(document)):
            raise Unproven(f"the summary does not say with which {', '.join(unsaid)} was tested")
        return found

    def check(self, length: int) -> None:
        """Raises `PolicyError` or `Unproven` where it could not test a panel of *length* moments."""
        if self.replicates < FEWEST:
            raise PolicyError(f"{self.replicates} replicates are too few: at least {FEWEST}")
        if abs(self.seed) > _EXACT:
            raise PolicyError(f"the seed {self.seed} is beyond 2**53: not every reader would know it again")
        if not math.isfinite(self.block) or self.block < 1:
            raise PolicyError(f"blocks of {self.block} moments")
        if self.method == "circular" and self.block != int(self.block):
            raise PolicyError("circular blocks have a whole number of moments")
        if length < 4 * self.block:
            raise Unproven(
                f"{length} moments are too few for blocks of {self.block:g}: at least four blocks are needed"
            )


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What a panel is of: the family of hypotheses, the measure and the horizon (in bars), the data set, the commit.

    Nothing is computed from it. It is said in the summary, so that a p-value is not taken for that of another
    question, and it is in the name under which a null is kept.
    """

    family_id: str | None = None
    rc_metric: str | None = None
    rc_horizon: int | None = None
    dataset_id: str | None = None
    git_commit: str | None = None


class Null(NamedTuple):
    """What the replicates gave: all of them in order, and the hypotheses by their statistics, the best first."""

    maxima: np.ndarray[Any, Any]  # the largest statistic of each replicate, float64
    reached: np.ndarray[Any, Any]  # how many replicates reach each hypothesis once those above it are decided, int64


Draw = Callable[[], Null]
Kept = Callable[[str, Draw], Null]  # from the digest of the data, and how to draw, to what drawing would give


@dataclass(frozen=True, slots=True)
class Found:
    """
    What the test found. `p_value` is (1 + how many replicates reach what was observed) / (1 + how many there were).

    `adjusted` are the p-values of the single hypotheses, by the step-down: their family-wise error is controlled.
    """

    p_value: float
    observed: float
    best: str
    names: tuple[str, ...]
    means: tuple[float, ...]
    statistics: tuple[float, ...]
    adjusted: tuple[float, ...]
    null_max: np.ndarray[Any, Any]
    moments: int
    data_sha256: str
    config: Config


def reality_check(panel: Panel, config: Config, executor: Executor | None = None, kept: Kept | None = None) -> Found:
    """
    Tests whether the best hypothesis of *panel* is better than nothing.

    Whatever *executor* computes the replicates, and however many workers it has, every bit of the answer is the same:
    the products are of the same shapes, and nothing is added up across them. *kept* may know the null from before.

    Raises:
        PolicyError, Unproven: where *config* cannot test this panel.
    """
    config.check(len(panel.values))
    # A product that BLAS shares out among threads rounds otherwise; and chunks are too small to gain by it.
    with _blas().limit(limits=1, user_api="blas"):
        return _checked(panel, config, executor, kept)


def _checked(panel: Panel, config: Config, executor: Executor | None, kept: Kept | None) -> Found:
    import numpy as np

    length = len(panel.values)
    means = panel.values.mean(axis=0)
    variance = long_run_variance(panel.values, config.block)
    if not (variance > 0).all():
        raise Unproven("the long-run variance of a hypothesis is not above 0: it cannot be studentised")
    errors = np.sqrt(variance / length)
    scales = np.ones_like(errors) / math.sqrt(length) if config.statistic == "white" else errors
    centres = means.copy()
    if config.centre == "consistent":
        # Hansen (2005), section 3.2: what lies below -sqrt(2 log log n) errors is no candidate for the best.
        centres[means < -errors * math.sqrt(2 * math.log(math.log(length)))] = 0.0
    statistics = _normal_statistics(panel, config) if config.statistic == "hac" else means / scales
    order = np.argsort(-statistics, kind="stable")
    task = _Task(panel.values[:, order], centres[order], scales[order], statistics[order], config, os.getpid())
    digest = panel.sha256
    null = task.drawn(executor) if kept is None else kept(digest, lambda: task.drawn(executor))
    stepped = np.maximum.accumulate((1 + null.reached) / (1 + config.replicates))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    observed = float(statistics[order[0]])
    return Found(
        p_value=float((1 + np.count_nonzero(null.maxima >= observed)) / (1 + config.replicates)),
        observed=observed,
        best=panel.names[order[0]],
        names=panel.names,
        means=tuple(means.tolist()),
        statistics=tuple(statistics.tolist()),
        adjusted=tuple(adjusted.tolist()),
        null_max=null.maxima,
        moments=length,
        data_sha256=digest,
        config=config,
    )


def _normal_statistics(panel: Panel, config: Config) -> np.ndarray[Any, Any]:
    """
    Each mean over its HAC error, moved from Student's distribution to the normal one of the replicates.

    An error that is itself an estimate makes the largest of many ratios too large. The relative variance of the kernel
    estimate is 4 M / (3 n) with a bandwidth M (Priestley 1981, section 6.2), to which the AR(1) adds 4 / n; that is a
    chi-squared variable with n / (2 M / 3 + 2) degrees of freedom, with M by the rule 4 (n / 100)^(2/9) of Newey and
    West (1994), or with as many as there are blocks, where those are fewer.
    """
    import numpy as np
    from scipy import stats

    length = len(panel.values)
    errors = [math.sqrt(long_run_variance_of_mean(column) / length) for column in panel.values.T]
    ratios = panel.values.mean(axis=0) / np.array(errors)
    degrees = length / max(config.block, 2 + 8 / 3 * (length / 100) ** (2 / 9))
    moved = stats.norm.isf(stats.t.sf(np.abs(ratios), degrees))
    return np.asarray(np.sign(ratios) * np.minimum(moved, _LARGEST))


def _steps(chunks: int) -> Iterator[int]:
    return iter(range(0, chunks, math.ceil(chunks / _TASKS)))


@cache
def _blas() -> Any:
    """What sets the threads of the libraries that are loaded; finding them costs milliseconds."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


@cache
def _one_thread() -> None:
    """Keeps BLAS in a worker process to one thread, for good: its threads may work on several chunks at a time."""
    _blas().limit(limits=1, user_api="blas")


@dataclass(frozen=True, slots=True)
class _Task:
    """The replicates of some chunks, with the hypotheses in the order of what was observed, the best first."""

    values: Any
    centres: Any
    scales: Any
    statistics: Any
    config: Config
    caller: int  # the process that asked

    def drawn(self, executor: Executor | None) -> Null:
        """All replicates, drawn here or by *executor*."""
        import numpy as np

        firsts = range(0, self.config.replicates, CHUNK)
        groups = [list(firsts[at : at + math.ceil(len(firsts) / _TASKS)]) for at in _steps(len(firsts))]
        maxima, reached = [], np.zeros(len(self.statistics), dtype=np.int64)
        for largest, hits in executor.map(self.run, groups) if executor is not None else map(self.run, groups):
            maxima.append(largest)
            reached += hits
        return Null(np.concatenate(maxima), reached)

    def run(self, firsts: list[int]) -> tuple[Any, Any]:
        """The maxima of the replicates, and for each hypothesis how often those at or below it reach its statistic."""
        import numpy as np

        if os.getpid() != self.caller:
            _one_thread()
        maxima, reached = [], np.zeros(len(self.statistics), dtype=np.int64)
        for first in firsts:
            null = self._null(first)[: self.config.replicates - first]
            # Behind each hypothesis stand those that are still in question once the better ones are decided.
            behind = np.maximum.accumulate(null[:, ::-1], axis=1)[:, ::-1]
            maxima.append(behind[:, 0].copy())
            reached += (behind >= self.statistics).sum(axis=0)
        return np.concatenate(maxima), reached

    def _null(self, first: int) -> Any:
        """The statistics of a whole chunk, also where fewer are wanted: another shape would round otherwise."""
        length = len(self.values)
        config = self.config
        key = key_of(config.seed, config.method, repr(float(config.block)), str(length))
        drawn = counts(config.method, length, config.block, key, first, CHUNK)
        return ((drawn @ self.values) / length - self.centres) / self.scales


def arithmetic() -> list[str]:
    """What rounds here: numpy, the processor, and the BLAS libraries with the kernels that they chose."""
    import numpy as np

    libraries = [found for found in _blas().info() if found["user_api"] == "blas"]
    parts = ("internal_api", "version", "architecture")
    named = sorted(" ".join(str(found.get(part)) for part in parts) for found in libraries)
    return [f"numpy {np.__version__}", platform.machine(), *named]


def summary(found: Found, origin: Origin | None = None) -> dict[str, Any]:
    """The `rc_summary` of a candidate's evidence, as plain values; of *origin* what is known."""
    known = msgspec.to_builtins(origin or Origin())
    return {name: value for name, value in known.items() if value is not None} | {
        "rc_summary_schema_version": 2,
        "algorithm": f"{found.config.statistic} {VERSION}",
        "rc_p_value": found.p_value,
        "observed_max": found.observed,
        "best": found.best,
        "n_sim": found.config.replicates,
        "n_obs": found.moments,
        "data_sha256": found.data_sha256,
        "config": msgspec.to_builtins(found.config),
        "hypothesis_ids": list(found.names),
        "rw_adjusted_p_values": dict(zip(found.names, found.adjusted, strict=True)),
        "null_max_sample": found.null_max[:5].tolist(),
    }
