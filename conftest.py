"""
The demo's wiring and nothing else.

`pytest gates` in this repository asks the gates of a small fictional trading company. Its
services write their evidence once, before the gates read it; `--demo VARIANT` breaks it in
one way. Under any other promotion root nothing here happens.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

DEMO = "reports/demo"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--demo`."""
    parser.getgroup("demo").addoption(
        "--demo",
        metavar="VARIANT",
        default="healthy",
        help="How the demo company is built: healthy, or broken as `python -m fixtures --list` says.",
    )


def _asks_for_the_demo(config: pytest.Config) -> bool:
    root = config.getoption("promotion_root") or config.getini("promotion_root")
    gates = os.path.realpath(config.rootpath / "gates")
    asked = [os.path.realpath(config.invocation_params.dir / argument.partition("::")[0]) for argument in config.args]
    return (
        not hasattr(config, "workerinput")
        and not config.option.collectonly
        and (config.rootpath / str(root)) == config.rootpath / DEMO
        and any(os.path.commonpath([path, gates]) in (gates, path) for path in asked)
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, Any, Any]:
    """Builds the company before the plugin looks at its folder; holds it until the session ends."""
    config = session.config
    if not _asks_for_the_demo(config):
        return (yield)
    from filelock import FileLock

    from fixtures.company_build import build
    from fixtures.variants import VARIANTS

    variant = config.getoption("demo")
    if variant not in VARIANTS:
        raise pytest.UsageError(f"--demo {variant}: known are {', '.join(VARIANTS)}")
    root = Path(config.rootpath / DEMO)
    root.parent.mkdir(parents=True, exist_ok=True)
    # Two sessions at once would rewrite each other's evidence; the second waits for the first.
    lock = FileLock(f"{root}.lock", timeout=120)
    lock.acquire()
    config.add_cleanup(lock.release)
    build(root, datetime.now(UTC), variant)
    return (yield)
