"""What an artifact was made from: how a gate's evidence asks for it. The answers are those of `provenance.checking`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_promotion.errors import GateFailed, Unproven
    from pytest_promotion.model import Provenance

Read = Callable[[str], bytes | None]


class Statements(Protocol):
    """Judges the statements beside artifacts."""

    def finished(self, path: str, digest: str, read: Read, now: datetime, skew: timedelta) -> datetime | None:
        """When the artifact was made, by its statement; None where it has no statement that fits its bytes."""
        ...

    def examine(
        self, path: str, digest: str, read: Read, asked: Sequence[str], now: datetime, skew: timedelta
    ) -> tuple[Provenance | None, GateFailed | Unproven | None]:
        """What was looked at, and the refusal where the artifact is not about the inputs *asked*."""
        ...
