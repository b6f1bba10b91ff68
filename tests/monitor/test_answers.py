"""A Prometheus that answers as its reference says it may, and one that is something else: none of it is "well"."""

from __future__ import annotations

import json
import time

import pytest
from werkzeug import Request, Response

from pytest_promotion.errors import Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.suites.deployment.monitor.prometheus import Prometheus
from pytest_promotion.suites.deployment.monitor.rules import State, Thresholds, measured

LABELS = {"job": "shop", "instance": "a"}
ASKED = Thresholds(window_s=100, max_age_s=30, p95_ms=500, redis_zero_s=60)


class Answers:
    """A server that says what it is told to, by what the question begins with."""

    def __init__(self, server):
        self.now = time.time()
        self.url = server.url_for("").rstrip("/")
        times = [self.now - 100 + 10 * number for number in range(11)]
        self.said = {
            "up": self.matrix([(at, "1") for at in times]),
            "aos_replay_mismatch_total": self.matrix([(at, "0") for at in times]),
            "http_request_duration_seconds_count": self.matrix([(at, str(10 * n)) for n, at in enumerate(times)]),
            "histogram_quantile": self.vector({"": "0.2"}),
            "sum by (le)": self.vector({"0.1": "10", "1": "99", "+Inf": "100"}),
            "redis_connected": self.matrix([(at, "1") for at in times]),
        }
        server.expect_request("/api/v1/query", method="POST").respond_with_handler(self._answer)

    def matrix(self, *series, **more):
        result = [
            {"metric": LABELS | {"n": str(n)}, "values": [[at, v] for at, v in one]} for n, one in enumerate(series)
        ]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}} | more

    def vector(self, values, **more):
        result = [{"metric": {"le": le} if le else {}, "value": [self.now, value]} for le, value in values.items()]
        return {"status": "success", "data": {"resultType": "vector", "result": result}} | more

    def _answer(self, request: Request) -> Response:
        found = next(said for start, said in self.said.items() if request.form["query"].startswith(start))
        return found if isinstance(found, Response) else Response(json.dumps(found), content_type="application/json")

    def states(self):
        found = measured(Prometheus(Peer(self.url), self.now), ASKED, self.now, self.now - 100)
        return {one.rule: one for one in found}


@pytest.fixture
def answers(httpserver):
    """All is well until a test says otherwise."""
    return Answers(httpserver)


def test_what_is_well_is_well(answers):
    """Else the tests below show nothing."""
    assert {one.state for one in answers.states().values()} == {State.WELL}


def plain(text, status=200):
    return Response(text, status)


@pytest.mark.parametrize(
    "said",
    [
        plain("<html>sign in</html>"),
        plain("", 503),
        plain(json.dumps({"status": "error", "errorType": "unavailable", "error": "starting"}), 503),
        plain(json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error"}), 400),
        plain(json.dumps({"status": "success"})),
        plain(json.dumps([])),
        plain(json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [1, "0"]}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": None}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}}]}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "histograms": [[1, {}]]}]}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": []}]}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, 0]]}]}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]}})),
        plain(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[2, "0"], [1, "0"]]}]}})),
        plain('{"status": "success", "status": "success"}'),
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_answer_is_refused(answers, said):
    """An error page that is read as no data, and no data as 0."""
    for name in ("aos_replay_mismatch_total", "up", "redis_connected"):
        answers.said[name] = said
    states = answers.states()
    assert (states["mismatch"].state, states["redis"].state) == (State.UNKNOWN, State.UNKNOWN)
    with pytest.raises(Unproven):
        Prometheus(Peer(answers.url), answers.now).samples("up", 10)


def test_an_answer_with_warnings_is_a_part_of_the_truth(answers):
    """A remote store that did not answer leaves out just the bad series."""
    answers.said["up"]["warnings"] = ["remote read failed: partial data"]
    assert {one.state for one in answers.states().values()} == {State.UNKNOWN}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
@pytest.mark.parametrize(
    ("name", "rule"),
    [("aos_replay_mismatch_total", "mismatch"), ("redis_connected", "redis"), ("histogram_quantile", "latency")],
)
def test_what_is_no_number_is_unknown(answers, value, name, rule):
    """NaN is neither above a limit nor below, so every comparison is content."""
    said = answers.said[name]["data"]["result"][0]
    if "value" in said:
        said["value"][1] = value
    else:
        said["values"][-1][1] = value
    found = answers.states()
    assert found[rule].state is State.UNKNOWN
    assert sum(one.state is State.UNKNOWN for one in found.values()) == 1


@pytest.mark.parametrize(
    ("quantile", "said"),
    [({}, "is nothing"), ({"": "0.2", "x": "0.1"}, "is 0.2, 0.1")],
    ids=["empty", "two"],
)
def test_a_percentile_is_one_number(answers, quantile, said):
    """An empty vector is what Prometheus answers to a misspelt name."""
    answers.said["histogram_quantile"] = answers.vector(quantile)
    found = answers.states()["latency"]
    assert found.state is State.UNKNOWN
    assert said in found.reasons[0]


def test_slower_than_the_last_bucket_is_not_as_fast_as_it(answers):
    """histogram_quantile() gives the last finite bound for whatever lies above it."""
    answers.said["histogram_quantile"] = answers.vector({"": "1"})
    assert answers.states()["latency"].reasons == ["p95 is at least 1000.0 ms, expected at most 500 ms"]
    answers.said["sum by (le)"] = answers.vector({"0.1": "10", "0.4": "20", "+Inf": "100"})
    answers.said["histogram_quantile"] = answers.vector({"": "0.4"})
    found = answers.states()["latency"]
    assert (found.state, "end at 400 ms" in found.reasons[0]) == (State.UNKNOWN, True)


@pytest.mark.parametrize(
    "buckets", [{}, {"0.1": "1"}, {"+Inf": "1"}, {"x": "1"}], ids=["none", "no-rest", "only-rest", "no-number"]
)
def test_a_histogram_without_ends_has_no_percentile(answers, buckets):
    """A bucket that was dropped on its way to Prometheus."""
    answers.said["sum by (le)"] = answers.vector(buckets)
    assert answers.states()["latency"].state is State.UNKNOWN


def test_one_bad_series_is_enough(answers):
    """The mean of a process that mismatches and nine that do not is well."""
    good = [(answers.now - 10 * n, "0") for n in range(10, -1, -1)]
    bad = [*good[:-1], (answers.now, "1")]
    odd = [*good[:-1], (answers.now, "NaN")]
    answers.said["aos_replay_mismatch_total"] = answers.matrix(good, bad, odd)
    found = answers.states()["mismatch"]
    assert (found.state, found.value) == (State.WRONG, 1)
    assert "says nan" in " ".join(found.reasons)


def test_a_sample_that_is_old_is_no_sample(answers):
    """The value of an instant query carries the time of the question: nobody sees that it is five minutes old."""
    for name in ("aos_replay_mismatch_total", "redis_connected", "http_request_duration_seconds_count"):
        for pair in answers.said[name]["data"]["result"][0]["values"]:
            pair[0] -= 40
    assert {one.state for one in answers.states().values()} == {State.UNKNOWN}
