"""
The one judge of research candidates: `promotion candidates evaluate` and gates/research ask it, and nothing else does.

It is given what was read, and opens nothing. Each part answers with reasons against, open questions (what could not be
judged), warnings and figures. Something against is a no, something open is no answer, and neither is a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.findings import Findings
from pytest_promotion.suites.research.gating import (
    SLACK,
    UNCHECKED,
    PromotionDecision,
    execution_reasons,
    figure_reasons,
    luck_reasons,
    nothing_to_judge,
    regime_reasons,
)
from pytest_promotion.suites.research.inference.hac import mean_test
from pytest_promotion.suites.research.inference.track_record import minimum_length
from pytest_promotion.suites.research.luck import corrected
from pytest_promotion.suites.research.numbers import number
from pytest_promotion.suites.research.plausibility import LOOK, implausible, implausible_in, lookahead
from pytest_promotion.suites.research.question import Question
from pytest_promotion.suites.research.regimes import regime_rows
from pytest_promotion.suites.research.sharpe import Moments
from pytest_promotion.suites.research.transitions import Status
from pytest_promotion.suites.research.unseen import overlap_with_accepted, unseen_findings


def part(question: Question, name: str) -> Findings:
    """What the part *name* of the judgement finds, one of `PARTS`; evidence that cannot be used is an open question."""
    try:
        return PARTS[name](question)
    except Unproven as problem:
        return Findings(open_questions=[str(problem)])


def judge(question: Question) -> PromotionDecision:
    """The decision about the candidate for its next step, by all parts. It never raises for evidence."""
    nothing = nothing_to_judge(question.case.bundle, question.horizon)
    if nothing is not None:
        return nothing
    found = Findings()
    for name in PARTS:
        found.add(part(question, name))
    against, unanswered = (tuple(dict.fromkeys(lines)) for lines in (found.against, found.open_questions))
    unchanged: Status = "candidate" if question.final else "exploratory"
    return PromotionDecision(
        "rejected" if against else unchanged if unanswered else "accepted",
        against,
        found.figures | {"horizon": question.horizon},
        tuple(dict.fromkeys(found.warnings)),
        judged=bool(against) or not unanswered,
        open_questions=unanswered,
    )


def _figures(question: Question) -> Findings:
    figures, declared = question.figures
    asked = question.thresholds
    found = Findings()
    found.against, found.figures = figure_reasons(figures, asked)
    stated = number(question.case.bundle.ic_summary_by_horizon[question.horizon].get("deflated_sharpe"))
    computed = number(figures.get("deflated_sharpe"))
    if stated is not None and computed is not None and abs(stated - computed) > SLACK * max(1.0, abs(computed)):
        found.against.append(f"deflated_sharpe is {stated:g} in the bundle and {computed:g} by the sweep")
    if declared:
        sentence = f"declared, not computed from a series: {', '.join(declared)}"
        (found.open_questions if question.final else found.warnings).append(sentence)
    series = question.series
    if series is None:
        return found
    if question.final:
        found.open_questions += series.gaps("the series of the bundle")
    if series.moments[-1] > question.created:
        found.open_questions.append(
            f"the series of the bundle ends {series.moments[-1].isoformat()}, after the creation"
        )
    tested = mean_test(series.array)
    two_sided = min(1.0, 2 * min(tested.p_value, 1 - tested.p_value))
    found.figures |= {"t_hac": tested.t, "p_hac": two_sided}
    if tested.t < asked.tstat_min:
        found.against.append(f"t_hac {tested.t:.4f} < {asked.tstat_min}")
    if asked.p_value_max is not None and two_sided > asked.p_value_max:
        found.against.append(f"p_hac {two_sided:.4f} > {asked.p_value_max}")
    if question.final:
        needed = minimum_length(Moments.of(series.values))
        found.figures["minimum_track_record"] = needed if needed < 1e15 else None
        if len(series.values) < needed:
            found.against.append(f"n_obs {len(series.values)} < minimum track record {needed:.0f}")
    return found


def _plausibility(question: Question) -> Findings:
    found, limits = Findings(), question.policy.plausible
    figures, _ = question.figures
    found.open_questions += implausible(figures, limits)
    delayed = question.case.delayed.get(question.horizon)
    if question.series is not None and delayed is not None:
        sentence, ratio = lookahead(question.series, delayed, limits)
        found.open_questions += sentence
        found.figures["delayed_ratio"] = ratio
        if delayed.values == question.series.values:
            found.open_questions.append(f"the coefficients one bar late are those of the signal at once: {LOOK}")
    else:
        untested = "not tested for lookahead: the bundle has no coefficients of the signal one bar late"
        (found.open_questions if question.final else found.warnings).append(untested)
    if question.case.sweep is not None and (others := implausible_in(question.case.sweep, limits)):
        names = ", ".join(name for name in others if name != question.case.bundle.signal_name)
        if names:
            found.warnings.append(f"the sweep has signals that are too good to be true, look for lookahead: {names}")
    return found


def _luck(question: Question) -> Findings:
    found, case, asked = Findings(), question.case, question.thresholds
    check = question.drawn
    if check is not None:
        found = check.findings(case.bundle.signal_name, question.series, question.policy.luck, question.sweeps)
        found.against += luck_reasons(check.summary(question.sweeps), case.bundle, asked)
    if case.rc_summary is not None:
        found.against += luck_reasons(corrected(case.rc_summary, question.sweeps), case.bundle, asked)
        if check is not None:
            found.against += check.block_reasons(case.rc_summary)
    elif check is None:
        found.against += luck_reasons(None, case.bundle, asked)
    if check is None and asked.require_reality_check:
        sentence = "the reality check is declared, not computed: the candidate names no sweep (--sweep-panel-path)"
        (found.open_questions if question.final else found.warnings).append(sentence)
    return found


def _regimes(question: Question) -> Findings:
    found, asked = Findings(), question.thresholds
    if not asked.require_regime_robustness:
        return found
    case, limits = question.case, question.policy.regimes
    if question.series is None or case.regimes is None:
        if question.final:
            found.open_questions.append(
                "regimes are declared, not computed: the bundle names no regime_states_path, or no series"
            )
        found.against = regime_reasons(case.regime_summary, question.horizon, asked)
        return found
    rows, covered = regime_rows(question.series, case.regimes, question.horizon)
    found.figures["regimes_covered"] = covered
    if covered < limits.covered_min:
        found.against.append(f"share of moments with a regime {covered:.4f} < {limits.covered_min}")
    found.against += [
        f"bars in {row['regime']} {row['n_bars']} < {limits.bars_min}"
        for row in rows
        if row["n_bars"] < limits.bars_min
    ]
    found.against += regime_reasons(rows, question.horizon, asked)
    found.figures |= {"worst_regime_mean_ic": min((row["mean_ic"] for row in rows), default=None)}
    return found


def _execution(question: Question) -> Findings:
    found, case = Findings(), question.case
    if question.allow_missing_execution_evidence:
        found.warnings.append(UNCHECKED)
        return found
    found.against = execution_reasons(case.execution_evidence, case.capacity_curve_readable, question.thresholds)
    if not question.final or case.execution_evidence is None or not case.capacity_curve:
        return found
    costs = [_cost(row) for row in case.capacity_curve]
    known = [cost for cost in costs if cost is not None]
    if len(known) != len(costs) or len(known) < 2:
        found.against.append("the capacity curve needs two points or more, each with a number in cost_bps")
        return found
    if known != sorted(known):
        found.against.append("the capacity curve says that more costs less")
    stated = case.execution_evidence.get("cost_config")
    stated = stated if isinstance(stated, Mapping) else {}
    least = sum(number(stated.get(name)) or 0.0 for name in ("fee_bps", "slippage_bps"))
    if known[0] < least:
        found.against.append(f"the smallest size costs {known[0]:g} bps, less than fee and slippage, {least:g}")
    return found


def _cost(row: Mapping[str, str]) -> float | None:
    try:
        return number(float(row.get("cost_bps", "")))
    except ValueError:
        return None


def _unseen(question: Question) -> Findings:
    found = Findings()
    if not question.final:
        return found
    found = unseen_findings(question.observation, question.series, question.created, question.now, question.policy)
    if question.series is not None:
        found.against += overlap_with_accepted(question.series, question.accepted, question.policy.correlation_max)
    return found


def _people(question: Question) -> Findings:
    found, wanted = Findings(), question.policy.approval.people
    if question.final and len(question.approvers) < wanted:
        people = "a person" if wanted == 1 else f"{wanted} people"
        found.open_questions.append(
            f"it lacks the approval of {people} who neither created nor evaluated it (promotion candidates approve)"
        )
    if question.final:
        found.figures["approved_by"] = ", ".join(question.approvers) or None
    return found


PARTS: Final[Mapping[str, Callable[[Question], Findings]]] = {
    "figures": _figures,
    "plausibility": _plausibility,
    "luck": _luck,
    "regimes": _regimes,
    "execution": _execution,
    "unseen": _unseen,
    "people": _people,
}
