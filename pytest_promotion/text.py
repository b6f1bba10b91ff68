"""Text that may leave the process: what every reporter, transport and terminal can carry."""

from __future__ import annotations

import math
from typing import Any


def safe(value: object) -> Any:
    """*value* as a property that every reporter and the transport can carry: a plain scalar or a text."""
    if value is None or type(value) in (bool, int):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    return legible(str(value))


def legible(text: object) -> str:
    """*text* without what cannot be written as UTF-8 or would steer a terminal."""
    plain = str(text)
    if type(plain) is str and plain.isprintable():  # nearly always, and ten times as fast
        return plain
    clean = plain.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in clean)
