"""
The hooks that feed the ledger.

`Collector` runs where gates are collected and run: in a plain session, and on each worker.
`Recorder` runs where the decision is taken: in a plain session, and on the controller.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promotion.assertions.current import counting
from pytest_promotion.assertions.tally import Tally
from pytest_promotion.decision.declared_gates import gate_id
from pytest_promotion.decision.ledger import Ledger, Phase
from pytest_promotion.decision.shards import Share
from pytest_promotion.decision.wire import Envelope, cleaned, pack, unpack
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.model import Gate, GateResult, Record, Severity
from pytest_promotion.plugin import fixtures, outgoing, tracebacks
from pytest_promotion.plugin.failure_reasons import of_failure, of_skip
from pytest_promotion.plugin.fixtures import FIXTURES, GATE, NOTEBOOK
from pytest_promotion.plugin.one_process import OneProcess
from pytest_promotion.policy import Policy
from pytest_promotion.prove.observers import Noting
from pytest_promotion.reporting import junit
from pytest_promotion.text import legible

if TYPE_CHECKING:
    from pytest_promotion.plugin.session_proving import SessionProver

ENVELOPE = "promotion_envelope"  # the attribute of a report that carries it from a worker
_MARKS = {severity.value: severity for severity in Severity}
_NOTHING = Envelope()
_EMPTY = Record()
_MARK_KEYS = {"owner", "fix", "requires", "timeout"}


@dataclass(slots=True)
class Collected:
    """What a process found when it collected: the same on every worker."""

    planned: list[Gate]
    deselected: list[Gate]
    refusal: str = ""  # why the session cannot go on: a gate without a severity, or with two


class Collector:
    """Finds the gates, watches them run, and puts what they saw on their reports."""

    def __init__(
        self, folders: list[str], policy: Policy, share: Share | None = None, *, remote: bool, timeouts: bool = True
    ) -> None:
        self._folders = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
        self._inside: dict[Any, bool] = {}
        self._policy = policy
        self._share = share
        self._remote = remote
        self._timeouts = timeouts
        self._envelopes: dict[tuple[str, str], Envelope] = {}
        self._sent: dict[str, Record] = {}  # of the gate that runs now
        self._running: pytest.Item | None = None
        self._passed = True  # so far, the gate that runs now
        self.prover: SessionProver | None = None  # where the policy asks for proofs
        self._excepthook = threading.excepthook
        self._process = OneProcess()
        self.collected = Collected([], [])
        self.stray: list[str] = []  # what went wrong in a thread when no gate ran

    # --- collection ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        gates: dict[str, Gate] = {}
        outgoing.rename([item for item in items if self._is_gate(item)])
        try:
            for item in items:
                if self._is_gate(item):
                    gate = self._read(item)
                    if gate.id in gates:
                        raise pytest.UsageError(
                            f"two gates are called {gate.id}: {gates[gate.id].nodeid} and {gate.nodeid}"
                        )
                    gates[gate.id] = gate
                    item.stash[GATE] = gate
                    self.collected.planned.append(gate)
        except pytest.UsageError as problem:
            self.collected.refusal = legible(problem)
            if not self._remote:
                raise outgoing.refusal(problem) from None
            items.clear()  # the controller refuses the session, with this sentence
        if self._share is not None:
            mine = self._share.takes(gates)
            self._leave_out(config, items, lambda name: name not in mine)
        if "required" in self._policy.overrides:
            # A roll-call that was given by hand is the whole session: what is not on it does not run.
            called = set(self._policy.rules.required_ids or ())
            self._leave_out(config, items, lambda name: not called & set(_names(name)))

    @staticmethod
    def _leave_out(config: pytest.Config, items: list[pytest.Item], out: Callable[[str], bool]) -> None:
        others = [item for item in items if GATE in item.stash and out(item.stash[GATE].id)]
        if others:
            gone = set(map(id, others))
            items[:] = [item for item in items if id(item) not in gone]
            config.hook.pytest_deselected(items=others)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        gone = {item.stash[GATE].nodeid for item in items if GATE in item.stash}
        if gone:
            self.collected.deselected += [gate for gate in self.collected.planned if gate.nodeid in gone]
            self.collected.planned = [gate for gate in self.collected.planned if gate.nodeid not in gone]

    def _is_gate(self, item: pytest.Item) -> bool:
        inside = self._inside.get(item.path)
        if inside is None:
            inside = self._inside[item.path] = os.path.realpath(item.path).startswith(self._folders)
        return inside

    def _read(self, item: pytest.Item) -> Gate:
        marks = [mark for mark in item.iter_markers() if mark.name in _MARKS]
        severities = {mark.name for mark in marks}
        # The same severity on the class and on the function is one severity said twice.
        if len(severities) != 1:
            found = "no severity" if not marks else f"{len(severities)} severities"
            raise pytest.UsageError(
                f"{item.nodeid} has {found}: mark it with exactly one of @pytest.mark.critical and @pytest.mark.warning"
            )
        said: dict[str, Any] = {}
        for mark in reversed(marks):  # the nearest mark has the last word
            unknown = sorted(set(mark.kwargs) - _MARK_KEYS)
            if unknown or mark.args:
                raise pytest.UsageError(
                    f"{item.nodeid}: @pytest.mark.{mark.name} does not take {', '.join(unknown) or mark.args!r}; "
                    "it takes owner=, fix=, requires= and timeout="
                )
            said |= mark.kwargs
        _refuse_replaced_fixtures(item)
        name = gate_id(item.nodeid)
        severity = self._severity(item, name, _MARKS[severities.pop()])
        gate = Gate(
            name,
            severity,
            item.nodeid,
            rule=_rule(item),
            owner=str(said.get("owner", "")),
            fix=str(said.get("fix", "")),
            requires=_requires(item, said.get("requires", ())),
            timeout=_timeout(item, said.get("timeout")),
            line=_line(item),
            defined=f"{item.location[0].replace(os.sep, '/')}:{(item.location[1] or 0) + 1}",
        )
        if gate.timeout is not None and self._timeouts:
            if not item.config.pluginmanager.hasplugin("timeout"):
                raise pytest.UsageError(f"{item.nodeid} has a timeout, and pytest-timeout is not there to keep it")
            item.add_marker(pytest.mark.timeout(gate.timeout))
        return gate

    def _severity(self, item: pytest.Item, name: str, marked: Severity) -> Severity:
        ruled = self._policy.gate(name).severity
        if ruled is None or ruled is marked:
            return marked
        # The mark follows the policy, so that `-m critical` selects what is critical.
        item.own_markers[:] = [mark for mark in item.own_markers if mark.name != marked.value]
        item.add_marker(ruled.value)
        return ruled

    # --- the run ---

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        self._process.end_others()
        if GATE not in item.stash:
            return (yield)
        book = item.stash[NOTEBOOK] = Notebook(Noting() if self.prover is not None else None)
        self._running, self._passed = item, True
        try:
            result = yield
            if self.prover is not None and self._passed and not item.session.shouldstop:
                self.prover.prove(item, book, nextitem)
            return result
        finally:
            self._running = None
            del item.stash[NOTEBOOK]  # what the gate saw is on its reports by now

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        if GATE not in item.stash:
            return (yield)
        tally = item.stash[NOTEBOOK].tally
        with counting(tally), warnings.catch_warnings():
            # `return False` where `assert False` was meant is a warning to pytest; a session may
            # have silenced it, and a gate may not pass on it.
            warnings.simplefilter("error", pytest.PytestReturnNotNoneWarning)
            # A number that does not fit its type wraps around, with a warning of numpy's.
            warnings.filterwarnings("error", "(overflow|invalid value) encountered", RuntimeWarning)
            _note_what_is_not_awaited(tally)
            try:
                return (yield)
            finally:
                self._process.end_others()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """The innermost wrapper: what other plugins make of an exception does not hide that it was raised."""
        try:
            return (yield)
        except BaseException as problem:
            if GATE in pyfuncitem.stash:
                sentence = of_failure(problem)[1] or type(problem).__name__
                pyfuncitem.stash[NOTEBOOK].tally.failure(legible(sentence))
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        # Before pytest lays the traceback out.
        refusal = tracebacks.refusal_of(item, call) if GATE in item.stash else None
        report = yield
        if GATE not in item.stash:
            return report
        self._passed = self._passed and report.passed
        kind, sentence = "", ""
        if report.failed and call.excinfo is not None:
            kind, sentence = of_failure(call.excinfo.value)
            if refusal is not None:
                refusal.show(report, sentence)
        outgoing.hide_secrets(report)
        book = item.stash[NOTEBOOK]
        setup = report.when == "setup"
        # What was seen by the end of the call is nearly always all: teardown sends what it adds.
        record = None if setup and report.passed else book.record()
        if record is not None and record == self._sent.get(item.nodeid, _EMPTY):
            record = None
        elif record is not None:
            self._sent = {item.nodeid: record}
        if self._remote and (setup or kind or record):
            gate = item.stash[GATE] if setup else None
            # By the environment of this process, which may hold secrets that the controller does not know.
            shown = None if record is None else cleaned(record)
            setattr(report, ENVELOPE, pack(Envelope(gate, shown, kind, legible(sentence))))
        elif kind or record:
            self._envelopes[item.nodeid, report.when] = Envelope(None, record, kind, legible(sentence))
        return report

    def take(self, report: pytest.TestReport) -> Envelope | None:
        """The envelope of a report of this process."""
        return self._envelopes.pop((report.nodeid, report.when), None)

    # --- threads ---

    def watch_threads(self) -> None:
        """From here on a thread that dies fails the gate that runs; pytest only warns about it."""
        self._excepthook = threading.excepthook
        threading.excepthook = self._thread_died

    def pytest_unconfigure(self) -> None:
        if threading.excepthook == self._thread_died:
            threading.excepthook = self._excepthook

    def _thread_died(self, args: Any) -> None:
        name = args.thread.name if args.thread else "a thread"
        sentence = legible(f"{name} died of {args.exc_type.__name__}: {args.exc_value}")
        if self._running is not None:
            self._running.stash[NOTEBOOK].refusals.append(sentence)
        else:
            self.stray.append(sentence)
        self._excepthook(args)


def _note_what_is_not_awaited(tally: Tally) -> None:
    """Lets *tally* know of coroutines that are thrown away; to be called in a block that restores the warnings."""
    show = warnings.showwarning
    warnings.filterwarnings("always", "coroutine .* was never awaited", RuntimeWarning)

    def note(message: Warning | str, *args: Any, **named: Any) -> None:
        if "was never awaited" in str(message):
            tally.doubt(legible(str(message)))
        show(message, *args, **named)

    warnings.showwarning = note


def _refuse_replaced_fixtures(item: pytest.Item) -> None:
    """What a gate measures with is this plugin's, or nothing that it measures is recorded."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for name in FIXTURES:
        for definition in known.get(name, ()):
            module = definition.func.__module__
            # A parameter of that name is a value that the gate is given, and is part of its id.
            if module != fixtures.__name__ and not module.startswith("_pytest."):
                raise pytest.UsageError(
                    f"{item.nodeid} asks for {name!r}, and {module} replaces that fixture of this plugin; rename it"
                )


