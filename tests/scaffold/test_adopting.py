"""`promotion init --suite trading`: what a workspace that is there already has, in its policy."""

from __future__ import annotations

import json
import sys

import pytest
import yaml

from pytest_promotion import policy as policies
from pytest_promotion.suites import find
from tests.scaffold.test_init import init, run

pytestmark = pytest.mark.slow

COMPOSE = """\
services:
  risk-service: {image: "a:1"}
  parity: {image: "a:1"}
  soak-monitor: {image: "a:1", healthcheck: {test: [CMD, "true"]}}
"""
# As the original services do: a neighbour is imported by the root.
SERVICE = """\
import json
from datetime import UTC, datetime
from pathlib import Path
from services.common import ROOT
(ROOT / "reports/parity").mkdir(parents=True, exist_ok=True)
(ROOT / "reports/parity/latest.json").write_text(json.dumps({"ts_utc": datetime.now(UTC).isoformat()}))
"""


@pytest.fixture
def workspace(tmp_path):
    """A workspace of the trading suite's layout."""
    for path in find("trading").layout:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
    (tmp_path / "docs/ops").mkdir(parents=True)
    for day in ("20260221", "20260301"):
        (tmp_path / f"docs/ops/release_manifest_{day}.md").write_text("# Release Manifest\n")
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose/docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "services/shadow_execution").mkdir(parents=True)
    (tmp_path / "services/common.py").write_text("from pathlib import Path\nROOT = Path(__file__).parents[1]\n")
    (tmp_path / "services/shadow_execution/main.py").write_text(SERVICE)
    return tmp_path


def policy_of(folder):
    return yaml.safe_load((folder / "promotion.yaml").read_text())


def test_a_workspace_without_gates_is_told_its_suite(workspace):
    """`promotion init` alone writes the gates of an example, which pass on a workspace that they know nothing of."""
    done = run(workspace, sys.executable, "-m", "pytest_promotion.cli", "gates", "--ci")
    assert done.returncode == 4
    assert "`promotion init --suite trading` adds them" in done.stderr
    (workspace / find("trading").layout[0]).unlink()
    other = run(workspace, sys.executable, "-m", "pytest_promotion.cli", "gates", "--ci")
    assert (other.returncode, "--suite" in other.stderr) == (4, False)


def test_the_decision_is_about_the_newest_manifest(workspace):
    """Without a manifest, a decision names no subject, and nothing can be deployed by it."""
    done = init(workspace, "--suite", "trading")
    assert done.exit_code == 0, done.output
    assert policy_of(workspace)["release_manifest"] == "docs/ops/release_manifest_20260301.md"
    assert "of 2 release manifests the last by name was taken" in done.output
    run(workspace, sys.executable, "-m", "pytest", "gates", "-q")
    decision = json.loads((workspace / "reports/promotion_gates/latest.json").read_text())
    assert decision["subject"]["name"] == decision["release_manifest_ref"]["path"]
    assert decision["subject"]["digest"] == {"sha256": decision["release_manifest_ref"]["sha256"]}


def test_the_original_parity_service_finds_its_neighbours(workspace):
    """Its import failed wherever the gates ran, and the refresh with it."""
    init(workspace, "--suite", "trading")
    run(workspace, sys.executable, "-m", "pytest_promotion.cli", "gates", "--refresh-parity-once")
    decision = json.loads((workspace / "reports/promotion_gates/latest.json").read_text())
    assert [one["exit_code"] for one in decision["refreshed"]] == [0]
    assert not [reason for reason in decision["reasons"] if "producer" in reason]
    assert (workspace / "reports/parity/latest.json").exists()


def test_the_policy_that_is_written_can_be_used(workspace):
    """A policy that has to be mended before its first use is mended wrongly."""
    init(workspace, "--suite", "trading")
    found = policies.load(workspace / "promotion.yaml", "ci")
    assert {"secrets", "harness", "parity"} <= set(found.producers)
    assert found.producers["parity"].environment == {"PYTHONPATH": "{root}"}


def test_healthchecks_that_are_missing_are_shown_and_the_compose_file_is_left(workspace):
    """A command that rewrites a compose file changes what runs."""
    done = init(workspace, "--suite", "trading")
    assert (workspace / "compose/docker-compose.yml").read_text() == COMPOSE
    assert "promotion health risk-service --root /workspace/hbot || exit 1" in done.output
    assert "promotion health soak-monitor" not in done.output
    assert "does not start signal-service" in done.output


def test_a_policy_that_is_there_is_left_and_its_lines_are_shown(workspace):
    """Nothing is overwritten, and nothing is kept back."""
    (workspace / "promotion.yaml").write_text("version: 1\n")
    done = init(workspace, "--suite", "trading")
    assert (workspace / "promotion.yaml").read_text() == "version: 1\n"
    assert "release_manifest: docs/ops/release_manifest_20260301.md" in done.output


def test_gates_may_be_elsewhere_than_what_they_judge(workspace, tmp_path):
    """A system's own folder is mounted read-only where its gates run."""
    gates = tmp_path / "gatekeeper"
    gates.mkdir()
    done = init(gates, "--suite", "trading", "--root", workspace)
    assert policy_of(gates)["release_manifest"] == "docs/ops/release_manifest_20260301.md"
    assert f"--promotion-root={workspace}" in done.output
    assert init(gates, "--root", workspace).exit_code == 4


def test_a_folder_that_is_no_workspace_is_not_guessed_at(tmp_path):
    """A new project would be given producers of programs that it does not have."""
    init(tmp_path, "--suite", "trading")
    assert "producers" not in policy_of(tmp_path)


@pytest.mark.parametrize("text", ["", "services: []", "services: {risk-service: null}", "\t", "a: &a [*a]"])
def test_a_compose_file_that_cannot_be_read_is_a_note(workspace, text):
    """The policy is worth having although the compose file is half written."""
    (workspace / "compose/docker-compose.yml").write_text(text)
    done = init(workspace, "--suite", "trading")
    assert done.exit_code == 0, done.output
    assert "note: " in done.output
