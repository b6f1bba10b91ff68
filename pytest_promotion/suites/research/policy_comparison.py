"""Which of two policies asks for more: threshold by threshold, by the direction of its name."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pytest_promotion.suites.research.numbers import number

_NEUTRAL: Final = frozenset(
    {"luck.seed", "version", "approval.signers"}
)  # no value of theirs asks for less than another
_MORE_IS_LESS: Final = frozenset({"unseen.start_within_days"})  # a longer time asks for less, as `_max` does


def weakened(found: msgspec.Struct, baseline: msgspec.Struct, within: str = "") -> dict[str, str]:
    """What *found* asks less of than *baseline*: `less than that` by the name of the threshold."""
    less: dict[str, str] = {}
    for known in msgspec.structs.fields(type(baseline)):
        name = f"{within}{known.name}"
        new, old = getattr(found, known.name), getattr(baseline, known.name)
        if isinstance(old, msgspec.Struct):
            less |= weakened(new, old, f"{name}.")
        elif name not in _NEUTRAL and _asks_less(name, new, old):
            less[name] = f"{_shown(new)} instead of {_shown(old)}"
    return less


def _asks_less(name: str, new: Any, old: Any) -> bool:
    if isinstance(old, bool):
        return old and not new
    if new == old:
        return False
    if old is None:
        return False  # nothing was asked for
    if new is None or number(new) is None or number(old) is None:
        return True  # no longer asked for, or, as with a file of signers, another one
    looser_above = name.endswith(("_max", "max_rc_p_value")) or name in _MORE_IS_LESS
    return bool(new > old if looser_above else new < old)


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def stricter(one: msgspec.Struct, other: msgspec.Struct, within: str = "") -> dict[str, Any]:
    """Of each threshold, as plain values, the one of the two that asks for more; what only differs is *one*'s."""
    found: dict[str, Any] = {}
    for known in msgspec.structs.fields(type(one)):
        mine, theirs, name = getattr(one, known.name), getattr(other, known.name), f"{within}{known.name}"
        if isinstance(mine, msgspec.Struct):
            found[known.name] = stricter(mine, theirs, f"{name}.")
        else:
            tighter = mine is None or (name not in _NEUTRAL and theirs is not None and _asks_less(name, mine, theirs))
            found[known.name] = theirs if tighter else mine
    return found
