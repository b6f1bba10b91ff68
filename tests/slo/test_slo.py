"""Load tests read as they were written: four formats, one meaning, and nothing that passes because it is not there."""

from __future__ import annotations

import copy
import json
import statistics
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.readers import k6
from pytest_promotion.readers.load_test import percentile
from pytest_promotion.suites.deployment.slo.targets import USUAL, Target, judge, judgement, load, suggestion

DURATIONS = [float(n) for n in range(1, 201)]  # ms: p95 is 190.05, p99 198.01
FAILURES = 2


def legacy(**threshold):
    """`--summary-export`: flat, `passes` of a rate of failures are failures, and `true` says that a threshold failed."""
    trend = {"avg": 100.5, "min": 1, "med": 100.5, "max": 200, "p(90)": 180.1, "p(95)": 190.05, "p(99)": 198.01}
    return {
        "root_group": {"name": "", "path": "", "groups": {}, "checks": {}},
        "metrics": {
            "http_reqs": {"count": 200, "rate": 10},
            "http_req_duration": trend | ({"thresholds": threshold} if threshold else {}),
            "http_req_failed": {"value": 0.01, "passes": FAILURES, "fails": 198},
            "vus": {"value": 1, "min": 1, "max": 1},
        },
    }


def summary(**threshold):
    """The JSON of `handleSummary(data)`."""
    trend = {"avg": 100.5, "min": 1, "med": 100.5, "max": 200, "p(90)": 180.1, "p(95)": 190.05, "p(99)": 198.01}
    rules = {rule: {"ok": ok} for rule, ok in threshold.items()}
    return {
        "root_group": {"name": "", "path": "", "groups": [], "checks": []},
        "options": {"summaryTrendStats": list(trend), "summaryTimeUnit": ""},
        "state": {"testRunDurationMs": 20000},
        "metrics": {
            "http_reqs": {"type": "counter", "contains": "default", "values": {"count": 200, "rate": 10}},
            "http_req_duration": {"type": "trend", "contains": "time", "values": trend, "thresholds": rules},
            "http_req_failed": {
                "type": "rate",
                "contains": "default",
                "values": {"rate": 0.01, "passes": FAILURES, "fails": 198},
            },
            "vus": {"type": "gauge", "contains": "default", "values": {"value": 1, "min": 1, "max": 1}},
        },
    }


def machine():
    """The machine-readable summary, which has neither thresholds nor p99."""
    metrics = [
        {"name": "http_reqs", "type": "counter", "contains": "default", "values": {"count": 200}},
        {
            "name": "http_req_duration", "type": "trend", "contains": "time",
            "values": {"avg": 100.5, "max": 200, "med": 100.5, "min": 1, "p90": 180.1, "p95": 190.05},
        },
        {"name": "http_req_failed", "type": "rate", "contains": "default", "values": {"matches": FAILURES, "total": 200, "rate": 0.01}},
    ]  # fmt: skip
    return {
        "version": "1.0.0",
        "config": {"duration": 20, "execution": "local", "script": "x.js"},
        "metadata": {"generated_at": "2026-11-21T12:00:00Z", "k6_version": "1.5.0"},
        "results": {"checks": {"metrics": [], "results": []}, "metrics": metrics},
    }


def lines():
    """`--out json`: a line a metric, and a line a point."""
    kinds = {"http_reqs": "counter", "http_req_duration": "trend", "http_req_failed": "rate"}
    found = [{"type": "Metric", "metric": name, "data": {"name": name, "type": kind}} for name, kind in kinds.items()]
    for number, duration in enumerate(DURATIONS):
        when = f"2026-11-21T12:00:{number % 60:02}.5+01:00"
        for name, value in (
            ("http_reqs", 1),
            ("http_req_duration", duration),
            ("http_req_failed", int(number < FAILURES)),
        ):
            found.append({"type": "Point", "metric": name, "data": {"time": when, "value": value, "tags": {}}})
    return "".join(json.dumps(line) + "\n" for line in found).encode()


def as_bytes(document):
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def answer(measured, held):
    """The status and the reasons."""
    found = judgement(measured, held)
    return found.status, list(found.reasons)


FORMS = {"legacy": legacy(), "summary": summary(), "machine": machine(), "lines": lines()}


