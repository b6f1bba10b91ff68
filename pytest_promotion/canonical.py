"""
RFC 8785 bytes: the form of a JSON value in which equal values have equal digests.

What `json` writes with sorted keys is that form already, for most values: the others, such as 1e-7, a key that is not
ASCII, or what has no such form at all, are left to `rfc8785`, which is slower and knows all of it.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.gc_pause import Paused

_EXACT: Final = 2**53 - 1  # integers beyond it have no RFC 8785 form; whole floats up to it are written like integers
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)


class _Other(Exception):
    """A value that `json` writes in another way than RFC 8785."""


def canonical(value: Any) -> bytes:
    """
    The RFC 8785 form of *value*.

    Raises:
        Unproven: for what has no such form: NaN and infinities, integers beyond 2**53, lone surrogates, keys that
            are not strings, nesting beyond what Python can follow. It is an `rfc8785.CanonicalizationError` too.
    """
    try:
        with Paused():
            return _ENCODER.encode(_alike(value)).encode()
    except RecursionError:
        raise _no_form()("it is nested too deeply") from None
    except (_Other, UnicodeEncodeError):
        import rfc8785  # here, because an idle session never needs it

        try:
            return rfc8785.dumps(value)
        except rfc8785.CanonicalizationError as problem:
            raise _no_form()(str(problem)) from None
        except UnicodeEncodeError:  # which it raises for keys, where texts get its own error
            raise _no_form()("a key has half of a surrogate pair") from None


@functools.cache
def _no_form() -> type[Unproven]:
    import rfc8785

    class NoCanonicalForm(Unproven, rfc8785.CanonicalizationError):
        """A value that has no RFC 8785 form."""

    return NoCanonicalForm


def _alike(value: Any) -> Any:
    """
    *value* such that `json` writes its RFC 8785 form, whole floats as integers. Raises `_Other`.

    Exact types only: what a subclass writes of itself is for `rfc8785` to say. ASCII keys have one order, by code
    points as by UTF-16. Between 1e-4 and 1e16 Python and ECMAScript write the same shortest digits without an exponent.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool or (kind is int and -_EXACT <= value <= _EXACT):
        return value
    if kind is float and (1e-4 <= value < 1e16 or -1e16 < value <= -1e-4 or value == 0):
        if not value.is_integer():
            return value
        if -_EXACT <= value <= _EXACT:
            return int(value)
    if kind is list or kind is tuple:
        return [_alike(item) for item in value]
    if isinstance(value, dict) and all(type(key) is str and key.isascii() for key in value):
        return {key: _alike(item) for key, item in value.items()}
    raise _Other


def digest(value: Any) -> str:
    """SHA-256 of the RFC 8785 form of *value*, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
