"""
A small load on a service, for where k6 is not installed: some users, each asking again as soon as it was answered.

It measures what k6 measures by its own words: `http_req_duration` from the moment a request is sent until its answer
is read whole, and `http_req_failed` for whatever is not answered, or answered with 400 and more.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.readers.load_test import DURATION, FAILED, REQUESTS, trend_of

TIMEOUT_S: Final = 60.0  # k6's own
_PATIENCE_S: Final = 0.05  # between an attempt that could not even connect and the next


async def _user(client: Any, method: str, url: str, until: float, durations: list[float], failures: list[bool]) -> None:
    import httpx

    while not durations or time.perf_counter() < until:
        start = time.perf_counter()
        try:
            answer = await client.request(method, url)
            failed = answer.status_code >= 400  # where HTTP begins to say no
        except httpx.HTTPError:
            failed = True
            await asyncio.sleep(_PATIENCE_S)
        durations.append((time.perf_counter() - start) * 1000)
        failures.append(failed)


async def run(url: str, users: int, seconds: float, method: str = "GET") -> dict[str, Any]:
    """
    Loads *url* with *users* for *seconds*.

    Returns:
        the document that `handleSummary(data)` of k6 would be given, with p99, and with the moment at which it ended.
    """
    import httpx

    durations: list[float] = []
    failures: list[bool] = []
    limits = httpx.Limits(max_connections=users)
    async with httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, trust_env=False) as client:
        start = time.perf_counter()  # a client takes a while to make, which is not the service's doing
        until = start + seconds
        await asyncio.gather(*(_user(client, method, url, until, durations, failures) for _ in range(users)))
    took = time.perf_counter() - start
    return _document(durations, failures, took, users)


def _document(durations: list[float], failures: list[bool], took: float, users: int) -> dict[str, Any]:
    stats = dict(trend_of(durations).stats)
    named = {f"p({name[1:]})" if name[1:].isdigit() else name: value for name, value in stats.items()}
    failed = sum(failures)
    return {
        "root_group": {"name": "", "path": "", "groups": [], "checks": []},
        "options": {"summaryTrendStats": list(named), "summaryTimeUnit": ""},
        "state": {"testRunDurationMs": took * 1000},
        "metadata": {"generated_at": iso(datetime.now(UTC)), "generated_by": "promotion load"},
        "metrics": {
            REQUESTS: {
                "type": "counter",
                "contains": "default",
                "values": {"count": len(durations), "rate": len(durations) / took},
            },
            DURATION: {"type": "trend", "contains": "time", "values": named},
            FAILED: {
                "type": "rate",
                "contains": "default",
                "values": {"rate": failed / len(failures), "passes": failed, "fails": len(failures) - failed},
            },
            "vus_max": {"type": "gauge", "contains": "default", "values": {"value": users, "min": users, "max": users}},
        },
    }
