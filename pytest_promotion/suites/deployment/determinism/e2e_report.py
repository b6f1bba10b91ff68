"""The report of an end-to-end check, and the traces beside it that it rests on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion import atomic
from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.errors import PolicyError
from pytest_promotion.http_client import Peer
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.deployment.determinism.e2e import Exchange, Request, exchange, request_digest

_IMAGE: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Of which service, and with what. `image` is the digest that is said to run there, empty where nobody says.

    Raises:
        PolicyError: for an image that is no digest.
    """

    base_url: str
    request: Request
    environment: str
    image: str
    started: datetime

    def __post_init__(self) -> None:
        if self.image and not _IMAGE.fullmatch(self.image):
            raise PolicyError(f"the image {self.image!r} is no digest: sha256: and 64 hex digits")


def check(
    peer: Peer, asked: Asked, reports: Path, patience_s: float, interval_s: float, clock: Clock
) -> tuple[dict[str, Any], Path]:
    """
    Asks *peer* and writes traces, report and, last of all, `latest.json` to `<reports>/e2e_parity`.

    Until it has ended `latest.json` says that nothing is known, so that a check that is killed is none.

    Returns:
        the report and its path.

    Raises:
        OSError: where they cannot be written.
    """
    folder = reports / "e2e_parity"
    (folder / "traces").mkdir(parents=True, exist_ok=True)
    begun = Exchange(unknown=["it was begun and has not ended"])
    atomic.write(folder / "latest.json", _text(document(asked, begun, asked.started)))
    found = exchange(peer, asked.request, patience_s, interval_s)
    now = clock.now()
    for content in filter(None, (found.run, found.replay)):
        atomic.write(folder / _place(content), content)
    said = document(asked, found, now)
    path = ReportFolder(folder).place(f"e2e_parity_{stamp(now)}", {".json": _text(said)})
    atomic.write(folder / "latest.json", _text(said))
    return said, path


def document(asked: Asked, found: Exchange, now: datetime) -> dict[str, Any]:
    """The report as plain values. Its `image` is what the run says that it ran, else what was declared."""
    against = list(found.against)
    compared = found.comparison
    ran = compared.image if compared else None
    if ran and asked.image and ran.rpartition("@")[2] != asked.image:
        against.append(f"the run says that it ran the image {ran}, not {asked.image}")
    traces = {"run": found.run, "replay": found.replay}
    return {
        "schema_version": 1,
        "kind": "e2e_parity",
        "ts_utc": iso(now),
        "started_at": iso(asked.started),
        "finished_at": iso(now),
        "status": "fail" if against else found.judgement.status.value,
        "reasons": [*against, *found.unknown],
        "environment": asked.environment,
        "base_url": asked.base_url,
        "image": ran.rpartition("@")[2] if ran else asked.image or None,
        "image_told_by": "service" if ran else "caller" if asked.image else None,
        "request_sha256": request_digest(asked.request),
        "run_id": found.run_id,
        "original_root_hash": compared.original if compared else None,
        "replay_root_hash": compared.replay if compared else None,
        "steps_compared": compared.steps if compared else 0,
        "first_divergence": compared.divergence if compared else None,
        "traces": {name: _place(content) if content else None for name, content in traces.items()},
    }


def _place(content: bytes) -> str:
    return f"traces/{sha256(content).hexdigest()}.trace.json"


def _text(said: dict[str, Any]) -> bytes:
    return (json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
