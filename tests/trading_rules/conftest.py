"""Healthy workspaces, and a way to ask one gate of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.sessions import environment
from tests.trading_rules.workspaces import DATA, POLICIES, REPOSITORY, Workspace

FILES = {
    "preflight_checks": "preflight",
    "multi_bot_policy_scope": "scope",
    "strategy_catalog_consistency": "scope",
    "coordination_policy_scope": "scope",
    "smoke_checks": "live_paths",
    "paper_smoke_matrix": "live_paths",
    "ml_signal_governance": "signals",
    "reconciliation_status": "books",
    "parity_thresholds": "books",
    "portfolio_risk_status": "books",
    "accounting_integrity_v2": "accounting",
    "alerting_health": "alerting",
    "event_store_integrity_freshness": "event_store",
    "market_data_freshness": "event_store",
    "day2_event_store_gate": "event_store",
    "validation_ladder_paper_soak": "validation_ladder",
    "validation_ladder_post_trade": "validation_ladder",
    "service_health": "service_health",
}
# The demo binds the reports of these to what they were made from, and would refuse any edit of them by that alone.
BY_THE_SUITE = (
    "unit_service_integration_tests",
    "secrets_hygiene",
    "replay_regression_first_class",
    "regression_backtest_harness",
)


@pytest.fixture(scope="session")
def workspaces(tmp_path_factory):
    """The healthy workspaces by name; without the data, the live one is missing."""
    folder = tmp_path_factory.mktemp("workspaces")
    names = ["demo", *(["live"] if (DATA / "redate.py").is_file() else [])]
    return {name: Workspace(name, folder / name) for name in names}


@pytest.fixture(scope="session")
def forked():
    """The process that runs the sessions; by the switch of the models, which is of the environment."""
    servers = {}
    for switch in ("", "true"):
        more = {"ML_ENABLED": switch} if switch else {}
        servers[switch] = subprocess.Popen(
            [sys.executable, "-m", "tests.trading_rules.forked"],
            cwd=REPOSITORY,
            env=environment("ML_ENABLED", "REDIS_URL") | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    yield servers
    for server in servers.values():
        server.stdin.close()
        server.stdout.close()
        server.wait(20)


@pytest.fixture
def ask(forked, tmp_path):
    """`ask(workspace, gate, profile, models="")`: what the gate says, with the words of its decision."""

    def outcome_of(workspace, gate, profile, models="", more=()):
        reports = tmp_path / "decisions"
        shutil.rmtree(reports, ignore_errors=True)
        words = [
            f"gates/trading/test_{FILES.get(gate, 'quality')}.py::test_{gate}",
            *("-q", "-p", "no:cacheprovider"),
            f"--promotion-policy={POLICIES['reports' if gate in BY_THE_SUITE else workspace.name]}",
            f"--promotion-root={workspace.root}",
            f"--promotion-reports={reports}",
            f"--promotion-profile={profile}",
            f"--promotion-set=required={gate}",
            *(["--promotion-set=require_day2_go=true"] if gate == "day2_event_store_gate" else []),
            *more,
        ]
        server = forked[models]
        server.stdin.write(json.dumps(words) + "\n")
        server.stdin.flush()
        server.stdout.readline()
        [path] = (reports / "promotion_gates").glob("promotion_gates_*.json")
        checks = json.loads(path.read_text())["checks"]
        return next(check for check in checks if check["name"] == gate)

    return outcome_of


@pytest.fixture
def ask_all(forked, tmp_path):
    """`ask_all(workspace, gates)`: the checks of those gates by name, of all without any; in one session, by default."""

    def outcomes_of(workspace, gates):
        reports = tmp_path / "decisions"
        shutil.rmtree(reports, ignore_errors=True)
        files = [f"gates/trading/test_{FILES.get(gate, 'quality')}.py::test_{gate}" for gate in gates]
        words = [
            *(files or ["gates/trading"]),
            *("-q", "-p", "no:cacheprovider"),
            f"--promotion-policy={POLICIES['reports']}",
            f"--promotion-root={workspace.root}",
            f"--promotion-reports={reports}",
            *([f"--promotion-set=required={','.join(gates)}"] if gates else []),
        ]
        server = forked[""]
        server.stdin.write(json.dumps(words) + "\n")
        server.stdin.flush()
        server.stdout.readline()
        [path] = (reports / "promotion_gates").glob("promotion_gates_*.json")
        checks = json.loads(path.read_text())["checks"]
        return {check["name"]: check for check in checks if not gates or check["name"] in gates}

    return outcomes_of


@pytest.fixture
def healthy(ask, workspaces):
    """`healthy(name, sabotage, profile)`: the workspace, on which the gate of the sabotage was seen to pass."""

    def get(name, sabotage, profile):
        if name not in workspaces:
            pytest.skip(f"the live workspace is not at {DATA}")
        workspace = workspaces[name]
        workspace.renew()
        key = (sabotage.gate, profile, sabotage.models)
        if key not in workspace.passed:
            found = ask(workspace, sabotage.gate, profile, sabotage.models)
            assert found["outcome"] == "PASS", found["reason"]
            workspace.passed.add(key)
        return workspace

    return get
