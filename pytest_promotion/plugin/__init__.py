"""
The entry point: options, markers, and who is registered where. No logic.

A session that collects no gates pays for this file and nothing else: every other room is
imported when the arguments of a session touch a gates path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_promotion.plugin.session import GateSession

_OPTIONS = {
    "root": ("DIR", "Promotion root: the folder that evidence lies in (default: pytest's root directory)."),
    "policy": ("FILE", "Policy file (default: promotion.yaml in the promotion root, if there is one)."),
    "profile": ("NAME", "Profile of the policy (default: default)."),
    "as_of": ("ISO-8601", "Decide as of that moment: a replay, never a decision to act on."),
    "reports": ("DIR", "Folder that reports are written to (default: reports in pytest's root directory)."),
    "run_id": ("ID", "What to call this run (default: a new random id); the same for all its shards."),
    "shard": ("I/N", "Run share I of N of the gates, to be merged by `promotion merge`; decides nothing."),
    "sarif": ("FILE", "Write the decision as SARIF 2.1.0 too; FAIL where that cannot be done."),
    "ctrf": ("FILE", "Write the decision as CTRF too; FAIL where that cannot be done."),
    "github": ("auto|on|off", "Write GitHub's step summary and annotations (default: auto, inside GitHub Actions)."),
    "sign": ("KEYFILE", "Sign the decision with this private key (see `promotion keygen`)."),
    "subject": ("NAME=sha256:HEX", "What is being promoted (default: the release manifest, else the git commit)."),
    "vault": ("URL", "Where evidence is kept: a folder, or what fsspec writes to (default: beside the decisions)."),
}
_MARKERS = {
    "critical": "a gate that blocks the promotion unless it passes",
    "warning": "a gate whose failure is listed and must be reviewed, but does not block",
}
# With these a session starts and ends without running anything, and decides nothing.
_LOOKING = ("collectonly", "setupplan", "setuponly", "showfixtures", "show_fixtures_per_test", "cacheshow")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("promotion", "promotion gates")
    for name, (metavar, text) in _OPTIONS.items():
        group.addoption(f"--promotion-{name.replace('_', '-')}", metavar=metavar, default=None, help=text)
        parser.addini(f"promotion_{name}", text, type="string", default="")
    text = "Override one setting of the policy; recorded in the decision (repeatable)."
    group.addoption("--promotion-set", metavar="KEY=VALUE", action="append", default=None, help=text)
    prove = "Prove that every gate can fail: sabotage in memory what each one reads; decides nothing."
    group.addoption("--promotion-prove", action="store_true", default=False, help=prove)
    parser.addini("promotion_prove", prove, type="bool", default=False)
    parser.addini("promotion_set", text, type="linelist", default=[])
    parser.addini("promotion_gates", "Folders whose tests are gates.", type="args", default=["gates"])


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from pytest_promotion.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}(owner, fix, requires, timeout): {text}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, Any, Any]:
    config = session.config
    # Cheap and first: most sessions of a project have no gates and pass straight through.
    places = (config.rootpath, config.invocation_params.dir)
    if not any((place / name).is_dir() for place in places for name in config.getini("promotion_gates")):
        return (yield)
    gates = None
    if hasattr(config, "workerinput"):
        _start_worker(config)
    else:
        gates = _start(config)
    result = yield
    if gates is not None:
        # Registered after everyone else, so that its wrapper is the outermost: what it sees is final.
        config.pluginmanager.register(_Guard(gates), "promotion-guard")
    return result


def _start_worker(config: pytest.Config) -> None:
    if not any(key.startswith("promotion_") for key in config.workerinput):  # type: ignore[attr-defined] # set by xdist
        from pytest_promotion.plugin.selection import Selection, gate_folders

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


def _start(config: pytest.Config) -> GateSession | None:
    # A session that runs other tests beside the gates' folder ends here, and pays for one small file.
    from pytest_promotion.plugin.selection import Selection, gate_folders

    folders = gate_folders(config)
    selection = Selection(config, folders)
    if not selection.touches_gates:
        return None
    if selection.incidental:
        selection.leave_out_gates()
        config.pluginmanager.register(_LeftOut(folders), "promotion-left-out")
        return None
    from pytest_promotion.decision.ledger import Ledger
    from pytest_promotion.plugin import distributed, fixtures, settings
    from pytest_promotion.plugin.recorder import Recorder
    from pytest_promotion.plugin.session import GateSession, refuse_shadowed, say_fail
    from pytest_promotion.plugin.suite_selection import declared
    from pytest_promotion.reporting.publishing import ReportFolder

    proves = settings.proves(config)
    config.pluginmanager.register(fixtures, "promotion-fixtures")
    if any(config.getoption(name, default=False) for name in _LOOKING):
        return None
    opening = settings.opening(config)
    folder = ReportFolder(opening.folder)
    # Neither a look at some gates nor a replay, a shard or a proof touches `latest.*`.
    decides = not (selection.surely_partial or opening.as_of or opening.share or proves)
    if decides:
        say_fail(folder, opening)
    try:
        if sys.flags.optimize:
            raise pytest.UsageError("python -O removes assertions: a gate run with it proves nothing; run without -O")
        given = settings.resolve(config, opening)
        written = declared(config, given.policy)
        refuse_shadowed(written)
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
    if distributing:
        config.pluginmanager.register(distributed.Controller(given, recorder), "promotion-controller")
    config.pluginmanager.register(_Ending(gates), "promotion-ending")
    return gates


def _start_proving(config: pytest.Config, given: Any, selection: Any, folder: Any, *, distributing: bool) -> None:
    from pytest_promotion.plugin import distributed, proving

    session = proving.ProvingSession(config, given.policy, selection, folder)
    config.pluginmanager.register(session, "promotion-proving")
    if distributing:
        config.pluginmanager.register(distributed.ProvingController(given, session), "promotion-controller")
    else:
        _prepare(config, given, remote=False)


def _prepare(config: pytest.Config, given: Any, *, remote: bool) -> Any:
    from pytest_promotion.plugin import fixtures
    from pytest_promotion.plugin.recorder import Collector
    from pytest_promotion.plugin.selection import gate_folders

    config.stash[fixtures.SETTINGS] = given
    config.stash[fixtures.STORES] = (given.evidence_root(), _vault(config, given))
    folders = [str(folder) for folder in gate_folders(config)]
    # Many runs of a gate that is proved share its one time limit, so it has none.
    collector = Collector(folders, given.policy, given.share, remote=remote, timeouts=not given.prove)
    if given.prove:
        from pytest_promotion.plugin import proving
        from pytest_promotion.plugin.suite_selection import declared

        written = declared(config, given.policy)
        config.pluginmanager.register(proving.Prover(given.policy, written), "promotion-prover")
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
        from pytest_promotion.reporting import terminal

        if self._gates.document is not None:
            lines = list(terminal.summary(self._gates.document))
            if lines:
                terminalreporter.ensure_newline()
                terminalreporter.section("promotion")
            for line, markup in lines:
                terminalreporter.write_line(line, **markup)
            for line in self._gates.remarks():
                terminalreporter.ensure_newline()
                terminalreporter.write_line(line)


class _Guard:
    """Has the last word: 0 becomes 1 unless the decision is PASS, and never the reverse."""

    def __init__(self, gates: GateSession) -> None:
        self._gates = gates

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        result = yield
        self._gates.guard(session)
        return result
