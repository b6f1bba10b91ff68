"""
How many independent hypotheses a sweep amounts to, from what they have in common.

Galwey (2009), A new measure of the effective number of tests, Genetic Epidemiology 33: the square of the sum of the
roots of the eigenvalues of the correlation matrix, over their sum. Hypotheses that are the same are one, independent
ones are as many as there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_promotion.suites.research.panel import Panel


def effective_trials(panel: Panel) -> float:
    """The effective number of hypotheses of *panel*, from 1 to their count."""
    import numpy as np

    if len(panel.names) == 1:
        return 1.0
    eigenvalues = np.clip(np.linalg.eigvalsh(np.corrcoef(panel.values, rowvar=False)), 0.0, None)
    return float(np.sqrt(eigenvalues).sum() ** 2 / eigenvalues.sum())
