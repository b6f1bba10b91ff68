import json
from pathlib import Path

import pytest


@pytest.fixture
def report():
    return json.loads(Path("evidence/report.json").read_text())


@pytest.fixture
def rows(report):
    assert report["rows"], "the report has no rows"
    return report["rows"]


@pytest.fixture
def anyio_backend():
    return "asyncio"
