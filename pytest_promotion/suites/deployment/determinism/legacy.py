"""
Traces of version 1.1.0, by the rules that the earlier system wrote them with.

Kept so that what it wrote can still be verified, not to be written again: its hash leaves out what `UNCOVERED` names,
joins texts by colons, so that two different heads can have one hash, and knows inputs and outputs by 64 bits only.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final

from pytest_promotion.errors import Unproven

VERSION: Final = "1.1.0"
UNCOVERED: Final = ("plan", "metadata", "version", "error_code", "duration_ms", "inputs and outputs beyond 64 bits")
_HASHED: Final = (
    "step_index",
    "skill_id",
    "input_hash",
    "output_hash",
    "rng_state_before",
    "outcome",
    "idempotency_key",
    "replay_behavior",
)


def root_hash(document: dict[str, Any], origin: str) -> tuple[str, str | None]:
    """
    The root hash of a version 1.1.0 trace, recomputed from its steps, and the one it declares.

    Raises:
        Unproven: where a hashed field is missing or of another type.
    """
    seed, tenant, steps = (document.get(key) for key in ("seed", "tenant_id", "steps"))
    timestamp, declared = document.get("timestamp"), document.get("root_hash")
    if not isinstance(seed, int) or isinstance(seed, bool) or not isinstance(steps, list):
        raise Unproven(f"{origin} is no version {VERSION} trace: it needs a seed and steps")
    if not isinstance(timestamp, str) or not isinstance(tenant, str):
        raise Unproven(f"{origin} is no version {VERSION} trace: it needs a timestamp and a tenant_id")
    if declared is not None and not isinstance(declared, str):
        raise Unproven(f"{origin}: root_hash is {declared!r}")
    link = _hex(f"{seed}:{timestamp}:{tenant}")
    for number, step in enumerate(steps):
        link = _hex(f"{link}:{_of_step(step, f'{origin}: steps[{number}]')}")
    return link, declared


def _of_step(step: Any, place: str) -> str:
    if not isinstance(step, dict):
        raise Unproven(f"{place} is no step")
    missing = [name for name in _HASHED if name not in step]
    if missing:
        raise Unproven(f"{place} has no {', '.join(missing)}")
    hashed = {name: step[name] for name in _HASHED}
    for name, value in hashed.items():
        if not (isinstance(value, str) or (name == "step_index" and type(value) is int) or value is None):
            raise Unproven(f"{place}: {name} is {value!r}")
    return _hex(json.dumps(hashed, sort_keys=True, separators=(",", ":")))


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()
