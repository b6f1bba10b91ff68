"""What a compose file says of a service's healthcheck and of the variables it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.suites.trading.health.services import Setting

_REFERENCE = re.compile(r"\$(?:\{\w+(?::?-([^{}$]*))?\}|\w+)")


def has_one(entry: Mapping[str, Any]) -> bool:
    """Whether the service has a healthcheck that runs something."""
    return bool(_command(entry))


def healthcheck(name: str, entry: Mapping[str, Any]) -> str:
    """The command of the service's healthcheck. Raises `GateFailed` where it has none."""
    command = _command(entry)
    if not command:
        raise GateFailed(f"{name} has no healthcheck: nobody would hear of it if it stopped working")
    return command


def _command(entry: Mapping[str, Any]) -> str:
    check = entry.get("healthcheck")
    test = check.get("test") if isinstance(check, Mapping) and not check.get("disable") else None
    if isinstance(test, list) and len(test) > 1 and test[0] in ("CMD", "CMD-SHELL"):
        return " ".join(map(str, test[1:]))
    if isinstance(test, str) and test.strip() not in ("", "NONE"):
        return test.strip()
    return ""


def asks_of(name: str, command: str) -> bool:
    """Whether a healthcheck runs `promotion health` for the service *name*, and fails where that fails."""
    words = rf"(\S*/)?promotion health {re.escape(name)}( --\w+[ =][^\s|;&]+)*( \|\| exit 1)?"
    return re.fullmatch(words, command) is not None


def seconds(name: str, entry: Mapping[str, Any], setting: Setting | None) -> float:
    """
    What a setting comes to for the service, with the defaults that the file writes; 0 without a setting.

    Raises:
        PolicyError: for a value that is no number above 0.
        Unproven: for one without a default: what it is, only whoever starts the service knows.
    """
    if setting is None:
        return 0.0
    given = entry.get("environment") or {}
    pairs = given.items() if isinstance(given, Mapping) else (str(line).partition("=")[::2] for line in given)
    texts = {str(key): "" if value is None else str(value) for key, value in pairs}

    def resolved(reference: re.Match[str]) -> str:
        if reference[1] is None:
            raise Unproven(f"{name}: {setting.variable}={reference.string} has no default, so nobody can tell it")
        return reference[1]

    return setting.given(
        {key: _REFERENCE.sub(resolved, text) for key, text in texts.items() if key == setting.variable}
    )
