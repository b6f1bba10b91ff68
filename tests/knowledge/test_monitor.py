"""The monitor: what it keeps, what it leaves out, and whom it tells."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from pytest_promotion.clock import Clock, iso
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.release.knowledge import alerting, history, monitor
from pytest_promotion.suites.release.knowledge.alerting import Channels
from pytest_promotion.suites.release.knowledge.baseline import Acceptance
from pytest_promotion.suites.release.knowledge.drift import Rules
from tests.knowledge.conftest import NOW

pytestmark = pytest.mark.slow

BAD = {"query": "zeppelin", "expected_keywords": ["zeppelin"]}
PLACE = ".runtime/kb_benchmark_history"


class Watch:
    """A monitor that looks once a week."""

    def __init__(self, base):
        self.base, self.week = base, 0
        self.folder = base.root / PLACE

    def look(self, profile="prod", channels=Channels(), **given):  # noqa: B008 - frozen
        self.week += 1
        more = {key: given.pop(key) for key in ("retain", "rules") if key in given}
        if given.pop("accept", False):
            more["accept"] = Acceptance("R. Quay", "looked into it")
        return monitor.run(
            self.base.settings(profile, **given),
            self.folder,
            more.pop("rules", Rules()),
            clock=Clock(NOW + timedelta(weeks=self.week)),
            channels=channels,
            **more,
        )

    def spoil(self, count):
        """Makes the corpus say nothing of as many of its subjects."""
        path = self.base.corpus / "corpus_pack.json"
        rows = json.loads(path.read_text())
        for row in rows[len(rows) - count :]:
            row |= {"content": "Left blank.", "title": "Nothing"}
        path.write_text(json.dumps(rows))


@pytest.fixture
def watch(base):
    return Watch(base)


def point(watch, name, **changes):
    """A point in the history, as if an earlier run had written it."""
    template = watch.base.measure()
    moment = NOW - timedelta(weeks=1)
    folder = watch.folder / "prod"
    folder.mkdir(parents=True, exist_ok=True)
    report = template | {"generated_at_utc": iso(moment)} | changes
    (folder / f"benchmark_{name}.json").write_text(json.dumps(report))


def codes(report):
    return [alert["code"] for alert in report["alerts"]]


def test_four_quiet_weeks(watch):
    """The first looks have no history, and say so."""
    reports = [watch.look() for _ in range(4)]
    assert [one["history_points_used"] for one in reports] == [0, 1, 2, 3]
    assert all(one["passed"] and one["status"] == "measured" and not one["alerts"] for one in reports)
    assert reports[0]["baseline"] is None
    assert reports[3]["baseline"]["benchmark"] == os.path.basename(reports[0]["benchmark_path"])
    assert len(list((watch.folder / "prod").glob("benchmark_*.json"))) == 4


def test_a_corpus_that_loses_its_answers_is_found(watch):
    """The figures change because the documents do: a history that starts anew with them sees nothing."""
    for _ in range(3):
        watch.look()
    watch.spoil(12)
    report = watch.look(min_precision=0.1, min_recall=0.1)
    assert report["history_points_used"] == 3
    assert report["baseline"]["same_corpus"] is False
    assert "recall_below_baseline" in codes(report)
    assert report["passed"] is False


def test_what_is_optional_is_reported_and_does_not_block(watch):
    """Optional means that it does not block, not that it is not seen."""
    watch.look("staging")
    watch.spoil(20)
    report = watch.look("staging")
    assert {"recall_below_baseline", "benchmark_threshold_failure"} <= set(codes(report))
    assert all(alert["blocking"] is False and alert["severity"] == "warning" for alert in report["alerts"])
    assert report["passed"] is True


@pytest.mark.parametrize("profile", ["staging", "prod"])
def test_a_crash_is_never_a_pass(watch, profile):
    """In the earlier system an optional benchmark that crashed was a non-blocking failure, which passed."""
    for path in watch.base.corpus.iterdir():
        path.unlink()
    report = watch.look(profile)
    assert (report["status"], report["passed"], codes(report)) == ("error", False, ["benchmark_error"])
    assert not list((watch.folder / profile).glob("benchmark_*.json"))
    assert watch.base.run("monitor", "--profile", profile).returncode == 3


def test_off_is_not_a_point_and_not_a_pass(watch):
    """Runs that measured nothing stood in the earlier history as zeros, and hid a fall from 0.90 to 0.55."""
    report = watch.look("dev")
    assert (report["status"], report["passed"], report["current_metrics"]) == ("off", False, None)
    assert not list((watch.folder / "dev").glob("benchmark_*.json"))
    assert watch.base.run("monitor", "--profile", "dev").returncode == 3


def test_part_of_a_corpus_is_no_point(watch):
    """Figures of what could be read are figures of something else."""
    watch.look()
    (watch.base.corpus / "broken.pdf").write_bytes(b"%PDF-1.4")
    report = watch.look()
    assert (report["status"], report["passed"], codes(report)) == ("incomplete", False, ["corpus_incomplete"])
    (watch.base.corpus / "broken.pdf").unlink()
    assert watch.look()["history_points_used"] == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "empty"),
        ("[]", "a list"),
        ("{}", "profile"),
        ('{"profile": "prod"', "not JSON"),
        ({"profile": "staging"}, "profile"),
        ({"status": "error"}, "measured nothing"),
        ({"generated_at_utc": None}, "timestamp"),
        ({"generated_at_utc": "2026-05-20T10:00:00"}, "no offset"),
        ({"generated_at_utc": "2031-01-01T00:00:00+00:00"}, "future"),
        ({"avg_precision_at_k": True}, "number"),
        ({"avg_precision_at_k": 1.2}, "number"),
        ({"avg_keyword_recall": None}, "number"),
        ({"cases_sha256": ""}, "which cases"),
    ],
    ids=[
        "empty", "array", "foreign", "torn", "other profile", "error", "no date", "naive", "future", "boolean", "above one",
        "null", "no digest",
    ],
)  # fmt: skip
def test_a_bad_file_in_the_history_is_named_and_counts_for_nothing(watch, content, why):
    """`{}` was a point of zero in the earlier history, and a file from the future its newest."""
    for number in range(3):
        point(watch, f"good{number}")
    if isinstance(content, dict):
        point(watch, "bad", **content)
    else:
        (watch.folder / "prod" / "benchmark_bad.json").write_text(content)
    (watch.folder / "prod" / "notes.txt").write_text("not one of ours")
    report = watch.look()
    assert report["history_points_used"] == 3
    assert [one["path"] for one in report["left_out"]] == ["benchmark_bad.json"]
    assert why in report["left_out"][0]["why"]


def test_points_stand_in_the_order_of_the_time_inside_them(watch):
    """After a checkout all files are equally old, and the current run entered its own baseline."""
    for number, precision in enumerate((0.2, 0.9, 0.9, 0.9)):
        moment = NOW - timedelta(weeks=9 - number)
        point(watch, f"{9 - number}", generated_at_utc=iso(moment), avg_precision_at_k=precision)
        os.utime(watch.folder / "prod" / f"benchmark_{9 - number}.json", (number * -1000, 0 - number))
    found, _ = history.points(watch.folder / "prod", "prod", NOW)
    assert [float(one.figures.precision) for one in found] == [0.2, 0.9, 0.9, 0.9]


def test_other_cases_are_no_history_and_need_a_new_baseline(watch):
    """Whoever swaps the questions for easier ones has hidden every drop."""
    for _ in range(3):
        watch.look()
    asked = json.loads(watch.base.cases.read_text())
    watch.base.write_cases(*asked[:4])
    report = watch.look()
    assert (codes(report), report["history_points_used"], report["passed"]) == (["cases_changed"], 0, False)
    assert watch.look(accept=True)["passed"] is True
    assert watch.look()["alerts"] == []


def test_only_a_point_that_is_good_enough_can_be_accepted(watch):
    """A baseline that nothing can fall below ends all alarms."""
    watch.look()
    watch.spoil(20)
    with pytest.raises(Unproven, match="below 0.8"):
        watch.look(accept=True)
    with pytest.raises(Unproven, match="nothing is measured"):
        watch.look("dev", accept=True)
    assert watch.look()["passed"] is False


@pytest.mark.parametrize("content", ["", "[]", '{"profile": "prod"}', '{"profile": "staging"}'])
def test_a_baseline_that_cannot_be_read_is_not_replaced(watch, content):
    """Another baseline in its place would forgive what was lost since."""
    watch.look(accept=True)
    (watch.folder / "prod" / "baseline.json").write_text(content)
    with pytest.raises(Unproven):
        watch.look()
    assert (watch.folder / "prod" / "baseline.json").read_text() == content
    assert watch.base.run("monitor").returncode == 3


def test_two_monitors_at_once_leave_two_points(watch):
    """In the earlier system four runs in one second left one file."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: watch.base.run("monitor", "--json"), range(4)))
    reports = [json.loads(one.stdout) for one in done]
    assert [one.returncode for one in done] == [0, 0, 0, 0], [one.stderr for one in done]
    assert sorted(one["history_points_used"] for one in reports) == [0, 1, 2, 3]
    assert len({one["monitor_path"] for one in reports}) == 4
    assert len(list((watch.folder / "prod").glob("benchmark_*.json"))) == 4


