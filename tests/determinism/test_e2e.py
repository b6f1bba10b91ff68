"""A running service is asked the same thing twice: a real one, broken in each way, and one that answers oddly."""

from __future__ import annotations

import copy
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from click.testing import CliRunner
from werkzeug import Response

from fixtures.northlight import REQUEST, Northlight, carried_out, serving
from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.suites.deployment.determinism.comparison import compare
from pytest_promotion.suites.deployment.determinism.traces import root_hash, sealed

pytestmark = pytest.mark.slow

IMAGE = "sha256:" + "6f" * 32


@pytest.fixture
def northlight():
    """The service, whole, to be broken while it runs, and its URL."""
    service = Northlight()
    with serving(service) as url:
        yield service, url


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The command in an empty folder: its exit code, and the report that it left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.json").write_text(json.dumps(REQUEST))

    def ask(url, *more):
        words = [
            "parity",
            "e2e",
            "--base-url",
            url,
            "--plan",
            "plan.json",
            "--env",
            "staging",
            "--poll-seconds",
            "0.02",
        ]
        done = CliRunner().invoke(main, [*words, *more])
        latest = tmp_path / "reports/e2e_parity/latest.json"
        return done, json.loads(latest.read_text()) if latest.exists() else None

    return ask


class TestTheCheck:
    """Simulate, run, poll, replay, compare: against a real service."""

    def test_a_service_that_does_the_same_twice_passes(self, northlight, asked, tmp_path):
        """A check that fails what is whole is switched off."""
        done, report = asked(northlight[1], "--image", IMAGE)
        assert (done.exit_code, report["status"], report["reasons"]) == (0, "pass", []), done.output
        assert report["original_root_hash"] == report["replay_root_hash"]
        assert (report["steps_compared"], report["first_divergence"], report["image"]) == (3, None, IMAGE)
        assert (report["environment"], report["base_url"]) == ("staging", northlight[1])
        for name in report["traces"].values():
            trace = json.loads((tmp_path / "reports/e2e_parity" / name).read_text())
            assert root_hash(trace) == report["original_root_hash"]
        assert len(list((tmp_path / "reports/e2e_parity").glob("e2e_parity_*.json"))) == 1

    @pytest.mark.parametrize(
        ("fault", "code", "said"),
        [
            ("replay-differs", 2, "differs from the run at step 1, output[0].grams"),
            ("forged-hash", 2, "declares the root hash"),
            ("plan-changed", 2, "differs from the run at plan[2].because: nothing became"),
            ("another-seed", 2, "the run has another seed than what was asked for"),
            ("run-fails", 2, "the run run-1 failed"),
            ("run-never-ends", 3, "is still running after 0.4 s"),
            ("pending-hash", 3, "its root hash is 'pending'"),
            ("unsealed", 3, "its root hash is None"),
            ("no-steps", 3, "has no steps: nothing was compared"),
            ("errors", 3, "POST /simulate is answered with 500"),
            ("no-json", 3, "is not JSON"),
            ("slow", 3, "is not answered: timed out"),
        ],
    )
    def test_a_broken_service_does_not_pass(self, northlight, asked, fault, code, said):
        """Each of these was green somewhere, because nobody looked at what came back."""
        northlight[0].faults.add(fault)
        impatient = {"run-never-ends": ("--run-seconds", "0.4"), "slow": ("--answer-seconds", "1")}
        done, report = asked(northlight[1], *impatient.get(fault, ()))
        assert (done.exit_code, report["status"]) == (code, {2: "fail", 3: "inconclusive"}[code]), done.output
        assert any(said in line for line in report["reasons"]), report["reasons"]

    def test_the_first_divergence_is_named(self, northlight, asked):
        """Two hashes that differ tell nobody where to look."""
        northlight[0].faults.add("replay-differs")
        divergence = asked(northlight[1])[1]["first_divergence"]
        assert (divergence["step"], divergence["field"]) == (1, "output[0].grams")
        assert divergence["run"]["sha256"] != divergence["replay"]["sha256"]

    def test_the_trace_of_another_run_is_not_believed(self, northlight, asked):
        """The last good run is the easiest answer of all."""
        asked(northlight[1])
        northlight[0].faults.add("another-run")
        done, report = asked(northlight[1])
        assert done.exit_code == 2
        assert "the run is of 'run-1', not of 'run-2'" in report["reasons"]

    def test_a_plan_that_costs_too_much_is_not_run(self, northlight, asked, tmp_path):
        """What was refused in the simulation was not compared."""
        (tmp_path / "plan.json").write_text(json.dumps(REQUEST | {"budget_cents": 1}))
        done, report = asked(northlight[1])
        assert (done.exit_code, report["run_id"]) == (2, None)
        assert northlight[0].runs == {}

    def test_an_image_that_does_not_run_there_fails(self, northlight, asked):
        """Parity of the version before says nothing about this one."""
        done, report = asked(northlight[1], "--image", "sha256:" + "00" * 32)
        assert (done.exit_code, report["status"]) == (2, "fail")
        assert "not sha256:0000" in report["reasons"][0]

    def test_nobody_there_is_no_answer(self, asked):
        """Absence is never success, and no mismatch either."""
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            done, report = asked(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert (done.exit_code, report["status"]) == (3, "inconclusive")

    def test_a_check_that_was_killed_leaves_no_pass_behind(self, northlight, asked, monkeypatch):
        """Yesterday's pass is fresh for another hour."""
        assert asked(northlight[1])[1]["status"] == "pass"

        def killed(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(Peer, "ask", killed)
        done, report = asked(northlight[1])
        assert (done.exit_code, report["status"], report["reasons"]) == (
            3,
            "inconclusive",
            ["it was begun and has not ended"],
        )


class TestThePeer:
    """What is asked, and what may come back."""

    def test_it_is_not_sent_elsewhere(self, httpserver):
        """A redirect to a host that always says yes."""
        httpserver.expect_request("/simulate").respond_with_data("", 307, headers={"Location": "http://example.com/"})
        with pytest.raises(Unproven, match="sent elsewhere"):
            Peer(httpserver.url_for("")).ask("POST", "/simulate", {})

    def test_an_answer_without_end_is_cut(self, httpserver):
        """A service that is wrong can fill the memory of the one that checks it."""
        httpserver.expect_request("/x").respond_with_data(b"0" * 5000)
        with pytest.raises(Unproven, match="more than 1000 bytes"):
            Peer(httpserver.url_for(""), largest=1000).ask("GET", "/x")

    def test_an_answer_that_drips_is_not_waited_for(self, httpserver):
        """Each byte comes in time, and the whole never."""

        def drip(_request):
            return Response((time.sleep(0.05) or b"x") for _ in range(2400))

        httpserver.expect_request("/x").respond_with_handler(drip)
        start = time.monotonic()
        with pytest.raises(Unproven, match="not answered whole within 0.3 s"):
            Peer(httpserver.url_for(""), timeout_s=0.3).ask("GET", "/x")
        assert time.monotonic() - start < 60

    def test_proxies_of_the_environment_are_not_asked(self, httpserver, monkeypatch):
        """A proxy that answers for loopback is another machine."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        httpserver.expect_request("/x").respond_with_data("here")
        assert Peer(httpserver.url_for("")).ask("GET", "/x").content == b"here"

    @pytest.mark.parametrize(
        ("url", "token"),
        [
            ("ftp://host", ""),
            ("http://", ""),
            ("http://host:99999", ""),
            ("http://user:secret@host", ""),
            ("http://host/?x=1", ""),
            ("http://host", "secret"),
            ("https://host", "two\nlines"),
        ],
        ids=["scheme", "no-host", "port", "credentials", "query", "token-in-the-clear", "header-injection"],
    )
    def test_what_cannot_be_asked_safely_is_wrong_usage(self, url, token, asked, monkeypatch):
        """A token that crosses a network in the clear is everybody's."""
        with pytest.raises(PolicyError):
            Peer(url, token)
        monkeypatch.setenv("PROMOTION_E2E_TOKEN", token)
        done, _ = asked(url)
        assert done.exit_code == 4
        assert "secret" not in done.output

    def test_the_token_is_sent_and_not_reported(self, httpserver, asked, monkeypatch, tmp_path):
        """Reports are kept for months, and read by everybody."""
        monkeypatch.setenv("PROMOTION_E2E_TOKEN", "very-secret")
        httpserver.expect_request("/simulate", headers={"Authorization": "Bearer very-secret"}).respond_with_json({})
        done, report = asked(httpserver.url_for("").rstrip("/"))
        assert "feasible: None" in report["reasons"][0]
        written = list(tmp_path.rglob("*.json"))
        assert written
        assert [path for path in written if "very-secret" in path.read_text()] == []
        assert "very-secret" not in done.output


def trace(**changes):
    """A sealed trace of run-1, as the service makes it."""
    return sealed(carried_out(copy.deepcopy(REQUEST), "run-1", "northlight@" + IMAGE) | changes)


def content(document):
    return json.dumps(document).encode()


class TestComparing:
    """Pure: two traces as bytes."""

    def test_what_only_the_clock_on_the_wall_changes_is_the_same(self):
        """Durations differ between any two runs."""
        assert compare(content(trace()), content(trace()), "run-1").same

    def test_a_run_that_did_nothing_shows_nothing(self):
        """Two empty hands are equal."""
        steps = [step | {"outcome": "skipped", "output": None} for step in trace()["steps"]]
        found = compare(content(trace(steps=steps)), content(trace(steps=steps)), "run-1")
        assert (found.same, found.against) == (False, ())

    @pytest.mark.parametrize("broken", [b"", b"[]", b'{"version": 3}', b'{"a": 1, "a": 1}'], ids=range(4))
    def test_what_is_no_trace_is_not_compared(self, broken):
        """An answer that nobody can read is not an equal one."""
        for pair in ((broken, content(trace())), (content(trace()), broken), (broken, broken)):
            found = compare(*pair, "run-1")
            assert (found.same, bool(found.unknown)) == (False, True)

    def test_a_replay_that_stops_early_differs(self):
        """A prefix is not the whole."""
        short = trace(steps=trace()["steps"][:2])
        found = compare(content(trace()), content(short), "run-1")
        assert (found.steps, found.divergence["step"], found.divergence["field"]) == (2, 2, "number of steps")

    @pytest.mark.parametrize("field", ["run", "subject", "seed", "clock", "status", "plan", "metadata"])
    def test_every_field_above_the_steps_counts(self, field):
        """The earlier system did not hash the plan: another plan was no mismatch."""
        other = {
            "run": "x",
            "subject": "x",
            "seed": 2,
            "clock": "2026-01-01T00:00:00Z",
            "status": "failed",
            "plan": [],
            "metadata": {},
        }
        found = compare(content(trace()), content(trace(**{field: other[field]})), "run-1")
        assert not found.same
        assert found.divergence["field"].split("[")[0].split(".")[0] == field

    def test_a_declared_hash_is_compared_and_never_believed(self):
        """Two traces that declare the same may hold whatever they like."""
        forged = trace()
        forged["steps"][0]["output"] = []
        assert forged["root_hash"] == trace()["root_hash"]
        found = compare(content(trace()), content(forged), "run-1")
        assert len(found.against) == 2


def test_the_service_of_the_demo_can_be_started_by_itself():
    """The workflow that asks it on every pull request starts it so."""
    words = [sys.executable, "-m", "fixtures.northlight", "--port", "0"]
    environment = {**os.environ, "NORTHLIGHT_FAULTS": "redis-down"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            url = running.stdout.readline().strip()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{url}/metrics", timeout=60) as answer:
                assert "redis_connected 0.0" in answer.read().decode()
        finally:
            running.terminate()
