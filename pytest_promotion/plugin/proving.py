"""
`pytest gates --promotion-prove`: each gate runs once honestly, and then once for each sabotage.

Everything happens in memory: no evidence is touched, no decision is written, no producer is run. The
sabotages of a gate follow from what its honest run looked at, so that gates need no change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_promotion.clock import stamp
from pytest_promotion.decision import success
from pytest_promotion.decision.declared_gates import Written
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.model import Requested
from pytest_promotion.plugin import attempts, outgoing
from pytest_promotion.plugin.attempts import Honest
from pytest_promotion.plugin.fixtures import GATE, NOTEBOOK
from pytest_promotion.plugin.selection import Selection
from pytest_promotion.policy import Policy
from pytest_promotion.prove.observers import Watching
from pytest_promotion.prove.proof import Attempt, Proof, Table
from pytest_promotion.reporting import proof_report as as_table
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.text import clean

ATTRIBUTE = "promotion_proof"  # of a report: what was found, as the transport from a worker carries it


class Prover:
    """Runs where gates run: in a plain session, and on each worker."""

    def __init__(self, policy: Policy, written: Iterable[Written]) -> None:
        self._policy = policy
        self._written = {f"{gate.file}::{gate.name}": gate for gate in written}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if GATE not in item.stash:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        watching = Watching()
        book = item.stash[NOTEBOOK] = Notebook(watching)
        parent: Any = item.parent
        reports = runtestprotocol(item, log=False, nextitem=parent)
        honest = Honest(watching, book.record(), _dishonest(reports) or self._objection(item, book))
        proof = attempts.prove(item, honest, place_of(item), self._policy, datetime.now(UTC))
        setattr(reports[-1], ATTRIBUTE, json.dumps(asdict(proof)))
        item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 - what pytest's own protocol does last
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _objection(self, item: pytest.Item, book: Notebook) -> str:
        """Why a gate that passes would not pass in a session that decides."""
        written = self._written.get(item.nodeid.partition("[")[0])
        found = success.objection(book.record(), written, evidence_required=False)
        return attempts.body_not_entered(item, book, self._written.get) or (attempts.shown(found[1]) if found else "")


def place_of(item: pytest.Item) -> str:
    """The file and the line of a gate."""
    path, line, _ = item.reportinfo()
    return f"{os.path.relpath(path, item.config.rootpath)}:{(line or 0) + 1}"


def _dishonest(reports: list[pytest.TestReport]) -> str:
    """Why the undisturbed run of a gate did not pass; "" where it did."""
    for report in reports:
        if not report.passed:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
            return attempts.shown((text.strip().splitlines() or ["it did not pass"])[-1])
    return ""


class ProvingSession:
    """Collects the proofs where a session is led, and owns its exit code."""

    def __init__(
        self,
        config: pytest.Config,
        policy: Policy,
        selection: Selection,
        folder: ReportFolder,
        not_applicable: Collection[str],
    ) -> None:
        self._config = config
        self._policy = policy
        required = policy.rules.required_ids
        self._required = None if required is None else [name for name in required if name not in not_applicable]
        self._not_applicable = frozenset(not_applicable)
        self._selection = selection
        self._folder = folder
        self._proofs: dict[str, Proof] = {}
        self._problems: list[str] = []
        self._deselected = False
        self._document: dict[str, Any] = {}
        self._path = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        packed = getattr(report, ATTRIBUTE, None)
        if packed:
            found = json.loads(packed)
            found["attempts"] = tuple(Attempt(**one) for one in found["attempts"])
            self._proofs[report.nodeid] = Proof(**found)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        # A gate that the profile does not have, or that does not apply, is not missed.
        for item in items:
            if GATE in item.stash:
                names = {item.stash[GATE].id, item.stash[GATE].id.partition("[")[0]}
                missed = not names & self._not_applicable if self._required is None else names & set(self._required)
                self._deselected = self._deselected or bool(missed)

    def problem(self, sentence: str) -> None:
        """Something went wrong that belongs to no gate."""
        self._problems.append(sentence)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        tried = {proof.gate for proof in self._proofs.values()}
        heard = tried | {name.partition("[")[0] for name in tried}
        whole = not (self._deselected or self._selection.requested in (Requested.PLACES, Requested.PARTS))
        table = Table(
            proofs=tuple(sorted(self._proofs.values(), key=lambda proof: proof.gate)),
            floor=self._policy.prove.min_kill_rate,
            missing=tuple(name for name in self._required or () if name not in heard) if whole else (),
            problems=tuple(self._problems),
        )
        self._document = clean(table.document())
        contents = {
            ".json": json.dumps(self._document, indent=2).encode() + b"\n",
            ".md": as_table.markdown(self._document).encode(),
            ".html": as_table.html(self._document).encode(),
        }
        try:
            place = self._folder.place(f"prove_{stamp(datetime.now(UTC))}", contents)
        except OSError as problem:
            self._document["problems"].append(f"the proof cannot be written: {(problem.strerror or 'failed').lower()}")
            self._document["proven"] = False
        else:
            self._path = os.path.relpath(place, self._config.invocation_params.dir)
        if not self._document["proven"] and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._document:
            terminalreporter.section("proof")
            outgoing.show(terminalreporter, as_table.terminal(self._document))
            outgoing.show(terminalreporter, [as_table.verdict(self._document, self._path)])
