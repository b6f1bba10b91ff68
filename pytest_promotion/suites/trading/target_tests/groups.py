"""
Which suites there are: groups of pytest arguments, what has to be covered, how long each may take.

    version: 1
    groups:
      unit: [tests/unit]
      service: [tests/service, -m, not slow]
    cov: [quay]
    cov_fail_under: 80
    timeout: 300
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.files import read_given

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*$")]
_Words = Annotated[list[Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1)]


class Suites(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The suites of one target. `timeout` is in seconds, for each group; `cov_fail_under` in percent, for them all."""

    groups: Annotated[dict[_Name, _Words], msgspec.Meta(min_length=1)]
    cov: _Words
    cov_fail_under: Annotated[float, msgspec.Meta(ge=0, le=100)]
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    plugins: list[str] = []  # pytest plugins that the suites need; no other installed one is loaded


class _File(Suites, forbid_unknown_fields=True, frozen=True, kw_only=True):
    version: Literal[1]


def read(path: Path) -> Suites:
    """The suites that the YAML file at *path* names. Raises `PolicyError` for whatever is not one."""
    try:
        found = msgspec.convert(documents.parse_yaml(read_given(path, refusal=PolicyError), str(path)), _File)
    except (Unproven, msgspec.ValidationError) as problem:
        raise PolicyError(f"{path} cannot be used: {problem}") from None
    fields = msgspec.structs.asdict(found)
    del fields["version"]
    return Suites(**fields)


def parse(
    groups: Iterable[str], cov: Iterable[str], cov_fail_under: float | None, timeout: float, plugins: Iterable[str] = ()
) -> Suites:
    """The suites that words like `unit=tests/unit -m quick` name. Raises `PolicyError` with the word that is wrong."""
    packages = list(cov)
    if not packages:
        raise PolicyError("nothing says what has to be covered: name each package with --cov PACKAGE")
    if cov_fail_under is None:
        raise PolicyError("nothing says how much has to be covered: give --cov-fail-under PERCENT")
    named: dict[str, list[str]] = {}
    for word in groups:
        name, equals, rest = word.partition("=")
        if not equals or not rest.strip():
            raise PolicyError(f"the group {word!r} is not NAME=PATHS, such as unit=tests/unit")
        if name in named:
            raise PolicyError(f"the group {name} is named twice")
        try:
            named[name] = shlex.split(rest)
        except ValueError as problem:
            raise PolicyError(f"the group {word!r} cannot be split into words: {problem}") from None
    try:
        return msgspec.convert(
            {
                "groups": named,
                "cov": packages,
                "cov_fail_under": cov_fail_under,
                "timeout": timeout,
                "plugins": list(plugins),
            },
            Suites,
        )
    except msgspec.ValidationError as problem:
        raise PolicyError(f"the suites cannot be run: {problem}") from None
