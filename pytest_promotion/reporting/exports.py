"""
The other forms of a decision that a session was asked for, and what GitHub Actions is told.

They are written before the decision is, so that one that cannot be is a reason against it, and written
again where the decision changes: none of them may say PASS of a run that failed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_promotion import atomic
from pytest_promotion.reporting import github
from pytest_promotion.reporting.ctrf import ctrf
from pytest_promotion.reporting.junit import junit
from pytest_promotion.reporting.locations import Places
from pytest_promotion.reporting.sarif import sarif

SUMMARY: Final = "GITHUB_STEP_SUMMARY"

Document = dict[str, Any]


class OthersReport(Protocol):
    """What another plugin has written about the tests of this session."""

    name: str

    def correct(self, decision: Document) -> None:
        """Gives its gates the outcomes of *decision*. Raises `OSError` and `ValueError`."""


class Forms:
    """The files that a session was asked for beside its decision, and its words to GitHub Actions."""

    def __init__(
        self,
        sarif_at: Path | None,
        ctrf_at: Path | None,
        junit_at: Path | None,
        tell_github: str,
        places: Places,
        environment: Mapping[str, str],
        others: Sequence[OthersReport] = (),
    ) -> None:
        """*tell_github* is "on", "off", or "auto": where *environment* is that of GitHub Actions."""
        self._places = places
        self._others = others
        self._files: dict[str, tuple[Path, Callable[[Document], bytes]]] = {}
        if sarif_at is not None:
            self._files["SARIF"] = sarif_at, lambda document: _encoded(sarif(document, places))
        if ctrf_at is not None:
            self._files["CTRF"] = ctrf_at, lambda document: _encoded(ctrf(document))
        if junit_at is not None:
            self._files["JUnit"] = junit_at, lambda document: junit(document, places)
        page = environment.get(SUMMARY, "")
        self._page = Path(page) if page and tell_github != "off" else None
        self._page_wanted = tell_github == "on"
        self._page_began: int | None = None  # bytes that others wrote to it before
        here = environment.get("GITHUB_ACTIONS") == "true"
        self._annotates = tell_github == "on" or (tell_github == "auto" and here)
        self.notes: list[str] = []  # what nobody asked for and could not be written

    def withdraw(self) -> None:
        """Removes the files of an earlier session: if this one is killed, they would speak for it."""
        for path, _ in self._files.values():
            with contextlib.suppress(OSError):
                path.unlink()

    def write(self, document: Document) -> list[str]:
        """Writes all of them. Returns a sentence for each that was asked for and could not be."""
        problems = []
        for name, (path, render) in self._files.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(path, render(document))
            except OSError as problem:
                with contextlib.suppress(OSError):
                    path.unlink()
                problems.append(f"the {name} report was asked for and could not be written: {_said(problem)}")
        for report in self._others:
            try:
                report.correct(document)
            except (OSError, ValueError) as problem:
                why = _said(problem) if isinstance(problem, OSError) else str(problem)
                problems.append(f"the {report.name} could not be corrected: {why}")
        unsaid = self._summarise(document)
        if unsaid and self._page_wanted:
            problems.append(unsaid)
        else:
            self.notes = [unsaid] if unsaid else []
        return problems

    def annotations(self, document: Document) -> Iterator[str]:
        """The workflow commands for GitHub's log, a line each."""
        if self._annotates:
            yield from github.commands(document, self._places)

    def _summarise(self, document: Document) -> str:
        """Writes the summary of the step, below what other programs wrote there; a sentence where it cannot."""
        if self._page is None:
            return f"the step summary was asked for, and {SUMMARY} is not set" if self._page_wanted else ""
        try:
            with self._page.open("ab") as file:
                if self._page_began is None:
                    self._page_began = file.seek(0, os.SEEK_END)
                file.truncate(self._page_began)  # what this session said before the decision changed
                text = github.summary(document, github.SUMMARY_BYTES - self._page_began)
                if not text:
                    return "the step summary could not be written: other programs have used its 1 MiB"
                file.write(text.encode())
        except OSError as problem:
            return f"the step summary could not be written: {_said(problem)}"
        return ""


def places_of(gates: Path, root: Path) -> Places:
    """Where pytest's root directory *gates* and the promotion root lie in the repository that holds the gates."""
    repository = next((place for place in (gates, *gates.parents) if (place / ".git").exists()), gates)
    return Places(*(Path(os.path.relpath(place, repository)).as_posix() for place in (gates, root)))


def _encoded(report: Document) -> bytes:
    return json.dumps(report, ensure_ascii=False, allow_nan=False).encode()


def _said(problem: OSError) -> str:
    return (problem.strerror or "failed").lower()
