"""Panels as people have them: signals by asset and moment, coefficients by signal, or returns by strategy."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.files import read_file

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

Kind = Literal["panel", "ic", "returns"]
KINDS: Final = ("panel", "ic", "returns")
TIME, ASSET, RETURN = "ts", "asset", "return"
_MOST_SHOWN: Final = 5  # rows named in one refusal


@dataclass(frozen=True, slots=True)
class Measured:
    """A table indexed by moment (UTC, rising) and, of a panel, by asset; `signals` are the columns that are tried."""

    kind: Kind
    table: pd.DataFrame
    signals: tuple[str, ...]
    sha256: str


def read_panels(paths: Sequence[Path], kind: Kind | None = None) -> Measured:
    """
    The panel in the CSV and Parquet files at *paths*, one below the other.

    A panel has the columns `ts`, `asset` and `return`, the return of the asset over the bar that ends at `ts`, and a
    column for each signal, known at `ts`. Coefficients and returns have `ts` and a column for each signal or strategy.

    Raises:
        PolicyError: where nothing says what the columns are.
        Unproven: with all that is wrong at once: columns that are missing, moments without an offset or twice, values
            that are no finite numbers.
        OSError: where a file cannot be read.
    """
    import pandas as pd

    contents = [read_file(path) for path in paths]
    tables = [_read(path, content) for path, content in zip(paths, contents, strict=True)]
    columns = list(tables[0].columns)
    if unlike := [str(path) for path, table in zip(paths, tables, strict=True) if list(table.columns) != columns]:
        raise Unproven(f"{', '.join(unlike)} has other columns than {paths[0]}")
    table = pd.concat(tables, ignore_index=True)
    found = kind or ("panel" if ASSET in columns else None)
    if found is None:
        raise PolicyError(f"no column {ASSET!r}: --kind says whether the columns are `ic` or `returns`")
    keys = [TIME, ASSET] if found == "panel" else [TIME]
    needed = [*keys, RETURN] if found == "panel" else keys
    problems = [f"the column {name!r} is missing" for name in needed if name not in columns]
    signals = [str(name) for name in columns if name not in needed]
    if not signals:
        problems.append("there is no column of a signal")
    if problems:
        raise Unproven(f"{paths[0]}: {'; '.join(problems)}")
    moments, undated = _moments(table[TIME])
    problems += undated
    values = table[[name for name in columns if name not in keys]]
    problems += _no_numbers(values)
    table = table.assign(**{TIME: moments})
    if (twice := int(table.duplicated(keys).sum())) and not undated:
        problems.append(f"{twice} rows have the {' and '.join(keys)} of another one")
    if problems:
        raise Unproven(f"{paths[0]}: {'; '.join(problems)}")
    digest = sha256(b"".join(sha256(content).digest() for content in contents)).hexdigest()
    return Measured(found, table.set_index(keys).sort_index(), tuple(sorted(signals)), digest)


def _read(path: Path, content: bytes) -> Any:
    import pandas as pd

    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pd.read_parquet(io.BytesIO(content))
        return pd.read_csv(io.BytesIO(content))
    except ImportError:
        raise PolicyError("Parquet needs pyarrow: pip install pyarrow") from None
    except Exception as problem:  # noqa: BLE001 - pandas and pyarrow raise whatever they like for foreign bytes
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise Unproven(f"{path} is no table: {reason}") from None


def _moments(column: Any) -> tuple[Any, list[str]]:
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC"), []
    text = column.astype(str)
    bare = ~text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True)
    found = pd.to_datetime(text.where(~bare), utc=True, errors="coerce", format="ISO8601")
    if (wrong := found.isna()).any():
        shown = ", ".join(repr(one) for one in text[wrong].unique()[:_MOST_SHOWN])
        return found, [f"{int(wrong.sum())} moments are not ISO 8601 with an offset, such as {shown}"]
    return found, []


def _no_numbers(values: Any) -> list[str]:
    import numpy as np

    found = []
    for name in values.columns:
        column = values[name]
        if column.dtype.kind not in "fi":
            found.append(f"{name} has values that are no numbers")
        elif np.isinf(column.to_numpy(dtype=float)).any():
            found.append(f"{name} has infinite values")
    return found
