"""
Telling people: a webhook with the whole report, and whatever Apprise knows (Slack, Teams, mail).

Addresses hold secrets: reports name the service and never the address. What could not be
delivered is said, because an alert that nobody got was none.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_promotion.errors import PolicyError
from pytest_promotion.reporting import alerts

VARIABLE: Final = "KB_BENCHMARK_ALERT_WEBHOOK"
EVENT: Final = "kb_benchmark_monitor_alert"
_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Channels:
    """Where alerts go."""

    webhook: str = ""
    apprise: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises `PolicyError` for an address that nothing can be sent to."""
        if self.webhook:
            try:
                parts = urlsplit(self.webhook)
                fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            except ValueError:
                fine = False
            if not fine:
                raise PolicyError("the webhook is no http or https address with a host")
        for number, address in enumerate(self.apprise, 1):
            if not alerts.known(address):
                raise PolicyError(f"address {number} of --alert-to is none that Apprise knows")


def send(report: dict[str, Any], channels: Channels) -> list[dict[str, Any]]:
    """
    Tells every channel of the alerts in *report*.

    Returns:
        for each channel its kind, whether it took the alert, and why not. Nothing is raised for a
        channel that does not answer.
    """
    told = []
    if channels.webhook:
        why = _post(channels.webhook, report)
        told.append({"channel": "webhook", "sent": not why, "why": why})
    for address in channels.apprise:
        why = alerts.notified(address, _title(report), _body(report))
        told.append({"channel": address.partition("://")[0], "sent": not why, "why": why})
    return told


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirected POST arrives as a GET without the alert: whoever follows it is told that all is well."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(address: str, report: dict[str, Any]) -> str:
    payload = {
        "event": EVENT,
        "profile": report["profile"],
        "passed": report["passed"],
        "alerts": report["alerts"],
        "monitor_report": report,
    }
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        address, json.dumps(payload).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_TIMEOUT_S):
            return ""
    except urllib.error.HTTPError as problem:
        return f"it answered {problem.code}"
    except (OSError, ValueError) as problem:  # no connection, no name, a timeout; an answer that is no HTTP
        return f"it did not answer: {type(getattr(problem, 'reason', problem)).__name__}"
    except Exception as problem:  # noqa: BLE001 - http.client raises its own for a torn answer
        return f"it did not answer: {type(problem).__name__}"


def _title(report: dict[str, Any]) -> str:
    return f"Knowledge base, {report['profile']}: {'reported' if report['passed'] else 'blocked'}"


def _body(report: dict[str, Any]) -> str:
    return "\n".join(f"{one['code']}: {one['message']}" for one in report["alerts"])


def from_environment(given: str | None, environment: Mapping[str, str], to: Sequence[str]) -> Channels:
    """The channels of a call: the webhook that was *given*, else the variable's. Raises `PolicyError`."""
    channels = Channels(given if given is not None else environment.get(VARIABLE, ""), tuple(to))
    channels.check()
    return channels
