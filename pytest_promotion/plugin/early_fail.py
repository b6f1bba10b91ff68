"""
The provisional FAIL of a session that has not started yet.

Between the first code of this plugin and the start of the session lie the import of every conftest and the
parsing of the options. A process that ends there would leave the decision of an earlier session as the latest one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

from pytest_promotion.clock import iso
from pytest_promotion.plugin import early_options, settings
from pytest_promotion.reporting import json as as_json
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.text import learn_secrets


def begin(config: pytest.Config) -> None:
    """Writes the provisional FAIL, unless the options request something else than a decision."""
    known = early_options.known(config)
    opening = settings.opening(known)
    if opening.as_of or opening.share or settings.proves(known):
        return
    early = EarlyFail(config, opening)
    try:
        early.write()
    except (OSError, TimeoutError):
        return  # the start of the session tries it again, and refuses to go on
    config.add_cleanup(early.ended)
    config.pluginmanager.register(early, early_options.NAME)


def of(config: pytest.Config) -> EarlyFail | None:
    """What `begin` has written for this session, if anything."""
    found: EarlyFail | None = config.pluginmanager.get_plugin(early_options.NAME)
    return found


class EarlyFail:
    """Belongs to the configuration until the session takes it over or shows that it decides nothing."""

    def __init__(self, config: pytest.Config, opening: settings.Opening) -> None:
        self._config = config
        self._pending = True
        self.opening = opening
        self.folder = ReportFolder(opening.folder)

    def write(self, reason: str | None = None) -> None:
        """Makes `latest.json` say FAIL. Raises `OSError`."""
        start = self.opening
        document = as_json.provisional(
            start.run_id, iso(start.started), start.profile or "default", reason, start.stage
        )
        self.folder.begin(document)

    def take_over(self) -> tuple[settings.Opening, ReportFolder]:
        """The session decides: from here on it owns `latest.json`."""
        self._pending = False
        return self.opening, self.folder

    def withdraw(self) -> None:
        """The session decides nothing: `latest.json` becomes what it was."""
        if self._pending:
            self._pending = False
            self.folder.withdraw()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        code = yield
        if self._pending and code:
            self._fail(f"pytest ended with exit code {int(code)} before its session began")
        elif not code:
            self.withdraw()  # something was printed, and no session was started
        return code

    def ended(self) -> None:
        """The configuration is torn down; an exception that is on its way is why."""
        problem = sys.exception()
        if problem is not None:
            self._fail(f"pytest ended before its session began: {self._sentence(problem)}")

    def _fail(self, reason: str) -> None:
        if self._pending:
            self._pending = False
            learn_secrets()
            self.write(reason)

    def _sentence(self, problem: BaseException) -> str:
        cause, path = getattr(problem, "cause", None), getattr(problem, "path", None)
        if isinstance(cause, BaseException) and path is not None:  # of a conftest that cannot be imported
            place = os.path.relpath(path, self._config.invocation_params.dir)
            return f"{place} cannot be imported: {type(cause).__name__}: {cause}"
        text = str(problem)
        if not isinstance(problem, pytest.UsageError):
            return f"{type(problem).__name__}: {text}" if text else type(problem).__name__
        # An unknown option: the usage comes before the error, and the root directory after it.
        _, error, rest = text.partition("error: ")
        return rest.partition("\n")[0] if error else text
