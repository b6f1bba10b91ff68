"""
What no schema sees: names that lead nowhere, services that wait for each other, ports taken twice.

Some of it an engine refuses when it reads the file, the rest when it starts the services; here it is one list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.readers.compose.document import Place
from pytest_promotion.readers.compose.findings import Finding
from pytest_promotion.readers.compose.project import Project
from pytest_promotion.readers.compose.short_syntax import BadForm, Published, check_duration, named_volume, published

_DURATIONS: Final = ("interval", "timeout", "start_period", "start_interval")
_NO_CHECK: Final = ("NONE", ["NONE"])


def check(project: Project) -> list[Finding]:
    """What in *project* refers to something that is not there, or cannot run beside the rest."""
    return list(_References(project).all())


class _References:
    def __init__(self, project: Project) -> None:
        self._project = project
        self._document = project.document
        self._services = project.services

    def all(self) -> Iterator[Finding]:
        for name, body in self._services.items():
            yield from self._runs_something(name, body)
            yield from self._dependencies(name, body)
            yield from self._resources(name, body)
            yield from self._durations(name, body)
            yield from self._env_files(name, body)
        yield from self._cycles()
        yield from self._taken_twice()

    def _wrong(self, message: str, *path: str) -> Finding:
        return self._document.finding("references", ("services", *path), message)

    def _runs_something(self, name: str, body: dict[str, Any]) -> Iterator[Finding]:
        if not any(body.get(key) for key in ("image", "build", "provider")):
            yield self._wrong("neither an image nor a build", name)
        if "network_mode" in body and "networks" in body:
            yield self._wrong("network_mode and networks exclude each other", name, "network_mode")

    def _dependencies(self, name: str, body: dict[str, Any]) -> Iterator[Finding]:
        for other, demand, key in _needs(body):
            path = (name, key, other) if key == "depends_on" else (name, key)
            if other not in self._services:
                if demand.get("required", True) is not False:
                    yield self._wrong(f"there is no service {other!r}", *path)
                continue
            target = self._services[other]
            if demand.get("required", True) is not False and (left := _hidden(body, target)):
                yield self._wrong(f"{other!r} is only there under its profiles, and {left}", *path)
            if demand.get("condition") == "service_healthy" and not _has_check(target):
                yield self._wrong(f"waits until {other!r} is healthy, which has no healthcheck in the file", *path)

    def _resources(self, name: str, body: dict[str, Any]) -> Iterator[Finding]:
        volumes = body.get("volumes")
        for number, entry in enumerate(volumes if isinstance(volumes, list) else ()):
            volume = named_volume(entry)
            if volume is not None and not self._defined("volumes", volume):
                yield self._wrong(f"the volume {volume!r} is not defined", name, "volumes", str(number))
        networks = body.get("networks")
        for network in networks if isinstance(networks, (dict, list)) else ():
            if network != "default" and not self._defined("networks", network):
                yield self._wrong(f"the network {network!r} is not defined", name, "networks")
        for key in ("secrets", "configs"):
            entries = body.get(key)
            for number, entry in enumerate(entries if isinstance(entries, list) else ()):
                source = entry.get("source") if isinstance(entry, dict) else entry
                if not self._defined(key, source):
                    yield self._wrong(f"the {key[:-1]} {source!r} is not defined", name, key, str(number))

    def _defined(self, kind: str, name: object) -> bool:
        known = self._document.data.get(kind)
        return isinstance(known, dict) and name in known

    def _durations(self, name: str, body: dict[str, Any]) -> Iterator[Finding]:
        health = body.get("healthcheck")
        said = [("healthcheck", key, health[key]) for key in _DURATIONS if isinstance(health, dict) and key in health]
        if "stop_grace_period" in body:
            said.append(("stop_grace_period", "", body["stop_grace_period"]))
        for *path, value in said:
            try:
                check_duration(value)
            except BadForm as problem:
                yield self._wrong(str(problem), name, *filter(None, path))

    def _env_files(self, name: str, body: dict[str, Any]) -> Iterator[Finding]:
        said = body.get("env_file")
        for number, entry in enumerate(said if isinstance(said, list) else [said] if said else []):
            path = entry.get("path") if isinstance(entry, dict) else entry
            required = not isinstance(entry, dict) or entry.get("required", True) not in (False, "false")
            if isinstance(path, str) and required and not (self._project.folder / path).is_file():
                yield self._wrong("the file is not there", name, "env_file", str(number))

    def _cycles(self) -> Iterator[Finding]:
        """Each group of services that wait for each other, once, by one way around."""
        done: set[str] = set()
        for start in self._services:
            way: list[str] = []
            stack: list[Iterator[str]] = [iter((start,))]
            while stack:
                name = next(stack[-1], None)
                if name is None:
                    stack.pop()
                    if way:
                        done.add(way.pop())
                elif name in way:
                    around = [*way[way.index(name) :], name]
                    yield self._wrong(f"services wait for each other: {' -> '.join(around)}", name)
                elif name in self._services and name not in done:
                    way.append(name)
                    stack.append(iter([other for other, _, _ in _needs(self._services[name])]))

    def _taken_twice(self) -> Iterator[Finding]:
        names: dict[str, str] = {}
        for name, body in self._services.items():
            container = body.get("container_name")
            if isinstance(container, str) and names.setdefault(container, name) != name:
                yield self._wrong(f"{names[container]!r} has the same container_name", name, "container_name")
        takers: dict[tuple[int, str], list[tuple[str, Published]]] = defaultdict(list)
        for name, body in self._services.items():
            if body.get("network_mode") == "host":
                continue  # `ports` is ignored there
            ports = body.get("ports")
            for number, entry in enumerate(ports if isinstance(ports, list) else ()):
                path = (name, "ports", str(number))
                try:
                    taken = list(published(entry))
                except BadForm as problem:
                    yield self._wrong(str(problem), *path)
                    continue
                yield from self._clashes(path, taken, takers)

    def _clashes(
        self, path: Place, taken: list[Published], takers: dict[tuple[int, str], list[tuple[str, Published]]]
    ) -> Iterator[Finding]:
        for port in taken:
            others = takers[port.port, port.protocol]
            for other, theirs in others:
                if port.clashes(theirs) and _together(self._services[path[0]], self._services[other]):
                    yield self._wrong(f"{other!r} publishes the port {port} as well", *path)
                    break
            others.append((path[0], port))


def _needs(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The services that one cannot start without, with what is asked of each, and the key that says so."""
    said = body.get("depends_on")
    if isinstance(said, dict):
        yield from ((str(name), how if isinstance(how, dict) else {}, "depends_on") for name, how in said.items())
    elif isinstance(said, list):
        yield from ((str(name), {}, "depends_on") for name in said)
    for key in ("network_mode", "ipc", "pid"):
        kind, colon, name = str(body.get(key, "")).partition(":")
        if kind == "service" and colon:
            yield name, {}, key
    for key in ("links", "volumes_from"):
        entries = body.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if not str(entry).startswith("container:"):
                yield str(entry).partition(":")[0], {}, key


def _hidden(body: dict[str, Any], target: dict[str, Any]) -> str:
    """Why *target* may be absent where *body* is started; "" where it cannot be."""
    theirs = _profiles(target)
    if not theirs:
        return ""
    ours = _profiles(body)
    if not ours:
        return "this one is always there"
    missing = ours - theirs
    return f"this one is also there under {', '.join(sorted(missing))}" if missing else ""


def _together(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """Whether two services are meant to run at once: those of different profiles may be alternatives."""
    first, second = _profiles(one), _profiles(two)
    return not first or not second or bool(first & second)


def _profiles(body: dict[str, Any]) -> set[str]:
    said = body.get("profiles")
    return set(map(str, said)) if isinstance(said, list) else set()


def _has_check(body: dict[str, Any]) -> bool:
    health = body.get("healthcheck")
    return (
        isinstance(health, dict)
        and health.get("disable") not in (True, "true")
        and bool(health.get("test"))
        and health.get("test") not in _NO_CHECK
    )
