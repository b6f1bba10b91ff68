"""
Holding a figure that was computed from samples against a threshold: by its interval, and not by itself.

The gate passes where the whole interval is on the right side of the threshold, and fails where it is on the wrong one.
Where the threshold lies inside it, the samples cannot tell, and the gate is inconclusive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.model import Measurement
from pytest_promotion.samples import drift, means, proportions
from pytest_promotion.samples.interval import (
    LEAST_CONFIDENCE,
    Estimated,
    are_booleans,
    booleans,
    is_number,
    numbers,
    shows,
)
from pytest_promotion.samples.means import MeanMethod
from pytest_promotion.samples.proportions import ShareMethod
from pytest_promotion.samples.sequential import always_valid
from pytest_promotion.samples.verdicts import Figure, corrected, demanded, figure_of, sentence_on, verdict_on

if TYPE_CHECKING:
    from pytest_promotion.evidence.evidence_log import Notebook

SLICE: Final = 30  # samples; of a smaller slice nothing is said
LEAST_SLICE: Final = 10  # the least that `min_slice` may be


class SampleMeasures:
    """The methods of `measure` for figures from samples. *confidence* is that of the policy, which a call may raise."""

    __slots__ = ("_confidence", "_notebook")

    def __init__(self, notebook: Notebook, confidence: float = 0.95) -> None:
        self._notebook = notebook
        self._confidence = confidence

    def proportion(
        self,
        name: str,
        successes: Any,
        samples: int | None = None,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        confidence: float | None = None,
        method: ShareMethod = "wilson",
        by: Iterable[Any] | None = None,
        min_slice: int = SLICE,
    ) -> None:
        """
        Demands a share of successes: `proportion("accuracy", 894, 1000, at_least=0.9)`, or with a list of booleans.

        Args:
            successes: how many of *samples* were, or a list with true or false for each.
            at_least: the least share, from 0 to 1; or
            at_most: the largest one.
            confidence: of the two-sided interval; not below that of the policy.
            method: `wilson` (score) or `exact` (Clopper and Pearson).
            by: of a list, the slice that each sample belongs to. Every slice has to pass by itself.
            min_slice: how many samples a slice has to have.
        """
        with self._notebook.noting():
            self._demand_share(name, at_least, at_most)
            if samples is None:
                values = booleans(name, _listed(name, successes))
                self._slices(
                    name,
                    values,
                    lambda what, some: proportions.proportion(what, sum(some), len(some), method),
                    at_least,
                    at_most,
                    confidence,
                    by,
                    min_slice,
                )
                return
            if by is not None:
                raise Unproven(f"{name}: slices need a list of samples, and only their numbers were given")
            estimated = proportions.proportion(name, successes, samples, method)
            self._judge([figure_of(name, int(samples), estimated, at_least, at_most)], confidence)

    def mean(
        self,
        name: str,
        values: Iterable[Any],
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        confidence: float | None = None,
        method: MeanMethod = "bca",
        by: Iterable[Any] | None = None,
        min_slice: int = SLICE,
    ) -> None:
        """Demands a mean; *method* is `bca`, a bootstrap for any distribution, or `t`, for values roughly normal."""
        with self._notebook.noting():
            found = numbers(name, _listed(name, values))
            self._slices(
                name,
                found,
                lambda what, some: means.mean(what, some, method),
                at_least,
                at_most,
                confidence,
                by,
                min_slice,
            )

    def quantile(
        self,
        name: str,
        values: Iterable[Any],
        q: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        confidence: float | None = None,
    ) -> None:
        """Demands a quantile, such as 0.95 of latencies, by an interval that holds for every distribution."""
        with self._notebook.noting():
            found = numbers(name, _listed(name, values))
            estimated = means.quantile(name, found, q)
            self._judge([figure_of(name, len(found), estimated, at_least, at_most)], confidence)

    def not_worse(
        self,
        name: str,
        candidate: Iterable[Any],
        champion: Iterable[Any],
        *,
        margin: float,
        paired: bool = True,
        lower_is_better: bool = False,
        confidence: float | None = None,
    ) -> None:
        """
        Demands that the candidate is not worse than the champion by more than *margin*: non-inferiority.

        Args:
            candidate: a result for each example: true or false, or a number.
            champion: the same, of the same examples in the same order.
            margin: what may be lost, above 0, in the unit of the results; of booleans a share.
            paired: with False, the examples are different ones.
            lower_is_better: of losses and latencies.
        """
        if not is_number(margin) or margin <= 0:
            with self._notebook.noting():
                raise Unproven(f"{name}: the margin is {margin!r}, expected a number above 0")
        self._compare(name, candidate, champion, -margin, False, paired, lower_is_better, confidence)

    def better(
        self,
        name: str,
        candidate: Iterable[Any],
        champion: Iterable[Any],
        *,
        by: float = 0.0,
        paired: bool = True,
        lower_is_better: bool = False,
        confidence: float | None = None,
    ) -> None:
        """Demands that the candidate is better than the champion, by more than *by*; see `not_worse`."""
        if not is_number(by) or by < 0:
            with self._notebook.noting():
                raise Unproven(f"{name}: by is {by!r}, expected 0 or more")
        self._compare(name, candidate, champion, by, True, paired, lower_is_better, confidence)

    def same_distribution(
        self,
        name: str,
        current: Sequence[Any],
        reference: Sequence[Any],
        *,
        at_most: float = 0.1,
        confidence: float | None = None,
    ) -> None:
        """
        Demands that *current* is distributed as *reference* is, by the population stability index (PSI).

        Args:
            at_most: the largest index. By convention, 0.1 is a small shift and 0.25 a large one.
        """
        with self._notebook.noting():
            if current is reference:
                raise Unproven(f"{name}: the samples are compared with themselves")
            here, there = _listed(name, current), _listed(name, reference)
            if not all(isinstance(value, (str, bool)) for value in (*here, *there)):
                here, there = numbers(name, here), numbers(name, there)
            estimated = drift.stability(name, here, there)
            self._judge([figure_of(f"{name} (PSI)", len(here), estimated, None, at_most)], confidence)

    def trials(
        self,
        name: str,
        run: Callable[[], Any],
        *,
        at_least: float,
        most: int,
        confidence: float | None = None,
    ) -> None:
        """
        Demands a share of successes of what is run again and again, until it is told, and *most* times at the most.

        Every run counts and none is picked. The interval is valid at any time, so that looking after each run keeps the
        error rate.

        Args:
            run: called without arguments; true or false. What it raises is the gate's failure.
        """
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            with self._notebook.noting():
                raise Unproven(f"{name}: most is {most!r}, expected a whole number from 1")
        with self._notebook.noting():
            level = self._level(name, confidence)
            self._demand_share(name, at_least, None)
            demanded(name, at_least, None)
        done = successes = 0
        while done < most:
            result = run()
            with self._notebook.noting():
                [one] = booleans(f"{name}, run {done + 1}", [result])
            done, successes = done + 1, successes + one
            if shows(always_valid(successes, done, level), ">=", at_least) is not None:
                break
        estimated = (successes / done, lambda at: always_valid(successes, done, at))
        with self._notebook.noting():
            self._judge([figure_of(name, done, estimated, at_least, None)], confidence)

    def _compare(
        self,
        name: str,
        candidate: Iterable[Any],
        champion: Iterable[Any],
        least: float,
        above: bool,
        paired: bool,
        lower_is_better: bool,
        confidence: float | None,
    ) -> None:
        with self._notebook.noting():
            if candidate is champion:
                raise Unproven(f"{name}: the candidate is compared with itself")
            one, other = _listed(name, candidate), _listed(name, champion)
            if are_booleans(one) != are_booleans(other):
                raise Unproven(f"{name}: the results of one are true or false, those of the other are not")
            if are_booleans(one) and abs(least) >= 1:
                raise Unproven(f"{name}: {abs(least):g} of shares allows everything, expected less than 1")
            if paired and len(one) != len(other):
                raise Unproven(f"{name}: {len(one)} results of the candidate, {len(other)} of the champion")
            if lower_is_better:
                one, other = other, one
            what = f"{name}, {'champion less candidate' if lower_is_better else 'candidate less champion'}"
            if paired and are_booleans(one) and are_booleans(other):
                estimated = proportions.paired_difference(one, other)
            elif paired:
                pairs = zip(_numeric(name, one), _numeric(name, other), strict=True)
                estimated = means.mean(what, [first - second for first, second in pairs])
            else:
                estimated = means.difference(what, _numeric(name, one), _numeric(name, other))
            self._judge([Figure(what, len(one), estimated, ">=", least, above)], confidence)

    def _slices(
        self,
        name: str,
        values: list[Any],
        estimate: Callable[[str, list[Any]], Estimated],
        at_least: float | None,
        at_most: float | None,
        confidence: float | None,
        by: Iterable[Any] | None,
        min_slice: int,
    ) -> None:
        """Judge all the samples, and each slice of them."""
        figures = [figure_of(name, len(values), estimate(name, values), at_least, at_most)]
        slices: defaultdict[str, list[Any]] = defaultdict(list)
        if isinstance(min_slice, bool) or not isinstance(min_slice, int) or min_slice < LEAST_SLICE:
            raise Unproven(f"{name}: min_slice is {min_slice!r}, expected a whole number from {LEAST_SLICE}")
        if by is not None:
            labels = _listed(name, by)
            if len(labels) != len(values):
                raise Unproven(f"{name}: {len(values)} samples, and {len(labels)} slices that they belong to")
            for label, value in zip(labels, values, strict=True):
                if label is None or label != label or not str(label).strip():  # noqa: PLR0124 - NaN
                    raise Unproven(f"{name}: a sample belongs to the slice {label!r}, which is none")
                slices[f"{name} of {label}"].append(value)
        thin = [f"{what} has {len(some)}" for what, some in sorted(slices.items()) if len(some) < min_slice]
        if thin:
            raise Unproven(f"{'; '.join(thin[:3])}{' …' if len(thin) > 3 else ''}: a slice needs {min_slice} samples")
        figures += [
            figure_of(what, len(some), estimate(what, some), at_least, at_most) for what, some in sorted(slices.items())
        ]
        self._judge(figures, confidence)

    @staticmethod
    def _demand_share(name: str, at_least: float | None, at_most: float | None) -> None:
        """Raises `Unproven` for a threshold that is no share, or that every share meets."""
        for threshold, word, meets_all in ((at_least, "at_least", 0), (at_most, "at_most", 1)):
            if threshold is None or not is_number(threshold):
                continue
            if not 0 <= threshold <= 1:
                raise Unproven(f"{name}: {word} is {threshold:g}, expected a share from 0 to 1: 90 % is 0.9")
            if threshold == meets_all:
                raise Unproven(f"{name}: every share meets {word}={threshold:g}")

    def _level(self, name: str, confidence: float | None) -> float:
        level = self._confidence if confidence is None else confidence
        if not is_number(level) or not LEAST_CONFIDENCE <= level < 1:
            raise Unproven(f"{name}: the confidence is {level!r}, expected {LEAST_CONFIDENCE:g} to below 1")
        if level < self._confidence:
            raise Unproven(f"{name}: the confidence is {level:g}, and the policy has {self._confidence:g}")
        return level

    def _judge(self, figures: list[Figure], confidence: float | None) -> None:
        """Record each figure, and refuse the first that was shown not to hold, else the first that cannot be told."""
        level = self._level(figures[0].name, confidence)
        if not figures[0].name.strip():
            raise Unproven("a figure from samples has no name")
        intervals = [figure.estimated[1](level) for figure in figures]
        verdicts = [verdict_on(figure, interval) for figure, interval in zip(figures, intervals, strict=True)]
        if len(figures) > 1:
            verdicts = corrected(figures, verdicts, level)
        refusals: list[tuple[bool, str]] = []
        for figure, interval, verdict in zip(figures, intervals, verdicts, strict=True):
            estimate = figure.estimated[0]
            self._notebook.measurements.append(
                Measurement(
                    figure.name,
                    estimate,
                    figure.operator,
                    figure.threshold,
                    verdict,
                    figure.samples,
                    interval=interval,
                )
            )
            if verdict is not True:
                refusals.append((verdict is False, sentence_on(figure, interval, verdict)))
        failed = [sentence for is_shown, sentence in refusals if is_shown]
        more = f"; and {len(refusals) - 1} more" if len(refusals) > 1 else ""
        if failed:
            raise GateFailed(failed[0] + more)
        if refusals:
            raise Unproven(refusals[0][1] + more)
        self._notebook.tally.judge()


def _listed(name: str, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes, dict, set, frozenset)) or not hasattr(values, "__iter__"):
        raise Unproven(f"{name}: found {values!r:.60} where a list of samples belongs")
    found = list(values)
    if not found:
        raise Unproven(f"{name}: there are 0 samples")
    return found


def _numeric(name: str, values: list[Any]) -> list[float]:
    """Results as numbers: of booleans 1 and 0."""
    return [float(value) for value in values] if are_booleans(values) else numbers(name, values)