@pytest.mark.parametrize("form", FORMS)
def test_the_four_formats_say_the_same(form):
    """A mapper that reads one of them finds five objectives met in the other three."""
    measured = k6.read(as_bytes(FORMS[form]), form)
    assert measured.requests == 200
    assert measured.value("http_req_duration", "p95") == pytest.approx(190.05)
    assert measured.value("http_req_failed", "rate") == pytest.approx(0.01)
    held = {one.name: one.passed for one in judge(measured, USUAL)}
    assert held == {"latency_p95": True, "latency_p99": None if form == "machine" else True, "error_rate": True}
    assert answer(measured, judge(measured, USUAL)) == ("pass", [])
    assert measured.ended == {
        "machine": "2026-11-21T12:00:00.000000+00:00", "lines": "2026-11-21T11:00:59.500000+00:00",
    }.get(form)  # fmt: skip


@pytest.mark.parametrize(("document", "flag"), [(legacy, True), (summary, False)], ids=["legacy", "summary"])
def test_what_the_tool_says_failed_has_failed(document, flag):
    """In one format `true` means that the threshold failed, in the other that it held."""
    bad = k6.read(as_bytes(document(**{"p(95)<100": flag})), "x")
    good = k6.read(as_bytes(document(**{"p(95)<500": not flag})), "x")
    assert bad.thresholds == {"http_req_duration p(95)<100": False}
    assert answer(bad, judge(bad, USUAL))[0] == "fail"
    assert answer(good, judge(good, USUAL))[0] == "pass"


def without(document, *path):
    found = copy.deepcopy(document)
    here = found
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return found


def edited(document, value, *path):
    found = copy.deepcopy(document)
    here = found
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b"running (0m30.4s), 0/1 VUs, 63 complete",
        b"[]",
        b"{}",
        b'{"metrics": {}, "root_group": {}}',
        b'{"timestamp": "2025-12-06T19:56:43.324Z", "p50": 0, "p95": 151.9, "p99": 0}',
        as_bytes(summary())[:-20],
        lines()[:-9],
        lines().replace(b'"Point"', b'"Dot"', 1),
        lines().replace(b'"time": "2026', b'"time": "2026-x', 1),
        b"\n".join(line for line in lines().splitlines() if b'"Metric"' not in line) + b"\n",
        b"".join(line + b"\n" for line in lines().splitlines() if b'"Metric"' in line),
        as_bytes(edited(machine(), "2.0.0", "version")),
        as_bytes(edited(machine(), [], "results", "metrics")),
        as_bytes(edited(machine(), "http_reqs", "results", "metrics", 1, "name")),
        as_bytes(edited(summary(), "histogram", "metrics", "http_reqs", "type")),
        as_bytes(edited(summary(), "190", "metrics", "http_req_duration", "values", "p(95)")),
        as_bytes(edited(summary(), None, "metrics", "http_req_duration", "values", "p(95)")),
        as_bytes(edited(summary(), -3, "metrics", "http_req_failed", "values", "passes")),
        as_bytes(edited(summary(p=True), {"ok": "true"}, "metrics", "http_req_duration", "thresholds", "p")),
        as_bytes(edited(legacy(p=False), "false", "metrics", "http_req_duration", "thresholds", "p")),
        as_bytes(without(summary(), "metrics", "http_reqs", "values")),
        as_bytes(summary()).replace(b"190.05", b"NaN"),
    ],
    ids=range(24),
)
def test_what_is_no_output_of_k6_is_refused(content):
    """An empty file passed five objectives of five."""
    with pytest.raises(Unproven):
        k6.read(content, "x.json")


def with_rate(name, thresholds=None):
    """A summary with a rate of nothing, of whose threshold k6 says that it held."""
    found = copy.deepcopy(summary())
    values = {"rate": 0, "passes": 0, "fails": 0}
    found["metrics"][name] = {"type": "rate", "contains": "default", "values": values, "thresholds": thresholds or {}}
    return found


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (without(summary(), "metrics", "http_reqs"), "nobody knows how many"),
        (edited(summary(), 0, "metrics", "http_reqs", "values", "count"), "no request was made"),
        (without(summary(), "metrics", "http_req_duration", "values", "p(95)"), "latency_p95 was not measured"),
        (without(summary(), "metrics", "http_req_failed"), "error_rate was not measured"),
        (edited(summary(), {"passes": 0, "fails": 0}, "metrics", "http_req_failed", "values"), "0 of 0 is no rate"),
        (with_rate("checks"), "checks is 0 of 0"),
        (with_rate("login_ok", {"rate>=0.9": {"ok": True}}), "login_ok is 0 of 0"),
        (with_rate("login_ok{scenario:a}", {"rate>=0.9": {"ok": True}}), "login_ok{scenario:a} is 0 of 0"),
    ],
    ids=["not counted", "none", "no p95", "no failures metric", "never asked", "no check", "no threshold", "a part"],
)
def test_what_was_not_measured_is_not_zero(document, said):
    """A p99 that nobody computed was 0 ms in the committed report, and 0 is below every limit."""
    measured = k6.read(as_bytes(document), "x")
    verdict, reasons = answer(measured, judge(measured, USUAL))
    assert verdict == "inconclusive"
    assert any(said in reason for reason in reasons)


