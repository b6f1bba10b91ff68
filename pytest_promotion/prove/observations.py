"""
What a gate looked at: documents that remember which of their values were asked for.

Only a value that a gate touched is worth sabotaging. The containers behave as those they stand
for; a comparison or an iteration of a whole one touches all that is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_promotion.evidence.documents import Fields

Place = tuple[str | int, ...]  # keys and list positions, from the top of a document or of a row


@dataclass(slots=True)
class Touches:
    """The values of one document, or of one row, that were looked at: leaves, and containers as such."""

    seen: dict[Place, Any] = field(default_factory=dict)
    stepped_into: dict[Place, Any] = field(default_factory=dict)  # containers that have something in them

    def see(self, place: Place, value: Any) -> Any:
        """Notes *value*; of a container only that it was stepped into: which of its values matters is not known yet."""
        if not isinstance(value, (dict, list)):
            self.seen.setdefault(place, value)
        elif dict.__len__(value) if isinstance(value, dict) else list.__len__(value):
            self.stepped_into.setdefault(place, value)
        return value

    def see_all(self, place: Place, value: Any) -> None:
        """Notes everything in *value*, and that it was looked at as a whole."""
        self.seen.setdefault(place, value)
        if isinstance(value, dict):
            for key in dict.keys(value):
                self.see_all((*place, key), dict.__getitem__(value, key))
        elif isinstance(value, list):
            for number, item in enumerate(list.__iter__(value)):
                self.see_all((*place, number), item)


def watched(value: Any, touches: Touches, place: Place = ()) -> Any:
    """*value* with its objects and lists replaced by such that tell *touches* what is looked at."""
    if isinstance(value, dict):
        made = WatchedFields({key: watched(item, touches, (*place, key)) for key, item in value.items()})
        made.origin = getattr(value, "origin", "the evidence")
        made.touches, made.place = touches, place
        return made
    if isinstance(value, list):
        items = WatchedList(watched(item, touches, (*place, number)) for number, item in enumerate(value))
        items.touches, items.place = touches, place
        return items
    return value


class WatchedFields(Fields):
    """An object that tells which of its fields were looked at."""

    __slots__ = ("place", "touches")
    __hash__ = None  # type: ignore[assignment]  # as of any dict

    touches: Touches
    place: Place

    def _self(self) -> None:
        self.touches.seen.setdefault(self.place, self)

    def __getitem__(self, key: str) -> Any:
        return self.touches.see((*self.place, key), super().__getitem__(key))

    def get(self, key: str, default: Any = None) -> Any:
        """As of any dict."""
        return self[key] if dict.__contains__(self, key) else default

    def __contains__(self, key: object) -> bool:
        found = dict.__contains__(self, key)
        if found and isinstance(key, str):
            value = dict.__getitem__(self, key)
            self.touches.seen.setdefault((*self.place, key), value)
        return found

    def __iter__(self) -> Iterator[str]:
        self._self()
        return super().__iter__()

    def __len__(self) -> int:
        self._self()
        return super().__len__()

    def keys(self) -> Any:
        """As of any dict."""
        self._self()
        return super().keys()

    def values(self) -> Any:
        """As of any dict; each value is touched."""
        self._self()
        return [self[key] for key in dict.keys(self)]

    def items(self) -> Any:
        """As of any dict; each value is touched."""
        self._self()
        return [(key, self[key]) for key in dict.keys(self)]

    def __eq__(self, other: object) -> bool:
        self.touches.see_all(self.place, self)
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


class WatchedList(list[Any]):
    """A list that tells which of its items were looked at."""

    __slots__ = ("place", "touches")
    __hash__ = None  # as of any list

    touches: Touches
    place: Place

    def _self(self) -> None:
        self.touches.seen.setdefault(self.place, self)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(list.__len__(self)))]
        value = super().__getitem__(index)
        number = index + list.__len__(self) if index < 0 else index
        return self.touches.see((*self.place, number), value)

    def __iter__(self) -> Iterator[Any]:
        self._self()
        for number, value in enumerate(super().__iter__()):
            yield self.touches.see((*self.place, number), value)

    def __len__(self) -> int:
        self._self()
        return super().__len__()

    def __contains__(self, item: object) -> bool:
        return any(value == item for value in self)

    def __eq__(self, other: object) -> bool:
        self.touches.see_all(self.place, self)
        return list.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other
