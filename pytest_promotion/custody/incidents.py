"""
Open incidents of deployments, as a monitor keeps them in `<reports>/monitor/incidents.json`.

The file is one JSON object: `open` has an object for each open incident, with `rule`, `deployment` (`STAGE`, or
`PROJECT in STAGE`) and `first_utc`. Other keys are ignored. Any monitor may write it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.typed import converted

PLACE: Final = Path("monitor") / "incidents.json"  # below the folder of reports


class _Open(msgspec.Struct, frozen=True):
    rule: str
    deployment: str
    first_utc: str


class _Incidents(msgspec.Struct, frozen=True):
    schema_version: Literal[1]
    open: dict[str, _Open]


def open_incidents(reports: Path, stage: str, now: datetime) -> list[str]:
    """
    A sentence for each incident of *stage* that began before *now* and is open; none where no monitor writes.

    Raises:
        Unproven: where the file cannot be read: whether the deployment is healthy is then not known.
    """
    try:
        content = read_file(reports / PLACE)
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise Unproven(f"{PLACE} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    found = converted(parse_json(content, str(PLACE)), _Incidents, f"{PLACE} is no list of incidents")
    try:
        return sorted(
            f"{one.rule} in {stage} since {one.first_utc[:19]}Z"
            for one in found.open.values()
            if one.deployment == stage or one.deployment.endswith(f" in {stage}")
            if parse_moment(one.first_utc) <= now
        )
    except BadTimestamp as problem:
        raise Unproven(f"{PLACE}: {problem}") from None
