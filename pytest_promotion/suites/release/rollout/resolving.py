"""
What Compose makes of the files: the resolved configuration, its warnings, and the variables that have no value.

The gate `compose_config` and a deployment both ask here, so that what was judged is what is deployed. Compose v2 and
later answer in JSON. Which variables have no value is read from the files as Compose merges them, before it fills
anything in: `config --variables` cannot tell `${NAME:-}` from `${NAME}`. Compose 1.29 has no structured answer
to that, so its warning is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.compose import configuration
from pytest_promotion.readers.compose.document import parse
from pytest_promotion.readers.compose.findings import Refused as Invalid
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.programs import Ended
from pytest_promotion.suites.release.rollout.services import Composing

CONFIGURATION: Final = "compose_configuration_sha256"  # the measurement of the gate `compose_config`
_FIRST_NOT_ITS_OWN: Final = 125  # docker itself, a shell or a signal ended it
_LOGGED: Final = re.compile(r'^time="[^"]*" level=(?P<level>\w+) msg="(?P<message>(?:[^"\\]|\\.)*)"')
_UNSET: Final = re.compile(
    r'^(?:WARNING: )?The "?(?P<name>\w+)"? variable is not set\. Defaulting to a blank string\.$'
)
_ASSIGNED: Final = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
_SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Resolution:
    """
    A resolved configuration. `data` has values of secrets in it and belongs in no report.

    `warnings` are those of Compose, a sentence each; `unset` the variables without a value and without a default.
    """

    compose: str
    data: dict[str, Any] = field(repr=False)
    form: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...]
    unset: tuple[str, ...]
    done: Ended = field(repr=False)

    @property
    def sha256(self) -> str:
        """The digest of what is deployed, with the values of all variables."""
        return configuration.digest(self.form)

    def evidence(self) -> dict[str, Any]:
        """What may be kept of it: the digest, and a few digits of the digest of each value."""
        return {
            "schema_version": _SCHEMA_VERSION,
            "compose": self.compose,
            CONFIGURATION: self.sha256,
            "keys": configuration.key_digests(self.form),
        }


def resolve(composing: Composing, timeout_s: float, places: Sequence[configuration.Place]) -> Resolution:
    """
    The files of *composing*, resolved; paths in *places* are part of what is deployed, wherever that lies.

    Raises:
        Refused: where Compose says that they are invalid.
        Unproven: where it did not judge them.
    """
    modern = not composing.compose.version.startswith("1.")
    done = composing.run("config", *(("--format", "json") if modern else ()), timeout_s=timeout_s)
    if done.exit_code is None or done.exit_code < 0 or done.exit_code >= _FIRST_NOT_ITS_OWN:
        raise Unproven(f"Compose did not judge the files: {_why(done)}")
    if done.exit_code:
        raise Refused(f"the compose files are invalid: {done.complained.strip()[-1000:] or _why(done)}")
    data, warnings = _data(done), warnings_of(done.complained)
    unset = _without_value(composing, timeout_s, done) if modern else _warned(warnings)
    return Resolution(
        str(composing.compose),
        data,
        configuration.canonical_form(data, composing.project, places),
        warnings,
        tuple(unset),
        done,
    )


def warnings_of(complained: str) -> tuple[str, ...]:
    """The warnings in what Compose wrote to standard error, a sentence each and none twice."""
    found = []
    for line in map(str.strip, complained.splitlines()):
        if logged := _LOGGED.match(line):
            if logged["level"] in ("warning", "error"):
                found.append(re.sub(r"\\(.)", r"\1", logged["message"]))
        elif line:
            found.append(line)
    return tuple(dict.fromkeys(found))


def _warned(warnings: tuple[str, ...]) -> list[str]:
    return sorted({found["name"] for one in warnings if (found := _UNSET.match(one))})


def _without_value(composing: Composing, timeout_s: float, done: Ended) -> list[str]:
    """As Compose itself merges files and reads the values; where it is too old to say so, its warnings."""
    templates = composing.run(
        "config", "--no-interpolate", "--no-normalize", "--no-consistency", "--format", "json", timeout_s=timeout_s
    )
    values = composing.run("config", "--environment", timeout_s=timeout_s)
    if templates.exit_code != 0 or values.exit_code != 0:
        return _warned(warnings_of(done.complained))
    variables = {**dict(_ASSIGNED.findall(values.printed)), **composing.environment}
    return configuration.without_value(_data(templates), variables)


def _data(done: Ended) -> dict[str, Any]:
    try:
        try:
            found = json.loads(done.printed)
        except (ValueError, RecursionError):
            found = parse(done.printed.encode(), "the resolved configuration").data
    except Invalid as problem:
        raise Unproven(f"what Compose resolved cannot be read: {problem}") from None
    if not isinstance(found, dict):
        raise Unproven("what Compose resolved is no mapping")
    return found


def _why(done: Ended) -> str:
    """Without what it printed: that is the configuration, with its secrets filled in."""
    how = "it did not end in time" if done.exit_code is None else f"it ended with exit code {done.exit_code}"
    lines = done.complained.strip().splitlines()
    return f"{how}: {lines[-1][:300]}" if lines else how
