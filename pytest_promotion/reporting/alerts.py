"""
Telling people: a webhook as Slack takes it, and whatever Apprise knows (Teams, mail, …).

Addresses hold secrets: what is said of them names the kind, never the address.
"""

from __future__ import annotations

from typing import Any

from pytest_promotion.errors import PolicyError, Unanswered, Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.text import block, legible

_ANSWER_S = 10.0


def check(address: str, name: str) -> None:
    """Raises `PolicyError` where nothing can be sent to *address*, which is called *name*."""
    if _is_webhook(address):
        try:
            Peer(address)
        except PolicyError:
            raise PolicyError(f"{name} is no http or https address with a host, and nothing after its path") from None
    elif not _apprise().Apprise().add(address):
        raise PolicyError(f"{name} is none that Apprise knows")


def send(address: str, title: str, body: str) -> str:
    """Tells *address*; why it was not taken, empty where it was. Nothing is raised for one that does not answer."""
    if not _is_webhook(address):
        return notified(address, title, body)
    return _posted(address, f"*{legible(title)}*\n{block(body)}")


def notified(address: str, title: str, body: str) -> str:
    """The same by Apprise, whatever *address* is."""
    one = _apprise().Apprise()
    one.add(address)
    try:
        sent = bool(one.notify(title=legible(title), body=block(body)))
    except Exception:  # noqa: BLE001 - a service's plugin may raise what its library raises
        sent = False
    return "" if sent else "Apprise could not deliver it"


def known(address: str) -> bool:
    """Whether Apprise knows what to do with *address*. Raises `PolicyError` where it is not installed."""
    return bool(_apprise().Apprise().add(address))


def _is_webhook(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _posted(address: str, text: str) -> str:
    for letter, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # else a text could call everybody: <!channel>
        text = text.replace(letter, name)
    try:
        answer = Peer(address, timeout_s=_ANSWER_S).ask("POST", "", {"text": text})
    except Unanswered:
        return "it did not answer"  # the message names the address, which is a secret
    except Unproven as problem:
        return str(problem)
    return "" if answer.good else f"it answered {answer.status}"


def _apprise() -> Any:
    try:
        import apprise  # the extra `alerts`
    except ImportError:
        raise PolicyError("apprise is not installed: pip install 'pytest-promotion[alerts]'") from None
    return apprise
