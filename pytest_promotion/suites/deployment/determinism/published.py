"""What other languages need to write traces of their own: an example, its JSON Schema, and hash vectors."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pytest_promotion.canonical import canonical, digest
from pytest_promotion.suites.deployment.determinism.traces import Trace, links, sealed

SCHEMA_ID: Final = "https://json-schema.org/draft/2020-12/schema"
# What serializers get wrong: numbers, the order of keys by UTF-16, escapes, what stands beyond the first plane.
VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    [],
    {},
    "",
    0,
    -0.0,
    1.0,
    0.1,
    1e-07,
    1e16,
    1e21,
    5e-324,
    9007199254740991,
    333333333.33333329,
    "caf\u00e9 \u2028 \u007f \u20ac",
    '"\\\b\f\n\r\t\u0001',
    {"b": 2, "a": 1, "10": 3, "9": 4},
    {"\u20ac": "Euro", "\r": "CR", "\ufb33": "Dalet", "1": "One", "\U0001f600": "Smiley", "\u0080": "Control"},
    {"__proto__": 1, "constructor": [{"x": [1, [2, [3]]]}]},
)


def example() -> dict[str, Any]:
    """A sealed trace of version 2 with three steps: one that succeeded, one that failed, one that was skipped."""
    return sealed(
        {
            "version": 2,
            "run": "run-1",
            "subject": "shop/checkout",
            "seed": 42,
            "clock": "2026-01-01T00:00:00+00:00",
            "status": "completed",
            "plan": [{"skill": "price"}, {"skill": "reserve"}, {"skill": "notify"}],
            "steps": [
                _step(0, "price", {"item": "caf\u00e9", "pieces": 2}, {"total": 7.5}, audit={"duration_ms": 12.5}),
                _step(1, "reserve", {"pieces": 2}, None, outcome="failure", error=("out_of_stock", "none is left")),
                _step(2, "notify", {}, None, outcome="skipped"),
            ],
            "metadata": {"image": f"shop@sha256:{'ab' * 32}"},
            "root_hash": None,
            "audit": {"host": "worker-3", "duration_ms": 31},
        },
        "the example",
    )


def _step(
    index: int,
    skill: str,
    inputs: Any,
    output: Any,
    outcome: str = "success",
    error: tuple[str, str] | None = None,
    audit: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "index": index,
        "skill": skill,
        "inputs": inputs,
        "output": output,
        "error": {"code": error[0], "message": error[1]} if error else None,
        "outcome": outcome,
        "rng_state": "state-7",
        "idempotency_key": None,
        "replay": "execute",
        "audit": audit or {},
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of a trace of version 2. What it cannot say is on the page about traces."""
    found = msgspec.json.schema(Trace)
    return {"$schema": SCHEMA_ID, "title": "Trace, version 2", **found}


def vectors() -> dict[str, Any]:
    """
    Values with their RFC 8785 form and its SHA-256, and a trace with every link of its chain.

    `canonical` is the text whose UTF-8 bytes are hashed.
    """
    whole = example()
    empty = sealed(whole | {"steps": [], "plan": []})
    return {
        "values": [{"value": one, "canonical": canonical(one).decode(), "sha256": digest(one)} for one in VALUES],
        "traces": [{"trace": one, "links": links(one), "root_hash": one["root_hash"]} for one in (whole, empty)],
    }
