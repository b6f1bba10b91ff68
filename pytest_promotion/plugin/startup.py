"""
Who is registered in a session, and in which process: the controller, a worker, or a proof.

Imported where there is a gates path. What is behind it is imported only where the session touches gates.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promotion.plugin.early_options import NAME as EARLY_FAIL
from pytest_promotion.plugin.selection import LOOKING, Selection, gate_folders

if TYPE_CHECKING:
    from pytest_promotion.plugin.session import GateSession
    from pytest_promotion.plugin.settings import Opening
    from pytest_promotion.reporting.publishing import ReportFolder


def start(config: pytest.Config) -> GateSession | None:
    """Prepares the session; gives what decides in it, or None where nothing is decided in this process."""
    try:
        if hasattr(config, "workerinput"):
            _start_worker(config)
            return None
        gates = _start_controller(config)
    except pytest.UsageError as problem:
        from pytest_promotion.plugin import outgoing

        raise outgoing.refusal(problem) from None
    early = config.pluginmanager.get_plugin(EARLY_FAIL)
    if early is not None:
        early.withdraw()  # of a session that does not decide, now that all options are known
    return gates


def _only_looks(config: pytest.Config) -> bool:
    """Whether the session runs nothing; `promotion list-gates` still needs its gates to be read."""
    if not any(config.getoption(name, default=False) for name in LOOKING):
        return False
    if config.getoption("promotion_list", default=None):
        from pytest_promotion.plugin import settings

        _prepare(config, settings.resolve(config, settings.opening(config)), remote=False)
    return True


def _start_worker(config: pytest.Config) -> None:
    if not any(key.startswith("promotion_") for key in config.workerinput):  # type: ignore[attr-defined] # set by xdist
        selection = Selection(config, gate_folders(config))
        if selection.incidental:
            selection.leave_out_gates()
        return
    from pytest_promotion.plugin import distributed, fixtures, settings

    given = settings.from_controller(config.workerinput)  # type: ignore[attr-defined] # set by xdist
    if given is None:
        return
    collector = _prepare(config, given, remote=True)
    config.pluginmanager.register(distributed.Worker(config, collector), "promotion-worker")
    config.pluginmanager.register(fixtures, "promotion-fixtures")


def _start_controller(config: pytest.Config) -> GateSession | None:
    # A session that runs other tests beside the gates' folder ends here, and pays for two small files.
    folders = gate_folders(config)
    selection = Selection(config, folders)
    if not selection.touches_gates:
        return None
    if selection.incidental:
        selection.leave_out_gates()
        config.pluginmanager.register(_LeftOut(folders), "promotion-left-out")
        return None
    from pytest_promotion.decision.ledger import Ledger
    from pytest_promotion.plugin import distributed, fixtures, outgoing, settings
    from pytest_promotion.plugin.recorder import Recorder
    from pytest_promotion.plugin.session import GateSession, refuse_shadowed, say_fail
    from pytest_promotion.plugin.suite_selection import declared, with_replaced
    from pytest_promotion.text import learn_secrets

    learn_secrets(fresh=True)
    outgoing.refuse_unreadable(folders)
    config.pluginmanager.register(outgoing.Messages(), "promotion-messages")
    proves = settings.proves(config)
    config.pluginmanager.register(fixtures, "promotion-fixtures")
    if _only_looks(config):
        return None
    opening, folder, decides = _opened(config, selection, proves=proves)
    try:
        if sys.flags.optimize:
            raise pytest.UsageError("python -O removes assertions: a gate run with it proves nothing; run without -O")
        given = settings.resolve(config, opening)
        written = declared(config, given.policy)
        refuse_shadowed(written)
        given = replace(given, policy=with_replaced(given.policy, written))
    except pytest.UsageError as refusal:
        if decides:
            say_fail(folder, opening, str(refusal))
        raise
    distributing = distributed.is_controller(config)
    if proves:
        _start_proving(config, given, selection, folder, distributing=distributing)
        return None
    collector = None if distributing else _prepare(config, given, remote=False)
    ledger = Ledger(written, evidence_required=given.policy.rules.evidence == "required")
    prefixes = tuple(os.path.relpath(folder, config.rootpath).replace(os.sep, "/") + "/" for folder in folders)
    recorder = Recorder(ledger, prefixes, collector)
    gates = GateSession(config, given, recorder, selection, folder)
    gates.begin()
    config.pluginmanager.register(recorder, "promotion-recorder")
    _add_html_column(config, recorder, given.folder)
    if distributing:
        config.pluginmanager.register(distributed.Controller(given, recorder), "promotion-controller")
    config.pluginmanager.register(_Ending(gates), "promotion-ending")
    return gates


def _opened(config: pytest.Config, selection: Selection, *, proves: bool) -> tuple[Opening, ReportFolder, bool]:
    """The start of the session, where its decisions lie, and whether it decides; then `latest.json` says FAIL."""
    from pytest_promotion.plugin import early_fail, settings
    from pytest_promotion.plugin.session import say_fail
    from pytest_promotion.reporting.publishing import ReportFolder

    opening = settings.opening(config)
    folder = ReportFolder(opening.folder)
    # Neither a partial run nor a replay, a shard or a proof touches `latest.*`.
    decides = not (selection.surely_partial or opening.as_of or opening.share or proves)
    early = early_fail.of(config)
    if early is not None and decides and early.opening.folder == opening.folder:
        opening, folder = early.take_over()
    if decides:
        say_fail(folder, opening)
    return opening, folder, decides


def _add_html_column(config: pytest.Config, recorder: Any, decisions: Path) -> None:
    if config.getoption("htmlpath", default=None):
        from pytest_promotion.plugin.html_column import HtmlColumn

        place = os.path.relpath(decisions, config.invocation_params.dir)
        config.pluginmanager.register(HtmlColumn(recorder, place), "promotion-html")


def _start_proving(config: pytest.Config, given: Any, selection: Any, folder: Any, *, distributing: bool) -> None:
    from pytest_promotion.plugin import distributed, proving

    session = proving.ProvingSession(config, given.policy, selection, folder, given.not_applicable)
    config.pluginmanager.register(session, "promotion-proving")
    if distributing:
        config.pluginmanager.register(distributed.ProvingController(given, session), "promotion-controller")
    else:
        _prepare(config, given, remote=False)


def _prepare(config: pytest.Config, given: Any, *, remote: bool) -> Any:
    from pytest_promotion.plugin import fixtures
    from pytest_promotion.plugin.recorder import Collector
    from pytest_promotion.plugin.statements import LazyChecker

    config.stash[fixtures.SETTINGS] = given
    config.stash[fixtures.STORES] = (given.evidence_root(), _vault(config, given))
    config.stash[fixtures.CHECKER] = LazyChecker(given)
    folders = [str(folder) for folder in gate_folders(config)]
    # Many runs of a gate that is proved share its one time limit, so it has none.
    collector = Collector(folders, given.policy, given.share, remote=remote, timeouts=not given.prove)
    if given.prove:
        from pytest_promotion.plugin import proving
        from pytest_promotion.plugin.suite_selection import declared

        written = declared(config, given.policy)
        config.pluginmanager.register(proving.Prover(given.policy, written), "promotion-prover")
    elif given.policy.rules.prove != "off":
        from pytest_promotion.plugin.session_proving import SessionProver

        collector.prover = SessionProver(config, given)
    if config.getoption("allure_report_dir", default=None):
        from pytest_promotion.plugin.allure_labels import AllureLabels

        config.pluginmanager.register(AllureLabels(given.run_id), "promotion-allure")
    collector.watch_threads()
    _use_suites(config, given)
    config.pluginmanager.register(collector, "promotion-collector")
    return collector


def _use_suites(config: pytest.Config, given: Any) -> None:
    from importlib import import_module

    from pytest_promotion import suites
    from pytest_promotion.plugin.suite_selection import SuiteSelection

    config.pluginmanager.register(SuiteSelection(given.policy, given.not_applicable), "promotion-suites")
    for name in given.policy.suites:
        module = suites.find(name).plugin
        if module:
            config.pluginmanager.register(import_module(module), f"promotion-suite-{name}")


def _vault(config: pytest.Config, given: Any) -> Any:
    if not given.prove:
        return given.vault()
    import tempfile

    from pytest_promotion.evidence.vault import Vault

    place = tempfile.TemporaryDirectory(prefix="promotion-prove-")
    config.add_cleanup(place.cleanup)
    return Vault(Path(place.name))


class _LeftOut:
    """Says that plain `pytest` has decided nothing in a project that has gates."""

    def __init__(self, folders: list[Path]) -> None:
        self._names = " ".join(folder.name for folder in folders)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(f"promotion: nothing was decided; run the gates by `pytest {self._names}`")


class _Ending:
    """Decides when the session ends, after every other plugin had its say."""

    def __init__(self, gates: GateSession) -> None:
        self._gates = gates

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._gates.finish(session)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        from pytest_promotion.plugin import outgoing
        from pytest_promotion.reporting import terminal

        if self._gates.document is not None:
            lines = list(terminal.summary(self._gates.document))
            if lines:
                terminalreporter.ensure_newline()
                terminalreporter.section("promotion")
            outgoing.show(terminalreporter, lines)
            for line in self._gates.remarks():
                terminalreporter.ensure_newline()
                terminalreporter.write_line(line)


class Guard:
    """Has the last word: 0 becomes 1 unless the decision is PASS, and never the reverse."""

    def __init__(self, gates: GateSession) -> None:
        self._gates = gates

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        result = yield
        self._gates.guard(session)
        return result
