"""The event store: every row counted strictly, in one pass, and nothing half-known called whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promotion.clock import Clock
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.artifacts import Shelf
from pytest_promotion.evidence.event_store import count, hashes, pages
from pytest_promotion.evidence.event_store.days import scan_days
from pytest_promotion.evidence.event_store.rows import LONGEST_LINE
from pytest_promotion.evidence.event_store.scan import scan
from pytest_promotion.evidence.event_store.tail import tail
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.freshness import Window
from pytest_promotion.evidence.reading import Root
from pytest_promotion.evidence.vault import Vault
from tests.event_rows import NAMES, START, STREAMS, line, lines, row

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path):
    """A file of ten events."""
    path = tmp_path / "events_20260520.jsonl"
    path.write_bytes(lines(*range(10)))
    return path


def test_every_row_is_counted(store):
    """A count that skips what it cannot read makes a torn store look like a short one."""
    facts = scan(store)
    assert (facts.rows, facts.missing_correlation, facts.duplicate_ids) == (10, 0, 0)
    assert facts.by_stream == Counter(STREAMS[number % 3] for number in range(10))
    assert facts.newest_ingest == START + timedelta(seconds=9)
    assert facts.oldest_ingest == START
    assert facts.newest_by_stream["hb.signal.v1"] == START + timedelta(seconds=7)


def test_the_digest_is_of_the_bytes_that_were_counted(store):
    """A digest from a second read may be of other rows than the counts."""
    content = store.read_bytes()
    facts = scan(store)
    assert (facts.sha256, facts.bytes) == (sha256(content).hexdigest(), len(content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "has no rows", id="empty"),
        pytest.param(b"\n \r\n", "has no rows", id="blank"),
        pytest.param(lines(0, 1) + line(2)[:40], "line 3 is half written", id="half-written-last"),
        pytest.param(lines(0) + line(1)[:40] + b"\n" + line(2), "line 2 is half written", id="half-written-inside"),
        pytest.param(lines(0) + b"[1, 2]\n", "line 2 is not an event: expected `object`, got `array`", id="list"),
        pytest.param(lines(0) + b"null\n", "got `null`", id="null"),
        pytest.param(
            lines(0) + line(1, event_id=7), "line 2 is not an event: event_id: expected `str`", id="number-id"
        ),
        pytest.param(line(0, event_id=""), "event_id", id="empty-id"),
        pytest.param(line(0, event_id=...), "missing required field `event_id`", id="no-id"),
        pytest.param(line(0, correlation_id=5), "correlation_id: expected `str | null`", id="number-correlation"),
        pytest.param(line(0, payload=...), "missing required field `payload`", id="no-payload"),
        pytest.param(line(0, payload=[1]), "payload: expected `object`", id="list-payload"),
        pytest.param(line(0, ingest_ts_utc="2026-05-20T09:00:00"), "timezone", id="naive"),
        pytest.param(line(0, ingest_ts_utc=1779267600000), "ingest_ts_utc: expected `datetime`", id="epoch"),
        pytest.param(
            line(0, payload={"x": float("nan")}), "line 1: found NaN, which is not a number, in payload.x", id="nan"
        ),
        pytest.param(
            lines(0) + line(1).replace(b"number", b"n\xffmber"), "line 2 is not UTF-8", id="latin-1-in-what-is-skipped"
        ),
        pytest.param(line(0)[:-1] + line(1), "line 1 is not JSON", id="two-rows-on-a-line"),
        pytest.param(
            line(0).replace(b', "payload"', b',\n"payload"'), "line 1 is half written", id="a-row-on-two-lines"
        ),
        pytest.param(lines(0, 1, 0), "the event id 'id-0' twice", id="duplicate-id"),
        pytest.param(lines(0, 1, 0, 1), "and 1 more", id="duplicate-ids"),
    ],
)
def test_what_is_not_a_store_is_refused_with_its_place(tmp_path, content, said):
    """The earlier counter skipped what it could not parse, and reported zero problems."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    with pytest.raises(Unproven) as refusal:
        scan(path)
    assert said in str(refusal.value)
    assert "events.jsonl" in str(refusal.value)


