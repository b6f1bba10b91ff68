"""The kinds of values that JSON has: how they are called, and that a value is of the one that belongs there."""

from __future__ import annotations

from typing import Any

from pytest_promotion.errors import Unproven


def named(value: object) -> str:
    """A JSON value's type as a person says it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"


def an_object(value: Any, place: str) -> dict[str, Any]:
    """*value*, which has to be an object. Raises `Unproven` with the *place*."""
    if not isinstance(value, dict):
        raise Unproven(f"{place} is {named(value)}, expected an object")
    return value


def a_list(value: Any, place: str) -> list[Any]:
    """*value*, which has to be a list. Raises `Unproven` with the *place*."""
    if not isinstance(value, list):
        raise Unproven(f"{place} is {named(value)}, expected a list")
    return value


def an_optional_object(value: Any, place: str) -> dict[str, Any]:
    """*value*, an object, or {} for null and for what is not there. 0, "" and [] are none. Raises `Unproven`."""
    return {} if value is None else an_object(value, place)


def an_optional_list(value: Any, place: str) -> list[Any]:
    """*value*, a list, or [] for null and for what is not there. 0, "" and {} are none. Raises `Unproven`."""
    return [] if value is None else a_list(value, place)
