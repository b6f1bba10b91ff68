"""
Alerts of the watcher: each channel is told of each change of status once, also over a restart.

A channel is a webhook as Slack takes it, or an address that Apprise knows. One that did not take an alert is tried
again after the next cycle. Addresses hold secrets: the state names a channel by its kind and four digits of a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_promotion.reporting import alerts
from pytest_promotion.text import listed

if TYPE_CHECKING:
    from pytest_promotion.suites.trading.cycle import Cycle

_DIGITS: Final = 4  # enough to tell a few channels apart, and too few to try passwords against


def channel_of(address: str) -> str:
    """The name of a channel, as it may be shown."""
    kind = address.partition("://")[0] or "channel"
    return f"{kind}:{hashlib.sha256(address.encode()).hexdigest()[:_DIGITS]}"


@dataclass(slots=True)
class Alerts:
    """The channels, and of which status each was told last."""

    addresses: Sequence[str] = ()
    told: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises `PolicyError` for an address that nothing can be sent to, and where Apprise is needed and missing."""
        for number, address in enumerate(self.addresses, 1):
            alerts.check(address, f"alert address {number}")

    def send(self, cycle: Cycle, before: str) -> Iterator[str]:
        """
        Tells the channels that do not know the status of *cycle*; gives a sentence for each that did not take it.

        A first status that is PASS is no news: it is taken down, and not sent.
        """
        for address in self.addresses:
            channel = channel_of(address)
            known = self.told.get(channel)
            if known == cycle.status or (known is None and cycle.passed and before != "FAIL"):
                self.told[channel] = cycle.status
                continue
            came_from = before if known is None else known
            change = cycle.status if came_from == cycle.status else f"{came_from} to {cycle.status}"
            why = alerts.send(address, f"strict cycle: {change}", _body(cycle))
            if not why:
                self.told[channel] = cycle.status
                continue
            if came_from != cycle.status:
                self.told[channel] = came_from  # so that it is told of the whole change next time
            yield f"the alert to {channel} was not delivered: {why}"


def _body(cycle: Cycle) -> str:
    decision = cycle.decision
    critical = [f"critical: {listed(decision.critical_failures, 20)}"] if decision.critical_failures else []
    run = f", run {decision.run_id}" if decision.run_id else ""
    return "\n".join([decision.why, *critical, f"decided {cycle.at:%Y-%m-%d %H:%M:%S} UTC{run}"])