TWINS = [
    pytest.param(b', "stream": "hb.fill.v1"}', "stream", id="another-value"),
    pytest.param(b', "event_id": "id-1"}', "event_id", id="the-same-value"),
    pytest.param(b', "ingest_ts_utc" : "2026-05-20T09:00:09+00:00"}', "ingest_ts_utc", id="with-a-space"),
    pytest.param(b', "correlation\\u005fid": "made-up"}', "correlation_id", id="spelled-by-number"),
    pytest.param(b', "payload": {"correlation_id": "a", "correlation_id": "b"}}', "payload", id="payload"),
]


@pytest.mark.parametrize(("end", "name"), TWINS)
@pytest.mark.parametrize("before", [lines(*range(9)), b"", lines(0) + b"\n"], ids=["many", "alone", "line-by-line"])
def test_a_field_that_stands_twice_is_refused(tmp_path, before, end, name):
    """One reader takes the first, another the last: two services would judge two different rows."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(before + line(20)[:-2] + end + b"\n")
    for read in (scan, tail):
        with pytest.raises(Unproven, match=f"names {name} twice"):
            read(path)


def test_a_row_without_a_name_does_not_hide_one_with_two(tmp_path):
    """Names that are only counted add up where one row has two correlations and the next has none."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(0)[:-2] + b', "correlation_id": "b"}\n' + line(1, correlation_id=...))
    with pytest.raises(Unproven, match="line 1 names correlation_id twice"):
        scan(path)


def test_names_that_stand_elsewhere_are_no_twins(tmp_path):
    """Payloads repeat the names of the row and texts speak of them; an honest store is not refused for that."""
    path = tmp_path / "events.jsonl"
    deep = {"correlation_id": "c", "event_id": "e", "payload": None, "inner": {"stream": 1, "payload": [{"stream": 2}]}}
    rows = [line(0), line(1, payload=deep), line(2, note="stream", text='a "payload" \\ \u0061'), line(3, payload={})]
    path.write_bytes(b"".join(rows) + line(4, correlation_id=None, payload={"event_id": "x"}))
    assert (scan(path).rows, scan(path).missing_correlation) == (5, 1)
    path.write_bytes(
        b"".join(rows) + line(5, payload={}).replace(b"{}", b'{"correlation_id": "", "correlation_id": "c"}')
    )
    with pytest.raises(Unproven, match="line 5 names correlation_id twice"):
        scan(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=6), st.booleans())
def test_counting_names_finds_what_reading_them_finds(tmp_path, more, nested):
    """The quick way may send a page to the slow way for nothing, but must never spare it one."""
    path = tmp_path / "events.jsonl"
    made = []
    for number, names in enumerate(more):
        extra = b"".join(b', "%s": %s' % (name.encode(), json.dumps(row(number)[name]).encode()) for name in names)
        made.append(line(number)[:-2] + (b', "inner": {"x": 1%s}}\n' % extra if nested else extra + b"}\n"))
    path.write_bytes(b"".join(made))
    if any(more) and not nested:
        with pytest.raises(Unproven, match="twice"):
            scan(path)
    else:
        assert scan(path).rows == len(more)


def test_a_line_of_ten_megabytes_is_refused_without_being_held(store):
    """One runaway payload must not take the gate's memory with it."""
    offset = store.stat().st_size
    with store.open("ab") as file:
        file.write(line(10, payload={"x": "y" * 10_000_000}))
        file.write(lines(11))
    held = []
    with pages.opened(store) as opened, pytest.raises(Unproven, match=f"longer than 1 MB at byte {offset}"):
        held.extend(len(page) for _, page in pages.pages(opened.file, opened.name, 0, opened.size))
    assert sum(held) == offset
    with pytest.raises(Unproven, match=f"longer than 1 MB at byte {offset}"):
        scan(store)


