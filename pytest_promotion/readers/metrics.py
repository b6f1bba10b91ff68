"""
The metrics of an MLflow run: the answer of its tracking server to `runs/get`, or one metric's file of a run folder.

MLflow stores infinity as the largest number that there is, which passes every comparison. It is no measurement.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, named
from pytest_promotion.readers.encodings import decode, parse_json
from pytest_promotion.readers.findings import text
from pytest_promotion.text import listed

FILE: Final = "MLflow metric file"
_FINISHED: Final = 3  # of the states in the meta.yaml of a run folder
_INFINITE: Final = 1.797e308  # from which on a number stands for infinity


@dataclass(frozen=True, slots=True)
class Metrics:
    """The last value of each metric of one run, which has finished where its answer says how it stands."""

    form: str
    values: Mapping[str, float]
    created: str | None = None  # ISO 8601: of the oldest of the last values
    run: str = ""  # its id
    tool: str = "MLflow"

    def __getitem__(self, name: str) -> float:
        """The last value of the metric *name*. Raises `Unproven` where the run has none."""
        if name not in self.values:
            raise Unproven(f"the run has no metric {name!r} (it has: {listed(sorted(self.values), 8) or 'none'})")
        return self.values[name]


def read(content: bytes, origin: str) -> Metrics:
    """The metrics in *content*. Raises `Unproven` for another format, a run that has not finished, and infinities."""
    if content.lstrip().startswith((b"{", b"\xef\xbb\xbf", b"[")):
        return _answer(parse_json(content, origin), origin)
    return _file(decode(content, origin), origin)


def _answer(document: Any, origin: str) -> Metrics:
    if not isinstance(document, dict) or not ({"run", "runs"} & set(document)):
        raise Unproven(f"{origin} is {named(document)}: no answer of MLflow to runs/get")
    every = [document["run"]] if "run" in document else a_list(document["runs"], f"{origin}: runs")
    if len(every) != 1:
        raise Unproven(f"{origin} has {len(every)} runs: which of them counts is not said")
    run = an_object(every[0], f"{origin}: run")
    info = an_object(run.get("info"), f"{origin}: run.info")
    name = str(info.get("run_id") or info.get("run_uuid") or "")
    if info.get("status") != "FINISHED" or info.get("lifecycle_stage", "active") != "active":
        raise Unproven(f"{origin}: the run {name} is {info.get('status')}, {info.get('lifecycle_stage', 'active')}")
    data = an_object(run.get("data"), f"{origin}: run.data")
    last: dict[str, tuple[float, float, float]] = {}
    for at, one in enumerate(an_optional_list(data.get("metrics"), f"{origin}: run.data.metrics")):
        place = f"{origin}: run.data.metrics[{at}]"
        metric = an_object(one, place)
        key = text(metric.get("key"), f"{place}.key")
        point = (
            _number(metric.get("step", 0), f"{place}.step"),
            _number(metric.get("timestamp"), f"{place}.timestamp"),
            _number(metric.get("value"), f"{place}.value"),
        )
        last[key] = max(last.get(key, point), point)
    return _metrics("MLflow run", last, origin, name)


def _file(content: str, origin: str) -> Metrics:
    """One metric's file: lines of a time in milliseconds, a value and a step."""
    last: tuple[float, float, float] | None = None
    for number, line in enumerate(content.splitlines(), 1):
        place = f"{origin} line {number}"
        cells = line.split()
        if len(cells) not in (2, 3, 5):  # without a step before 1.0, with a dataset since 3.0
            raise Unproven(f"{place} is not a line of a metric of MLflow: {line[:40]!r}")
        moment, value, step = (_number(cell, place) for cell in [*cells[:3], "0"][:3])
        last = max(last or (step, moment, value), (step, moment, value))
    if last is None or not content.endswith("\n"):
        raise Unproven(f"{origin} does not end with a line end: its last value may be half written")
    return _metrics(FILE, {PurePosixPath(origin).name: last}, origin, "")


def refuse_unfinished(meta: Any, origin: str) -> None:
    """Raises `Unproven` where the `meta.yaml` of a run folder does not say that the run has finished, and is kept."""
    fields = an_object(meta, origin)
    status, stage = fields.get("status"), fields.get("lifecycle_stage")
    if status != _FINISHED or isinstance(status, bool) or stage != "active":
        raise Unproven(f"{origin}: the run has status {status!r} and is {stage!r}, expected {_FINISHED} and 'active'")


def _metrics(form: str, last: Mapping[str, tuple[float, float, float]], origin: str, run: str) -> Metrics:
    if not last:
        raise Unproven(f"{origin} has no metrics")
    oldest = min(moment for _, moment, _ in last.values())
    try:
        created = iso(datetime.fromtimestamp(oldest / 1000, UTC)) if oldest > 0 else None
    except (OverflowError, OSError, ValueError):
        raise Unproven(f"{origin}: {oldest:g} is no time in milliseconds") from None
    return Metrics(form, {name: value for name, (_, _, value) in last.items()}, created, run)


def _number(value: Any, place: str) -> float:
    # Protocol buffers write whole numbers of 64 bits as texts, and infinities as such.
    try:
        found = math.nan if isinstance(value, bool) or value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found) or abs(found) >= _INFINITE:
        raise Unproven(f"{place} is {value!r} where a number belongs")
    return found
