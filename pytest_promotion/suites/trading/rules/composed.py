"""What the Compose file gives each bot, against what the policy says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_promotion.suites.trading.documents.configuration import Bot, BotPolicy
from pytest_promotion.suites.trading.rules.scope import POLICY

COMPOSE: Final = "compose/docker-compose.yml"
SCRIPT: Final = "SCRIPT_CONFIG"
ENTRY: Final = "CONFIG_FILE_NAME"
_CONFIG: Final = re.compile(r"(?:^|[/-])(config/[\w./-]+\.(?:json|ya?ml))\}?$")  # also as the default of a variable
_NAMES: Final = ("BOT_NAME", "HB_INSTANCE_NAME")
_MODES: Final = ("BOT_POLICY_MODE", "BOT_MODE")
_ROLES: Final = ("BOT_POLICY_ROLE",)
_VERSIONS: Final = ("BOT_POLICY_VERSION",)
# What stops a bot in an outage, and tells it to stop after a loss.
_ALWAYS_ON: Final = ("BUS_SOFT_PAUSE_ON_OUTAGE", "PORTFOLIO_RISK_PUBLISH_ACTIONS")
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")
_ON: Final = ("1", "true", "yes", "on")


def environment(entry: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a service is given, as texts; of a variable without a value, the empty text."""
    given = entry.get("environment", {})
    if isinstance(given, Mapping):
        return {str(name): "" if value is None else str(value) for name, value in given.items()}
    return dict(str(line).partition("=")[::2] for line in given)


def is_on(value: str, given: Mapping[str, str]) -> bool:
    """Whether a switch is on; its *value* may be a variable with a default, and *given* are those that are set."""

    def filled(found: re.Match[str]) -> str:
        return given.get(found[1] or found[3]) or found[2] or ""

    return _VARIABLE.sub(filled, value).strip().lower() in _ON


def wrong_in_compose(policy: BotPolicy, services: Mapping[str, Any], exists: Callable[[str], bool]) -> Iterator[str]:
    """
    The sentences where the Compose file starts a bot as another one than the policy has, or a service for none.

    *exists* says whether the workspace has a file.
    """
    for name, entry in services.items():
        yield from _of_another_bot(name, entry, sorted(policy.bots))
        yield from _without_file(name, environment(entry), exists)
        yield from _switched_off(name, environment(entry))
    given = {name: environment(services[name]) for name in policy.bots if name in services}
    yield from _without_variables(given)
    for name, bot in policy.bots.items():
        if name not in services:
            if bot.is_on:
                yield f"{COMPOSE} does not start {name}, which is on"
            continue
        place = f"{COMPOSE}: services.{name}"
        yield from _variables(place, name, bot, policy.policy_id, given[name])
        profiles = sorted(services[name].get("profiles", []))
        if profiles != sorted(bot.compose_profiles):
            yield f"{place}.profiles is {profiles}, {POLICY} has {sorted(bot.compose_profiles)}"
    for name in sorted(set(services) - set(policy.bots)):
        for variable, value in environment(services[name]).items():
            if variable == "HB_INSTANCE_NAME" and value not in policy.bots:
                yield f"{COMPOSE}: services.{name} has {variable}={value}, and {POLICY} no such bot"


def _of_another_bot(service: str, entry: Mapping[str, Any], bots: Sequence[str]) -> Iterator[str]:
    """The folders and variables of one bot in the service of another, and one bot's variable set from another's."""
    place = f"{COMPOSE}: services.{service}"
    others = set(bots) - {service} if service in bots else set()
    for volume in entry.get("volumes", []):
        source = str(volume.get("source", "") if isinstance(volume, Mapping) else volume).partition(":")[0]
        for other in sorted(others & set(source.split("/"))):
            yield f"{place}.volumes has {source}, a folder of {other}"
    prefixes = {f"{bot.upper()}_": bot for bot in bots}
    for variable, value in environment(entry).items():
        own = next((bot for prefix, bot in prefixes.items() if variable.startswith(prefix)), service)
        for prefix, bot in prefixes.items():
            if value.startswith(f"${{{prefix}") and own in bots and bot != own:
                yield f"{place} has {variable}={value}, a variable of {bot}"


def _without_file(service: str, given: Mapping[str, str], exists: Callable[[str], bool]) -> Iterator[str]:
    """Variables that name a file of the folder `config` which is not there."""
    for variable, value in given.items():
        found = _CONFIG.search(value)
        if found and not exists(found[1]):
            yield f"{COMPOSE}: services.{service} has {variable}={value}, and there is no {found[1]}"


def _switched_off(service: str, given: Mapping[str, str]) -> Iterator[str]:
    for variable, value in given.items():
        if variable in _ALWAYS_ON and not is_on(value, {}):
            yield f"{COMPOSE}: services.{service} has {variable}={value}, expected true"


def _without_variables(given: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """A variable that one bot has, each has to have."""
    for variables in (_NAMES, _MODES, _ROLES, _VERSIONS):
        used = sorted({each for own in given.values() for each in variables if each in own})
        for name, own in given.items():
            if used and not any(each in own for each in used):
                yield f"{COMPOSE}: services.{name}.environment has no {' or '.join(used)}"


def _variables(place: str, name: str, bot: Bot, policy_id: str, given: Mapping[str, str]) -> Iterator[str]:
    for variables, wanted in (
        (_NAMES, name),
        (_MODES, bot.mode),
        (_ROLES, bot.role),
        (_VERSIONS, policy_id),
    ):
        for variable in variables:
            if variable in given and given[variable] != wanted:
                yield f"{place} has {variable}={given[variable]}, {POLICY} has {wanted!r} for {name}"
