"""Which files a scan for secrets has to have read: those that people and services write texts to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_FOLDERS: Final = ("docs", "reports", "data")
_TEXTS: Final = (".md", ".txt", ".log", ".json", ".jsonl", ".csv", ".yaml", ".yml")
_OWN: Final = "reports/promotion_gates/"  # decisions and copies of evidence


def files_to_scan(root: Path) -> int:
    """How many text files are in the folders docs and reports, and in the logs of bots."""
    count = 0
    for folder in _FOLDERS:
        for path in (root / folder).rglob("*"):
            name = path.relative_to(root).as_posix()
            logged = folder != "data" or "/logs/" in name
            count += path.suffix in _TEXTS and logged and not name.startswith(_OWN) and path.is_file()
    return count
