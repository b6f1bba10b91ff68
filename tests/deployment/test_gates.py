"""The deployment policy's gates on Northlight: whole, and broken in each way that they are for."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from fixtures import deployment, release
from fixtures.deployment import IMAGE, build, main, plan, scan, write
from pytest_promotion.suites.deployment.determinism.traces import sealed
from tests.release.conftest import copied
from tests.sessions import environment

# As in tests/conftest.py: what a session in this process loads first is unloaded after it.
_SUITE = "pytest_promotion.suites.deployment"
for module in (
    *("pytest_promotion.readers.k6", "pytest_promotion.readers.terraform", "pytest_promotion.readers.scan_file"),
    *("pytest_promotion.trust.signers", f"{_SUITE}.slo.targets", f"{_SUITE}.plan_rules", f"{_SUITE}.scan_rules"),
    *(f"{_SUITE}.linters", f"{_SUITE}.determinism.e2e", f"{_SUITE}.determinism.e2e_report"),
    *(f"{_SUITE}.determinism.traces", f"{_SUITE}.schema_change.undoing"),
):
    importlib.import_module(module)
PARITY = "reports/e2e_parity/latest.json"
# Those that only read: what the others run has tests of its own, and takes its time.
READING = (
    "--promotion-set=required=golden_traces,cross_language_parity,e2e_parity,e2e_slo,security_scan,infrastructure_plan"
)
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
pytestmark = [needs_node, pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def _whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("northlight") / "root"
    build(folder, seconds=4, values=1000, users=2)  # few: the machine that tests is busy
    return folder


@pytest.fixture
def target(_whole, tmp_path):
    """The service as it may be deployed, to be broken."""
    return copied(_whole, tmp_path / "root")


def session(folder, *words):
    """The gates of the target, in a process of their own: the decision, or the proof."""
    argv = [sys.executable, "-m", "pytest", "gates", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    name = "prove_*.json" if "--promotion-prove" in words else "latest.json"
    [path] = (folder / "reports/promotion_gates").glob(name)
    return json.loads(path.read_bytes()), done


@pytest.fixture
def judged(pytester, monkeypatch):
    """`judged(folder)`: as `session` for the gates that only read, in this process: the decision and the exit code."""

    def judge(folder):
        monkeypatch.chdir(folder)
        done = pytester.runpytest_inprocess("gates", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", READING)
        return json.loads((folder / "reports/promotion_gates/latest.json").read_bytes()), done.ret

    return judge


def test_the_service_may_be_deployed(target):
    """Gates that fail what is whole are switched off."""
    decision, done = session(target)
    assert (decision["status"], done.returncode) == ("PASS", 0), done.stdout
    assert {check["name"] for check in decision["checks"]} == {
        "golden_traces", "cross_language_parity", "e2e_parity", "e2e_slo", "security_scan", "infrastructure_plan",
        "schema_change_approval", "static_checks",
    }  # fmt: skip


def test_every_gate_can_fail(target):
    """A gate that asks a reader which asks nothing is green for good."""
    proof, done = session(target, "--promotion-prove")
    survivors = [line for gate in proof["gates"] for line in gate["survivors"]]
    assert not survivors, "; ".join(survivors)
    assert (done.returncode, proof["proven"], len(proof["gates"])) == (0, True, 8), done.stdout


def edited(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def trace(folder):
    path = folder / "traces/completed.trace.json"
    document = json.loads(path.read_text())
    document["steps"][0]["output"]["ask"] = 999
    path.write_text(json.dumps(document))


def slow(folder):
    path = folder / "reports/load/summary.json"
    document = json.loads(path.read_text())
    document["metrics"]["http_req_duration"]["values"]["p(95)"] = 900
    path.write_text(json.dumps(document))


def stale_load(folder):
    old = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    edited(folder / "reports/load/summary.json", metadata={"generated_at": old})


def replayed(folder, change):
    """The trace of the replay, changed and sealed again, so that it says nothing false of itself."""
    path = folder / "reports/e2e_parity" / json.loads((folder / PARITY).read_text())["traces"]["replay"]
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(sealed(document)))


def another_output(document):
    document["steps"][1]["output"] = []


def hole(folder):
    document = scan(datetime.now(UTC))
    document["Results"][0]["Vulnerabilities"][0]["Severity"] = "CRITICAL"
    write(folder / "reports/scans/trivy.json", document)


def nothing_scanned(folder):
    write(folder / "reports/scans/trivy.json", {**scan(datetime.now(UTC)), "Results": None})


def loses(folder):
    document = plan(datetime.now(UTC))
    document["resource_changes"][1]["change"]["actions"] = ["delete", "create"]
    write(folder / "reports/plan.json", deployment.masked(json.dumps(document).encode(), "plan"))


def with_values(folder):
    write(folder / "reports/plan.json", plan(datetime.now(UTC)))


@pytest.mark.parametrize(
    ("broken", "gate", "said"),
    [
        (trace, "golden_traces", "completed.trace.json root hash is"),
        (lambda folder: (folder / "traces/empty.trace.json").unlink(), "golden_traces", "is missing"),
        (lambda folder: edited(folder / "reports/determinism/latest.json", status="fail"), "cross_language_parity", "status is"),
        (lambda folder: edited(folder / "reports/determinism/latest.json", values_compared=10), "cross_language_parity", "values compared is 10"),
        (lambda folder: edited(folder / PARITY, status="fail"), "e2e_parity", "status is"),
        (lambda folder: edited(folder / PARITY, environment="laptop"), "e2e_parity", "environment is"),
        (lambda folder: edited(folder / PARITY, original_root_hash="ab" * 32), "e2e_parity", "original root hash is"),
        (lambda folder: edited(folder / PARITY, run_id="run-9"), "e2e_parity", "the run is of 'run-1'"),
        (lambda folder: edited(folder / PARITY, ts_utc="2026-01-01T00:00:00+00:00"), "e2e_parity", "old by its ts_utc"),
        (lambda folder: replayed(folder, another_output), "e2e_parity", "differs from the run at step 1, output"),
        (lambda folder: replayed(folder, lambda document: document["steps"].clear()), "e2e_parity", "differs from the run"),
        (slow, "e2e_slo", "latency_p95 is 900"),
        (stale_load, "e2e_slo", "old by its time of the measured"),
        (lambda folder: edited(folder / "reports/load/summary.json", metadata=None), "e2e_slo", "is undated"),
        (lambda folder: edited(folder / "reports/load/summary.json", setup_data={"token": "x"}), "e2e_slo", "holds setup_data"),
        (hole, "security_scan", "1 critical findings"),
        (nothing_scanned, "security_scan", "nothing was scanned"),
        (loses, "infrastructure_plan", "cloud_database.main is protected"),
        (with_values, "infrastructure_plan", "holds values"),
    ],
    ids=range(19),
)  # fmt: skip
def test_a_broken_deployment_is_stopped_by_the_gate_for_it(target, judged, broken, gate, said):
    """Each is a day on which the service must not go on, and somebody has to know why."""
    broken(target)
    decision, code = judged(target)
    red = {check["name"]: check["reason"] for check in decision["checks"] if not check["pass"]}
    assert (decision["status"], code, list(red)) == ("FAIL", 1, [gate]), red
    assert said in red[gate]


def test_what_was_found_out_of_another_image_says_nothing_of_this_one(target, judged):
    """The image that was scanned, or asked, is not always the one that is deployed."""
    policy = target / "promotion.yaml"
    assert "image: null" in policy.read_text()
    policy.write_text(policy.read_text().replace("image: null", f"image: {IMAGE}"))
    assert judged(target)[0]["status"] == "PASS"
    policy.write_text(policy.read_text().replace(IMAGE, "sha256:" + "00" * 32))
    decision, _ = judged(target)
    red = {check["name"]: check["outcome"] for check in decision["checks"] if not check["pass"]}
    assert red == {"e2e_parity": "FAIL", "security_scan": "INCONCLUSIVE"}


def test_the_gates_keep_out_of_another_systems_session(pytestconfig, tmp_path):
    """The demo's policy requires none of them: a gate that fails there has nothing to do with it."""
    from pytest_promotion import policy

    required = policy.load(pytestconfig.rootpath / "fixtures" / "promotion.yaml", None).rules.required
    command = [sys.executable, "-m", "pytest", "gates", "--collect-only", "-q", "-p", "no:cacheprovider"]
    listing = ["-p", "pytest_promotion.plugin.listing", "--promotion-list=/dev/null", f"--promotion-root={tmp_path}"]
    done = subprocess.run(
        [*command, *listing], cwd=pytestconfig.rootpath, env=environment(), capture_output=True, text=True, check=False
    )
    collected = [line for line in done.stdout.splitlines() if "::" in line]
    assert len(collected) == len(required) - 1, done.stdout + done.stderr  # day 2 does not apply
    assert not any(line.startswith("gates/deployment/") for line in collected)


def test_the_command_builds_it_once(tmp_path, capsys, monkeypatch):
    """A second call must not overwrite what somebody has broken in order to look."""
    monkeypatch.setattr(deployment, "build", lambda folder: build(folder, seconds=0.2, values=20))
    monkeypatch.setattr(release, "install", lambda *_: "")
    assert main([str(tmp_path / "x")]) == 0
    assert "pytest gates" in capsys.readouterr().out
    assert main([str(tmp_path / "x")]) == 2