def test_a_breach_is_a_fail_with_both_numbers():
    """A no that does not say by how much is argued with."""
    slow = edited(summary(), 8500, "metrics", "http_req_duration", "values", "p(95)")
    measured = k6.read(as_bytes(slow), "x")
    assert answer(measured, judge(measured, USUAL)) == ("fail", ["latency_p95 is 8500 ms, expected <= 500"])


def test_the_limit_itself_is_met():
    """Off by one here pages somebody at night."""
    measured = k6.read(as_bytes(summary()), "x")
    for limit, met in ((190.05, True), (190.04, False)):
        [one] = judge(measured, {"x": Target("http_req_duration", "p95", "ms", at_most=limit)})
        assert one.passed is met


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=60), st.integers(1, 99))
def test_percentiles_are_those_of_the_standard_library(values, share):
    """k6 interpolates; whoever takes an element of the list finds another p95, and another verdict."""
    expected = statistics.quantiles(values, n=100, method="inclusive")[share - 1]
    assert percentile(sorted(values), share / 100) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_the_examples_of_the_two_ways_to_count():
    """1 to 20: the earlier mapper said 20 where k6 says 19.05."""
    assert percentile(list(range(1, 21)), 0.95) == pytest.approx(19.05)
    assert percentile([1, 2], 0.5) == 1.5


def test_a_suggestion_leaves_room_and_is_met_by_what_it_was_made_from(tmp_path):
    """A suggestion that the measurement itself fails is thrown away; one without room pages at the first cloud."""
    measured = k6.read(as_bytes(summary()), "x")
    found = suggestion(measured)
    assert found["targets"]["latency_p95"]["at_most"] == 230  # 190.05 and a fifth, rounded up to two digits
    assert 0.02 < found["targets"]["error_rate"]["at_most"] < 0.04  # 2 of 200 does not prove 1 %
    path = tmp_path / "slo.yaml"
    path.write_text(json.dumps({"version": 1, "targets": found["targets"]}))
    assert answer(measured, judge(measured, load(path))) == ("pass", [])


def test_a_latency_target_brings_a_failure_rate(tmp_path):
    """A service that refuses every request is the fastest."""
    path = tmp_path / "slo.yaml"
    latency = {"metric": "http_req_duration", "stat": "p95", "unit": "ms", "at_most": 500}
    path.write_text(json.dumps({"version": 1, "targets": {"fast": latency}}))
    broken = edited(summary(), {"rate": 1.0, "passes": 200, "fails": 0}, "metrics", "http_req_failed", "values")
    measured = k6.read(as_bytes(broken), "x")
    assert answer(measured, judge(measured, load(path)))[0] == "fail"
    own = {"metric": "checks", "stat": "rate", "unit": "share", "at_least": 0.9}
    path.write_text(json.dumps({"version": 1, "targets": {"fast": latency, "right": own}}))
    assert set(load(path)) == {"fast", "right"}


def test_a_run_that_failed_suggests_nothing():
    """Targets that an outage meets are none."""
    broken = edited(summary(), {"rate": 0.5, "passes": 100, "fails": 100}, "metrics", "http_req_failed", "values")
    found = suggestion(k6.read(as_bytes(broken), "x"))
    assert (found["targets"], "50.0% of the requests failed" in found["why_not"]) == ({}, True)
    missed = edited(summary(), {"p(95)<100": {"ok": False}}, "metrics", "http_req_duration", "thresholds")
    assert "k6 says that" in suggestion(k6.read(as_bytes(missed), "x"))["why_not"]


def test_the_setup_data_of_a_script_is_masked(tmp_path):
    """Its setup() logs in, and returns the token to every user of the load test."""
    document = summary() | {"setup_data": {"token": "hunter2"}}
    assert k6.read(as_bytes(document), "x").holds_setup_data
    path, masked = tmp_path / "summary.json", tmp_path / "masked.json"
    path.write_bytes(as_bytes(document))
    assert CliRunner().invoke(main, ["slo", str(path), "--masked", str(masked)]).exit_code == 0
    assert "hunter2" not in masked.read_text()
    assert json.loads(masked.read_text()) == summary()


