"""The report on one load test: what was measured, which targets it met, which it would support."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from pytest_promotion.clock import iso
from pytest_promotion.readers import k6
from pytest_promotion.suites.deployment.slo.targets import Target, judge, judgement, suggestion


def report(
    content: bytes, origin: str, targets: Mapping[str, Target], now: datetime, headroom: float
) -> dict[str, Any]:
    """
    What the k6 output in *content* means for *targets*.

    `measured_at` is when the test ended, null where its format does not say: then nobody can tell how old it is.

    Raises:
        Unproven: where it is no output of k6.
    """
    measured = k6.read(content, origin)
    held = judge(measured, targets)
    verdict = judgement(measured, held)
    counted = measured.metrics.get("http_reqs")
    return {
        "schema_version": 1,
        "ts_utc": iso(now),
        "measured_at": measured.ended,
        "source": {"path": origin, "sha256": sha256(content).hexdigest(), "size_bytes": len(content)},
        "format": measured.form,
        "status": verdict.status.value,
        "reasons": list(verdict.reasons),
        "requests": getattr(counted, "count", None),
        "objectives": [msgspec.to_builtins(one) for one in held],
        "tool_thresholds": dict(measured.thresholds),
        "suggestion": suggestion(measured, headroom),
    }
