"""Plain values, as JSON and YAML have them, as typed ones."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from pytest_promotion.errors import PolicyError, Unproven

_Kind = TypeVar("_Kind")


def converted(
    plain: Any, wanted: type[_Kind], sentence: str, refusal: type[PolicyError | Unproven] = Unproven
) -> _Kind:
    """
    *plain* as *wanted*.

    Raises:
        refusal: `<sentence>: <what is wrong, and where>`. `Unproven` for evidence, `PolicyError` for rules.
    """
    try:
        return msgspec.convert(plain, wanted)
    except msgspec.ValidationError as problem:
        raise refusal(f"{sentence}: {problem}") from None