def test_retention_keeps_the_newest_and_the_baseline_and_touches_nothing_else(watch):
    """What was kept by modification time was the oldest after a restore; what is not ours is not ours to remove."""
    folder = watch.folder / "prod"
    first = watch.look(accept=True)
    for name in ("benchmark_foreign.json", "benchmark_2020.json", "monitor_x.json", "mine.txt"):
        (folder / name).write_text("{}")
    reports = [watch.look(retain=9) for _ in range(12)]
    kept = sorted(path.name for path in folder.glob("benchmark_2026*.json"))
    assert len(kept) == 10
    assert os.path.basename(first["benchmark_path"]) in kept
    assert len(list(folder.glob("monitor_2026*.json"))) == 9
    assert all((folder / name).exists() for name in ("benchmark_foreign.json", "benchmark_2020.json", "mine.txt"))
    assert reports[-1]["alerts"] == []


def test_a_history_that_cannot_be_written_is_no_judgement(watch, monkeypatch):
    """A disk that is full must not turn an alarm into a quiet week."""
    monkeypatch.setattr(history, "_LOCK_S", 0.2)
    with history.held(watch.folder / "prod"), pytest.raises(Unproven, match="another run"):
        watch.look()
    watch.folder.joinpath("prod").rename(watch.folder / "away")
    watch.folder.joinpath("prod").write_text("a file where the folder belongs")
    assert watch.base.run("monitor").returncode == 3


