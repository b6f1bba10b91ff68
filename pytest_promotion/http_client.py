"""
One HTTP question to a service: in bounded time, with an answer of bounded size, from that host and from no other.

No proxy of the environment is used and no redirect followed: an answer from elsewhere is no answer. TLS is verified.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_promotion.errors import PolicyError, Unanswered, Unproven

LARGEST: Final = 16 << 20  # bytes of an answer; a trace of ten thousand steps has five million
_LOOPBACK: Final = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status is."""

    status: int
    content: bytes

    @property
    def good(self) -> bool:
        """Whether HTTP says yes."""
        return 200 <= self.status < 300


class Peer:
    """
    A service at *base_url*, asked with a bearer *token* where there is one.

    Raises:
        PolicyError: for a URL that cannot be asked, that holds credentials, and for a token that would travel in the
            clear.
    """

    def __init__(self, base_url: str, token: str = "", timeout_s: float = 10.0, largest: int = LARGEST) -> None:
        try:
            parts = urlsplit(base_url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise PolicyError("the address is no URL that can be asked: http://HOST[:PORT][/PATH]")
        if "@" in parts.netloc:
            raise PolicyError("the address holds credentials, which every list of processes shows: use the variable")
        if parts.query or parts.fragment:
            raise PolicyError(f"{base_url} ends with a query or a fragment: it is what every path is added to")
        if token and parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or ""):
            raise PolicyError(f"the token would travel to {parts.hostname} in the clear: use https")
        if not token.isascii() or any(letter.isspace() for letter in token):
            raise PolicyError("the token has characters in it that no header can have")
        self.url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._largest = largest
        self._headers = {"User-Agent": "promotion", "Accept": "application/json", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        # Without https there is nothing to verify; a context that trusts nobody is made in no time.
        secure = parts.scheme == "https"
        self._tls = ssl.create_default_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def ask(self, verb: str, path: str, body: Any = None, words: Mapping[str, str] | None = None) -> Answer:
        """
        What the service answers to *verb* at *path*, with *body* as JSON or *words* as a form.

        Raises:
            Unanswered: where it does not answer in time, answers too much, or sends elsewhere.
            Unproven: where httpx is not installed.
        """
        try:
            import httpx  # 0.18 s; the extra `load`
        except ImportError:
            raise Unproven("this needs httpx: pip install 'pytest-promotion[load]'") from None

        place = f"{verb} {self.url}{path}"
        until = time.monotonic() + self._timeout_s
        content = b""
        try:
            with (
                httpx.Client(trust_env=False, verify=self._tls, timeout=self._timeout_s) as client,
                client.stream(verb, self.url + path, json=body, data=words, headers=self._headers) as answer,
            ):
                if answer.is_redirect:
                    raise Unanswered(f"{place} is answered with {answer.status_code} and sent elsewhere")
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > self._largest:
                        raise Unanswered(f"{place} is answered with more than {self._largest} bytes")
                    if time.monotonic() > until:
                        raise Unanswered(f"{place} is not answered whole within {self._timeout_s:g} s")
        except httpx.TimeoutException:
            raise Unanswered(f"{place} is not answered: timed out") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as problem:
            raise Unanswered(f"{place} is not answered: {problem or type(problem).__name__}") from None
        return Answer(answer.status_code, content)
