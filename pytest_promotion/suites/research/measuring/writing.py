"""The files of a candidate, computed from a panel: its bundle with the series behind it, the sweep and its check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion import atomic
from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.json_files import write_json
from pytest_promotion.suites.research.inference.block_length import automatic_block
from pytest_promotion.suites.research.measuring.coefficients import coefficients
from pytest_promotion.suites.research.measuring.reading import Measured
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, Found, Origin, reality_check, summary
from pytest_promotion.suites.research.recomputed import figures_of
from pytest_promotion.suites.research.regimes import regime_rows
from pytest_promotion.suites.research.series import Series
from pytest_promotion.suites.research.sharpe import deflated_of

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

_HALVES: Final = ("first_half", "second_half")


@dataclass(frozen=True, slots=True)
class Names:
    """What the run is called."""

    run_id: str
    dataset_id: str
    git_commit: str
    freq: str
    config_hash: str

    @property
    def family_id(self) -> str:
        """The id of the sweep."""
        return f"rcfam_{digest([self.dataset_id, self.config_hash])[:16]}"


@dataclass(frozen=True, slots=True)
class Sweep:
    """All signals at the first horizon: their coefficients, as a panel too, and the reality check of them."""

    table: pd.DataFrame
    panel: Panel
    check: Found

    def adjusted(self, signal: str) -> float:
        """The p-value of *signal*, adjusted for all of them."""
        return self.check.adjusted[self.check.names.index(signal)]


def swept(measured: Measured, horizon: int, replicates: int, seed: int) -> Sweep:
    """
    The coefficients of all signals, and their reality check with blocks chosen from the data.

    Raises:
        PolicyError, Unproven: as `reality_check` does, and where a signal has a name that no column can have.
    """
    table = coefficients(measured, horizon)
    panel = Panel.of(list(measured.signals), table[list(measured.signals)].to_numpy())
    config = Config(statistic="hac", block=automatic_block(panel, horizon), replicates=replicates, seed=seed)
    return Sweep(table, panel, reality_check(panel, config))


def write_sweep(out: Path, sweep: Sweep, names: Names, horizon: int) -> None:
    """Writes the sweep and the summary of its check below *out*. Raises `OSError`."""
    (out / "reports/csv").mkdir(parents=True, exist_ok=True)
    _write(out / "reports/csv/sweep_panel.csv", _csv(sweep.table))
    origin = Origin(names.family_id, "mean_ic", horizon, names.dataset_id, names.git_commit)
    write_json(out / "reports/rc_summary.json", summary(sweep.check, origin))


def write_bundle(
    out: Path, measured: Measured, sweep: Sweep, names: Names, signal: str, horizons: Sequence[int]
) -> Path:
    """
    Writes the bundle of *signal* and the series behind it below *out*, and returns its path.

    Regimes are the first and the second half of the sample, unless the caller replaces `regime_states.csv`.

    Raises:
        PolicyError: for a signal that the panel has not.
        Unproven: for series that are too short or never change.
        OSError: where a file cannot be written.
    """
    if signal not in measured.signals:
        raise PolicyError(f"{signal} is no column of the panel; there are {', '.join(measured.signals)}")
    folder, first = out / "reports/csv", horizons[0]
    series: dict[int, Series] = {}
    paths: dict[str, dict[str, str]] = {"ic_series_path_by_horizon": {}, "delayed_ic_path_by_horizon": {}}
    for horizon in horizons:
        table = sweep.table[[signal]] if horizon == first else coefficients(measured, horizon, [signal])
        where = folder / f"ic_series_{signal}_h{horizon}.csv"
        content = _csv(table.set_axis(["ic"], axis=1))
        _write(where, content)
        paths["ic_series_path_by_horizon"][str(horizon)] = where.relative_to(out).as_posix()
        series[horizon] = Series.read(content, where.name)
        if measured.kind == "panel":
            late = folder / f"ic_late_{signal}_h{horizon}.csv"
            _write(late, _csv(coefficients(measured, horizon, [signal], late=1).set_axis(["ic"], axis=1)))
            paths["delayed_ic_path_by_horizon"][str(horizon)] = late.relative_to(out).as_posix()
    states = _halves(sweep.table)
    _write(folder / "regime_states.csv", _csv(states))
    figures = {horizon: figures_of(one, f"{signal} at {horizon}") for horizon, one in series.items()}
    figures[first]["deflated_sharpe"] = deflated_of(sweep.panel, signal).statistic
    labels = dict(zip(states.index.to_pydatetime(), states["regime"], strict=True))
    _, covered = regime_rows(series[first], labels, first)
    bundle = {
        "run_id": names.run_id,
        "dataset_id": names.dataset_id,
        "signal_name": signal,
        "freq": names.freq,
        "horizons": list(horizons),
        "ic_summary_by_horizon": {str(horizon): values for horizon, values in figures.items()},
        "ic_decay_table": [
            {"horizon_bars": horizon} | {name: values[name] for name in ("mean_ic", "std_ic", "n_obs", "t_stat")}
            for horizon, values in figures.items()
        ],
        "meta": {
            "validation_bundle_schema_version": 1,
            "config_hash": names.config_hash,
            "git_commit": names.git_commit,
            "family_id": names.family_id,
            "dataset_sha256": measured.sha256,
            "kind": measured.kind,
            "regimes_covered": covered,
        },
        "regime_states_path": "reports/csv/regime_states.csv",
        **{name: found for name, found in paths.items() if found},
    }
    place = out / f"reports/csv/validation_bundle_{signal}_{names.run_id}.json"
    write_json(place, bundle)
    return place


def _halves(table: pd.DataFrame) -> Any:
    import pandas as pd

    middle = len(table) // 2
    labels = [_HALVES[number >= middle] for number in range(len(table))]
    return pd.DataFrame({"regime": labels}, index=table.index)


def _csv(table: pd.DataFrame) -> bytes:
    moments = [moment.isoformat() for moment in table.index.to_pydatetime()]
    rows = [",".join(map(str, ("ts", *table.columns)))]
    for moment, values in zip(moments, table.to_numpy().tolist(), strict=True):
        rows.append(",".join([moment, *(repr(one) if isinstance(one, float) else str(one) for one in values)]))
    return ("\n".join(rows) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    if any(mark in path.name for mark in '/\\,"\n'):
        raise Unproven(f"{path.name!r} cannot be the name of a file: rename the signal")
    atomic.write(path, content)
