"""
The four formats in which k6 tells what it measured, told apart by what is in them and by nothing else.

`--summary-export` (legacy), the JSON of `handleSummary(data)`, the machine-readable summary (k6 1.5 and later), and
the lines of `--out json`. They differ where it hurts: a legacy threshold that is `true` has *failed*, and of
`http_req_failed` the `passes` are the requests that failed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_promotion.clock import BadTimestamp, iso, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import an_object, decode, json_rows, named, parse_json
from pytest_promotion.readers.load_test import Counter, Measured, Metric, Rate, Trend, number, trend_of, whole

SETUP_DATA: Final = "setup_data"
LEGACY: Final = "k6 --summary-export"
SUMMARY: Final = "k6 handleSummary"
MACHINE: Final = "k6 machine-readable summary"
LINES: Final = "k6 --out json"
_PERCENTILE: Final = re.compile(r"^p\(?(\d+(?:\.\d+)?)\)?$")
_TYPES: Final = ("counter", "gauge", "rate", "trend")


def read(content: bytes, origin: str) -> Measured:
    """
    What the k6 output in *content* says.

    Raises:
        Unproven: for anything that is not one of the four formats, whole.
    """
    text = decode(content, origin)
    first = text.lstrip().split("\n", 1)[0]
    if first.startswith("{") and '"type"' in first and ('"Metric"' in first or '"Point"' in first):
        return _lines(content, origin)
    document = parse_json(content, origin)
    if not isinstance(document, dict):
        raise Unproven(f"{origin} is {named(document)}: no output of k6")
    return replace(_of_summary(document, origin), holds_setup_data=document.get(SETUP_DATA) is not None)


def _of_summary(document: dict[str, Any], origin: str) -> Measured:
    if "results" in document:
        return _machine(document, origin)
    metrics = document.get("metrics")
    if not isinstance(metrics, dict) or "root_group" not in document:
        raise Unproven(f"{origin} is no output of k6: it has neither results nor metrics with a root_group")
    if not metrics:
        raise Unproven(f"{origin} has no metrics: nothing was measured")
    with_values = [isinstance(one, dict) and "values" in one for one in metrics.values()]
    if all(with_values):
        return _summary(document, metrics, origin)
    if any(with_values):
        raise Unproven(f"{origin} is of two formats at once")
    return _legacy(metrics, origin)


def without_setup_data(content: bytes, origin: str) -> dict[str, Any]:
    """
    The summary in *content*, without what the script's `setup()` returned.

    Raises:
        Unproven: for anything that is no summary of k6.
    """
    read(content, origin)
    document = an_object(parse_json(content, origin), origin)
    return {key: value for key, value in document.items() if key != SETUP_DATA}


# --- legacy ---


def _legacy(metrics: dict[str, Any], origin: str) -> Measured:
    found: dict[str, Metric] = {}
    held: dict[str, bool] = {}
    for name, said in metrics.items():
        fields = an_object(said, f"{origin}: {name}")
        place = f"{origin}: {name}"
        if "passes" in fields and "fails" in fields:
            # `value` is the share of passes, for a rate of failures too.
            hits, misses = whole(fields["passes"], f"{place}.passes"), whole(fields["fails"], f"{place}.fails")
            found[name] = Rate(hits, hits + misses)
        elif "count" in fields:
            found[name] = Counter(number(fields["count"], f"{place}.count"))
        elif "avg" in fields:
            found[name] = _trend({key: value for key, value in fields.items() if key != "thresholds"}, place)
        for rule, failed in an_object(fields.get("thresholds", {}), f"{place}.thresholds").items():
            if not isinstance(failed, bool):
                raise Unproven(f"{place}: threshold {rule} is {failed!r}")
            held[f"{name} {rule}"] = not failed
    return Measured(LEGACY, found, held)


# --- handleSummary ---


def _summary(document: dict[str, Any], metrics: dict[str, Any], origin: str) -> Measured:
    found: dict[str, Metric] = {}
    held: dict[str, bool] = {}
    for name, said in metrics.items():
        place = f"{origin}: {name}"
        fields = an_object(said, place)
        metric = _typed(fields.get("type"), an_object(fields["values"], f"{place}.values"), place)
        if metric is not None:
            found[name] = metric
        for rule, verdict in an_object(fields.get("thresholds", {}), f"{place}.thresholds").items():
            ok = an_object(verdict, f"{place}: threshold {rule}").get("ok")
            if not isinstance(ok, bool):
                raise Unproven(f"{place}: threshold {rule} is {verdict!r}")
            held[f"{name} {rule}"] = ok
    # `promotion load` says when it ended; k6 does not.
    return Measured(SUMMARY, found, held, _moment(document.get("metadata"), origin))


def _typed(kind: Any, values: dict[str, Any], place: str) -> Metric | None:
    if kind not in _TYPES:
        raise Unproven(f"{place} has the type {kind!r}, expected one of {', '.join(_TYPES)}")
    if kind == "gauge":
        return None
    if kind == "counter":
        return Counter(number(_needed(values, "count", place), f"{place}.count"))
    if kind == "trend":
        return _trend(values, place)
    if "matches" in values:
        return Rate(
            whole(values["matches"], f"{place}.matches"), whole(_needed(values, "total", place), f"{place}.total")
        )
    hits = whole(_needed(values, "passes", place), f"{place}.passes")
    return Rate(hits, hits + whole(_needed(values, "fails", place), f"{place}.fails"))


# --- machine-readable ---


def _machine(document: dict[str, Any], origin: str) -> Measured:
    version = document.get("version")
    if not isinstance(version, str) or not version.startswith("1."):
        raise Unproven(f"{origin} is a machine-readable summary of version {version!r}; 1.x is known")
    results = an_object(document["results"], f"{origin}: results")
    metrics = results.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        raise Unproven(f"{origin} has no metrics: nothing was measured")
    found: dict[str, Metric] = {}
    for number_, said in enumerate(metrics):
        fields = an_object(said, f"{origin}: results.metrics[{number_}]")
        name = fields.get("name")
        if not isinstance(name, str) or name in found:
            raise Unproven(f"{origin}: results.metrics[{number_}] is called {name!r}")
        metric = _typed(fields.get("type"), an_object(fields.get("values"), f"{origin}: {name}"), f"{origin}: {name}")
        if metric is not None:
            found[name] = metric
    return Measured(MACHINE, found, ended=_moment(document.get("metadata"), origin))


def _moment(metadata: Any, origin: str) -> str | None:
    # One release writes generatedAt, another generated_at.
    said = None
    if isinstance(metadata, dict):
        said = metadata.get("generated_at", metadata.get("generatedAt"))
    if said is None:
        return None
    try:
        return iso(parse_moment(said))
    except BadTimestamp as problem:
        raise Unproven(f"{origin}: generated_at: {problem}") from None


# --- lines ---


def _lines(content: bytes, origin: str) -> Measured:
    kinds: dict[str, str] = {}
    values: dict[str, list[float]] = {}
    newest = ""
    for place, row in enumerate(json_rows(io.BytesIO(content), origin), 1):
        kind, name = row["type"], row["metric"]
        data = an_object(row["data"], f"{origin} line {place}")
        if kind == "Metric":
            kinds[name] = data.get("type", "")
        elif kind == "Point":
            values.setdefault(name, []).append(number(data.get("value"), f"{origin} line {place}: {name}"))
            newest = max(newest, _when(data.get("time"), f"{origin} line {place}"))
        else:
            raise Unproven(f"{origin} line {place} is of type {kind!r}, expected Metric or Point")
    found: dict[str, Metric] = {}
    for name, points in values.items():
        if kinds.get(name) not in _TYPES:
            raise Unproven(f"{origin}: points of {name} come without a line that says what it is")
        if kinds[name] == "trend":
            found[name] = trend_of(points)
        elif kinds[name] == "counter":
            found[name] = Counter(sum(points))
        elif kinds[name] == "rate":
            found[name] = Rate(sum(1 for point in points if point), len(points))
    if not found:
        raise Unproven(f"{origin} has no points: nothing was measured")
    return Measured(LINES, found, ended=newest)


def _when(said: Any, place: str) -> str:
    try:
        return iso(parse_moment(said))
    except BadTimestamp as problem:
        raise Unproven(f"{place}: {problem}") from None


# --- shared ---


def _trend(values: Mapping[str, Any], place: str) -> Trend:
    stats = {}
    for name, value in values.items():
        found = _PERCENTILE.match(name)
        stats[f"p{found[1]}" if found else name] = number(value, f"{place}.{name}")
    return Trend(stats)


def _needed(values: dict[str, Any], name: str, place: str) -> Any:
    if name not in values:
        raise Unproven(f"{place} has no {name}")
    return values[name]
