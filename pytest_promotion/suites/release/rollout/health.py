"""
Is what was deployed there, and is it the new version?

A URL is asked directly, without a proxy and without following redirects: an answer from elsewhere is no answer.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pytest_promotion.errors import PolicyError, PromotionError

_LARGEST: Final = 1 << 20  # bytes of an answer that are looked through
_ANSWER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A URL that has to answer 2xx, and the text that has to be in its answer, if one is named."""

    url: str
    says: str = ""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise PolicyError(f"{self.url!r} is no URL that can be asked: http://HOST[:PORT]/PATH")


class Unhealthy(PromotionError):
    """Not now; perhaps in a moment."""


def ask(probe: Probe, answer_s: float = _ANSWER_S) -> None:
    """Raises `Unhealthy` where *probe* is not answered as it should be within *answer_s* seconds."""
    parts = urlsplit(probe.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    until = time.monotonic() + answer_s
    peer = kind(parts.hostname or "", parts.port, timeout=answer_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        peer.request("GET", path, headers={"User-Agent": "promotion", "Accept": "*/*"})
        answer = peer.getresponse()
        body = b""
        while len(body) < _LARGEST and (part := answer.read1(65536)):
            body += part
            if time.monotonic() > until:
                raise Unhealthy(f"{probe.url} does not end its answer within {answer_s:g} s")
        if len(body) < _LARGEST and answer.length:
            raise Unhealthy(f"{probe.url} does not answer: {answer.length} bytes are missing")
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise Unhealthy(f"{probe.url} does not answer: {problem or type(problem).__name__}") from None
    finally:
        peer.close()
    if not 200 <= answer.status < 300:
        raise Unhealthy(f"{probe.url} answers {answer.status}")
    if probe.says and probe.says.encode() not in body:
        raise Unhealthy(f"{probe.url} answers {answer.status} without {probe.says!r}: is it the old version?")


def answers(url: str) -> bool:
    """Whether *url* answers 2xx now."""
    try:
        ask(Probe(url))
    except Unhealthy:
        return False
    return True


def until_healthy(look: Callable[[], object], timeout_s: float, interval_s: float) -> None:
    """
    Calls *look* each *interval_s* seconds, for *timeout_s* seconds, until it sees the same twice without `Unhealthy`.

    Once is not enough: a container between two crashes runs, too.

    Raises:
        Unhealthy: the last one.
    """
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])  # a log line for each look would be told to nobody
    seen: list[object] = []

    def twice() -> None:
        try:
            seen.append(look())
        except Unhealthy:
            seen.clear()
            raise
        if len(seen) < 2 or seen[-1] != seen[-2]:
            raise Unhealthy("it was seen well only once, or was started again in between")

    stamina.retry(
        on=Unhealthy,
        attempts=None,
        timeout=timeout_s,
        wait_initial=interval_s,
        wait_max=interval_s,
        wait_jitter=0,
        wait_exp_base=1,
    )(twice)()
