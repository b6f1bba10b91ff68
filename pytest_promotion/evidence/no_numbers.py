"""Where in a JSON text a number stands that is none: the decoder that refuses it does not say."""

from __future__ import annotations

import json
import math
from typing import Any, Final

_NONE: Final = object()


def place_of_no_number(text: str) -> str:
    """The field of the first NaN or infinity in *text*, such as `bots[0].metrics[1].value`; "" where there is none."""
    try:
        document = json.loads(text, parse_constant=lambda _: _NONE, parse_float=_finite, parse_int=_finite)
    except (ValueError, RecursionError):
        return ""
    found = _place(document, "")
    return found or ""


def _finite(text: str) -> Any:
    return 0 if math.isfinite(float(text)) else _NONE


def _place(value: Any, place: str) -> str | None:
    if value is _NONE:
        return place
    if isinstance(value, dict):
        items = ((f"{place}.{key}" if place else key, item) for key, item in value.items())
    elif isinstance(value, list):
        items = ((f"{place}[{number}]", item) for number, item in enumerate(value))
    else:
        return None
    return next((found for inner, item in items if (found := _place(item, inner)) is not None), None)
