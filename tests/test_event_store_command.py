"""`promotion event-store count`: the same counts and the same digest for every number of workers and every place."""

from __future__ import annotations

import io
import json
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.event_store import sharing
from pytest_promotion.evidence.event_store.scan import scan
from pytest_promotion.suites.trading.commands import event_store
from tests.event_rows import START, line, lines

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _many_parts(monkeypatch):
    """Files of some kilobytes are divided into many parts."""
    monkeypatch.setattr(sharing, "_SMALLEST_PART", 300)


@pytest.fixture(scope="module")
def cluster(bucket):
    """The address of a Dask cluster of two processes, which find the bucket as this one does."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, processes=True, dashboard_address=":0") as found:
        yield found.scheduler_address


def count(*words):
    """The exit code and what was printed."""
    result = CliRunner().invoke(main, ["event-store", "count", *map(str, words)])
    return result.exit_code, result.output


def counted(*words):
    """The document of a count that went through, with its exit code."""
    code, output = count(*words, "--json")
    assert code in (0, 2), output
    return code, json.loads(output)


def day(number, rows=60, **changes):
    """The rows of day *number*."""
    moments = ((START + timedelta(days=number, seconds=at)).isoformat() for at in range(rows))
    return b"".join(
        line(at, event_id=f"{number}-{at}", ingest_ts_utc=moment, **changes) for at, moment in enumerate(moments)
    )


@pytest.fixture
def days(tmp_path):
    """A folder with three days."""
    for number in range(3):
        (tmp_path / f"events_2026052{number}.jsonl").write_bytes(day(number))
    return tmp_path


def test_who_counts_makes_no_difference(days, cluster):
    """Counts that depend on the machine are two counts, and somebody takes the better one."""
    code, alone = counted(days)
    assert (code, alone["status"], alone["stores"][0]["rows"]) == (0, "whole", 180)
    assert [one["sha256"] for one in alone["stores"][0]["files"]] == [
        sha256((days / f"events_2026052{number}.jsonl").read_bytes()).hexdigest() for number in range(3)
    ]
    for words in (("--workers", 2), ("--scheduler", cluster)):
        assert counted(days, *words) == (0, alone)


@pytest.mark.parametrize("parts", [1, 2, 7, 500])
def test_how_many_parts_makes_no_difference(days, parts):
    """A row at the seam of two parts has to be counted once, by one of them."""
    path = days / "events_20260520.jsonl"
    path.write_bytes(lines(0, 4, 2, *range(5, 40), 3) + b"\n \n" + lines(50)[:-1])
    with ThreadPoolExecutor(3) as executor:
        assert scan(path, executor=executor, parts=parts) == scan(path)


def test_a_bucket_is_counted_like_a_folder(bucket, days, cluster):
    """Where one machine is not enough, the store is not on one either."""
    bucket.put(f"{days}/", "s3://events/counted/", recursive=True)
    _, here = counted(days)
    place = "s3://events/counted/events_*.jsonl"
    places = [counted(place, *words)[1] for words in ((), ("--workers", 2), ("--scheduler", cluster))]
    assert places[0] == places[1] == places[2]
    keys = ("sha256", "bytes", "rows", "rows_by_stream", "newest_by_stream", "out_of_order")
    found, expected = (one["stores"][0]["files"] for one in (places[0], here))
    assert [[file[key] for key in keys] for file in found] == [[file[key] for key in keys] for file in expected]
    single = counted("s3://events/counted/events_20260521.jsonl")[1]
    assert single["stores"][0]["files"] == [found[1]]


def test_an_object_that_was_replaced_is_another_store(bucket, cluster):
    """A worker that remembers what it read an hour ago would count a store that is gone."""
    place = "s3://events/replaced.jsonl"
    bucket.pipe(place, day(0))
    before = counted(place, "--scheduler", cluster)
    bucket.pipe(place, day(0, rows=61))
    after = counted(place, "--scheduler", cluster)
    assert (before[1]["stores"][0]["rows"], after[1]["stores"][0]["rows"]) == (60, 61)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("events_20260521.jsonl", day(1) + day(1), "60 rows have an event id that another row has"),
        (
            "events_20260521.jsonl",
            day(1) + line(0, ingest_ts_utc=(datetime.now(UTC) + timedelta(hours=1)).isoformat()),
            "1 rows are from the future",
        ),
        ("events_20260521.jsonl", day(2).replace(b'"2-', b'"x-'), "holds rows of another day"),
        ("events_20260524.jsonl", day(4), "no file holds the events of 2026-05-23"),
        ("events_20260523.jsonl.gz", b"", "was rotated away"),
    ],
    ids=["twice", "future", "another day", "a day missing", "rotated"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_store_with_problems_is_no_yes(days, name, content, problem, workers):
    """A count that ends with 0 is taken for a store that is whole."""
    (days / name).write_bytes(content)
    code, document = counted(days, "--workers", workers)
    assert (code, document["status"]) == (2, "incomplete")
    assert any(problem in one for one in document["stores"][0]["problems"])
    assert problem in count(days)[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing"),
        (b"", "has no rows"),
        (day(0) + line(99)[:40], "half written"),
        (day(0) + b"null\n" + day(1), "not an event"),
        (day(0) + line(99, payload={"x": float("nan")}), "NaN"),
    ],
    ids=["missing", "empty", "torn", "no event", "NaN"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_what_cannot_be_counted_is_neither_yes_nor_no(tmp_path, content, message, workers):
    """Zero problems in a store that could not be read is the answer that a broken counter gives."""
    path = tmp_path / "events.jsonl"
    if content is not None:
        path.write_bytes(content)
    code, output = count(path, "--workers", workers)
    assert (code, message in output) == (3, True), output


def test_nothing_to_count_is_said(tmp_path, bucket):
    """An empty folder has no duplicates either."""
    for place in (tmp_path, tmp_path / "*.jsonl", "s3://events/nothing/*.jsonl"):
        code, output = count(place)
        assert (code, "nothing matches" in output) == (3, True), output
    assert count("s3://no-such-bucket/events.jsonl")[0] == 3
    assert count()[0] == 4
    assert count(tmp_path, "--workers", 0)[0] == 4


def test_a_cluster_that_is_not_there_is_said(days, cluster):
    """A command that waits for a scheduler for ever is killed, and the cause is not known."""
    code, output = count(days, "--scheduler", "nonsense://1")
    assert (code, "does not answer" in output) == (3, True), output
    assert count(days, "--workers", 2, "--scheduler", cluster)[0] == 4


def test_a_cluster_without_workers_counts_nothing(days):
    """Jobs without a worker would wait for ever."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        code, output = count(days, "--scheduler", empty.scheduler_address)
    assert (code, "has no workers" in output) == (3, True), output


