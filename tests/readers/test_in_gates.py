"""Gates over files of other tools, as the reference shows them: they pass, they fail, and they can be proven to fail."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_promotion.provenance.producing import Order, recording
from tests.readers.test_facts import MOMENT, cobertura, coverage_json, results, suite
from tests.scans.test_formats import grype
from tests.scans.test_scans import result, sarif

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "readers.md"
EXAMPLES = re.findall(r"```python\n(@pytest.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
NOW = datetime.now(UTC)
OLD = (NOW - timedelta(days=3)).isoformat()
SUITE = suite('<testcase name="a"/>', timestamp=NOW.isoformat(), tests=1)
COVERED = '<class filename="a.py"><lines><line number="1" hits="1"/></lines></class>'
CALL = [{"executionSuccessful": True, "endTimeUtc": NOW.isoformat()}]
COVERAGE = {"meta": {"version": "7", "timestamp": NOW.replace(tzinfo=None).isoformat()}}
EXPECTATION = {"success": True, "expectation_config": {"expectation_type": "expect_x", "kwargs": {}}}
RUN = {
    "run": {
        "info": {"run_id": "r", "status": "FINISHED"},
        "data": {"metrics": [{"key": "auc", "value": 0.9, "timestamp": int(NOW.timestamp() * 1000), "step": 3}]},
    }
}
LOAD = {
    "root_group": {},
    "metadata": {"generated_at": NOW.isoformat()},
    "metrics": {
        "http_reqs": {"type": "counter", "values": {"count": 500}},
        "http_req_duration": {"type": "trend", "values": {"p(95)": 120}},
        "http_req_failed": {"type": "rate", "values": {"rate": 0.0, "passes": 0, "fails": 500}},
    },
}
CHANGE = {"address": "a.b", "type": "a", "change": {"actions": ["create"]}}
GOOD = {
    "no_critical_or_high_findings": ("reports/scan.sarif", sarif(result(level="note"), invocations=CALL)),
    "no_secrets": ("reports/gitleaks.sarif", None),
    "unit_tests": ("reports/junit.xml", SUITE),
    "coverage": ("reports/coverage.json", coverage_json() | COVERAGE),
    "speed": (
        "reports/benchmark.json",
        {
            "machine_info": {},
            "datetime": NOW.isoformat(),
            "benchmarks": [{"fullname": "tests/test_speed.py::test_parse", "stats": {"median": 0.01, "rounds": 9}}],
        },
    ),
    "data": ("target/run_results.json", results("pass", "success")),
    "expectations": (
        "reports/validation.json",
        {"success": True, "results": [EXPECTATION], "meta": {"run_id": {"run_time": NOW.isoformat()}}},
    ),
    "model": ("reports/run.json", RUN),
    "latency": ("reports/load/summary.json", LOAD),
    "plan": (
        "reports/plan.json",
        {
            "format_version": "1.2",
            "terraform_version": "1.11.4",
            "timestamp": NOW.isoformat(),
            "complete": True,
            "errored": False,
            "resource_changes": [CHANGE],
        },
    ),
}
BAD = {
    "no_critical_or_high_findings": sarif(result(properties={"security-severity": "9.8"}), invocations=CALL),
    "unit_tests": suite('<testcase name="a"/>', timestamp=NOW.isoformat(), errors=1),
    "data": results("pass", "fail"),
    "expectations": {
        "success": False,
        "results": [EXPECTATION | {"success": False}],
        "meta": {"run_id": {"run_time": NOW.isoformat()}},
    },
    "model": json.loads(json.dumps(RUN).replace("0.9", "0.5")),
    "latency": json.loads(json.dumps(LOAD).replace("120", "900")),
    "plan": json.loads(json.dumps(GOOD["plan"][1]).replace('"create"', '"delete"')),
}


@pytest.fixture
def reports(place):
    """`place` with every example of the reference, and a good file for each."""
    scan = sarif(invocations=CALL)
    scan["runs"][0]["tool"]["driver"]["name"] = "gitleaks"
    data = results("pass", "success")
    data["metadata"]["generated_at"] = NOW.isoformat()
    for path, content in (*GOOD.values(), ("reports/gitleaks.sarif", scan), ("target/run_results.json", data)):
        if content is not None:
            place.file(path, content)
    place.write(test_it="import pytest\n\n\n" + "\n\n".join(EXAMPLES))
    place.file(
        "promotion.yaml", "version: 1\ntimestamps: {max_report_age_min: 1440, mtime: forbid}\nevidence: required\n"
    )
    return place


def outcomes(place, *args):
    place.run(*args)
    return {check["name"]: (check["outcome"], check["reason"]) for check in place.latest()["checks"]}


def test_every_example_of_the_reference_passes_on_a_good_file(reports):
    """What a new user copies has to work as it stands."""
    assert len(EXAMPLES) == len(GOOD)
    found = outcomes(reports)
    assert {name: outcome for name, (outcome, _) in found.items()} == dict.fromkeys(GOOD, "PASS"), found


def test_every_example_fails_on_a_bad_file_and_says_why(reports):
    """An example that cannot fail is copied a hundred times."""
    for name, content in BAD.items():
        document = (
            content if isinstance(content, bytes) else json.dumps(content).replace(MOMENT, NOW.isoformat()).encode()
        )
        reports.file(GOOD[name][0], document)
    found = outcomes(reports)
    assert {name: outcome for name, (outcome, _) in found.items() if outcome != "PASS"} == dict.fromkeys(BAD, "FAIL"), (
        found
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no_critical_or_high_findings", sarif(invocations=[{"executionSuccessful": True, "endTimeUtc": OLD}]), "old by its time of the scan"),
        ("no_critical_or_high_findings", sarif(invocations=[]), "is undated"),
        ("no_critical_or_high_findings", {"bomFormat": "CycloneDX", "components": []}, "CycloneDX bill of materials"),
        ("coverage", coverage_json(timestamp=None), "undated"),
        ("unit_tests", suite('<testcase name="a"/>', timestamp=OLD), "old by its time of the counts"),
        ("data", results("pass", which="docs"), "runs and tests nothing"),
    ],
)  # fmt: skip
def test_a_file_that_is_old_undated_or_another_one_is_no_pass(reports, name, content, message):
    """The facts are right, and of last week."""
    reports.file(GOOD[name][0], content)
    outcome, reason = outcomes(reports)[name]
    assert (outcome != "PASS", message in reason) == (True, True), reason


def test_a_statement_dates_what_its_tool_does_not(reports):
    """Snyk, most SARIF and half of Trivy's files say no time."""

    def produced(**more):
        order = Order.of("scan", ["scan"], ["gates"], ["reports/scan.sarif"])
        with recording(order, reports.path, **more) as recorded:
            reports.file("reports/scan.sarif", sarif(invocations=[]))
            recorded.finish(0)

    produced()
    assert outcomes(reports)["no_critical_or_high_findings"][0] == "PASS"
    reports.file("reports/scan.sarif", sarif(result(level="note"), invocations=[]))
    assert outcomes(reports)["no_critical_or_high_findings"][0] == "INCONCLUSIVE"


