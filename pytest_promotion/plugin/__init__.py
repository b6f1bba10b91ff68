"""
The entry point: options and markers. No logic; who is registered in a session is in `startup`.

A session that collects no gates pays for this file and nothing else: every other module is
imported when the arguments of a session touch a gates path.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


_OPTIONS = {
    "root": ("DIR", "Promotion root: the folder that evidence lies in (default: pytest's root directory)."),
    "policy": ("FILE", "Policy file (default: promotion.yaml in the promotion root, if there is one)."),
    "profile": ("NAME", "Profile of the policy (default: default)."),
    "stage": ("NAME", "Stage of the policy that is decided about; its profile is used (default: none)."),
    "as_of": ("ISO-8601", "Decide as of that moment: a replay, never a decision to act on."),
    "reports": ("DIR", "Folder that reports are written to (default: reports in pytest's root directory)."),
    "run_id": ("ID", "What to call this run (default: a new random id); the same for all its shards."),
    "shard": ("I/N", "Run share I of N of the gates, to be merged by `promotion merge`; decides nothing."),
    "sarif": ("FILE", "Write the decision as SARIF 2.1.0 too; FAIL where that cannot be done."),
    "ctrf": ("FILE", "Write the decision as CTRF too; FAIL where that cannot be done."),
    "junit": ("FILE", "Write the decision as JUnit XML too; FAIL where that cannot be done."),
    "github": ("auto|on|off", "Write GitHub's step summary and annotations (default: auto, inside GitHub Actions)."),
    "sign": ("KEYFILE", "Sign the decision with this private key (see `promotion keygen`)."),
    "subject": ("NAME=sha256:HEX", "What is being promoted (default: the release manifest, else the git commit)."),
    "vault": ("URL", "Where evidence is kept: a folder, or what fsspec writes to (default: beside the decisions)."),
}
_ELSEWHERE = "pytest_promotion.plugin.gates_elsewhere"
_MARKERS = {
    "critical": "a gate that blocks the promotion unless it passes",
    "warning": "a gate whose failure is listed and must be reviewed, but does not block",
}


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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Generator[None, Any, Any]:
    """Refuses a misspelt option of ours, and prepares the import of gates before a conftest among them is imported."""
    folders = _existing_gates(early_config)
    if folders:
        from pytest_promotion.plugin import early_options

        if early_options.run_gates(early_config):
            from pytest_promotion.plugin import early_fail

            early_fail.begin(early_config)
    _refuse_misspelt(args)
    if folders:
        from pytest_promotion.plugin import gate_imports

        gate_imports.install(early_config, folders)
    return (yield)


def _existing_gates(config: pytest.Config) -> list[Path]:
    places = {config.rootpath, config.invocation_params.dir}
    found = [place / name for place in places for name in config.getini("promotion_gates")]
    return [folder for folder in found if folder.is_dir()]


def _refuse_misspelt(args: list[str]) -> None:
    """With the option that is near; pytest itself only says that it is unknown."""
    known = [f"--promotion-{name.replace('_', '-')}" for name in (*_OPTIONS, "set", "prove", "list")]
    for word in args:
        option = word.partition("=")[0]
        if option.startswith("--promotion-") and option not in known:
            from difflib import get_close_matches

            near = get_close_matches(option, known, n=1, cutoff=0.6)
            from pytest_promotion.text import legible

            raise pytest.UsageError(
                legible(f"unknown option {option}") + (f"; did you mean {near[0]}?" if near else "")
            )


def pytest_configure(config: pytest.Config) -> None:
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}(owner, fix, requires, timeout): {text}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, Any, Any]:
    config = session.config
    # Cheap and first: most sessions of a project have no gates and pass straight through.
    existing = _existing_gates(config)
    if config.getoption("dist", "no") != "no":
        from pytest_promotion.plugin import distributed_marks

        config.pluginmanager.register(distributed_marks.Receiver(), "promotion-marks")
    if not hasattr(config, "workerinput") and (config.getoption("inifilename") or _is_below_gates(config, existing)):
        from pytest_promotion.plugin import gates_elsewhere

        gates_elsewhere.refuse_missed(config)
    if not existing:
        return (yield)
    from pytest_promotion.plugin import startup

    gates = startup.start(config)
    result = yield
    if gates is not None:
        # Registered after everyone else, so that its wrapper is the outermost: what it sees is final.
        config.pluginmanager.register(startup.Guard(gates), "promotion-guard")
    return result


def _is_below_gates(config: pytest.Config, existing: list[Path]) -> bool:
    """Whether pytest was called in a folder that is called as gates paths are, and found none."""
    parts = config.invocation_params.dir.parts
    return not existing and any(name.split("/")[-1] in parts for name in config.getini("promotion_gates"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """Misses no test that is marked as a gate and lies outside the gates paths."""
    marked = [item for item in items if any(name in item.keywords for name in _MARKERS)]
    if not marked:
        return (yield)
    from pytest_promotion.plugin.gates_elsewhere import MarkedTests

    elsewhere = MarkedTests(config, marked, _MARKERS)
    result = yield
    elsewhere.judge(items)
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if _ELSEWHERE in sys.modules:
        lines = config.stash.get(sys.modules[_ELSEWHERE].LINES, ())
        for line in lines:
            terminalreporter.ensure_newline()
            terminalreporter.write_line(f"promotion: {line}")
