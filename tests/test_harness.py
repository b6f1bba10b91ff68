"""The regression harness: every invariant over every row, and a pass only where it ran."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from pytest_promotion.suites.trading.replay import harness
from pytest_promotion.suites.trading.replay.harness import NAME, regression
from pytest_promotion.suites.trading.replay.invariants import ACTIVE, INTENT, RISK

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
COUNT = 1_200


def row(number, **changes):
    """Market data, with an intent and a decision now and then."""
    stream, payload = "hb.market_data.v1", {"mid_price": 1.0}
    if number % 100 == 1:
        stream, payload = INTENT, {"action": "soft_pause", "expires_at_ms": 1_779_000_000_000}
    elif number % 100 == 2:
        stream, payload = RISK, {"approved": False, "reason": "spread"}
    elif number % 100 == 3:
        stream, payload = RISK, {"approved": True}
    return {
        "event_id": f"id-{number}",
        "event_type": "snapshot",
        "stream": stream,
        "correlation_id": "c",
        "payload": payload,
        "ingest_ts_utc": (NOW - timedelta(hours=1) + timedelta(seconds=number)).isoformat(),
    } | changes


def store(root, rows, name="events_20260520.jsonl", end="\n"):
    path = root / "reports" / "event_store" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(json.dumps(each) + end for each in rows).encode())
    return path


def judged(root, **given):
    report = regression(root, root / "reports", NOW, **given)
    assert json.loads((root / "reports" / NAME / "latest.json").read_text()) == report
    return report


def failed(report):
    return [check["name"] for check in report["checks"] if check["pass"] is not True]


@pytest.fixture
def rows():
    return [row(number) for number in range(COUNT)]


def test_a_good_store_passes_with_the_contracts_fields(tmp_path, rows):
    """Whoever reads this report was written before it was."""
    store(tmp_path, rows)
    report = judged(tmp_path)
    assert (report["status"], failed(report)) == ("pass", [])
    assert report["event_file"] == "reports/event_store/events_20260520.jsonl"
    assert report["dataset_fingerprint"]["event_count"] == COUNT
    assert report["dataset_fingerprint"]["sample_event_ids"] == [f"id-{number}" for number in range(10)]
    assert {key: report["invariants"][key] for key in list(report["invariants"])[:4]} == {
        "execution_intent_count": 12,
        "risk_decision_count": 24,
        "intent_missing_expiry_count": 0,
        "risk_denied_missing_reason_count": 0,
    }
    assert [path.name for path in (tmp_path / "reports" / NAME).glob("*_2*.json")] == [
        "backtest_regression_20260520T120000Z.json"
    ]


@pytest.mark.parametrize("place", [0, 250, COUNT - 1])
def test_every_row_is_in_the_fingerprint(tmp_path, rows, place):
    """The earlier fingerprint ended after 200 rows, and knew only their ids."""
    store(tmp_path, rows)
    before = judged(tmp_path)["dataset_fingerprint"]["sha256"]
    rows[place] |= {"payload": rows[place]["payload"] | {"note": "changed"}}
    store(tmp_path, rows)
    assert judged(tmp_path)["dataset_fingerprint"]["sha256"] != before


def test_line_ends_are_not_in_the_fingerprint(tmp_path, rows):
    """The same events checked out on another system are the same data set."""
    store(tmp_path, rows)
    before = judged(tmp_path)["dataset_fingerprint"]["sha256"]
    store(tmp_path, rows, end="\r\n")
    assert judged(tmp_path)["dataset_fingerprint"]["sha256"] == before


BROKEN = {
    "no-correlation": ({"correlation_id": None}, "missing_correlation_zero"),
    "correlation-filled-in": ({"payload": {"correlation_id": None}}, "missing_correlation_zero"),
    "id-twice": ({"event_id": "id-7"}, "duplicate_event_ids_zero"),
    "future": ({"ingest_ts_utc": (NOW + timedelta(minutes=5)).isoformat()}, "future_rows_zero"),
    **{
        f"endless-{action}": (
            {"stream": INTENT, "payload": {"action": action}},
            "intent_expiry_present_for_active_actions",
        )
        for action in ACTIVE
    },
    **{
        f"expiry-{shown}": (
            {"stream": INTENT, "payload": {"action": "kill_switch", "expires_at_ms": value}},
            "intent_expiry_present_for_active_actions",
        )
        for shown, value in {"null": None, "zero": 0, "true": True, "text": "soon", "negative": -1}.items()
    },
    **{
        f"denied-{shown}": (
            {"stream": RISK, "payload": {"approved": False, "reason": value}},
            "risk_denied_reason_present",
        )
        for shown, value in {"null": None, "empty": "", "blank": "  ", "number": 5}.items()
    },
    "neither-yes-nor-no": ({"stream": RISK, "payload": {"reason": "spread"}}, "risk_denied_reason_present"),
    "the-text-false": (
        {"stream": RISK, "payload": {"approved": "false", "reason": "spread"}},
        "risk_denied_reason_present",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_bad_row_among_many_is_found(tmp_path, rows, name):
    """An invariant over a sample holds for the sample."""
    changes, check = BROKEN[name]
    rows[-1] |= changes
    store(tmp_path, rows)
    report = judged(tmp_path)
    assert (report["status"], failed(report)) == ("fail", [check])


def test_an_inactive_intent_needs_no_end(tmp_path, rows):
    """A rule that is wider than it says is mended by weakening it."""
    rows[-1] |= {"stream": INTENT, "payload": {"action": "resume"}}
    store(tmp_path, rows)
    assert judged(tmp_path)["status"] == "pass"


@pytest.mark.parametrize(
    ("tail", "said"),
    [(b'{"event_id": "x', "half written"), (b"[]\n", "not an event"), (b"nonsense\n", "")],
    ids=["torn", "list", "nonsense"],
)
def test_a_store_that_is_not_whole_is_judged_no_further(tmp_path, rows, tail, said):
    """The earlier harness skipped what it could not read, and counted it as an event."""
    path = store(tmp_path, rows)
    with path.open("ab") as file:
        file.write(tail)
    report = judged(tmp_path)
    assert (report["status"], failed(report)) == ("fail", ["store_is_whole"])
    assert said in report["checks"][0]["value"]
    assert report["dataset_fingerprint"]["event_count"] == 0


def test_no_store_is_a_failed_report(tmp_path):
    """No report would leave yesterday's standing."""
    assert failed(judged(tmp_path)) == ["store_is_whole"]