def test_a_line_of_just_under_a_megabyte_is_read(tmp_path):
    """A bound that cuts what is allowed would refuse honest stores."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(0) + line(1, payload={"x": "y" * 900_000}) + lines(2))
    assert scan(path).rows == 3
    assert tail(path).event_id == "id-2"


def test_mixed_line_ends_are_accepted(tmp_path):
    """A store copied through another system is the same store."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(0) + line(1)[:-1] + b"\r\n" + b"\r\n" + line(2)[:-1] + b"\r\n" + line(3)[:-1])
    assert scan(path).rows == 4
    assert tail(path).event_id == "id-3"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({"correlation_id": ...}, 1, id="absent"),
        pytest.param({"correlation_id": None}, 1, id="null"),
        pytest.param({"correlation_id": ""}, 1, id="empty"),
        pytest.param({"payload": {"correlation_id": None}}, 1, id="filled-by-the-writer"),
        pytest.param({"payload": {"correlation_id": ""}}, 1, id="empty-in-the-payload"),
        pytest.param({"payload": {"correlation_id": "c"}}, 0, id="in-both"),
    ],
)
def test_a_correlation_is_one_that_the_producer_gave(tmp_path, changes, missing):
    """The earlier store put the event's own id where the correlation was missing, and counted zero for ever."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(0) + line(1, **changes))
    assert scan(path).missing_correlation == missing


def test_out_of_order_and_future_rows_are_counted(tmp_path):
    """Rows of tomorrow would keep a dead store fresh until tomorrow."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(0, 5, 3, 7, 1))
    facts = scan(path, now=START + timedelta(seconds=4))
    assert (facts.out_of_order, facts.future) == (2, 2)
    assert facts.newest_ingest == START + timedelta(seconds=7)
    assert facts.oldest_ingest == START
    assert facts.newest_by_stream == {
        "hb.market_data.v1": START + timedelta(seconds=3),
        "hb.signal.v1": START + timedelta(seconds=7),
        "hb.fill.v1": START + timedelta(seconds=5),
    }


def test_rows_after_a_moment_are_left_out(store):
    """An integrity report can only speak of the rows that were there when it was written."""
    facts = scan(store, until=START + timedelta(seconds=4))
    assert (facts.rows, facts.later) == (5, 5)
    with pytest.raises(Unproven, match="only 10 later ones"):
        scan(store, until=START - timedelta(seconds=1))


