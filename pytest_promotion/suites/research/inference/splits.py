"""
Training and test moments that share nothing: purged and embargoed cross-validation.

López de Prado (2018), Advances in Financial Machine Learning, chapter 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pytest_promotion.errors import PolicyError, Unproven

if TYPE_CHECKING:
    import numpy as np


def purged_splits(length: int, folds: int, horizon: int, embargo: int = 0) -> Iterator[tuple[Any, Any]]:
    """
    For each of *folds* neighbouring test parts of *length* moments: the training moments, and the test moments.

    The value at a moment t is known at t + *horizon*. Purged are the training moments whose values overlap with those
    of the test part, on both sides; *embargo* more moments after it are left out, whose features remember it.

    Raises:
        PolicyError: for fewer than two folds, a horizon below 1 and an embargo below 0.
        Unproven: where a part, or what is left to train on, would be empty.
    """
    import numpy as np

    if folds < 2 or horizon < 1 or embargo < 0:
        raise PolicyError(f"{folds} folds, a horizon of {horizon} bars, an embargo of {embargo}")
    if length < folds:
        raise Unproven(f"{length} moments are too few for {folds} folds")
    moments = np.arange(length)
    for test in np.array_split(moments, folds):
        first, last = int(test[0]), int(test[-1])
        train = moments[(moments + horizon <= first) | (moments >= last + horizon + embargo)]
        if not len(train):
            raise Unproven(f"nothing is left to train on beside the moments {first} to {last}")
        yield train, test


def worst_fold_mean(values: np.ndarray[Any, Any], folds: int, horizon: int) -> float:
    """
    The lowest mean of *values* over neighbouring folds, each without the moments that overlap with the one before.

    Raises:
        PolicyError, Unproven: as `purged_splits` does.
    """
    import numpy as np

    found = []
    for _, test in purged_splits(len(values), folds, horizon):
        kept = test[min(horizon - 1, len(test) - 1) :] if test[0] else test
        found.append(float(np.mean(values[kept])))
    return min(found)
