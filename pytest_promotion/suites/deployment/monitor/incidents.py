"""
Incidents: what people are told of, once, and again where it lasts.

Which incidents there are is on disk, under a lock, so that two monitors of a machine tell of one only once. A channel
that did not take it is tried again at the next look.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from filelock import FileLock, Timeout

from pytest_promotion.canonical import digest
from pytest_promotion.clock import BadTimestamp, iso, parse_moment, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.json_files import read_object, write_json
from pytest_promotion.reporting import alerts
from pytest_promotion.suites.deployment.monitor.issues import Issues

Audience = Literal["oncall", "platform", "sre"]
AUDIENCES: Final[tuple[Audience, ...]] = ("oncall", "platform", "sre")
_LOCK_S: Final = 120.0  # as long as another one may need to tell all channels


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that somebody has to look at. `deployment` is where: project and environment."""

    rule: str
    deployment: str
    priority: Literal["high", "medium"]
    audiences: tuple[Audience, ...]
    title: str
    lines: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """The same for the same rule of the same deployment."""
        return digest(["promotion.incident", self.rule, self.deployment])[:16]


@dataclass(frozen=True, slots=True)
class Channels:
    """Where each audience is told by chat, and the issues; None and nothing where it was said that there are none."""

    chats: Mapping[Audience, str] = field(default_factory=dict)
    issues: Issues | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One channel: whether it was told now, or had been (`sent` is True for both), and why not."""

    incident: str
    channel: str
    sent: bool
    why: str = ""
    issue: int | None = None


def tell(
    found: Sequence[Incident],
    over: Collection[str],
    deployment: str,
    channels: Channels,
    path: Path,
    now: datetime,
    remind_s: float,
) -> list[Told]:
    """
    Tells *channels* of each incident that was *found*, where they were not told within *remind_s* seconds.

    Those of *deployment* by a rule that is among *over* are forgotten: what comes next is another incident. The state
    is in the file *path*. Nothing is raised for a channel that does not answer.
    """
    told: list[Told] = []
    if not found and not path.exists():
        return told
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_S):
            state = _read(path, now)
            for mark, one in list(state.items()):
                if one.get("deployment") == deployment and one.get("rule") in over:
                    del state[mark]
            for incident in found:
                mine = state.setdefault(incident.fingerprint, {"count": 0, "first_utc": iso(now), "told": {}})
                mine |= {"count": mine["count"] + 1, "last_utc": iso(now)}
                mine |= {"rule": incident.rule, "deployment": deployment}
                for channel, send in _ways(incident, channels, mine):
                    told.append(_told(incident, channel, send, mine, now, remind_s))
                    write_json(path, {"schema_version": 1, "open": state})
            write_json(path, {"schema_version": 1, "open": state})
    except Timeout:
        told.append(Told("every", "every", sent=False, why="another monitor has been telling for too long"))
    except OSError as problem:
        why = f"what was told cannot be noted: {(problem.strerror or 'failed').lower()}"
        told.append(Told("every", "every", sent=False, why=why))
    return told


def _ways(
    incident: Incident, channels: Channels, state: Mapping[str, Any]
) -> list[tuple[str, Callable[[], int | None]]]:
    """Each channel with what tells it: that gives the issue, and raises `Unproven`."""
    count = state["count"]
    lines = [*incident.lines, f"seen {count} times since {state['first_utc']}"] if count > 1 else [*incident.lines]
    ways: list[tuple[str, Callable[[], int | None]]] = []
    addresses: dict[str, Audience] = {}
    for audience in incident.audiences:
        if address := channels.chats.get(audience):
            addresses.setdefault(address, audience)  # one address for two audiences is told once

    def chat(address: str) -> None:
        if why := alerts.send(address, incident.title, "\n".join(lines)):
            raise Unproven(why)

    for address, audience in addresses.items():
        ways.append((audience, lambda address=address: chat(address)))  # type: ignore[misc]
    if (issues := channels.issues) is not None:
        body = "\n".join(f"    {line}" for line in lines)  # a block of code: nobody is called by an @ in it
        labels = [f"priority: {incident.priority}"]
        ways.append(
            ("github", lambda: issues.tell(incident.fingerprint, incident.title, body, labels, state.get("issue")))
        )
    return ways


def _told(
    incident: Incident,
    channel: str,
    send: Callable[[], int | None],
    state: dict[str, Any],
    now: datetime,
    remind_s: float,
) -> Told:
    last = state["told"].get(channel)
    # Who looked first may be second at the lock: to him the other told a moment ahead, which is not to be told again.
    if last is not None and -_LOCK_S <= (now - parse_moment(last)).total_seconds() < remind_s:
        return Told(incident.rule, channel, sent=True, why=f"told at {last}", issue=state.get("issue"))
    try:
        issue = send()
    except Unproven as problem:
        return Told(incident.rule, channel, sent=False, why=str(problem))
    state["told"][channel] = iso(now)
    if channel == "github":
        state["issue"] = issue
    return Told(incident.rule, channel, sent=True, issue=issue)


def _read(path: Path, now: datetime) -> dict[str, dict[str, Any]]:
    """What is open. A file that is damaged is set aside, and everybody told anew."""
    if not path.exists():
        return {}
    try:
        found = read_object(path)["open"]
        for one in found.values():
            [parse_moment(moment) for moment in (one["first_utc"], *one["told"].values())]
            int(one["count"])
    except (Unproven, BadTimestamp, AttributeError, KeyError, TypeError, ValueError):
        path.replace(path.with_name(f"{path.stem}.corrupt-{stamp(now)}.json"))
        return {}
    return dict(found)