def test_the_first_example_fails_on_what_a_linter_calls_an_error(reports):
    """Without a security-severity there is no critical finding: a gate that asks for those alone never fails."""
    reports.file("reports/scan.sarif", sarif(result(level="error"), invocations=CALL))
    outcome, reason = outcomes(reports)["no_critical_or_high_findings"]
    assert (outcome, "high" in reason) == ("FAIL", True), reason


def test_the_fields_in_a_file_of_another_tool_are_sabotaged(reports):
    """A gate that reads a scan and judges nothing of it would be proven."""
    used = {"timestamp": NOW.isoformat(), "db": {"status": {"built": NOW.isoformat(), "valid": True}}}
    reports.file("reports/scan.sarif", grype(descriptor=grype()["descriptor"] | used))
    looked = {"result": {"element_count": 5}, "exception_info": {"raised_exception": False}}
    path, validated = GOOD["expectations"]
    reports.file(path, validated | {"results": [EXPECTATION | looked]})
    assert proven(reports) == []


def test_the_attributes_of_cobertura_are_sabotaged(reports):
    """A total or a time that is NaN has to be noticed, where the gate notices another number."""
    stamp = int(NOW.timestamp() * 1000)
    reports.file("reports/coverage.xml", cobertura(COVERED, lines_valid=1, lines_covered=1, timestamp=stamp))
    example = next(one for one in EXAMPLES if ".coverage(" in one)
    reports.write(test_it="import pytest\n\n\n" + example.replace("coverage.json", "coverage.xml"))
    assert proven(reports) == []


def proven(reports):
    """What no gate noticed; that each gate was tried, and the proof succeeded, is asserted."""
    done = reports.run("--promotion-prove")
    [path] = reports.folder.glob("prove_*.json")
    proof = json.loads(path.read_bytes())
    survivors = [line for gate in proof["gates"] for line in gate["survivors"]]
    tried = {gate["name"]: gate["families"].get("value", {"tried": 0})["tried"] for gate in proof["gates"]}
    assert min(tried.values()) >= 1, tried
    assert bool(survivors) == (done.ret != 0), survivors
    return survivors


@pytest.mark.parametrize(
    ("meta", "outcome"),
    [
        ("status: 3\nlifecycle_stage: active\n", "PASS"),
        ("status: 1\nlifecycle_stage: active\n", "INCONCLUSIVE"),
        ("status: 4\nlifecycle_stage: active\n", "INCONCLUSIVE"),
        ("status: 3\nlifecycle_stage: deleted\n", "INCONCLUSIVE"),
        (None, "INCONCLUSIVE"),
    ],
)
def test_the_metric_of_a_run_that_has_not_finished_is_no_measurement(reports, meta, outcome):
    """The file of a metric looks the same after the first epoch and after the last."""
    folder = "mlruns/1/r1"
    reports.file(f"{folder}/metrics/auc", f"{int(NOW.timestamp() * 1000)} 0.9 1\n".encode())
    if meta is not None:
        reports.file(f"{folder}/meta.yaml", meta.encode())
    example = next(one for one in EXAMPLES if ".metrics()" in one)
    reports.write(test_it="import pytest\n\n\n" + example.replace("reports/run.json", f"{folder}/metrics/auc"))
    assert outcomes(reports)["model"][0] == outcome


def test_a_reader_of_ones_own_is_taken(place):
    """Not every tool is known here."""
    place.file("reports/own.txt", b"failures: 0\n")
    place.write(
        test_it="""
        import pytest

        def failures(content, origin):
            return int(content.decode().split(":")[1])

        @pytest.mark.critical(owner="ops", fix="look")
        def test_own(artifact, measure):
            report = artifact("reports/own.txt", max_age="none", because="written by this test")
            measure.equals("failures", report.read(failures), 0)
        """
    )
    assert outcomes(place)["own"][0] == "PASS"
    place.file("reports/own.txt", b"failures: 3\n")
    assert outcomes(place)["own"][0] == "FAIL"
