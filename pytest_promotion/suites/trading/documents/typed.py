"""
A parsed JSON document as a msgspec struct, read field by field.

`msgspec.convert` would take a document whole: its errors do not say which bot of a mapping is wrong, and proving a gate
could not tell which fields the gate relies on. Here every declared field is looked up, so both are known. A field of
the type `Any` is known and not read.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

import msgspec

from pytest_promotion.errors import Unproven

_Kind = TypeVar("_Kind")
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Partly(dict[str, _Kind]):
    """Some fields of a struct, by name: each is of its type, and none has to be there."""


_WORDS = {
    "`float`": "a number",
    "`int`": "a whole number",
    "`str` of length >= 1": "a text that is not empty",
    "`str`": "a text",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "an object",
}


def typed(document: Any, kind: type[_Kind], origin: str, unknown: list[str] | None = None, *, place: str = "") -> _Kind:
    """
    *document* as *kind*: a struct, or a list or mapping of such. Of `dict` and `list` as such, nothing inside is read.

    Args:
        origin: the path of the file, with which every sentence begins.
        unknown: gets the places of fields that *kind* does not declare, such as `bots.bot1.note`.
        place: where *document* stands in the file, such as `windows[0]`; "" for all of it.

    Raises:
        Unproven: with the file, the field and the value, for a field that is missing or is not what belongs there.
    """
    found: _Kind = _Reading(origin, [] if unknown is None else unknown).value(document, kind, place)
    return found


def settings_of(document: Any, bot: str, kind: type[_Struct], origin: str) -> _Struct:
    """
    What holds for *bot* in a document of `defaults` and `bots`: its own settings, else the default of each.

    A default that the bot overrides is not looked at. Raises `Unproven` as `typed`, and for a setting that neither has.
    """
    reading = _Reading(origin, [])
    for section in ("defaults", "bots"):
        if not isinstance(document.get(section), dict):
            raise Unproven(f"{origin}: {section} is {_shown(document.get(section))}, expected an object")
    own = document["bots"].get(bot, {})
    if not isinstance(own, dict):
        raise Unproven(f"{origin}: bots.{bot} is {_shown(own)}, expected an object")
    given = {}
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if dict.__contains__(own, name):
            given[field.name] = reading.value(own[name], field.type, f"bots.{bot}.{name}")
        elif dict.__contains__(document["defaults"], name):
            given[field.name] = reading.value(document["defaults"][name], field.type, f"defaults.{name}")
        else:
            raise Unproven(f"{origin}: neither bots.{bot} nor defaults has {name!r}")
    return kind(**given)


class _Reading:
    def __init__(self, origin: str, unknown: list[str]) -> None:
        self._origin = origin
        self._unknown = unknown

    def value(self, value: Any, kind: Any, place: str) -> Any:
        outer = get_origin(kind)
        if kind is Any:
            return value
        if kind in (dict, list):
            return self._of_kind(value, kind, "an object" if kind is dict else "a list", place)
        if outer in (Union, UnionType):
            # One type, beside null or beside not being there.
            [wanted] = [each for each in get_args(kind) if each not in (NoneType, msgspec.UnsetType)]
            return None if value is None and NoneType in get_args(kind) else self.value(value, wanted, place)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(self._of_kind(value, dict, "an object", place), kind, place)
        if outer is Partly:
            return self._fields(self._of_kind(value, dict, "an object", place), get_args(kind)[0], place)
        if outer is dict:
            wanted = get_args(kind)[1]
            entries = self._of_kind(value, dict, "an object", place)
            return {key: self.value(item, wanted, _join(place, key)) for key, item in entries.items()}
        if outer is list:
            items = self._of_kind(value, list, "a list", place)
            return [self.value(item, get_args(kind)[0], f"{place}[{number}]") for number, item in enumerate(items)]
        return self._leaf(value, kind, place)

    def _struct(self, value: dict[str, Any], kind: type[msgspec.Struct], place: str) -> Any:
        for field in msgspec.structs.fields(kind):
            if field.required and not dict.__contains__(value, field.encode_name):
                holder = f"{self._origin}: {place}" if place else self._origin
                raise Unproven(f"{holder} has no field {field.encode_name!r}")
        return kind(**self._fields(value, kind, place))

    def _fields(self, value: dict[str, Any], kind: type[msgspec.Struct], place: str) -> dict[str, Any]:
        """The declared fields that are there, by their names in the struct."""
        declared = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        if not getattr(kind, "OPEN", False):  # of an open one, other fields are expected
            self._unknown += [_join(place, key) for key in dict.keys(value) if key not in declared]
        return {
            field.name: None if field.type is Any else self.value(value[name], field.type, _join(place, name))
            for name, field in declared.items()
            if dict.__contains__(value, name)
        }

    def _of_kind(self, value: Any, kind: type[_Kind], wanted: str, place: str) -> _Kind:
        if not isinstance(value, kind):
            self._refuse(value, wanted, place)
        return value

    def _leaf(self, value: Any, kind: Any, place: str) -> Any:
        if get_origin(kind) is Literal:
            if isinstance(value, (str, bool)) and value in get_args(kind):
                return value
            self._refuse(value, " or ".join(map(_shown, get_args(kind))), place)
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as problem:
            self._refuse(value, _wanted(str(problem)), place)

    def _refuse(self, value: Any, wanted: str, place: str) -> NoReturn:
        raise Unproven(f"{self._origin}: {place or 'the document'} is {_shown(value)}, expected {wanted}")


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _wanted(message: str) -> str:
    """What msgspec expected, in words: `Expected `float` > 0.0` is "a number above 0"."""
    wanted = message.removeprefix("Expected ").partition(", got ")[0]
    for name, word in _WORDS.items():
        wanted = wanted.replace(name, word)
    return wanted.replace(" >= ", " of at least ").replace(" > ", " above ").replace(" <= ", " of at most ")


def _shown(value: Any) -> str:
    """A value as JSON writes it, cut to a line."""
    text = msgspec.json.encode(value, enc_hook=repr).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."
