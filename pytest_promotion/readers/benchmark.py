"""The JSON of pytest-benchmark: the statistics of each benchmark, in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_object, named
from pytest_promotion.readers.encodings import parse_json
from pytest_promotion.readers.findings import text
from pytest_promotion.readers.load_test import number, whole
from pytest_promotion.text import listed


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The statistics of each benchmark by its name: min, max, mean, median, stddev in seconds, rounds, iterations."""

    stats: Mapping[str, Mapping[str, float]]
    created: str | None = None  # ISO 8601
    commit: str = ""
    dirty: bool | None = None  # whether the tree had changes, None where it is not said
    machine: str = ""  # where it ran: figures of two machines are not comparable
    tool: str = "pytest-benchmark"
    form: str = "pytest-benchmark JSON"

    def value(self, name: str, stat: str = "median") -> float:
        """One statistic of the benchmark *name*. Raises `Unproven` where the file does not have it."""
        found = self.stats.get(name)
        if found is None:
            raise Unproven(f"there is no benchmark {name!r} (there is: {listed(sorted(self.stats), 8)})")
        if stat not in found:
            raise Unproven(f"{name} has no {stat} (it has: {', '.join(sorted(found))})")
        return found[stat]


def read(content: bytes, origin: str) -> Benchmarks:
    """The benchmarks in *content*. Raises `Unproven`, also where none was run or one did not finish."""
    document = parse_json(content, origin)
    if not isinstance(document, dict) or "benchmarks" not in document or "machine_info" not in document:
        raise Unproven(f"{origin} is {named(document)} that pytest-benchmark does not write")
    found: dict[str, Mapping[str, float]] = {}
    for at, one in enumerate(a_list(document["benchmarks"], f"{origin}: benchmarks")):
        place = f"{origin}: benchmarks[{at}]"
        fields = an_object(one, place)
        name = text(fields.get("fullname") or fields.get("name"), f"{place}.name")
        if name in found:
            raise Unproven(f"{place} is called {name!r}, as another one is")
        if fields.get("has_error") is True:
            raise Unproven(f"{name} ended with an error")
        found[name] = _stats(an_object(fields.get("stats"), f"{place}.stats"), f"{place}.stats")
    if not found:
        raise Unproven(f"{origin} has no benchmarks")
    commit = an_optional_object(document.get("commit_info"), f"{origin}: commit_info")
    machine = an_object(document["machine_info"], f"{origin}: machine_info")
    made, dirty = document.get("datetime"), commit.get("dirty")
    return Benchmarks(
        found,
        made if isinstance(made, str) else None,
        str(commit.get("id") or ""),
        dirty if isinstance(dirty, bool) else None,
        " ".join(str(machine[key]) for key in ("node", "machine") if machine.get(key)),
    )


def _stats(stats: dict[str, Any], place: str) -> dict[str, float]:
    if whole(stats.get("rounds"), f"{place}.rounds") < 1:
        raise Unproven(f"{place}: it ran 0 rounds")
    kept = {name: value for name, value in stats.items() if name not in ("data", "outliers", "outliers_unit")}
    return {name: number(value, f"{place}.{name}") for name, value in kept.items()}
