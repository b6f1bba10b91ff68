"""The monitor on a real Prometheus that scrapes real services, each of which is wrong in its own way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from fixtures.northlight import REQUEST, Northlight, serving
from pytest_promotion.cli import main
from tests.monitor.conftest import MAX_AGE_S

PARITY = ("--without", "parity")


@pytest.fixture
def monitor(prometheus, people, tmp_path, monkeypatch):
    """The command about one job: its exit code, its report and what it printed."""
    monkeypatch.chdir(tmp_path)

    def look(job, *words, rollback=("--no-rollback",), often=("--once",)):
        given = ["monitor", "--prometheus", prometheus, "--env", "staging", "--project-name", "shop", *rollback, *often]
        given += ["--match", f'job="{job}"', "--window", "120", "--max-age", str(MAX_AGE_S), "--p95-target-ms", "200"]
        given += ["--redis-seconds", "2", "--github", "octo/shop", "--github-api", people.url]
        done = CliRunner().invoke(main, [*given, *words])
        path = tmp_path / "reports/monitor/latest.json"
        return done, json.loads(path.read_text()) if path.exists() else {"status": done.output}

    return look


def states(report):
    return {one["rule"]: one["state"] for one in report["findings"]}


def reasons(report):
    return "; ".join(line for one in report["findings"] for line in one["reasons"])


class TestRules:
    """What each rule makes of what Prometheus has."""

    def test_a_service_that_is_well_is_well(self, monitor, people):
        """A monitor that is never content is switched off."""
        done, report = monitor("whole", *PARITY)
        assert (done.exit_code, report["status"]) == (0, "well"), done.output
        assert states(report) == {"mismatch": "well", "latency": "well", "redis": "well"}
        assert (people.chat, people.issues) == ({}, [])

    def test_a_mismatch_is_wrong_and_told_to_those_who_decide(self, monitor, people):
        """A replay that differs means that nothing the service decided can be explained."""
        done, report = monitor("mismatching", *PARITY, "--without", "latency")
        assert (done.exit_code, states(report)["mismatch"]) == (2, "wrong"), done.output
        assert "rose by 1 within 120 s" in reasons(report)
        assert report["rollback"]["status"] == "not done"
        assert {name: len(texts) for name, texts in people.chat.items()} == {"oncall": 1, "platform": 1}
        [issue] = people.issues
        assert [label["name"] for label in issue["labels"]] == ["promotion-monitor", "priority: high"]
        assert people.tokens == {"token token-of-github"}

    def test_as_many_mismatches_as_are_allowed_are_well(self, monitor):
        """A threshold that is reached is not exceeded."""
        assert monitor("mismatching", *PARITY, "--without", "latency", "--max-mismatches", "1")[0].exit_code == 0

    def test_what_was_counted_before_a_restart_counts(self, monitor):
        """A service that mismatches and crashes would look as if it never had."""
        _, report = monitor("restarted", *PARITY, "--without", "latency")
        assert "rose by 3 within" in reasons(report)

    def test_requests_that_take_too_long_open_a_ticket_for_the_platform(self, monitor, people):
        """Nobody looks at a graph."""
        done, report = monitor("whole", *PARITY, "--p95-target-ms", "0.001")
        assert (done.exit_code, states(report)["latency"]) == (2, "wrong"), done.output
        assert (report["rollback"], list(people.chat), len(people.issues)) == (None, ["platform"], 1)

    def test_redis_that_is_gone_for_long_alerts(self, monitor, people):
        """A limiter that fails open lets everybody in."""
        done, report = monitor("redis-down", *PARITY, "--without", "latency")
        assert (done.exit_code, states(report)["redis"], list(people.chat)) == (2, "wrong", ["sre"]), done.output

    def test_redis_that_is_gone_for_a_moment_does_not(self, monitor):
        """A failover takes seconds."""
        done, report = monitor("redis-down", *PARITY, "--without", "latency", "--redis-seconds", "3600")
        assert (done.exit_code, states(report)["redis"]) == (0, "well"), reasons(report)


class TestNobodyCanTell:
    """Absent, stale, empty, unreachable: exit 3, an incident, and never a rollback."""

    @pytest.mark.parametrize(
        ("job", "more", "said"),
        [
            ("idle", (), "0 requests within"),
            ("down", ("--without", "latency"), "has no fresh sample of aos_replay_mismatch_total"),
            ("no-metrics", ("--without", "latency"), "has no fresh sample of aos_replay_mismatch_total"),
            ("whole", ("--mismatch-metric", "nobody_counts_total"), "nobody_counts_total has no series"),
            ("whole", ("--redis-metric", "http_request_duration_seconds_sum"), "expected 0 or 1"),
            ("not-scraped", ("--without", "latency"), "has no series: absent is not 0"),
        ],
        ids=["idle", "down", "no-metrics", "absent-metric", "no-gauge", "absent-job"],
    )
    def test_what_is_not_known_is_not_well(self, monitor, people, job, more, said):
        """The earlier system read an absent series as 0, and 0 as good."""
        done, report = monitor(job, *PARITY, *more)
        assert (done.exit_code, report["status"], report["rollback"]) == (3, "inconclusive", None), done.output
        assert said in reasons(report)
        assert (list(people.chat), len(people.issues)) == (["oncall"], 1)

    def test_a_prometheus_that_is_gone_is_one_incident(self, monitor, people):
        """Three pages at three in the morning for one cause."""
        done, report = monitor("whole", *PARITY, "--prometheus", "http://127.0.0.1:9")
        assert (done.exit_code, set(states(report).values())) == (3, {"unknown"})
        assert (len(people.chat["oncall"]), len(people.issues)) == (1, 1)

    def test_nothing_is_done_and_told_in_a_dry_run(self, monitor, people):
        """Whoever tries it out must not wake anybody."""
        done, report = monitor("mismatching", *PARITY, "--without", "latency", "--dry-run", rollback=())
        assert (done.exit_code, report["dry_run"], people.chat, people.issues) == (2, True, {}, [])


class TestParity:
    """The end-to-end check, run here or before."""

    @pytest.fixture
    def report(self, tmp_path, monkeypatch):
        """The report of a check of a service with some faults."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "plan.json").write_text(json.dumps(REQUEST))

        def check(*faults, env="staging"):
            with serving(Northlight(faults)) as url:
                words = ["parity", "e2e", "--base-url", url, "--plan", "plan.json", "--env", env]
                CliRunner().invoke(main, [*words, "--poll-seconds", "0.02"])
            return tmp_path / "reports/e2e_parity/latest.json"

        return check

    @pytest.mark.parametrize(
        ("faults", "code"), [((), 0), (("replay-differs",), 2), (("errors",), 3)], ids=["same", "differs", "no-answer"]
    )
    def test_what_it_found_is_what_is_wrong(self, monitor, report, faults, code):
        """Parity failure: immediate rollback. A service that does not answer: somebody has to look."""
        done, found = monitor("whole", "--parity-report", str(report(*faults)))
        assert (done.exit_code, found["rollback"] is not None) == (code, code == 2), done.output

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda found: found.update(environment="prod"), "of the environment 'prod'"),
            (lambda found: found.update(finished_at="2026-01-01T00:00:00+00:00"), "days old"),
            (lambda found: found.update(finished_at="2999-01-01T00:00:00+00:00"), "old, expected"),
            (lambda found: found.update(kind="drill"), "expected an e2e_parity"),
            (lambda found: found.update(traces={}), "None cannot be read"),
            (lambda found: found.update(status="PASS"), "is 'PASS'"),
        ],
        ids=["elsewhere", "stale", "future", "another-kind", "no-traces", "another-word"],
    )
    def test_a_report_that_says_nothing_of_this_deployment_is_unknown(self, monitor, report, change, said):
        """A pass of yesterday, or of staging."""
        path = report()
        found = json.loads(path.read_text())
        change(found)
        path.write_text(json.dumps(found))
        done, found = monitor("whole", "--parity-report", str(path))
        assert (done.exit_code, states(found)["parity"]) == (3, "unknown"), reasons(found)
        assert said in reasons(found)

    def test_a_pass_is_recomputed(self, monitor, report):
        """A word in a file is quickly written."""
        path = report("replay-differs")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "pass", "reasons": []}))
        done, found = monitor("whole", "--parity-report", str(path))
        assert (done.exit_code, states(found)["parity"]) == (2, "wrong")

    def test_it_can_be_asked_at_each_look(self, monitor, report, tmp_path):
        """A service that was the same after the deployment may differ an hour later."""
        report()
        with serving(Northlight(["replay-differs"])) as url:
            done, found = monitor("whole", "--base-url", url, "--plan", "plan.json")
        assert (done.exit_code, states(found)["parity"]) == (2, "wrong"), done.output