def test_duplicates_can_be_counted_instead(tmp_path):
    """An integrity report has to say how many there are, not only that there are some."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(0, 1, 0, 0))
    assert scan(path, duplicates="count").duplicate_ids == 2


def test_a_store_that_grows_while_it_is_read_is_judged_as_it_was(store):
    """A writer that appends faster than the gate reads would otherwise never let it finish."""
    before = store.read_bytes()
    with pages.opened(store) as opened:
        with store.open("ab") as file:
            file.write(lines(10, 11))
        found = b"".join(page for _, page in pages.pages(opened.file, opened.name, 0, opened.size))
    assert found == before
    assert scan(store).rows == 12


def test_a_store_that_is_cut_while_it_is_read_is_refused(store):
    """What was there at the start and is gone at the end was perhaps never there."""
    with pages.opened(store) as opened:
        store.write_bytes(lines(0))
        with pytest.raises(Unproven, match="became shorter while it was read"):
            list(pages.pages(opened.file, opened.name, 0, opened.size))


def test_a_missing_store_says_so(tmp_path):
    """An absent store has no missing correlations either."""
    with pytest.raises(Unproven, match="is missing"):
        scan(tmp_path / "events.jsonl")
    with pytest.raises(Unproven, match="is not a file"):
        scan(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Unproven, match="is not a file"):
        tail(tmp_path / "fifo")


def test_processes_find_what_one_finds(tmp_path):
    """A row at the seam of two parts must be counted once, and in its place."""
    path = tmp_path / "events.jsonl"
    order = [0, 4, 2, *range(5, 400), 3]
    path.write_bytes(lines(*order))
    alone = scan(path, now=START + timedelta(seconds=100))
    with ProcessPoolExecutor(2) as executor:
        for parts in (1, 2, 7, 1000):
            assert scan(path, now=START + timedelta(seconds=100), executor=executor, parts=parts) == alone
        path.write_bytes(lines(*order, 0))
        with pytest.raises(Unproven, match="'id-0' twice"):
            scan(path, executor=executor)
        path.write_bytes(lines(*order) + b"[]\n" + lines(500))
        with pytest.raises(Unproven, match="at byte .* is not an event"):
            scan(path, executor=executor, parts=3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 9), st.booleans())
def test_any_cut_into_parts_gives_the_same_tally(tmp_path, numbers, parts, ended):
    """Counts that depend on where a file was cut differ from machine to machine."""
    path = tmp_path / "events.jsonl"
    content = b"".join(line(number, event_id=f"{place}") for place, number in enumerate(numbers))
    path.write_bytes(content if ended else content[:-1])
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as executor:
        assert scan(path, executor=executor, parts=parts) == scan(path)


# The newest row


def test_the_tail_is_the_last_row(store):
    """Whoever asks how fresh a store is must not wait for all of it."""
    newest = tail(store)
    assert (newest.event_id, newest.ingest_ts_utc) == ("id-9", START + timedelta(seconds=9))
    assert bytes(newest.payload) == b'{"number": 9}'


@pytest.mark.parametrize(
    ("end", "said"),
    [(line(10)[:50], "half written"), (b"[]\n", "not an event"), (b'"' + b"x" * 2 * LONGEST_LINE, "longer than 1 MB")],
    ids=["torn", "list", "endless"],
)
def test_a_bad_tail_is_never_the_row_before(store, end, said):
    """The row before is older and whole: falling back to it hides that the writer was killed."""
    with store.open("ab") as file:
        file.write(end)
    with pytest.raises(Unproven, match=said):
        tail(store)


def test_the_tail_of_nothing_is_refused(tmp_path):
    """No newest row is not an old one."""
    (tmp_path / "events.jsonl").write_bytes(b"\n\n")
    with pytest.raises(Unproven, match="has no rows"):
        tail(tmp_path / "events.jsonl")


# Days


def day_of_rows(number, days):
    return line(number, ingest_ts_utc=(START + timedelta(days=days, seconds=number)).isoformat())


def test_a_gap_of_a_day_and_a_rotated_day_are_named(tmp_path):
    """A parity check that looks for today's file and finds none sees nothing wrong."""
    for days in (0, 1, 3):
        (tmp_path / f"events_2026052{days}.jsonl").write_bytes(day_of_rows(days, days))
    (tmp_path / "events_20260522.jsonl.gz").write_bytes(b"")
    found = scan_days(f"{tmp_path}/events_*.jsonl")
    assert found.gaps == (date(2026, 5, 22),)
    assert found.rotated == (f"{tmp_path}/events_20260522.jsonl.gz",)
    assert found.rows == 3
    assert found.newest_ingest == START + timedelta(days=3, seconds=3)
    assert [part.split()[0] for part in found.problems] == ["no", f"{tmp_path}/events_20260522.jsonl.gz"]


def test_a_day_is_judged_by_its_rows(tmp_path):
    """The earlier service never noticed midnight: two days' events lay under the day of its start."""
    (tmp_path / "events_20260520.jsonl").write_bytes(day_of_rows(0, 0) + day_of_rows(1, 2))
    assert scan_days(f"{tmp_path}/events_*.jsonl").misfiled == (f"{tmp_path}/events_20260520.jsonl",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "nothing matches"),
        (("events_x.jsonl",), "no day"),
        (("events_20269999.jsonl",), "no day"),
        (("events_20260520.jsonl", "events_2026-05-20.jsonl"), "both claim"),
    ],
    ids=["none", "unnamed", "no-such-day", "twice"],
)
def test_days_that_cannot_be_told_apart_are_refused(tmp_path, names, said):
    """A file whose day nobody knows can hide any gap."""
    for name in names:
        (tmp_path / name).write_bytes(lines(0))
    with pytest.raises(Unproven, match=said):
        scan_days(f"{tmp_path}/events_*.jsonl")


