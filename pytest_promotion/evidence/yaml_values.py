"""
Values of YAML that other code can rely on: those that JSON has, and moments.

PyYAML's own constructors raise whatever comes up where a tag does not fit its value: `KeyError` for `!!bool x`,
`AttributeError` for `!!timestamp x`. Here each is an error of YAML that knows its line.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

_FOREIGN: Final = ("binary", "set", "omap", "pairs")  # no code that reads documents expects their kinds
_TAG: Final = "tag:yaml.org,2002:"


@functools.cache
def plain_loader() -> Any:
    """PyYAML's safe loader, the fast one where it is installed, that refuses what is no value."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Plain(base):  # type: ignore[misc]  # the base is chosen at run time
        def construct_object(self, node: Any, deep: bool = False) -> Any:
            if node.tag.removeprefix(_TAG) in _FOREIGN:
                raise _wrong(node, f"found {node.tag.replace(_TAG, '!!')}, of which JSON has none")
            try:
                found = super().construct_object(node, deep)
            except (ValueError, LookupError, AttributeError, TypeError):
                raise _wrong(node, f"found a value that is no {node.tag.removeprefix(_TAG)}") from None
            if isinstance(found, (int, float)) and not _finite(found):
                raise _wrong(node, "found a number that is not finite")
            return found

    return Plain


@functools.cache
def strict_loader() -> Any:
    """The same, for documents: no duplicate keys, and each is a single value. It is given what makes a dict."""

    class Strict(plain_loader()):  # type: ignore[misc]  # as above
        def __init__(self, text: str, fields: Callable[[], dict[str, Any]]) -> None:
            super().__init__(text)
            self._fields = fields

        def construct_fields(self, node: Any) -> Iterator[dict[str, Any]]:
            # In two steps, as PyYAML has it for what may contain itself.
            found = self._fields()
            yield found
            found.update(self.construct_mapping(node))

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            if node.id != "mapping":
                raise _wrong(node, f"found a {node.id} where a mapping belongs")
            # Keys that `<<` merged in stand elsewhere in the file; a local key may override those.
            local = [
                key for key, _ in node.value if node.start_mark.index <= key.start_mark.index < node.end_mark.index
            ]
            seen = set()
            for key in local:
                if key.id != "scalar":
                    raise _wrong(key, f"a {key.id} is used as a key")
                if key.value in seen:
                    raise _wrong(key, f"duplicate key {key.value!r}")
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    Strict.add_constructor(f"{_TAG}map", Strict.construct_fields)
    return Strict


def what_is_wrong(problem: Exception) -> tuple[int, str]:
    """The line of an error of PyYAML, from 1, or 0 where it knows none, and what it says in one line."""
    mark = getattr(problem, "problem_mark", None)
    text = getattr(problem, "problem", None) or str(problem).partition("\n")[0]
    return mark.line + 1 if mark else 0, text


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer beyond the largest float
        return False


def _wrong(node: Any, problem: str) -> Exception:
    from yaml.constructor import ConstructorError

    return ConstructorError(None, None, problem, node.start_mark)
