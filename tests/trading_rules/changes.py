"""One change of one file: what a sabotage does."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Change = Callable[[bytes], bytes]
REMOVED = object()


@dataclass(frozen=True)
class Sabotage:
    """A change of the files that match *path*, which *gate* has to notice; *message* has to stand in its reason."""

    gate: str
    path: str
    name: str
    change: Change
    message: str
    models: str = ""  # the switch ML_ENABLED
    workspaces: tuple[str, ...] = ("demo", "live")

    @property
    def id(self) -> str:
        return f"{self.gate}-{self.name}"


def shown(value: Any) -> str:
    """A value in the name of a sabotage."""
    return "removed" if value is REMOVED else repr(value)[:30]


def put(place: str, value: Any) -> Change:
    """Set the value at *place*, such as `bots.bot1.mode` or `checks.0.pass`; `REMOVED` takes it away."""

    def change(content: bytes) -> bytes:
        document = json.loads(content)
        *way, last = [int(step) if step.isdigit() else step for step in place.split("/")]
        here = document
        for step in way:
            here = here[step]
        if value is REMOVED:
            del here[last]
        else:
            here[last] = value
        return json.dumps(document).encode()

    return change


def edited(edit: Callable[[Any], object]) -> Change:
    """Change a parsed JSON document."""

    def change(content: bytes) -> bytes:
        document = json.loads(content)
        edit(document)
        return json.dumps(document).encode()

    return change


def whole(content: bytes) -> Change:
    """Put *content* in place of the file's."""
    return lambda _: content


def replaced(pattern: str, new: str) -> Change:
    """Replace what matches *pattern* in a text; it has to be there."""

    def change(content: bytes) -> bytes:
        text, count = re.subn(pattern, new, content.decode(), flags=re.MULTILINE)
        assert count, f"nothing matches {pattern}"
        return text.encode()

    return change


def rows(edit: Callable[[Any], object], stream: str = "", *, first: bool = False) -> Change:
    """Change the rows of a stream in an event store, or the first of them."""

    def change(content: bytes) -> bytes:
        lines, changed = [], 0
        for line in content.splitlines():
            row = json.loads(line)
            if stream in row["stream"] and not (first and changed):
                edit(row)
                changed += 1
            lines.append(json.dumps(row))
        assert changed
        return ("\n".join(lines) + "\n").encode()

    return change


def column(name: str, value: Any, *, last: bool = False) -> Change:
    """Set a column of a CSV file, in every row or the last; `REMOVED` takes the column away."""

    def change(content: bytes) -> bytes:
        header, *body = csv.reader(io.StringIO(content.decode(), newline=""))
        at = header.index(name)
        if value is REMOVED:
            header, body = [*header[:at], *header[at + 1 :]], [[*row[:at], *row[at + 1 :]] for row in body]
        for row in () if value is REMOVED else body[-1:] if last else body:
            row[at] = value
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows([header, *body])
        return out.getvalue().encode()

    return change
