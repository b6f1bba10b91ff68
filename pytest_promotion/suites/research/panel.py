"""The performance of every hypothesis that was tried, over the same moments."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import csv_rows

if TYPE_CHECKING:
    import numpy as np

LEAST: Final = 30  # moments below which no bootstrap says anything


@dataclass(frozen=True, slots=True)
class Panel:
    """Values of shape (moments, hypotheses), float64 and finite, the hypotheses sorted by name."""

    names: tuple[str, ...]
    values: np.ndarray[Any, np.dtype[np.float64]]

    @classmethod
    def aligned(cls, series: Mapping[str, tuple[Sequence[Any], Sequence[float]]]) -> Panel:
        """
        The panel of *series*, each given by its moments and its values, on the moments that all of them have.

        Raises:
            Unproven: where there is no series, where one has a moment twice, more or fewer moments than values, or a
                value that is no number, and where fewer than `LEAST` moments are common: of series that share no
                moment every statement is true.
        """
        import numpy as np

        if not series:
            raise Unproven("there is no hypothesis to test")
        names = tuple(sorted(series))
        by_moment = []
        for name in names:
            moments, values = series[name]
            found = dict(zip(moments, values, strict=False))
            if not len(moments) == len(values) == len(found):
                raise Unproven(
                    f"{name} has {len(moments)} moments, {len(found)} of them distinct, and {len(values)} values"
                )
            by_moment.append(found)
        common = set(by_moment[0]).intersection(*by_moment[1:])
        if len(common) < LEAST:
            raise Unproven(f"the series have {len(common)} moments in common; at least {LEAST} are needed")
        ordered = sorted(common)
        return cls.of(names, np.array([[found[moment] for found in by_moment] for moment in ordered], dtype=np.float64))

    @classmethod
    def of(cls, names: Sequence[str], values: Any) -> Panel:
        """A panel of *values* of shape (moments, hypotheses). Raises `Unproven`, as `aligned` does."""
        import numpy as np

        found = np.ascontiguousarray(values, dtype=np.float64)
        if found.ndim != 2 or found.shape[1] != len(names) or not names:
            raise Unproven(f"{len(names)} hypotheses and values of shape {found.shape}")
        if len(set(names)) != len(names) or list(names) != sorted(names):
            raise Unproven("the hypotheses are not sorted, or one stands twice")
        if len(found) < LEAST:
            raise Unproven(f"there are {len(found)} moments; at least {LEAST} are needed")
        bad = ~np.isfinite(found).all(axis=0)
        if bad.any():
            shown = ", ".join(name for name, here in zip(names, np.atleast_1d(bad), strict=True) if here)
            raise Unproven(f"there are values that are no numbers in {shown}")
        flat = np.ptp(found, axis=0) == 0
        if flat.any():
            shown = ", ".join(name for name, here in zip(names, np.atleast_1d(flat), strict=True) if here)
            raise Unproven(f"{shown} never changes: nothing can be said of its luck")
        return cls(tuple(names), found)

    @classmethod
    def read(cls, content: bytes, origin: str) -> Panel:
        """
        The panel of a CSV file: the moments in the first column, a hypothesis in each other one.

        Raises:
            Unproven: as `aligned` does, for a moment without a value, and for a value that is no number.
        """
        columns: dict[str, list[float]] = {}
        moments: list[str] = []
        for number, row in enumerate(csv_rows(io.BytesIO(content), origin), 1):
            (_, moment), *values = row.items()
            try:
                moments.append(iso(parse_moment(moment)))
            except BadTimestamp as problem:
                raise Unproven(f"{origin}: row {number}: {problem}") from None
            for name, said in values:
                try:
                    columns.setdefault(name, []).append(float(said))
                except ValueError:
                    raise Unproven(f"{origin}: row {number}: {name} is {said!r}, no number") from None
        return cls.aligned({name: (moments, values) for name, values in columns.items()})

    @property
    def sha256(self) -> str:
        """The digest of names and values, which names the data that was tested."""
        head = canonical([list(self.names), list(self.values.shape), "float64 little-endian"])
        return sha256(head + self.values.astype("<f8").tobytes()).hexdigest()
