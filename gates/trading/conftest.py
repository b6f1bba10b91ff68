"""What several trading gates share: judging a report by its own word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_promotion import Artifact


@pytest.fixture
def stored_report(artifact: Any, freshness: Any, measure: Any, reason: Any) -> Callable[[str], Artifact]:
    """`stored_report(path)`: a producer's report, which must be fresh and say `status: pass`."""

    def judge(path: str) -> Artifact:
        report = artifact(path)
        freshness(report)
        measure.equals(f"{path} status", report["status"], "pass")
        reason(f"{path} says pass")
        return report

    return judge
