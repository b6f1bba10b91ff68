"""What is wrong with a compose file, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_promotion.errors import PromotionError

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that is wrong. Its message names keys and never quotes a value, which may be a secret.

    `check` is the part of this room that found it, `path` the place in the document, as
    `services.web.ports.0`, and `where` the place in a file, as `compose.yaml line 7`.
    """

    check: str
    path: str
    where: str
    message: str
    level: Level = "error"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


class Refused(PromotionError):
    """A file that is there and is no compose file: nothing else can be said of it than the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


def errors(findings: list[Finding]) -> list[Finding]:
    """Those that make the file unusable."""
    return [one for one in findings if one.level == "error"]


def dotted(path: tuple[str, ...]) -> str:
    """A path as findings show it."""
    return ".".join(path)