@pytest.mark.parametrize("back", [0, 1, 2])
def test_days_before_those_that_count_are_not_judged(tmp_path, back):
    """Whoever prunes old days, as everybody must, would otherwise be red for ever."""
    for days in (0, 4, 5, 6):
        (tmp_path / f"events_2026052{days}.jsonl").write_bytes(day_of_rows(days, days))
    (tmp_path / "events_20260520.jsonl.gz").write_bytes(b"")
    found = scan_days(f"{tmp_path}/events_*.jsonl", back=back)
    assert (len(found.days), found.problems) == (back + 1, ())
    assert scan_days(f"{tmp_path}/events_*.jsonl", back=6).gaps == (
        date(2026, 5, 21),
        date(2026, 5, 22),
        date(2026, 5, 23),
    )


def test_a_gate_judges_days_as_evidence(tmp_path):
    """A day that was judged and is not in the bundle cannot be looked at again."""
    for days in (0, 1, 3):
        (tmp_path / f"events_2026052{days}.jsonl").write_bytes(day_of_rows(days, days))
    (tmp_path / "events_20260523.jsonl.1").write_bytes(b"")
    (tmp_path / "events_unknown.jsonl.old").write_bytes(b"")
    notebook = Notebook()
    shelf = shelf_at(tmp_path, notebook, now=START + timedelta(days=4))
    found = shelf.days("events_*.jsonl", 2)
    assert found.problems == (
        "no file holds the events of 2026-05-22",
        "events_20260523.jsonl.1 was rotated away and is not counted",
        "events_unknown.jsonl.old was rotated away and is not counted",
    )
    assert list(notebook.exhibits) == ["events_20260521.jsonl", "events_20260523.jsonl"]
    assert shelf.days("events_*1.jsonl", 2).problems == ()
    for pattern in ("none_*.jsonl", "events_*.jsonl*"):
        with pytest.raises(Unproven, match="nothing matches|both claim"):
            shelf.days(pattern, 2)
    assert len(notebook.refusals) == 2


# As evidence


def shelf_at(folder, notebook=None, vault=None, now=START + timedelta(hours=5)):
    window = Window(timedelta(1), timedelta(0), mtime=False)
    return Shelf(Root(folder), vault, notebook or Notebook(), window, Clock(now))


def test_an_artifacts_events_are_those_of_the_bytes_that_were_hashed(store):
    """A store counted from disk again, after it was hashed, may be another store."""
    artifact = shelf_at(store.parent).get(store.name)
    with store.open("ab") as file:
        file.write(lines(10))
    facts = artifact.events(until=START + timedelta(seconds=4))
    assert (facts.rows, facts.later, facts.sha256) == (5, 5, artifact.sha256)


def test_a_store_that_a_gate_cannot_count_is_noted_as_refused(store):
    """A gate that swallows the refusal must not pass."""
    store.write_bytes(lines(0, 1, 0))
    notebook = Notebook()
    with pytest.raises(Unproven, match="twice"):
        shelf_at(store.parent, notebook).get(store.name).events()
    assert len(notebook.refusals) == 1


def test_a_store_is_dated_by_its_youngest_row_wherever_that_stands(tmp_path):
    """The last row of a store that two writers feed is not always the youngest one."""
    (tmp_path / "events_a.jsonl").write_bytes(lines(0, 50, 2))
    (tmp_path / "events_b.jsonl").write_bytes(lines(3, 4, 5))
    newest = shelf_at(tmp_path).latest("events_*.jsonl", "ingest_ts_utc")
    assert (newest.path, newest.timestamp) == ("events_a.jsonl", START + timedelta(seconds=50))
    assert newest.timestamp_source == "ingest_ts_utc"


