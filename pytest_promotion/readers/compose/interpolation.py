"""
Filling in `$NAME` and `${NAME…}` as the Compose specification says it, section "Interpolation".

Messages name variables and never quote what stands around them: a default may be a password.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_promotion.errors import PromotionError
from pytest_promotion.readers.compose.document import Document, Place
from pytest_promotion.readers.compose.findings import Finding

_NAME: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS: Final = (":-", ":?", ":+", "-", "?", "+")
_DEEPEST: Final = 50


class BadTemplate(PromotionError, ValueError):
    """A text whose variables cannot be filled in. The message says which one, and why."""


Unset = Callable[[str], None]


def interpolate(text: str, variables: Mapping[str, str], unset: Unset, depth: int = 0) -> str:
    """
    *text* with its variables filled in; *unset* hears of each that has neither a value nor a default.

    Raises:
        BadTemplate: for `${` without its `}`, for what is no name, and for `${NAME:?…}` without a value.
    """
    if depth > _DEEPEST:
        raise BadTemplate("variables stand in each other's defaults too deep")
    parts: list[str] = []
    at = 0
    while (mark := text.find("$", at)) >= 0:
        parts.append(text[at:mark])
        if text.startswith("$$", mark):
            parts.append("$")
            at = mark + 2
        elif text.startswith("${", mark):
            end = _closing(text, mark)
            parts.append(_braced(text[mark + 2 : end], variables, unset, depth))
            at = end + 1
        elif name := _NAME.match(text, mark + 1):
            parts.append(_plain(name[0], variables, unset))
            at = name.end()
        else:
            raise BadTemplate("a $ that starts no variable; a literal one is written $$")
    return "".join([*parts, text[at:]])


def _closing(text: str, start: int) -> int:
    """Where the brace of the `${` at *start* closes."""
    depth, at = 0, start
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 2
            continue
        if text.startswith("$$", at):
            at += 2
            continue
        if text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise BadTemplate("a ${ that is not closed")


def _braced(inside: str, variables: Mapping[str, str], unset: Unset, depth: int) -> str:
    found = _NAME.match(inside)
    if not found:
        raise BadTemplate("a ${ that no name follows")
    name, rest = found[0], inside[found.end() :]
    if not rest:
        return _plain(name, variables, unset)
    operator = next((one for one in _OPERATORS if rest.startswith(one)), None)
    if operator is None:
        raise BadTemplate(f"${{{name}…}} goes on with something that is no operator")
    word = rest[len(operator) :]
    value = variables.get(name)
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return interpolate(word, variables, unset, depth + 1) if there else ""
    if there:
        return value or ""
    if operator.endswith("-"):
        return interpolate(word, variables, unset, depth + 1)
    raise BadTemplate(f"the variable {name} is required and {'is empty' if value == '' else 'has no value'}")


def _plain(name: str, variables: Mapping[str, str], unset: Unset) -> str:
    if name not in variables:
        unset(name)
    return variables.get(name, "")


def names(text: str) -> set[str]:
    """The variables that *text* asks for, those in defaults too; none where it is no template."""
    asked: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return default

        def __contains__(self, key: object) -> bool:
            asked.add(str(key))
            return True

    with contextlib.suppress(BadTemplate):
        interpolate(text, Asked(), asked.add)
    return asked


def filled(document: Document, variables: Mapping[str, str]) -> tuple[Document, list[Finding]]:
    """*document* with the variables in its values filled in (keys are not templates), and what is wrong with them."""
    findings: list[Finding] = []

    def inside(value: Any, path: Place) -> Any:
        if isinstance(value, dict):
            return {key: inside(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [inside(item, (*path, str(number))) for number, item in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        unset: list[str] = []
        try:
            text = interpolate(value, variables, unset.append)
        except BadTemplate as problem:
            findings.append(document.finding("interpolation", path, str(problem)))
            return value
        findings.extend(
            document.finding("interpolation", path, f"the variable {name} is not set and has no default")
            for name in dict.fromkeys(unset)
        )
        return text

    data = inside(document.data, ())
    return Document(document.name, data, document.lines, document.reset, document.override), findings
