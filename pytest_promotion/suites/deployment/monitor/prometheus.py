"""
What Prometheus knows, read strictly over its HTTP interface (prometheus.io/docs/prometheus/latest/querying/api).

An answer with warnings is a part of the truth, and an empty one says nothing: the first is refused here, the second by
whoever asked.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import a_list, an_object, named, parse_json
from pytest_promotion.http_client import Answer, Peer

_PATH: Final = "/api/v1/query"


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels, and its samples as (seconds since the epoch, value), oldest first."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]

    @property
    def target(self) -> tuple[str, str]:
        """Which process it is of: job and instance."""
        return self.labels.get("job", ""), self.labels.get("instance", "")

    @property
    def name(self) -> str:
        """For people."""
        return (
            self.target[1] or ",".join(f"{key}={value}" for key, value in sorted(self.labels.items())) or "the series"
        )


class Prometheus:
    """A server, asked as of *now*, in seconds since the epoch. Each question raises `Unproven`."""

    def __init__(self, peer: Peer, now: float) -> None:
        self._peer = peer
        self._now = now

    def samples(self, selector: str, window_s: float) -> list[Series]:
        """All samples of the last *window_s* seconds as they were scraped, none where there is no series."""
        query = f"{selector}[{max(1, round(window_s))}s]"
        return [_series(one, query, "values") for one in self._ask(query, "matrix")]

    def values(self, query: str) -> list[Series]:
        """What *query* is now: a vector. The time of its samples is that of the question, whatever they rest on."""
        return [_series(one, query, "value") for one in self._ask(query, "vector")]

    def _ask(self, query: str, kind: str) -> list[Any]:
        words = {"query": query, "time": f"{self._now:.3f}"}
        answer = self._peer.ask("POST", _PATH, words=words)
        place = f"the answer to {query}"
        found = _document(answer, place)
        if not answer.good or found.get("status") != "success":
            said = f"{found.get('errorType')}: {found.get('error')}" if "error" in found else f"{found.get('status')!r}"
            raise Unproven(f"Prometheus answers {query} with {answer.status}, {said:.300}")
        if found.get("warnings"):
            raise Unproven(f"Prometheus warns of {query}: {'; '.join(map(str, a_list(found['warnings'], place))):.300}")
        data = an_object(found.get("data"), f"{place}: data")
        if data.get("resultType") != kind:
            raise Unproven(f"{place} is a {data.get('resultType')!r}, expected a {kind}")
        return a_list(data.get("result"), f"{place}: result")


def _document(answer: Answer, place: str) -> dict[str, Any]:
    try:
        return an_object(parse_json(answer.content, place), place)
    except Unproven as refusal:
        raise Unproven(f"{refusal} (HTTP {answer.status}): is that Prometheus?") from None


def _series(found: Any, query: str, member: str) -> Series:
    place = f"the answer to {query}"
    one = an_object(found, place)
    labels = an_object(one.get("metric"), f"{place}: metric")
    if member not in one:
        raise Unproven(f"{place} has no {member}: native histograms are not known here")
    said = one[member] if member == "values" else [one[member]]
    samples = tuple(_sample(pair, place) for pair in a_list(said, f"{place}: {member}"))
    if not samples or any(later[0] <= earlier[0] for earlier, later in itertools.pairwise(samples)):
        raise Unproven(f"{place} has samples that are not in their order")
    return Series({str(key): str(value) for key, value in labels.items()}, samples)


def _sample(pair: Any, place: str) -> tuple[float, float]:
    moment, value = (*a_list(pair, place), None, None)[:2]
    if isinstance(moment, bool) or not isinstance(moment, (int, float)) or not isinstance(value, str):
        raise Unproven(f"{place} has {named(moment)} and {named(value)} for a sample")
    try:
        return float(moment), float(value)  # NaN and +Inf are numbers to Prometheus: the rules refuse them
    except ValueError:
        raise Unproven(f"{place} has {value!r:.40} for a value") from None
