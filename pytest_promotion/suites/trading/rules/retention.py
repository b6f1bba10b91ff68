"""Nothing that a gate judges may be removed: of each folder that rules clear, the newest report is protected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pytest_promotion.suites.trading.documents.retention import Retention


def wrong_in_retention(path: str, retention: Retention, exists: Callable[[str], bool]) -> Iterator[str]:
    """The sentences for reports that are there, that a rule could remove and that are not protected; and for twins."""
    if not retention.rules:
        yield f"{path}: rules is empty"
    for rule in retention.rules:
        newest = f"{rule.glob.partition('*')[0].rstrip('/')}/latest.json"
        if exists(newest) and newest not in retention.protect_latest:
            yield f"{path}: the rule {rule.name} clears {rule.glob}, and protect_latest does not have {newest}"
    globs = [rule.glob for rule in retention.rules]
    for glob in sorted({glob for glob in globs if globs.count(glob) > 1}):
        yield f"{path}: two rules are of {glob}"
