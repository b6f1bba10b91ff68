"""Samples that are taken one after the other, until they tell: with an error rate that looking after each keeps."""

from __future__ import annotations

import math

from pytest_promotion.model import Interval


def always_valid(successes: int, samples: int, confidence: float) -> Interval:
    """
    The shares that the samples do not speak against, whenever one looks.

    The mixture of all shares, with equal weight, against a share p is a martingale where p is right; by Ville's
    inequality it ever exceeds 1 / (1 - confidence) with a probability of at most 1 - confidence (H. Robbins,
    Statistical methods related to the law of the iterated logarithm, 1970). The shares at which it does not are an
    interval.
    """
    if not samples:
        return Interval(0.0, 1.0, confidence, "always valid")
    failures = samples - successes
    evidence = math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(samples + 2)
    limit = -math.log(1 - confidence)

    def is_refuted(share: float) -> bool:
        if (share <= 0 and successes) or (share >= 1 and failures):
            return True
        likely = successes * math.log(share) if successes else 0.0
        likely += failures * math.log1p(-share) if failures else 0.0
        return evidence - likely >= limit

    estimate = successes / samples

    def end(refuted: float) -> float:
        if not is_refuted(refuted):
            return refuted
        kept = estimate
        for _ in range(60):
            middle = (kept + refuted) / 2
            kept, refuted = (kept, middle) if is_refuted(middle) else (middle, refuted)
        return refuted

    return Interval(end(0.0), end(1.0), confidence, "always valid")
