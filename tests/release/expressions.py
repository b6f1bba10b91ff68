"""Expressions of GitHub workflows, with the coercions that its documentation describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<sign>\|\||&&|==|!=|!|\(|\)|,)|(?P<name>[A-Za-z_][\w.-]*))"
)
FUNCTIONS = ("always", "success", "failure", "cancelled", "format", "contains")


class Expression:
    """One expression, evaluated from left to right with `||` below `&&` below `==` and `!=`."""

    def __init__(self, text: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            assert found is not None, f"not understood: {text[at:]}"
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            at = found.end()
        self.contexts, self.functions = contexts, functions

    def value(self) -> Any:
        found = self.either()
        assert not self.tokens, f"not understood: {self.tokens}"
        return found

    def take(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def either(self) -> Any:
        found = self.both()
        while self.take("||"):
            other = self.both()
            found = found if truth(found) else other
        return found

    def both(self) -> Any:
        found = self.compared()
        while self.take("&&"):
            other = self.compared()
            found = other if truth(found) else found
        return found

    def compared(self) -> Any:
        found = self.single()
        while sign := self.take("==", "!="):
            found = same(found, self.single()) is (sign == "==")
        return found

    def single(self) -> Any:
        if self.take("!"):
            return not truth(self.single())
        if self.take("("):
            found = self.either()
            assert self.take(")")
            return found
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        assert kind == "name", text
        if text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        if self.take("("):
            given = []
            while not self.take(")"):
                given.append(self.either())
                self.take(",")
            return self.functions[text](*given)
        found: Any = self.contexts
        for part in text.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


def truth(value: Any) -> bool:
    """What counts as true: neither false, null, 0 nor an empty text."""
    return value not in (None, False, 0, "")


def same(one: Any, other: Any) -> bool:
    """Loose equality: values of other kinds are compared as numbers, texts without regard to case."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    if type(one) is type(other):
        return bool(one == other)
    return number(one) == number(other)


def number(value: Any) -> float:
    """A value as a number; NaN, which equals nothing, where it is none."""
    if isinstance(value, str):
        try:
            return float(value) if value.strip() else 0.0
        except ValueError:
            return float("nan")
    return float(value or 0)


def shown(value: Any) -> str:
    """A value as it stands in a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