def test_a_monitor_that_is_killed_leaves_nothing_half(watch):
    """Half a report is the newest one that the next reader finds."""
    watch.base.run("monitor")
    code = "from pytest_promotion.cli import main; main()"
    for wait_s in (0.15, 0.25, 0.3, 0.35, 0.4):
        with subprocess.Popen(
            [sys.executable, "-c", code, "kb", "monitor"], cwd=watch.base.root, stdout=subprocess.DEVNULL
        ) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
            process.kill()
    for path in (watch.folder / "prod").glob("*.json"):
        assert json.loads(path.read_text())["profile"] == "prod"
    done = watch.base.run("monitor", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["left_out"] == []


# Edits of corpus and cases


def edit(watch, number):
    """A document more, as somebody writes one each week."""
    (watch.base.corpus / f"note{number}.txt").write_text(f"The tide table of week {number} hangs in the boat house.")


def test_an_edited_corpus_keeps_its_history(watch):
    """Any edit emptied the history, and the gate failed for three weeks after it."""
    reports = []
    for number in range(5):
        edit(watch, number)
        reports.append(watch.look())
    assert [one["history_points_used"] for one in reports] == [0, 1, 2, 3, 4]
    assert [codes(one) for one in reports] == [[]] * 5
    assert reports[-1]["baseline"]["same_corpus"] is False


def test_a_document_that_was_taken_away_is_no_drift_of_the_others(watch):
    """A handbook that was withdrawn is compared on what is left; what nobody can find any more is told by the baseline."""
    for _ in range(3):
        watch.look()
    (watch.base.corpus / "drawdown_halt.txt").unlink(missing_ok=True)
    asked = [one for one in json.loads(watch.base.cases.read_text()) if "drawdown_halt.txt" not in str(one)]
    assert len(asked) == 12
    report = watch.look()
    assert (report["history_points_used"], [one for one in codes(report) if one.endswith("_drift")]) == (3, [])


def test_a_text_that_was_destroyed_under_its_name_is_a_drift_of_the_contents(watch):
    """It is in both versions of the corpus, and says less."""
    for number in range(3):
        edit(watch, number)
        watch.look()
    path = watch.base.corpus / "corpus_pack.json"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([row | {"content": "The tulips bloom."} for row in rows]))
    found = codes(watch.look(min_precision=0, min_recall=0))
    assert {"content_drift", "content_below_baseline"} <= set(found)


