"""The demo company, built once; tests that break it get a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fixtures.company_build import build
from fixtures.events import day_of
from fixtures.files import read_json
from fixtures.variants import VARIANTS


@pytest.fixture(scope="session")
def now() -> datetime:
    """Return the moment at which the demo stands: an ordinary afternoon."""
    return datetime(2026, 5, 20, 14, 30, 11, 250_000, tzinfo=UTC)


@pytest.fixture(scope="session")
def day(now: datetime) -> str:
    """Return the day that names the event file."""
    return day_of(now)


@pytest.fixture(scope="session")
def lane(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Path:
    """Build the healthy company once for all tests that only read it."""
    return build(tmp_path_factory.mktemp("demo") / "lane", now)


@pytest.fixture(scope="session")
def read(lane: Path) -> Callable[[str], dict[str, Any]]:
    """Read one report of the healthy company, strictly, by its path below reports/."""
    return lambda path: read_json(lane / "reports" / path)


@pytest.fixture
def broken(lane: Path, tmp_path: Path, now: datetime) -> Callable[[str], Path]:
    """Break a copy of the healthy company, which is what `build` does, without building it."""

    def copy_and_break(variant: str) -> Path:
        root = Path(shutil.copytree(lane, tmp_path / "lane"))
        VARIANTS[variant](root, now)
        return root

    return copy_and_break