def test_a_store_is_counted_once_whoever_asks_and_however(store, monkeypatch):
    """Three gates that each read a large store three times are switched off for being slow."""
    pages_read = []
    original = count.pages
    monkeypatch.setattr(count, "pages", lambda *words: pages_read.append(words[2:]) or original(*words))
    for _ in range(2):
        artifact = shelf_at(store.parent).latest("events_*.jsonl", "ingest_ts_utc")
        assert artifact.events().rows == 10
        assert artifact.events(until=START - timedelta(seconds=1) + timedelta(seconds=20)).rows == 10
    assert len(pages_read) <= 1
    store.write_bytes(lines(*range(10), 77))
    assert shelf_at(store.parent).get(store.name).events().rows == 11, "other bytes are another store"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(30)), st.integers(-1, 30), st.integers(1, 12))
def test_what_was_there_by_a_moment_does_not_depend_on_the_blocks(tmp_path, order, until, rows):
    """A block that the moment cuts has to be counted row by row; any other must not be."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(*order))
    moment = START + timedelta(seconds=until)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count, "COUNTED_AT_ONCE", rows)
        patch.setattr(pages, "PAGE", 400)
        if until < 0:
            with pytest.raises(Unproven, match="only 30 later ones"):
                scan(path, until=moment)
            return
        facts = scan(path, until=moment)
    kept = [number for number in order if number <= until]
    assert (facts.rows, facts.later) == (len(kept), 30 - len(kept))
    assert facts.by_stream == Counter(STREAMS[number % 3] for number in kept)
    assert facts.out_of_order == sum(after < before for before, after in pairwise(kept))
    assert facts.newest_ingest == START + timedelta(seconds=max(kept))


@pytest.mark.parametrize(
    "content", [b'{"ingest_ts_utc": "2026-05-20T09:00:07Z"}\n', lines(0) + line(7)[:-1] + b" \n[]\n"]
)
def test_what_is_no_event_store_is_dated_row_by_row(tmp_path, content):
    """Rows of another kind may bear the same field; what is no row at all is refused as it always was."""
    (tmp_path / "log.jsonl").write_bytes(content)
    artifact = shelf_at(tmp_path).get("log.jsonl", "ingest_ts_utc")
    if b"[]" in content:
        with pytest.raises(Unproven, match="a list, not an object"):
            _ = artifact.timestamp
    else:
        assert artifact.timestamp == START + timedelta(seconds=7)
    with pytest.raises(Unproven, match="is not an event"):
        artifact.events()


def test_a_copy_that_was_changed_in_the_vault_is_not_counted(store, tmp_path, monkeypatch):
    """A large store is counted from its copy: that must be the bytes whose digest is the evidence."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", 100)
    vault = Vault(tmp_path / "vault")
    content = store.read_bytes() + lines(10)  # bytes that no other test has counted
    store.write_bytes(content)
    artifact = shelf_at(store.parent, vault=vault).get(store.name)
    vault.where(artifact.sha256).write_bytes(content.replace(b"cause-1", b"cause-2"))
    with pytest.raises(Unproven, match="copy in the vault is not what was read"):
        artifact.events()


