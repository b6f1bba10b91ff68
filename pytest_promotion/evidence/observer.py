"""A lens between a gate and its evidence: how proving sees what a gate looks at, and shows it something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pytest_promotion.clock import Clock
    from pytest_promotion.evidence.reading import Reading


class Lens(Protocol):
    """What stands between one gate and the evidence it asks for, for one run. Ordinary sessions have none."""

    def reading(self, path: str, reading: Reading) -> Reading:
        """What the gate gets for the file that was read. Raises `FileNotFoundError` where it shall find none."""
        ...

    def asked(self, path: str, how: str) -> None:
        """The gate asked for its `text`, `bytes`, `document`, `rows`, `events` or `facts`, or whether it `exists`."""
        ...

    def document(self, path: str, value: Any) -> Any:
        """The parsed document that the gate gets."""
        ...

    def row(self, path: str, number: int, row: Any) -> Any:
        """Row *number*, from 0, that the gate gets."""
        ...

    def words(self, argv: Sequence[str], timeout: float) -> tuple[Sequence[str], float]:
        """The program that is run where the gate asks for *argv*, and how long it may take."""
        ...

    def answer(self, argv: Sequence[str]) -> tuple[int, bytes] | None:
        """The exit code and the output of that program where they are known, so that it is not run; else None."""
        ...

    def ended(self, argv: Sequence[str], exit_code: int, output: bytes) -> int:
        """The exit code that the gate gets of the program that ended so."""
        ...

    def clock(self, clock: Clock) -> Clock:
        """The clock that the gate is judged by."""
        ...
