"""Short forms that the published schema takes for plain texts: durations, ports, volumes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pytest_promotion.errors import PromotionError

_DURATION: Final = re.compile(r"0|(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")
_PORT: Final = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:.%]+\]|\d{1,3}(?:\.\d{1,3}){3}|::1|::):)?"
    r"(?:(?P<host>\d*(?:-\d+)?):)?(?P<target>\d+(?:-\d+)?)(?:/(?P<protocol>tcp|udp|sctp))?"
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_EVERYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104 - what a file may say; nothing is bound here
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]")
LAST_PORT: Final = 65535


class BadForm(PromotionError, ValueError):
    """A short form that says nothing. The message says what is expected."""


class Published(NamedTuple):
    """One port of the host."""

    ip: str
    port: int
    protocol: str

    def clashes(self, other: Published) -> bool:
        """Whether both cannot be bound at once."""
        return (self.port, self.protocol) == (other.port, other.protocol) and (
            self.ip == other.ip or self.ip in _EVERYWHERE or other.ip in _EVERYWHERE
        )

    def __str__(self) -> str:
        return f"{self.ip + ':' if self.ip else ''}{self.port}/{self.protocol}"


def check_duration(value: Any) -> None:
    """Raises `BadForm` for what is no duration, as `1m30s`; a bare number has no unit."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise BadForm("expected a duration with its unit, as 30s or 1m30s")


def published(entry: Any) -> Iterator[Published]:
    """The ports of the host that one entry of `ports` takes; none where the engine may choose. Raises `BadForm`."""
    if isinstance(entry, dict):
        _range(str(entry.get("target", "")))
        said, ip = str(entry.get("published", "") or ""), str(entry.get("host_ip", "") or "")
        protocol = str(entry.get("protocol", "tcp"))
        if said:
            yield from (Published(ip, port, protocol) for port in _range(said))
        return
    found = _PORT.fullmatch(str(entry))
    if found is None:
        raise BadForm("expected [[IP:]HOST:]CONTAINER[/PROTOCOL]")
    inside = _range(found["target"])
    if not found["host"]:
        return
    host = _range(found["host"])
    if len(inside) > 1 and len(host) != len(inside):
        raise BadForm("the ranges of ports differ in length")
    if len(inside) == 1 and len(host) > 1:
        return  # any one of them
    ip = (found["ip"] or "").strip("[]")
    yield from (Published(ip, port, found["protocol"] or "tcp") for port in host)


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    if not _NUMBER.fullmatch(first) or (last and not _NUMBER.fullmatch(last)):
        raise BadForm("expected a port, or a range of ports")
    ports = range(int(first), int(last or first) + 1)
    if not ports or ports[0] < 1 or ports[-1] > LAST_PORT:
        raise BadForm(f"ports lie between 1 and {LAST_PORT}")
    return ports


def named_volume(entry: Any) -> str | None:
    """The top-level volume that one entry of `volumes` mounts; None for folders of the host and for nameless ones."""
    if isinstance(entry, dict):
        source = entry.get("source")
        return str(source) if entry.get("type") == "volume" and source else None
    text = str(entry)
    source, colon, _ = text.partition(":")
    if not colon or _WINDOWS.match(text) or source.startswith(("/", ".", "~")):
        return None
    return source
