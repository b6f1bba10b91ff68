"""What judges the statements of a session, imported where an artifact has one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence.artifacts import STATEMENT
from pytest_promotion.evidence.statements import Read
from pytest_promotion.model import GateResult, Provenance
from pytest_promotion.plugin.settings import Settings

if TYPE_CHECKING:
    from pytest_promotion.provenance.checking import Checker


class LazyChecker:
    """The `Checker` of a session, made when the first artifact has a statement or needs one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._checker: Checker | None = None

    def finished(self, path: str, digest: str, read: Read, now: datetime, skew: timedelta) -> datetime | None:
        """As of `Checker`."""
        if read(f"{path}{STATEMENT}") is None:
            return None
        return self._made().finished(path, digest, read, now, skew)

    def examine(
        self, path: str, digest: str, read: Read, asked: Sequence[str], now: datetime, skew: timedelta
    ) -> tuple[Provenance | None, GateFailed | Unproven | None]:
        """As of `Checker`."""
        try:
            checker = self._made()
        except Unproven as problem:  # the file of signers
            return None, problem
        return checker.examine(path, digest, read, asked, now, skew)

    def _made(self) -> Checker:
        if self._checker is None:
            from pytest_promotion.provenance.checking import Checker

            self._checker = Checker(self._settings.root, _verify(self._settings), _recorded(self._settings))
        return self._checker


def _verify(settings: Settings) -> Callable[[bytes, str], bytes] | None:
    if settings.policy.rules.provenance != "signed" or settings.policy.signers is None:
        return None
    from pytest_promotion.trust.producer_signatures import verifier

    source = settings.policy.signers
    return verifier(source.content, source.path, settings.clock.now())


def _recorded(settings: Settings) -> dict[str, str] | None:
    if not settings.clock.as_of:
        return None  # a decision to act on looks at the inputs themselves
    from pytest_promotion.trust.rerun import RECORDED_INPUTS

    name = os.environ.get(RECORDED_INPUTS)
    if not name:
        return None
    found: dict[str, str] = json.loads(Path(name).read_bytes())
    return found


def changed(results: Iterable[GateResult], settings: Settings) -> Iterator[str]:
    """A sentence for each input that changed since a gate compared it."""
    compared = [result for result in results if result.record.provenance]
    if not compared or _recorded(settings) is not None:
        return
    from pytest_promotion.provenance.checking import changed_inputs

    signed = settings.policy.rules.provenance == "signed"
    yield from changed_inputs(compared, settings.root, cached=not signed)
