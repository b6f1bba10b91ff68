"""Information coefficients of signals: at each moment the rank correlation, over assets, with what came after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.suites.research.measuring.reading import ASSET, RETURN, TIME, Measured

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

LEAST_ASSETS: Final = 5  # with a signal and a return, below which a moment has no coefficient


def coefficients(measured: Measured, horizon: int, names: Sequence[str] | None = None, late: int = 0) -> pd.DataFrame:
    """
    A column of coefficients for each signal, or each of *names*, by moment; a moment in which one has none is left out.

    Of a panel: Spearman's correlation over assets of the signal at t, or *late* bars earlier, with the sum of the
    returns of the bars t + 1 to t + *horizon*. Of coefficients: the values as they are. Of returns: each strategy over
    its own deviation, so that its mean is the Sharpe ratio of one moment.

    Raises:
        Unproven: where no moment is left.
    """
    import pandas as pd

    wanted = list(names or measured.signals)
    if measured.kind != "panel":
        table = measured.table[wanted].dropna()
        if measured.kind == "returns":
            table = table / table.std(ddof=1)
        found = table
    else:
        ahead = _ahead(measured, horizon)
        found = pd.DataFrame({name: _ranked(_by_asset(measured, name), ahead, late) for name in wanted}).dropna()
    if found.empty:
        raise Unproven(f"at a horizon of {horizon} no moment has {LEAST_ASSETS} assets with a signal and a return")
    return found


def _by_asset(measured: Measured, column: str) -> Any:
    """A column of the panel with a row for each moment and a column for each asset."""
    return measured.table.reset_index().pivot_table(index=TIME, columns=ASSET, values=column, dropna=False)


def _ahead(measured: Measured, horizon: int) -> Any:
    """The sum of each asset's returns over the *horizon* bars after each moment."""
    returns = _by_asset(measured, RETURN)
    return returns.rolling(horizon).sum().shift(-horizon)


def _ranked(signal: Any, ahead: Any, late: int) -> Any:
    signal = signal.shift(late)
    both = signal.notna() & ahead.notna()
    left = signal.where(both).rank(axis=1)
    right = ahead.where(both).rank(axis=1)
    left, right = left.sub(left.mean(axis=1), axis=0), right.sub(right.mean(axis=1), axis=0)
    size = ((left**2).sum(axis=1) * (right**2).sum(axis=1)) ** 0.5
    enough = (both.sum(axis=1) >= LEAST_ASSETS) & (size > 0)
    return ((left * right).sum(axis=1) / size).where(enough)
