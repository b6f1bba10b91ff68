"""What a research run says of one signal: the validation bundle, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import a_list, an_object, named, parse_json

_BARS: Final = re.compile(r"0|[1-9][0-9]{0,8}")
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
        texts = {name: whole[name] for name in _TEXTS}
        for name, value in texts.items():
            if not isinstance(value, str) or not value:
                raise Unproven(f"{origin}: {name} is {named(value)}, expected a text that is not empty")
        horizons = a_list(whole["horizons"], f"{origin}: horizons")
        if not horizons or len(set(map(str, horizons))) != len(horizons):
            raise Unproven(f"{origin}: there are no horizons, or one stands twice")
        summary = {}
        for key, figures in an_object(whole["ic_summary_by_horizon"], f"{origin}: ic_summary_by_horizon").items():
            summary[_horizon(key, origin)] = an_object(figures, f"{origin}: horizon {key}")
        return cls(
            **texts,
            horizons=tuple(_horizon(value, origin) for value in horizons),
            ic_summary_by_horizon=summary,
            meta=an_object(whole["meta"], f"{origin}: meta"),
            ic_decay_table=tuple(a_list(whole["ic_decay_table"], f"{origin}: ic_decay_table")),
            paths={name: value for name, value in whole.items() if "_path" in name and value is not None},
            sha256=sha256(content).hexdigest(),
        )


def _horizon(value: Any, origin: str) -> int:
    """A horizon in bars, which stands as a number in a list, and as a text where it is a key."""
    if isinstance(value, str) and _BARS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Unproven(f"{origin}: {value!r} is no horizon: expected a whole number of bars above 0")
    return value