def test_few_requests_suggest_nothing():
    """Ten good answers are not a distribution."""
    few = edited(summary(), 99, "metrics", "http_reqs", "values", "count")
    found = suggestion(k6.read(as_bytes(few), "x"))
    assert (found["targets"], "too few" in found["why_not"]) == ({}, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 1",
        "version: 1\ntargets: {}",
        "version: 2\ntargets: {a: {metric: m, stat: p95, unit: ms, at_most: 1}}",
        "version: 1\ntargets: {a: {metric: m, stat: p95, unit: ms}}",
        "version: 1\ntargets: {a: {metric: m, stat: p95, unit: ms, at_most: 1, at_least: 0}}",
        "version: 1\ntargets: {a: {metric: m, stat: p95, unit: ms, at_most: .nan}}",
        "version: 1\ntargets: {a: {metric: m, stat: p95, unit: ms, at_most: -1}}",
        "version: 1\ntargets: {a: {metric: m, stat: p95, unit: ms, at_most: 1, severity: warning}}",
        "version: 1\ntargets: {a: {metric: m, stat: p95, unit: ms, at_mots: 1}}",
    ],
    ids=range(10),
)
def test_targets_that_demand_nothing_are_refused(tmp_path, text):
    """Without a critical target every load test passes."""
    (tmp_path / "slo.yaml").write_text(text)
    with pytest.raises(PolicyError):
        load(tmp_path / "slo.yaml")
    (tmp_path / "x.json").write_bytes(as_bytes(summary()))
    assert (
        CliRunner().invoke(main, ["slo", str(tmp_path / "x.json"), "--targets", str(tmp_path / "slo.yaml")]).exit_code
        == 4
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (summary(), 0),
        (edited(summary(), 8500, "metrics", "http_req_duration", "values", "p(95)"), 2),
        (without(summary(), "metrics", "http_req_failed"), 3),
        ({}, 3),
    ],
    ids=["met", "missed", "not measured", "no k6"],
)
def test_the_command_answers_by_its_exit_code(tmp_path, document, code):
    """The earlier one ended with 0 whatever it had found."""
    path, out = tmp_path / "x.json", tmp_path / "out" / "report.json"
    path.write_bytes(as_bytes(document))
    done = CliRunner().invoke(main, ["slo", str(path), "--json", "--out", str(out)])
    assert done.exit_code == code
    if document:
        assert json.loads(done.stdout) == json.loads(out.read_text())
        assert json.loads(done.stdout)["measured_at"] is None
    assert "Traceback" not in done.output
    assert CliRunner().invoke(main, ["slo", str(path)]).exit_code == code
    assert CliRunner().invoke(main, ["slo", str(tmp_path / "gone.json")]).exit_code == 3


@pytest.mark.slow
def test_a_hundred_thousand_points_are_judged_in_a_second():
    """A minute of ten users is as many lines as this."""
    content = b"".join(
        b'{"type":"Point","metric":"http_req_duration","data":{"time":"2026-11-21T12:00:00Z","value":%d,"tags":{}}}\n'
        % (n % 300)
        for n in range(100_000)
    )
    head = b'{"type":"Metric","metric":"http_req_duration","data":{"type":"trend"}}\n'
    start = time.process_time()
    measured = k6.read(head + content, "x")
    assert measured.value("http_req_duration", "max") == 299
    assert time.process_time() - start < 10  # a second on a quiet machine; this one is shared


class Service(BaseHTTPRequestHandler):
    """A service that answers, and fails where it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_small_load_on_a_real_service_is_read_like_one_of_k6(service, tmp_path):
    """Where k6 cannot be installed, no load test at all was the alternative."""
    out = tmp_path / "summary.json"
    done = CliRunner().invoke(main, ["load", service, "--users", "5", "--duration", "1", "--out", str(out)])
    assert done.exit_code == 0, done.output
    measured = k6.read(out.read_bytes(), "x")
    assert (measured.form, measured.requests > 20) == (k6.SUMMARY, True)
    assert measured.value("http_req_failed", "rate") == 0
    assert 0 < measured.value("http_req_duration", "p95") < 1000
    assert measured.ended is not None
    assert CliRunner().invoke(main, ["slo", str(out)]).exit_code in (0, 2)


@pytest.mark.parametrize("where", ["/broken", "nowhere"])
def test_a_service_that_fails_is_measured_as_failing(service, tmp_path, where):
    """A load test whose every request was refused has excellent latencies."""
    url = service + where if where.startswith("/") else "http://127.0.0.1:9/"
    out = tmp_path / "summary.json"
    done = CliRunner().invoke(main, ["load", url, "--users", "2", "--duration", "0.3", "--out", str(out)])
    assert done.exit_code == 3
    assert k6.read(out.read_bytes(), "x").value("http_req_failed", "rate") == 1
    assert CliRunner().invoke(main, ["slo", str(out)]).exit_code == 2
