"""
What a replay with an RFC 8785 signature costs, against json.dumps(sort_keys=True).

    python benchmarks/replay.py [--events 50000]

Each side reads events, folds them, writes each state canonically and chains its SHA-256.
Targets: 3 times as fast as the json loop, and the digest of the rfc8785 library.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from hashlib import sha256
from statistics import median

import msgspec
import rfc8785
from side_by_side import ratio, table

from pytest_promotion.suites.trading.replay.signature import START, Chain, canonical_state


def events(count: int) -> list[bytes]:
    """Fills of four bots, as lines of a store."""
    rng = random.Random(1)
    return [
        json.dumps(
            {
                "event_id": f"id-{number}",
                "stream": "hb.fill.v1",
                "bot": f"bot{number % 4}",
                "payload": {"price": round(rng.uniform(1000, 3000), 2), "amount": round(rng.random(), 4), "fee": 0.25},
            }
        ).encode()
        for number in range(count)
    ]


def fold(state: dict, event: dict) -> dict:
    """Books one fill."""
    bot = state.setdefault(event["bot"], {"position": 0.0, "fees": 0.0, "fills": 0, "last": "", "price": 0.0})
    told = event["payload"]
    bot["position"] = round(bot["position"] + told["amount"], 4)
    bot["fees"] += told["fee"]
    bot["fills"] += 1
    bot["last"], bot["price"] = event["event_id"], told["price"]
    return {"event": event["event_id"], "bot": event["bot"], "state": bot}


def chained(lines: list[bytes], loads: Callable, dumps: Callable) -> str:
    """The signature by *dumps*."""
    link, state = START, {}
    for line in lines:
        link = sha256(link + dumps(fold(state, loads(line)))).digest()
    return link.hex()


def ours(lines: list[bytes]) -> str:
    """The signature by this project."""
    chain, state, loads = Chain(), {}, msgspec.json.Decoder().decode
    for line in lines:
        chain.add(canonical_state(fold(state, loads(line))))
    return chain.hexdigest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    lines = events(given.events)
    sides: dict[str, Callable[[], str]] = {
        "json.dumps(sort_keys)": lambda: chained(
            lines, json.loads, lambda state: json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
        ),
        "rfc8785": lambda: chained(lines, json.loads, rfc8785.dumps),
        "ours": lambda: ours(lines),
    }
    assert sides["ours"]() == sides["rfc8785"](), "the signature is not that of the library"
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(given.rounds):
        for name, side in sides.items():
            start = time.process_time()
            side()
            spent[name].append(time.process_time() - start)
    rows = []
    for name, target in (("json.dumps(sort_keys)", 3.0), ("rfc8785", 7.0)):
        times = ratio(spent[name], spent["ours"])
        figures = (f"{given.events / median(spent[each]):,.0f}/s" for each in (name, "ours"))
        rows.append((name, *figures, f"{times:.1f}", f">= {target:g}: {'met' if times >= target else 'missed'}"))
    table(
        f"Replay of {given.events:,} events, signed, the digest that of rfc8785 (CPU time, median of {given.rounds})",
        ("against", "events", "ours", "times as fast", "target"),
        rows,
    )


if __name__ == "__main__":
    main()