def test_a_worker_that_dies_is_no_count(days):
    """A part that was not counted must not be missing in silence."""
    with (
        ProcessPoolExecutor(1, initializer=os._exit, initargs=(1,)) as executor,
        pytest.raises(Unproven, match="a worker failed"),
    ):
        scan(days / "events_20260520.jsonl", executor=executor)


class Writing(ThreadPoolExecutor):
    """Appends a row to the store, or cuts it, while its parts are being counted."""

    def __init__(self, path, change):
        super().__init__(1)
        self.path, self.change = path, change

    def submit(self, *words):
        """After the first part was handed out, the store is changed."""
        job = super().submit(*words)
        if self.change:
            job.result()
            self.path.write_bytes(self.change(self.path.read_bytes()))
            self.change = None
        return job


def test_a_store_that_grows_while_it_is_shared_is_counted_as_one(days):
    """Parts of two states of a store, added up, are of none."""
    path = days / "events_20260520.jsonl"
    with Writing(path, lambda old: old + line(99)) as executor:
        found = scan(path, executor=executor)
    assert found == scan(path)
    assert (found.rows, found.sha256) == (61, sha256(path.read_bytes()).hexdigest())


def test_a_store_that_is_cut_while_it_is_shared_is_refused(days):
    """The parts before the cut are there, and those behind it are not."""
    path = days / "events_20260520.jsonl"
    with (
        Writing(path, lambda old: old[: len(old) // 2 - 7]) as executor,
        pytest.raises(Unproven, match="shorter while it was read|half written"),
    ):
        scan(path, executor=executor)


class Terminal(io.StringIO):
    """What a terminal would show."""

    def isatty(self):
        """It is one."""
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_how_far_it_is(days, monkeypatch, terminal):
    """Minutes without a word look like a command that hangs; a log needs no bar."""
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(event_store, "_QUIET_S", 0)
    monkeypatch.setattr(event_store.sys, "stderr", shown)
    with event_store._progress("events") as progress, ThreadPoolExecutor(1) as executor:
        for name in ("events_20260520.jsonl", "events_20260521.jsonl"):
            scan(days / name, executor=executor, progress=progress)
    assert shown.getvalue().count("100%") == (2 if terminal else 0)
