"""What a research run says of one signal: the validation bundle, read strictly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import an_object, named, parse_json

_BARS: Final = re.compile(r"0|[1-9][0-9]{0,8}")
SCHEMA: Final = Path(__file__).with_name("bundle.schema.json")
_KINDS: Final[Mapping[str, type]] = {
    "horizons": list,
    "ic_summary_by_horizon": dict,
    "ic_decay_table": list,
    "meta": dict,
}
_TEXTS: Final = ("run_id", "dataset_id", "signal_name", "freq")


@dataclass(frozen=True, slots=True)
class ValidationBundle:
    """
    One signal of one run, at each horizon that was tried.

    `ic_summary_by_horizon` maps a horizon, in bars, to its figures as they stand in the file; whether they are numbers
    is for the gate to see. `paths` are the files that the bundle names. `sha256` is the digest of the bytes it was
    read from, empty for one that was made in memory.
    """

    run_id: str
    dataset_id: str
    signal_name: str
    freq: str
    horizons: tuple[int, ...]
    ic_summary_by_horizon: Mapping[int, Mapping[str, Any]]
    meta: Mapping[str, Any] = field(default_factory=dict)
    ic_decay_table: tuple[Mapping[str, Any], ...] = ()
    paths: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""

    @classmethod
    def read(cls, content: bytes, origin: str) -> ValidationBundle:
        """The bundle in *content*. Raises `Unproven` where it is no whole one."""
        whole = an_object(parse_json(content, origin), origin)
        problems = list(_problems(dict(whole)))
        if problems:
            raise Unproven(f"{origin}: {'; '.join(problems)} (promotion candidates bundle --schema)")
        return cls(
            **{name: whole[name] for name in _TEXTS},
            horizons=tuple(_horizon(value) for value in whole["horizons"]),
            ic_summary_by_horizon={_horizon(key): figures for key, figures in whole["ic_summary_by_horizon"].items()},
            meta=whole["meta"],
            ic_decay_table=tuple(whole["ic_decay_table"]),
            paths={name: value for name, value in whole.items() if "_path" in name and value is not None},
            sha256=sha256(content).hexdigest(),
        )


def _problems(whole: Mapping[str, Any]) -> Iterator[str]:
    """All that is missing or of another kind, at once."""
    for name in (*_TEXTS, *_KINDS):
        if name not in whole:
            yield f"{name} is missing"
    for name in _TEXTS:
        if name in whole and (not isinstance(whole[name], str) or not whole[name]):
            yield f"{name} is {named(whole[name])}, expected a text that is not empty"
    for name, kind in _KINDS.items():
        if name in whole and not isinstance(whole[name], kind):
            yield f"{name} is {named(whole[name])}, expected {'a list' if kind is list else 'an object'}"
    if isinstance(whole.get("horizons"), list):
        yield from _problems_of_horizons(whole["horizons"])
    if isinstance(whole.get("ic_summary_by_horizon"), dict):
        yield from _problems_of_figures(whole["ic_summary_by_horizon"])


def _problems_of_horizons(horizons: list[Any]) -> Iterator[str]:
    if not horizons or len(set(map(str, horizons))) != len(horizons):
        yield "there are no horizons, or one stands twice"
    yield from (problem for value in horizons if (problem := _no_horizon(value)))


def _problems_of_figures(summary: Mapping[str, Any]) -> Iterator[str]:
    for key, figures in summary.items():
        if problem := _no_horizon(key):
            yield problem
        if not isinstance(figures, dict):
            yield f"horizon {key} is {named(figures)}, expected an object"


def _no_horizon(value: Any) -> str:
    try:
        _horizon(value)
    except Unproven as problem:
        return str(problem)
    return ""


def _horizon(value: Any) -> int:
    """A horizon in bars, which stands as a number in a list, and as a text where it is a key."""
    if isinstance(value, str) and _BARS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Unproven(f"{value!r} is no horizon: expected a whole number of bars above 0")
    return value