def test_a_large_store_is_read_once_a_session_while_it_stays_what_it_is(store, tmp_path, monkeypatch):
    """Each gate that asks would read, hash and copy it again; a store that moved must be read again."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", 100)
    monkeypatch.setattr("pytest_promotion.evidence.reading._SETTLED_NS", -(10**9))
    kept = []
    original = Vault.keep_stream
    monkeypatch.setattr(Vault, "keep_stream", lambda *words: kept.append(1) or original(*words))
    vault = Vault(tmp_path / "vault")
    first = shelf_at(store.parent, vault=vault).get(store.name)
    again = shelf_at(store.parent, vault=vault).get(store.name)
    assert (again.sha256, again.events().rows, len(kept)) == (first.sha256, 10, 1)
    store.write_bytes(store.read_bytes().replace(b"cause-1", b"cause-2"))
    assert shelf_at(store.parent, vault=vault).get(store.name).sha256 != first.sha256
    monkeypatch.setattr("pytest_promotion.evidence.reading._SETTLED_NS", 10**12)
    store.write_bytes(lines(*range(12)))
    for _ in range(2):  # too young to be told from one that was written a moment later
        shelf_at(store.parent, vault=vault).get(store.name)
    assert len(kept) == 4


def test_two_ids_that_share_a_mark_are_told_apart_in_parts(tmp_path, monkeypatch):
    """Sixteen million marks are compared in several goes: none may fall between them."""
    monkeypatch.setattr(hashes, "_AT_ONCE", 3)
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(*range(40)))
    assert scan(path, duplicates="count").duplicate_ids == 0
    path.write_bytes(lines(*range(40), 0, 17, 17, 39))
    assert scan(path, duplicates="count").duplicate_ids == 4


# Elsewhere


def test_a_store_elsewhere_is_read_the_same_way(store):
    """Moving a store to a bucket must not change what is known of it."""
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://bucket/events.jsonl", "wb") as file:
        file.write(store.read_bytes())
    here, there = scan(store), scan("memory://bucket/events.jsonl")
    assert (here.rows, here.sha256, here.by_stream) == (there.rows, there.sha256, there.by_stream)
    assert tail("memory://bucket/events.jsonl") == tail(store)
    with pytest.raises(Unproven, match="cannot be read"):
        scan("memory://bucket/none.jsonl")


def test_a_store_in_a_bucket_is_counted_like_one_on_disk(bucket, tmp_path):
    """Ranged reads over the network must give the rows that one file gives, to the last byte."""
    path = tmp_path / "events_20260520.jsonl"
    path.write_bytes(lines(*range(20_000)) + line(20_000)[:-1])
    bucket.put(str(path), "s3://events/day/events_20260520.jsonl")
    here, there = scan(path), scan("s3://events/day/events_20260520.jsonl")
    assert (there.rows, there.sha256, there.by_stream) == (here.rows, here.sha256, here.by_stream)
    assert tail("s3://events/day/events_20260520.jsonl") == tail(path)
    early = START + timedelta(seconds=4)
    assert scan("s3://events/day/events_20260520.jsonl", until=early).rows == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [(lines(0) + line(1)[:30], "line 2 is half written"), (lines(0, 1, 0), "'id-0' twice"), (b"", "has no rows")],
    ids=["torn", "twice", "empty"],
)
def test_a_broken_store_in_a_bucket_is_refused_like_one_on_disk(bucket, content, said):
    """What is refused on disk must not pass because it lies elsewhere."""
    bucket.pipe("s3://events/broken.jsonl", content)
    with pytest.raises(Unproven, match=said):
        scan("s3://events/broken.jsonl")


def test_a_bucket_that_is_not_there_says_so(bucket, monkeypatch):
    """A traceback of a client library does not say which store is missing."""
    for place in ("s3://events/none.jsonl", "s3://no-such-bucket/events.jsonl"):
        with pytest.raises(Unproven, match=f"the event store {place} cannot be read"):
            scan(place)
        with pytest.raises(Unproven, match=f"the event store {place} cannot be read"):
            tail(place)


def test_an_object_that_shrinks_while_it_is_read_is_refused(bucket):
    """The size that was asked for first and the bytes that came later may be of two objects."""
    place = "s3://events/shrinks.jsonl"
    bucket.pipe(place, lines(*range(1_000)))
    with pages.opened(place) as opened:
        bucket.pipe(place, lines(0))
        with pytest.raises(Unproven, match="changed|shorter|cannot be read"):
            list(pages.pages(opened.file, opened.name, 0, opened.size))


def test_a_local_store_needs_no_fsspec(store):
    """Everybody would pay at every start for what few need."""
    code = f"""
import sys
from pytest_promotion.evidence.event_store.scan import scan
scan({str(store)!r})
print("fsspec" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
