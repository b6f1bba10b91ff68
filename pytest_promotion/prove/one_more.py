"""
Lists of which a gate goes through a part: the first element, the first three, those before an early return.

What it notices in the first element, it has to notice in one more element at the end as well. Where an element is found
by a name, a time or a number of its own, one more with the same is no evidence that somebody may have, and nothing is
tried.
"""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from pytest_promotion.prove.forms import LARGEST_BYTES, json_lines, number_of
from pytest_promotion.prove.observations import Place
from pytest_promotion.prove.observers import Look
from pytest_promotion.prove.rows import SUFFIXES, is_json
from pytest_promotion.prove.values import changed, chosen, dotted, far, flipped

ONE_MORE: Final = "in one more element"
_OWN: Final = ("id", "key", "index", "number", "rank", "epoch", "step", "version", "time", "date", "day")


def in_file(path: str, look: Look) -> tuple[Any, Mapping[Place, Any], Callable[[Any], bytes]] | None:
    """The values of a file with lists or rows, those that the gate looked at, and how it is written; else None."""
    content, suffix = look.reading.content, PurePosixPath(path).suffix
    if content is None or len(content) > LARGEST_BYTES:
        return None
    if suffix in SUFFIXES and 0 in look.rows:
        seen = {(0, *place): value for place, value in look.rows[0].seen.items()}
        if suffix == ".csv":
            return list(csv.DictReader(io.StringIO(content.decode(), newline=""))), seen, _csv
        return [json.loads(line) for line in content.splitlines() if line.strip()], seen, json_lines
    if is_json(path) and look.document is not None:
        return json.loads(content), look.touches.seen, lambda document: json.dumps(document).encode()
    return None


def missed(document: Any, seen: Mapping[Place, Any], notices: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """
    What the gate notices in the first element of a list: the field of it, and its message for one more element.

    Args:
        document: the evidence.
        seen: the values that it looked at, by their places in *document*.
        notices: runs it on another document; its message, or "" where it passed.
    """
    for place, value in chosen(seen):
        for at in (at for at, step in enumerate(place) if step == 0 and type(step) is int):
            the_list, inside = place[:at], place[at + 1 :]
            if _is_found_by_another(place, at, seen):
                continue
            for bad in _bad(value):
                if notices(changed(copy.deepcopy(document), place, bad)):
                    yield dotted(the_list) or "rows", notices(_with_one_more(document, the_list, inside, bad))
                    break


def _is_found_by_another(place: Place, at: int, seen: Mapping[Place, Any]) -> bool:
    """Whether the gate may find the element by another value in it, or may count up to it."""
    for other, value in seen.items():
        if other[: at + 1] != place[: at + 1]:
            continue
        is_name = isinstance(value, str) and flipped(value) is None and number_of(value) is None
        if (is_name and other != place) or str(other[-1]).lower().endswith(_OWN):
            return True
    return False


def _bad(value: Any) -> Iterator[Any]:
    """Values that a gate may notice in the place of *value*."""
    number = number_of(value) if isinstance(value, str) else None
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from far(value)
    elif number is not None:
        yield from map(str, far(number))
    elif isinstance(value, str) and (other := flipped(value)) is not None:
        yield other


def _with_one_more(document: Any, the_list: Place, inside: Place, bad: Any) -> Any:
    document = here = copy.deepcopy(document)
    for step in the_list:
        here = here[step]
    more = copy.deepcopy(here[0])
    here.append(changed(more, inside, bad) if inside else bad)
    return document


def _csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