def test_another_corpus_under_the_same_questions_is_no_history(watch):
    """With every document renamed nothing is left to compare, and that is no quiet week."""
    for _ in range(3):
        watch.look()
    path = watch.base.corpus / "corpus_pack.json"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([row | {"source_name": f"new_{row['source_name']}"} for row in rows]))
    watch.base.write_cases(
        *[{k: v for k, v in one.items() if k != "relevant"} for one in json.loads(watch.base.cases.read_text())]
    )
    assert watch.look()["history_points_used"] == 0


def test_questions_that_were_added_are_not_compared(watch):
    """A set of questions grows: what was asked before is compared, and the new ones count from now on."""
    for _ in range(3):
        watch.look()
    asked = json.loads(watch.base.cases.read_text())
    watch.base.write_cases({"query": "zeppelin", "expected_keywords": ["zeppelin"]}, *asked)
    report = watch.look()
    assert (codes(report), report["history_points_used"], report["baseline"]["same_cases"]) == ([], 3, False)
    assert report["baseline"]["compared"]["avg_keyword_recall"] == 1.0 > report["current_metrics"]["avg_keyword_recall"]
    watch.spoil(12)
    assert "recall_below_baseline" in codes(watch.look(min_precision=0.1, min_recall=0.1))


def test_another_search_is_no_history_and_needs_a_new_baseline(watch):
    """A new search that is worse would be compared with itself from its first day on."""
    for _ in range(3):
        watch.look()
    (watch.base.root / "search.py").write_text("def search(query, k): return ['zh_risk.txt']\n")
    report = watch.look(retriever="search:search", min_precision=0, min_recall=0)
    assert (codes(report), report["history_points_used"]) == (["retriever_changed"], 0)


def test_the_names_of_old_corpora_go_with_their_reports(watch):
    """A file for each edit, for ever, is a disk that fills up."""
    for number in range(12):
        edit(watch, number)
        watch.look(retain=9)
    assert len(list((watch.folder / "prod").glob("corpus_*.json"))) <= 12
    assert len(list((watch.folder / "prod").glob("benchmark_*.json"))) <= 12


# The baseline


def test_one_lucky_first_run_is_not_what_all_are_held_to(watch):
    """A first run at 1.0 blocked a knowledge base that is at 0.9 for ever."""
    for number, precision in enumerate((1.0, 0.9, 0.9)):
        point(watch, f"{number}", generated_at_utc=iso(NOW - timedelta(weeks=5 - number)), avg_precision_at_k=precision)
    report = watch.look()
    assert report["baseline"]["avg_precision_at_k"] == 0.9
    assert len(report["baseline"]["runs"]) == 3


def test_a_point_is_accepted_by_a_name_with_a_reason_and_on_record(watch):
    """A baseline that moved and nobody knows why is a threshold that was loosened."""
    watch.base.run("monitor")
    words = ("--by", "R. Quay", "--because", "the first week of the new handbook")
    done = watch.base.run("accept", *words, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["accepted_by"], record["because"]) == ("R. Quay", "the first week of the new handbook")
    folder = watch.folder / "prod"
    assert json.loads((folder / "baseline.json").read_text()) == record
    assert [json.loads(path.read_text()) for path in folder.glob("accepted_*.json")] == [record]
    report = json.loads(watch.base.run("monitor", "--json").stdout)
    assert report["baseline"]["benchmark"] == record["benchmark"]


@pytest.mark.parametrize("words", [("--by", "R"), ("--because", "ok"), ("--by", " "), ("--because", "")], ids=" ".join)
def test_a_name_or_a_reason_that_says_nothing_is_wrong_usage(watch, words):
    """Whoever may leave it out leaves it out."""
    watch.base.run("monitor")
    given = {"--by": "R. Quay", "--because": "a new handbook"} | {words[0]: words[1]}
    done = watch.base.run("accept", *(word for pair in given.items() for word in pair))
    assert done.returncode == 4
    assert not (watch.folder / "prod" / "baseline.json").exists()


def test_what_is_old_failed_or_not_the_newest_is_not_accepted(watch):
    """The last good week is not what there is now."""
    words = ("accept", "--by", "R. Quay", "--because", "a new handbook")
    assert watch.base.run(*words).returncode == 3  # nothing was measured yet
    watch.look()  # in May
    assert "days old" in watch.base.run(*words).stderr
    watch.base.run("monitor")
    for path in watch.base.corpus.iterdir():
        path.rename(watch.base.root / path.name)
    assert watch.base.run("monitor").returncode == 3
    assert "is not about" in watch.base.run(*words).stderr


