"""Lists that people write in YAML, read strictly: each item by itself, so that an error names its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.document import Document, convert

LARGEST: Final = 4 * 2**20  # bytes of a file that people write


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list: `found` as the wanted type, or None with a sentence on what is wrong."""

    where: str  # file and line
    plain: Any  # as it was written
    found: Any = None
    problem: str = ""


def items(content: bytes, name: str, key: str, wanted: type[msgspec.Struct]) -> Iterator[Item]:
    """
    The items below *key* in the YAML file *content*, called *name*.

    Raises:
        PolicyError: where the file as a whole is none of that kind.
    """
    if len(content) > LARGEST:
        raise PolicyError(f"{name} is larger than {LARGEST >> 20} MB, which nobody wrote by hand")
    what = f"a file of {key}"
    document = Document.parse(Path(name), content, what)
    shape = msgspec.defstruct(
        "File",
        [("version", Literal[1]), (key, list[Any] | None)],  # `key:` with nothing below it is an empty list
        forbid_unknown_fields=True,
    )
    convert(document.data, shape, (), document)
    for number, plain in enumerate(document.data[key] or []):
        where = document.where((key, str(number)))
        try:
            yield Item(where, plain, convert(plain, wanted, (key, str(number)), document))
        except PolicyError as problem:
            yield Item(where, plain, problem=str(problem))