@pytest.mark.parametrize("count", [1, 999])
def test_too_few_rows_are_no_pass(tmp_path, rows, count):
    """Invariants hold easily for a handful of rows."""
    store(tmp_path, rows[:count])
    assert failed(judged(tmp_path)) == ["event_count_min"]
    assert failed(judged(tmp_path, min_events=count)) == []


def test_all_days_are_judged(tmp_path, rows):
    """The earlier harness took the newest file with enough rows, and nobody saw the others."""
    rows[5] |= {"correlation_id": ""}
    store(tmp_path, rows[:600], "events_20260519.jsonl")
    store(tmp_path, rows[600:])
    report = judged(tmp_path)
    assert len(report["event_files"]) == 2
    assert report["dataset_fingerprint"]["event_count"] == COUNT
    assert failed(report) == ["missing_correlation_zero"]


@pytest.mark.parametrize("declared", [3, -1, True, "0", None, 0.5], ids=repr)
def test_a_declared_gap_counts_too(tmp_path, rows, declared):
    """A report that says three are missing knows something that a recount may not."""
    store(tmp_path, rows)
    assert failed(judged(tmp_path, integrity={"integrity_20260520.json": declared})) == ["missing_correlation_zero"]


# Golden metrics


def golden(root: Path, *metrics, text=None):
    path = root / "golden.json"
    path.write_text(text if text is not None else json.dumps({"metrics": list(metrics)}))
    return path


@pytest.mark.parametrize(
    ("expected", "tolerance", "ok"),
    [(0.5, 0, True), (0.4, 0.1, True), (0.4, 0.09, False), (0.6, 0.09, False)],
    ids=["exact", "at-the-end", "above", "below"],
)
def test_a_metric_is_held_against_its_tolerance(tmp_path, rows, expected, tolerance, ok):
    """A drift that nobody measures is found by the customers."""
    store(tmp_path, rows)
    path = golden(tmp_path, {"metric": "denied_share", "expected": expected, "tolerance": tolerance})
    assert failed(judged(tmp_path, golden=path)) == ([] if ok else ["golden_denied_share"])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "0.5", True], ids=repr)
def test_a_metric_that_is_no_number_is_off(tmp_path, rows, value):
    """NaN is neither too high nor too low."""
    store(tmp_path, rows)
    path = golden(tmp_path, {"metric": "fill_ratio", "expected": 0.5, "tolerance": 100})
    assert failed(judged(tmp_path, golden=path, metrics={"fill_ratio": value})) == ["golden_fill_ratio"]


def test_a_metric_that_nobody_computed_is_off(tmp_path, rows):
    """A misspelt metric would otherwise hold for ever."""
    store(tmp_path, rows)
    path = golden(tmp_path, {"metric": "fil_ratio", "expected": 0.5, "tolerance": 100})
    assert failed(judged(tmp_path, golden=path)) == ["golden_fil_ratio"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"metrics": []}',
        '{"metrics": [{"metric": "a", "expected": 1}]}',
        '{"metrics": [{"metric": "a", "expected": NaN, "tolerance": 1}]}',
        '{"metrics": [{"metric": "a", "expected": 1, "tolerance": -1}]}',
        '{"metrics": [{"metric": "a", "expected": "1", "tolerance": 1}]}',
        '{"metrics": [{"metric": "a", "expected": 1, "tolerence": 1, "tolerance": 1}]}',
        '{"metrics": [{"metric": "a", "expected": 1, "tolerance": 1}, {"metric": "a", "expected": 9, "tolerance": 1}]}',
    ],
    ids=["empty", "nothing", "none", "half", "nan", "negative", "text", "misspelt", "twice"],
)
def test_golden_metrics_that_cannot_be_read_are_no_pass(tmp_path, rows, text):
    """A file of expectations that expects nothing is met by everything."""
    store(tmp_path, rows)
    assert failed(judged(tmp_path, golden=golden(tmp_path, text=text))) == ["golden_metrics_readable"]
    (tmp_path / "golden.json").unlink()
    assert failed(judged(tmp_path, golden=tmp_path / "golden.json")) == ["golden_metrics_readable"]