class TestTelling:
    """Slack and GitHub, both, once."""

    WORDS = (*PARITY, "--without", "latency")

    def test_one_incident_has_one_issue(self, monitor, people):
        """Ninety issues by noon, and nobody reads the ninety-first."""
        for _ in range(3):
            done, report = monitor("mismatching", *self.WORDS)
            assert done.exit_code == 2
        assert (len(people.issues), people.comments, len(people.chat["oncall"])) == (1, [], 1)
        assert {one["issue"] for one in report["told"] if one["channel"] == "github"} == {1}

    def test_where_it_lasts_it_is_said_again(self, monitor, people):
        """An incident that nobody took is forgotten by everybody."""
        for _ in range(2):
            monitor("mismatching", *self.WORDS, "--remind", "0")
        assert (len(people.issues), len(people.comments), len(people.chat["oncall"])) == (1, 1, 2)
        assert "seen 2 times since" in people.comments[0][1]

    def test_an_issue_that_was_closed_is_opened_again_as_another(self, monitor, people):
        """What was mended and is broken again must not be said to nobody in a closed issue."""
        monitor("mismatching", *self.WORDS, "--remind", "0")
        people.issues[0]["state"] = "closed"
        monitor("mismatching", *self.WORDS, "--remind", "0")
        assert (len(people.issues), people.comments) == (2, [])

    def test_an_issue_without_its_label_is_found(self, monitor, people):
        """GitHub leaves labels away, in silence, where a token may not give them."""
        monitor("mismatching", *self.WORDS, "--remind", "0")
        people.issues[0]["labels"] = []
        monitor("mismatching", *self.WORDS, "--remind", "0")
        assert (len(people.issues), len(people.comments)) == (1, 1)

    @pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, on Python 3.11 and 3.12
    def test_whatever_apprise_knows_can_be_told(self, monitor, people, httpserver, monkeypatch):
        """Not everybody has Slack."""
        httpserver.expect_request("/apprise").respond_with_data("ok")
        monkeypatch.setenv("PROMOTION_SLACK_ONCALL", httpserver.url_for("/apprise").replace("http://", "json://"))
        done, _ = monitor("mismatching", *self.WORDS)
        assert (done.exit_code, list(people.chat)) == (2, ["platform"]), (done.output, done.exception)
        assert [request.path for request, _ in httpserver.log].count("/apprise") == 1

    def test_nobody_is_called_by_what_a_service_says(self, monitor, people):
        """A label called <!channel> wakes everybody, one called @octo somebody else."""
        monitor("whole", *PARITY, "--mismatch-metric", "absent", "--match", 'job="<!channel> @octo"')
        assert "<!channel>" not in people.chat["oncall"][0]
        assert all(line.startswith("    ") for line in people.issues[0]["body"].splitlines() if "octo" in line)

    @pytest.mark.parametrize("gone", ["slack", "github"])
    def test_if_one_channel_fails_the_other_is_told(self, monitor, people, gone):
        """A token that expired must not silence the pager."""
        people.broken.add(gone)
        done, report = monitor("mismatching", *self.WORDS)
        assert done.exit_code == 9
        assert bool(people.chat) == (gone != "slack")
        assert bool(people.issues) == (gone != "github")
        assert {one["channel"] for one in report["told"] if not one["sent"]} == (
            {"github"} if gone == "github" else {"oncall", "platform"}
        )
        people.broken.clear()
        assert monitor("mismatching", *self.WORDS)[0].exit_code == 2
        assert (len(people.issues), len(people.chat["oncall"])) == (1, 1)

    def test_what_is_damaged_is_told_anew(self, monitor, people, tmp_path):
        """A state that cannot be read must not silence anybody, nor open a second issue."""
        monitor("mismatching", *self.WORDS)
        (tmp_path / "reports/monitor/incidents.json").write_text('{"open": [')
        assert monitor("mismatching", *self.WORDS)[0].exit_code == 2
        assert (len(people.issues), len(people.comments), len(people.chat["oncall"])) == (1, 1, 2)

    def test_two_monitors_at_once_open_one_issue(self, monitor, people, prometheus, tmp_path):
        """Each looks, neither sees an issue, both open one."""
        code = "from pytest_promotion.cli import main; main()"
        words = [sys.executable, "-c", code, "monitor", "--prometheus", prometheus, "--env", "staging", "--once"]
        words += ["--project-name", "shop", "--no-rollback", "--match", 'job="mismatching"', "--github", "octo/shop"]
        words += ["--github-api", people.url, "--max-age", str(MAX_AGE_S), "--redis-seconds", "2", *self.WORDS]
        both = [subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
        assert [one.wait(120) for one in both] == [2, 2]
        assert (len(people.issues), len(people.comments), len(people.chat["oncall"])) == (1, 0, 1)

    def test_an_all_clear_ends_an_incident(self, monitor, people, tmp_path):
        """What comes back tomorrow is to be told at once."""
        monitor("mismatching", *self.WORDS)
        assert monitor("whole", *self.WORDS)[0].exit_code == 0
        assert json.loads((tmp_path / "reports/monitor/incidents.json").read_text())["open"] == {}

    def test_no_secret_is_told_or_kept(self, monitor, people, tmp_path):
        """Reports and issues are read by everybody."""
        people.broken.add("slack")
        done, _ = monitor("mismatching", *self.WORDS)
        kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
        for secret in ("token-of-github", f"{people.url}/slack"):
            assert secret not in kept + done.output + json.dumps(people.issues)


class TestTheCall:
    """What is refused before anything is looked at."""

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ((), "nothing to judge parity"),
            ((*PARITY, "--slo", "x.json"), "exclude each other"),
            ((*PARITY, "--match", '{job="x"}'), "without braces"),
            ((*PARITY, "--mismatch-metric", "rate(x)"), "no name of a metric"),
            ((*PARITY, "--github", "shop"), "no issue could be opened"),
            ((*PARITY, "--duration", "1"), "either --once or --duration"),
            ((*PARITY, "--env", "../x"), "is not a word"),
        ],
        ids=range(7),
    )
    def test_what_could_not_be_judged_is_wrong_usage(self, monitor, words, said):
        """A monitor that watches less than everybody thinks."""
        done, _ = monitor("whole", *words)
        assert (done.exit_code, said in done.output) == (4, True), done.output

    def test_nobody_to_tell_is_said_before(self, monitor, monkeypatch):
        """At three in the morning it is too late."""
        monkeypatch.delenv("PROMOTION_SLACK_SRE")
        done, _ = monitor("whole", *PARITY)
        assert (done.exit_code, "PROMOTION_SLACK_SRE is not set" in done.output) == (4, True)
        assert monitor("whole", *PARITY, "--without", "slack")[0].exit_code == 0

    def test_nothing_to_roll_back_is_said_before(self, monitor):
        """A rollback that has nowhere to go back to."""
        done, _ = monitor("whole", *PARITY, rollback=())
        assert (done.exit_code, "--no-rollback" in done.output) == (4, True)

    @pytest.mark.parametrize(
        ("suggestion", "code"),
        [
            ({"targets": {"latency_p95": {"at_most": 400, "unit": "ms"}}}, 0),
            ({"targets": {"latency_p95": {"at_most": 0.001, "unit": "ms"}}}, 2),
            ({"targets": {"latency_p95": {"at_most": 1, "unit": "s"}}}, 4),
            ({"targets": {}, "why_not": "7 requests are too few"}, 4),
        ],
        ids=["met", "missed", "unit", "none"],
    )
    def test_the_target_is_what_the_load_test_suggested(
        self, prometheus, people, tmp_path, monkeypatch, suggestion, code
    ):
        """A target that somebody typed is of another version."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "slo.json").write_text(json.dumps({"suggestion": suggestion}))
        words = ["monitor", "--prometheus", prometheus, "--env", "staging", "--project-name", "shop", "--no-rollback"]
        words += ["--match", 'job="whole"', "--github", "octo/shop", "--github-api", people.url, "--once", *PARITY]
        done = CliRunner().invoke(main, [*words, "--slo", "slo.json", "--without", "redis"])
        assert done.exit_code == code, done.output


class TestGoingOn:
    """A loop of looks."""

    def test_the_worst_look_is_what_it_ends_with(self, monitor, people, tmp_path):
        """A service that was wrong for a minute and well at the end was wrong."""
        done, report = monitor("mismatching", *TestTelling.WORDS, "--interval", "0.2", often=("--duration", "0.7"))
        assert (done.exit_code, report["status"]) == (2, "wrong")
        assert len(list((tmp_path / "reports/monitor").glob("monitor_*.json"))) == 1
        assert len(people.issues) == 1

    def test_a_loop_that_is_ended_has_not_seen_everything(self, monitor, people, prometheus, tmp_path):
        """A deployment is called well after the minute that somebody had patience for."""
        code = "from pytest_promotion.cli import main; main()"
        words = [sys.executable, "-c", code, "monitor", "--prometheus", prometheus, "--env", "staging"]
        words += ["--project-name", "shop", "--no-rollback", "--match", 'job="whole"', "--without", "github"]
        words += [
            "--max-age",
            "2",
            "--redis-seconds",
            "2",
            "--duration",
            "600",
            "--interval",
            "0.2",
            *TestTelling.WORDS,
        ]
        running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 120
        latest = tmp_path / "reports/monitor/latest.json"
        while not latest.exists() or json.loads(latest.read_text())["status"] != "well":
            assert time.monotonic() < until, running.poll()
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        assert running.wait(120) == 3