class Recorder:
    """Writes down what is reported, by whichever process."""

    def __init__(self, ledger: Ledger, prefixes: tuple[str, ...], collector: Collector | None) -> None:
        self.ledger = ledger
        self._prefixes = prefixes
        self._collector = collector  # None on a controller: it collects nothing
        self.failures = 0  # reports of gates that pytest counts as failed tests
        self.tests: dict[str, str] = {}  # how pytest counts each gate, by node id
        self.accept: Callable[[GateResult], GateResult] = lambda result: result  # how waivers let a result look
        self._said: dict[tuple[Any, ...], Phase] = {}

    def is_gate(self, nodeid: str) -> bool:
        """Whether a node id lies below a gates path."""
        return nodeid.startswith(self._prefixes)

    def pytest_collection_finish(self) -> None:
        if self._collector is not None:
            for gate in self._collector.collected.planned:
                self.ledger.plan(gate)
            for gate in self._collector.collected.deselected:
                self.ledger.deselect(gate)

    def close(self) -> None:
        """Takes over what the collector of this process knows beside the gates."""
        if self._collector is not None:
            for sentence in (self._collector.collected.refusal, *self._collector.stray):
                if sentence:
                    self.ledger.problem(sentence)
            for nodeid, proof in (self._collector.prover.found if self._collector.prover else {}).items():
                self.ledger.prove(nodeid, proof)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed or report.skipped:
            outgoing.hide_secrets(report)
        if report.failed:
            self.ledger.problem(f"{report.nodeid} could not be collected: {_last_line(report.longrepr)}")
        elif report.skipped and self.is_gate(report.nodeid + "/"):
            self.ledger.problem(f"{report.nodeid} skipped itself while it was collected: {of_skip(report.longrepr)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self.is_gate(report.nodeid):
            return
        self.failures += report.failed and not hasattr(report, "wasxfail")
        if report.failed or (report.skipped and self.tests.get(report.nodeid) != "failed"):
            self.tests[report.nodeid] = report.outcome
        elif report.passed and report.when == "call":
            self.tests.setdefault(report.nodeid, report.outcome)
        text = report.__dict__.pop(ENVELOPE, None)  # pytest keeps the report until it ends
        if text is not None:
            envelope = unpack(text)
        else:
            envelope = (self._collector.take(report) if self._collector else None) or _NOTHING
        if envelope.gate is not None:
            self.ledger.plan(envelope.gate)
        sentence = envelope.sentence
        if not sentence:
            if report.outcome == "skipped":
                sentence = of_skip(report.longrepr)
            elif report.outcome == "failed":
                sentence = _last_line(report.longrepr)
        self.ledger.observe(
            report.nodeid,
            self._phase(report, envelope.kind, sentence),
            envelope.record,
            duration_s=report.duration,
        )
        if report.when == "teardown":
            self._put_on_junit(report)

    def _phase(self, report: pytest.TestReport, kind: str, sentence: str) -> Phase:
        said = (
            report.when or "",
            report.outcome,
            kind,
            sentence,
            hasattr(report, "wasxfail"),
            hasattr(report, "context"),
            getattr(report, "worker_id", ""),
        )
        # Ten thousand gates pass in the same few words; each of these is kept once.
        phase = self._said.get(said)
        if phase is None:
            phase = self._said[said] = Phase(*said)
        return phase

    def _put_on_junit(self, report: pytest.TestReport) -> None:
        told = junit.properties(self.accept(self.ledger.result(report.nodeid)))
        report.user_properties = [*report.user_properties, *told]

    @pytest.hookimpl(optionalhook=True)
    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        # The verdict is not known yet when pytest-json-report asks, and is never read from there.
        severities = {gate.nodeid: gate.severity.value for gate in self.ledger.planned}
        json_report["promotion"] = {"schema_version": 1, "severity": severities}

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.ledger.problem(f"pytest broke: {_last_line(excrepr)}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        said = str(excinfo.value)
        self.ledger.problem(f"the run was ended early: {legible(said or excinfo.typename)}")


def _line(item: pytest.Item) -> int:
    """The line of the gate in the file of its node id, from 1; 0 where it was imported from another file."""
    path, line, _ = item.location
    here = item.nodeid.partition("::")[0]
    return line + 1 if line is not None and path.replace(os.sep, "/") == here else 0


def _names(name: str) -> tuple[str, str]:
    return name, name.partition("[")[0]


def _last_line(report: object) -> str:
    lines = [line for line in str(report or "").splitlines() if line.strip()]
    return legible(lines[-1].removeprefix("E").strip()) if lines else "no reason was given"


def _rule(item: pytest.Item) -> str:
    text = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _requires(item: pytest.Item, value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise pytest.UsageError(f"{item.nodeid}: requires= takes a list of gate ids, found {value!r}")
    return tuple(names)


def _timeout(item: pytest.Item, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise pytest.UsageError(f"{item.nodeid}: timeout= takes a number of seconds above zero, found {value!r}")
    return float(value)