def test_a_harness_that_crashes_leaves_no_pass_behind(tmp_path, rows, monkeypatch):
    """The earlier gate asked only whether the report was there."""
    store(tmp_path, rows)
    assert judged(tmp_path)["status"] == "pass"
    monkeypatch.setattr(harness, "inspect", lambda *_words: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        judged(tmp_path)
    latest = json.loads((tmp_path / "reports" / NAME / "latest.json").read_text())
    assert (latest["status"], failed(latest)) == ("fail", ["harness_ran"])


class TestCommand:
    """`promotion replay harness`."""

    def harness(self, root, *words):
        """Runs the command as it is installed."""
        code = "from pytest_promotion.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, "replay", "harness", "--root", str(root), *words],
            capture_output=True,
            text=True,
            check=False,
        )

    def test_it_says_by_its_exit_code_what_came_of_it(self, tmp_path, rows):
        """The gate's producer was a function that only the demo could call."""
        place = store(tmp_path, rows)
        done = self.harness(tmp_path, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads((tmp_path / "reports" / NAME / "latest.json").read_text())
        assert json.loads(done.stdout) == report
        [file] = report["store"]["files"]
        content = place.read_bytes()
        assert (file["path"], file["size_bytes"]) == ("reports/event_store/events_20260520.jsonl", len(content))
        assert file["sha256"] == sha256(content).hexdigest()
        assert self.harness(tmp_path, "--min-events", "5000").returncode == 2

    def test_another_store_has_another_digest(self, tmp_path, rows):
        """A report about yesterday's store would pass for one about today's."""
        store(tmp_path, rows)
        before = judged(tmp_path)["store"]["sha256"]
        store(tmp_path, rows[:-1])
        assert judged(tmp_path)["store"]["sha256"] != before

    def test_no_store_is_not_judged(self, tmp_path):
        """A misspelt pattern finds nothing wrong in nothing."""
        done = self.harness(tmp_path)
        assert (done.returncode, "nothing matches" in done.stdout) == (3, True)
        assert json.loads((tmp_path / "reports" / NAME / "latest.json").read_text())["status"] == "fail"

    def test_a_half_written_row_is_not_judged(self, tmp_path, rows):
        """A store that was cut has no last row, and a count that is one short."""
        place = store(tmp_path, rows)
        place.write_bytes(place.read_bytes()[:-40])
        assert self.harness(tmp_path).returncode == 3

    def test_a_payload_without_correlation_is_accepted_where_the_row_has_one(self, tmp_path, rows):
        """The gate of the store and its harness said different things of the same rows."""
        store(tmp_path, [*rows[:-1], {**rows[-1], "payload": {"correlation_id": None}}])
        assert self.harness(tmp_path).returncode == 0
        assert self.harness(tmp_path, "--payload-correlation", "refuse").returncode == 2
        store(tmp_path, [*rows[:-1], {**rows[-1], "correlation_id": None}])
        assert self.harness(tmp_path).returncode == 2

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ('{"missing_correlation_count": 0}', 0),
            ('{"missing_correlation_count": 3}', 2),
            ('{"missing_correlation_count": null}', 2),
            ('{"missing_correlation_count": "0"}', 2),
            ("{}", 2),
            ("{", 2),
            ("", 2),
        ],
    )
    def test_a_gap_that_an_integrity_report_declares_counts(self, tmp_path, rows, content, code):
        """A report that cannot be read was taken for one that found no gap."""
        store(tmp_path, rows)
        (tmp_path / "reports/event_store/integrity_20260520.json").write_text(content)
        assert self.harness(tmp_path).returncode == code

    def test_golden_metrics_are_held(self, tmp_path, rows):
        """A figure that left its tolerance, or that was not computed, is the regression that the harness is for."""
        store(tmp_path, rows)
        golden, metrics = tmp_path / "golden.json", tmp_path / "metrics.json"
        expected = [
            {"metric": "event_count", "expected": COUNT, "tolerance": 0},
            {"metric": "pnl", "expected": 5, "tolerance": 1},
        ]
        golden.write_text(json.dumps({"metrics": expected}))
        words = ("--golden", str(golden), "--metrics", str(metrics))
        metrics.write_text('{"pnl": 5.5}')
        assert self.harness(tmp_path, *words).returncode == 0
        metrics.write_text('{"pnl": 6.5}')
        assert self.harness(tmp_path, *words).returncode == 2
        metrics.write_text("{}")
        assert self.harness(tmp_path, *words).returncode == 2
        metrics.write_text("[]")
        assert self.harness(tmp_path, *words).returncode == 3
        golden.unlink()
        assert self.harness(tmp_path, "--golden", str(golden)).returncode == 2
