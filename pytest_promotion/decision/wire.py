"""
The envelope in which a worker tells the controller what a gate saw: one JSON string.

A string, because the transport drops a whole report whose attributes it cannot serialise,
and a lost report is a lost failure. Both functions are total: `pack` always gives an
envelope, and `unpack` gives one that says so when it cannot read what came.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from pytest_promotion.model import Gate, Record
from pytest_promotion.text import legible, measured, safe, words


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels with one phase of one gate."""

    gate: Gate | None = None
    record: Record | None = None
    kind: str = ""  # of a failure: "fail", "inconclusive" or "error"
    sentence: str = ""


def cleaned(record: Record) -> Record:
    """*record* with its texts as they may leave the process; its paths stay, by which its files are found."""
    return replace(
        record,
        measurements=tuple(
            replace(one, value=measured(one.name, one.value), threshold=measured(one.name, one.threshold))
            for one in record.measurements
        ),
        commands=tuple(replace(one, argv=tuple(words(one.argv))) for one in record.commands),
        provenance=tuple(replace(one, command=tuple(words(one.command))) for one in record.provenance),
        notes=tuple(map(legible, record.notes)),
        refusals=tuple(map(legible, record.refusals)),
        reason=legible(record.reason),
        settings=tuple(map(legible, record.settings)),
    )


def pack(envelope: Any) -> str:
    """Any dataclass of this project as a JSON string, plain ASCII."""
    import msgspec

    try:
        text = msgspec.json.encode(envelope).decode()
        return text if text.isascii() else json.dumps(json.loads(text))
    except Exception:  # noqa: BLE001 - whatever a gate put in there, its outcome must still arrive
        return json.dumps(_carriable(asdict(envelope)))


def _carriable(value: Any) -> Any:
    if isinstance(value, dict):
        return {legible(key): _carriable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_carriable(item) for item in value]
    return safe(value)


def unpack(text: object) -> Envelope:
    """The envelope in *text*; one that calls itself unreadable where there is none."""
    import msgspec

    try:
        return msgspec.json.decode(str(text).encode("utf-8", "backslashreplace"), type=Envelope, strict=False)
    except Exception as problem:  # noqa: BLE001 - see above: an unreadable envelope is an error of the gate
        return Envelope(kind="error", sentence=f"its envelope could not be read: {problem}")
