"""Where in a repository the paths of a decision are: what a service shows beside a line must be a file of it."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import normpath
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that the paths of a decision begin at, below the repository's: "" for the repository itself."""

    gates: str = ""  # pytest's root directory, which node ids begin at
    root: str = ""  # the promotion root, which the policy's path begins at

    def of_check(self, check: dict[str, Any]) -> tuple[str, int]:
        """File and line of a gate; ("", 0) for one that nobody wrote or that is outside of the repository."""
        file = _below(self.gates, check["nodeid"].partition("::")[0])
        return (file, check.get("line") or 1) if file else ("", 0)

    def of_policy(self, decision: dict[str, Any]) -> tuple[str, int]:
        """File and line of the policy; ("", 0) where there is none in the repository."""
        file = _below(self.root, decision["policy"]["path"] or "")
        return (file, 1) if file else ("", 0)


HERE: Final = Places()


def _below(folder: str, path: str) -> str:
    if not path or path.startswith("/"):
        return ""
    place = normpath(f"{folder}/{path}" if folder else path)
    return "" if place.startswith(("../", "/")) or place in (".", "..") else place
