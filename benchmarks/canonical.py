"""
What a digest of a JSON document costs that every runtime agrees on.

    python benchmarks/canonical.py [--profile]

Strict reading, RFC 8785 and SHA-256 against what is quickest: orjson, keys sorted, and SHA-256. Its bytes are not
those of RFC 8785, as the last line says: it sorts keys by code point, writes 1.0 as 1.0, and takes integers that
JavaScript does not have. The documents are traces of about 1 kB, 100 kB and 10 MB. Needs orjson. Goal: within 2 times.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import json
import os
import pstats
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import rfc8785
from side_by_side import table

from pytest_promotion.canonical import canonical
from pytest_promotion.suites.deployment.determinism.documents import read

SIZES = {"1 kB": 3, "100 kB": 380, "10 MB": 38_000}  # steps of a trace
ROUNDS = 5
CASES = Path(os.environ.get("PROMOTION_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def trace(steps: int) -> bytes:
    """A trace of that many steps: prices, sizes, names, and now and then a text that is not ASCII."""
    chance = random.Random(7)
    return json.dumps(
        {
            "version": 2,
            "run": "run-1",
            "seed": 7,
            "clock": "2026-05-20T14:30:00+00:00",
            "status": "completed",
            "steps": [_step(chance, number) for number in range(steps)],
            "metadata": {"image": "harbour-lane@sha256:00", "note": "ß ≠ ss"},
        },
        ensure_ascii=False,
    ).encode()


def _step(chance: random.Random, index: int) -> dict[str, Any]:
    return {
        "index": index,
        "skill": chance.choice(["price", "size", "order", "hedge"]),
        "inputs": {"pair": "HRB-EUR", "budget": chance.randrange(1000), "venue": chance.choice(["Nordsee", "Südbank"])},
        "output": {"bid": round(chance.uniform(90, 110), 2), "ask": chance.uniform(90, 110), "depth": [1, 2.0, 3]},
        "error": None,
        "outcome": "success",
        "rng_state": f"{chance.getrandbits(64):016x}",
        "idempotency_key": f"order-{index}",
        "replay": "execute",
    }


def ours(content: bytes) -> str:
    return hashlib.sha256(canonical(read(content, "trace"))).hexdigest()


def theirs(content: bytes) -> str:
    return hashlib.sha256(orjson.dumps(orjson.loads(content), option=orjson.OPT_SORT_KEYS)).hexdigest()


def cost(work: Callable[[], Any]) -> float:
    """Median processor time of one call, in seconds; as many calls a turn as take a tenth of a second."""
    started = time.process_time()
    work()
    calls = max(1, round(0.1 / max(time.process_time() - started, 1e-6)))
    turns = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            work()
        turns.append((time.process_time() - started) / calls)
    return statistics.median(turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", action="store_true", help="show where the time goes, on 10 MB")
    given = parser.parse_args()
    rows, parts = [], []
    for name, steps in SIZES.items():
        content = trace(steps)
        value = read(content, "trace")
        ours_s, theirs_s = cost(lambda: ours(content)), cost(lambda: theirs(content))  # noqa: B023 - called here
        rows.append((name, f"{ours_s * 1e3:.3f} ms", f"{theirs_s * 1e3:.3f} ms", f"{ours_s / theirs_s:.1f}", "2"))
        spent = [
            cost(work)
            for work in (
                lambda: read(content, "trace"),  # noqa: B023 - called here
                lambda: json.loads(content),  # noqa: B023 - called here
                lambda: canonical(value),  # noqa: B023 - called here
                lambda: rfc8785.dumps(value),  # noqa: B023 - called here
                lambda: hashlib.sha256(content).digest(),  # noqa: B023 - called here
            )
        ]
        parts.append((name, *(f"{part * 1e3:.3f} ms" for part in spent)))
        assert canonical(value) == rfc8785.dumps(value)
    table("Read, canonical form, SHA-256 (processor time)", ("document", "ours", "orjson", "ratio", "goal"), rows)
    table("Part by part", ("document", "read()", "json.loads", "canonical()", "rfc8785", "sha256"), parts)
    cases = CASES / "canonical-json" / "cases.json"
    if cases.is_file():
        _differing(json.loads(cases.read_text()))
    if given.profile:
        content = trace(SIZES["10 MB"])
        with cProfile.Profile() as profile:
            ours(content)
        pstats.Stats(profile).sort_stats("tottime").print_stats(12)


def _differing(cases: dict[str, str]) -> None:
    """On how many documents the two do not say the same; a refusal is an answer too."""

    def answer(form: Callable[[bytes], bytes], text: str) -> bytes | None:
        try:
            return form(text.encode("utf-8", "surrogatepass"))
        except Exception:  # noqa: BLE001 - whatever it raises, it has no form
            return None

    pairs = {
        name: (
            answer(lambda content: canonical(read(content, "case")), text),
            answer(lambda content: orjson.dumps(orjson.loads(content), option=orjson.OPT_SORT_KEYS), text),
        )
        for name, text in cases.items()
    }
    other = sorted(name for name, (ours, theirs) in pairs.items() if ours != theirs)
    print(f"\norjson differs on {len(other)} of {len(cases)} documents: {', '.join(other)}")


if __name__ == "__main__":
    main()