def test_an_accepted_point_starts_the_sum_again(watch):
    """An alarm that was looked into and accepted went on for weeks otherwise."""
    for number in range(9):
        moment = NOW - timedelta(weeks=9 - number)
        point(watch, f"{number}", generated_at_utc=iso(moment), avg_precision_at_k=1.0 if number < 3 else 0.4)
    assert "precision_decay" in codes(watch.look())
    assert watch.look(accept=True)["alerts"] == []
    assert watch.look()["alerts"] == []


# Telling people


@pytest.fixture
def listener():
    """A real HTTP server on loopback that keeps what it is sent, and answers as it is told to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.got.append(
                (self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
            )
            if self.server.answer is None:
                self.connection.close()
                return
            self.send_response(self.server.answer)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self):
            self.server.got.append((self.path, {}, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.address = f"http://127.0.0.1:{server.server_port}/hook?token=s3cret-of-the-hook"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_alert_is_posted_and_a_quiet_week_is_not(watch, listener):
    """A webhook that rings every week is muted; one that never rings is no alarm."""
    channels = Channels(webhook=listener.address)
    watch.look(channels=channels)
    assert listener.got == []
    watch.spoil(20)
    report = watch.look(channels=channels)
    [(_, headers, body)] = listener.got
    said = json.loads(body)
    assert headers["Content-Type"] == "application/json"
    assert (said["event"], said["profile"], said["passed"]) == ("kb_benchmark_monitor_alert", "prod", False)
    assert said["alerts"] == report["alerts"]
    assert report["alert_webhook_sent"] is True
    kept = "".join(path.read_text() for path in (watch.folder / "prod").glob("*.json"))
    assert "s3cret" not in kept


@pytest.mark.parametrize("answer", [500, 404, 302, 301, None], ids=str)
def test_an_alert_that_reached_nobody_is_said(watch, listener, answer):
    """The earlier system's exit code was the same whether anybody heard of it or not."""
    watch.look("staging")
    watch.spoil(20)
    listener.answer = answer
    done = watch.base.run("monitor", "--profile", "staging", "--alert-webhook", listener.address)
    assert done.returncode == 3
    assert "webhook was not told" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    assert [path for path, _, _ in listener.got] == ["/hook?token=s3cret-of-the-hook"]


def test_nobody_there_is_said(watch):
    """A host that is gone is the usual reason why nobody heard."""
    watch.spoil(20)
    report = watch.look(channels=Channels(webhook="http://127.0.0.1:9/hook"))
    assert report["alert_webhook_sent"] is False
    assert report["deliveries"] == [
        {"channel": "webhook", "sent": False, "why": "it did not answer: ConnectionRefusedError"}
    ]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise, on Python 3.11 and 3.12
def test_apprise_tells_whom_it_knows(watch, listener):
    """Slack, Teams and mail are addresses of Apprise; its JSON address shows that they are asked."""
    pytest.importorskip("apprise", reason="the extra alerts is not installed")
    watch.spoil(20)
    report = watch.look(channels=Channels(apprise=(f"json://127.0.0.1:{listener.server_port}/notify",)))
    [(path, _, body)] = listener.got
    assert path == "/notify"
    assert "benchmark_threshold_failure" in json.loads(body)["message"]
    assert report["deliveries"] == [{"channel": "json", "sent": True, "why": ""}]


@pytest.mark.parametrize(
    "address", ["ftp://x/y", "nowhere", "http://", "http://x:port/", "http://[::1/", "file:///etc/passwd"]
)
def test_an_address_that_is_none_is_wrong_usage(watch, address):
    """A webhook that was mistyped ended the earlier monitor with a traceback, on the day of the alarm."""
    with pytest.raises(PolicyError):
        Channels(webhook=address).check()
    assert watch.base.run("monitor", env=os.environ | {alerting.VARIABLE: address}).returncode == 4


@pytest.mark.parametrize(
    "words",
    [
        ("--max-precision-drop", "nan"), ("--max-recall-drop", "-1"), ("--max-recall-drop", "x"), ("--min-history", "9"),
        ("--retain-count", "8"), ("--drift-lookback", "0"), ("--alert-to", "no-such-service://x"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_rules_that_can_never_alarm_are_wrong_usage(watch, words):
    """Nothing is more than NaN, and nine points are never among eight."""
    done = watch.base.run("monitor", *words)
    assert done.returncode == 4, done.stdout
    assert "Traceback" not in done.stderr
