"""Counting only what is new in a store: the same facts as of all of it, or all of it again."""

from __future__ import annotations

import json
import os
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import large_files
from pytest_promotion.evidence.event_store import checkpoint, count, hashes, remembered
from pytest_promotion.evidence.event_store.checkpoint import counted
from pytest_promotion.evidence.event_store.scan import StoreFacts, scan
from pytest_promotion.evidence.reading import Root, read
from tests.event_rows import START, line, lines, timedelta


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Files of a few hundred bytes count as large, in blocks of 512 bytes."""
    monkeypatch.setattr("pytest_promotion.evidence.reading.HELD_BYTES", 100)
    monkeypatch.setattr(large_files, "_BLOCK", 512)


@pytest.fixture
def store(tmp_path):
    """A file of ten events."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(*range(10)))
    return path


@pytest.fixture
def read_from(monkeypatch):
    """Where counting began, each time."""
    starts = []
    original = checkpoint.pages
    monkeypatch.setattr(checkpoint, "pages", lambda *words: starts.append(words[2]) or original(*words))
    return starts


def session(store, until=None):
    """The facts of *store* in a session of its own."""
    large = read(Root(store.parent, ["*.jsonl"]), store.name).large
    found = counted(large, store.name, store.parent / "kept")
    return StoreFacts.counted(store.name, found, large.open, until)


def same(ours, whole):
    """Whether two facts differ in nothing but how the store is called."""
    return all(getattr(ours, name) == getattr(whole, name) for name in StoreFacts.__slots__ if name != "name")


def append(store, content):
    """Appends *content*."""
    with store.open("ab") as file:
        file.write(content)


def test_the_next_session_counts_only_what_is_new(store, read_from):
    """A session that decodes five gigabytes each quarter of an hour is switched off."""
    assert same(session(store), scan(store))
    size = store.stat().st_size
    append(store, lines(10, 11))
    found = session(store)
    assert read_from == [0, size]
    assert same(found, scan(store))
    assert (found.rows, found.sha256) == (12, scan(store).sha256)
    assert same(session(store), found)  # with nothing new at all


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=12), min_size=2, max_size=5), st.integers(-1, 60))
def test_it_makes_no_difference_where_sessions_were(tmp_path_factory, batches, until):
    """Rows out of order, or a moment that cuts a block, at the border of what was counted must count the same."""
    store = tmp_path_factory.mktemp("store") / "events.jsonl"
    moment = None if until < 0 else START + timedelta(seconds=until)
    for number, batch in enumerate(batches):
        append(store, b"".join(line(at, event_id=f"{number}-{at}-{n}") for n, at in enumerate(batch)))
        try:
            whole = scan(store, until=moment)
        except Unproven as refusal:
            assert "later ones" in str(refusal)
            with pytest.raises(Unproven, match="later ones"):
                session(store, until=moment)
        else:
            assert same(session(store, until=moment), whole)


def test_old_and_new_ids_are_compared(store):
    """A service that starts again and repeats its last batch repeats it across the checkpoint."""
    session(store)
    append(store, lines(10, 3))
    for _ in range(2):  # also in the session after the one that refused it
        with pytest.raises(Unproven, match="'id-3' twice"):
            session(store)


def test_ids_are_still_compared_when_there_are_too_many_for_the_checkpoint(store, monkeypatch):
    """What moves to another file must not be forgotten on the way."""
    monkeypatch.setattr(checkpoint, "_RECENT", 4)
    monkeypatch.setattr(hashes, "_AT_ONCE", 3)
    for start in range(10, 30, 3):
        session(store)
        append(store, lines(start, start + 1, start + 2))
    session(store)
    assert len(list((store.parent / "kept").glob("*.*"))) == 1
    before = store.read_bytes()
    for number in (0, 9, 14, 30):
        store.write_bytes(before + lines(number))
        with pytest.raises(Unproven, match=f"'id-{number}' twice"):
            session(store)


def test_two_ids_with_one_mark_are_two_ids(store, monkeypatch):
    """A digest that happens to agree must not turn a good store red."""
    for module in (count, hashes):
        monkeypatch.setattr(module, "marks", lambda ids: array("Q", [len(key) for key in ids]))
    assert session(store).rows == 10
    append(store, lines(10))
    assert session(store).rows == 11


@pytest.mark.parametrize(
    "harm",
    [
        "edited",
        "edited with the same size and times",
        "shorter",
        "another store",
        "garbage",
        "one bit",
        "half written",
        "empty",
        "of another version",
        "base gone",
        "base damaged",
        "base of another store",
    ],
)
def test_a_checkpoint_that_does_not_hold_is_not_used(store, monkeypatch, read_from, harm):
    """Counts of rows that are not there, added to those that are, describe neither."""
    monkeypatch.setattr(checkpoint, "_RECENT", 4)
    session(store)
    folder = store.parent / "kept"
    [base] = folder.glob("*.*")
    [state] = set(folder.iterdir()) - {base}
    content, times, saved = store.read_bytes(), store.stat(), state.read_bytes()
    if harm.startswith("edited"):
        store.write_bytes(content.replace(b"cause-1", b"cause-2"))
        if harm != "edited":
            os.utime(store, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif harm == "shorter":
        os.truncate(store, len(content) - len(line(9)))
    elif harm == "another store":
        store.write_bytes(lines(*range(20, 40)))
    elif harm == "garbage":
        state.write_bytes(b"\x00" * 400)
    elif harm == "one bit":
        state.write_bytes(saved[:60] + bytes([saved[60] ^ 1]) + saved[61:])
    elif harm == "half written":
        state.write_bytes(saved[:-5])
    elif harm == "empty":
        state.write_bytes(b"")
    elif harm == "of another version":
        monkeypatch.setattr(remembered, "_MADE_BY", "1 9.9.9")
    elif harm == "base gone":
        base.unlink()
    elif harm == "base damaged":
        base.write_bytes(base.read_bytes()[:-1] + b"\x07")
    else:
        base.write_bytes(base.read_bytes() * 2)
    assert same(session(store), scan(store))
    assert read_from == [0, 0]
    append(store, lines(99, 99))
    with pytest.raises(Unproven, match="'id-99' twice"):
        session(store)
    assert read_from[2] > 0  # what was counted again was saved again


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (line(10)[:30], "half written"),
        (line(10, payload={"x": float("nan")}), "NaN"),
        (b"[]\n", "not an event"),
        (line(10).replace(b"id-10", b"id-\xff"), "not UTF-8"),
    ],
    ids=["torn", "NaN", "list", "latin-1"],
)
def test_a_refused_store_leaves_the_checkpoint_as_it_was(store, more, message):
    """A checkpoint past a torn line would never look at it again."""
    session(store)
    [state] = (store.parent / "kept").iterdir()
    before = state.read_bytes()
    append(store, more)
    for _ in range(2):
        with pytest.raises(Unproven, match=message):
            session(store)
    assert state.read_bytes() == before


def test_a_row_that_may_still_grow_is_not_saved(store):
    """A checkpoint in the middle of a line would make two halves of one row."""
    whole = store.read_bytes()
    store.write_bytes(whole[:-1])
    session(store)
    assert not (store.parent / "kept").exists()


def test_a_store_with_ids_that_stand_twice_has_no_checkpoint(store):
    """The next session would begin behind them."""
    append(store, lines(3))
    with pytest.raises(Unproven, match="'id-3' twice"):
        session(store)
    assert not (store.parent / "kept").exists()


def test_a_store_that_is_cut_while_it_is_counted_is_refused(store):
    """Rows that were hashed and are gone by the time they are counted cannot be judged."""
    session(store)
    append(store, lines(*range(10, 40)))
    large = read(Root(store.parent, ["*.jsonl"]), store.name).large
    os.truncate(store, large.size - 1)
    with pytest.raises(Unproven, match="changed after it was read"):
        counted(large, store.name, store.parent / "kept")


def test_rows_that_come_while_it_is_counted_belong_to_the_next_session(store, read_from):
    """A checkpoint of rows that the digest does not name would be of two states at once."""
    large = read(Root(store.parent, ["*.jsonl"]), store.name).large
    size = large.size
    append(store, lines(10))
    assert sum(block.tally.rows for block in counted(large, store.name, store.parent / "kept").blocks) == 10
    assert session(store).rows == 11
    assert read_from == [0, size]


def test_sessions_at_once_do_not_disturb_each_other(store, monkeypatch):
    """Two pipelines share a reports folder: neither may read what the other has half replaced."""
    monkeypatch.setattr(checkpoint, "_RECENT", 4)
    expected = 10
    for start in range(10, 60, 10):
        with ThreadPoolExecutor(4) as several:
            found = [one.result() for one in [several.submit(session, store) for _ in range(8)]]
        assert {one.rows for one in found} == {expected}
        append(store, lines(*range(start, start + 10)))
        expected += 10


def test_a_session_that_was_killed_leaves_nothing_that_is_believed(store, monkeypatch, read_from):
    """A base without its checkpoint, or half a file beside them, is no knowledge of the store."""
    monkeypatch.setattr(checkpoint, "_RECENT", 4)
    original = checkpoint.atomic.write

    def killed(path, content, **words):
        if "." not in path.name:
            raise KeyboardInterrupt
        original(path, content, **words)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.atomic, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            session(store)
    assert session(store).rows == 10
    assert read_from == [0, 0]


def test_a_folder_that_cannot_be_written_costs_time_only(store, read_from):
    """A full disk must not turn a good store red, nor make a bad one green."""
    (store.parent / "kept").write_bytes(b"")
    assert session(store).rows == session(store).rows == 10
    assert read_from == [0, 0]


def test_small_blocks_become_one(store):
    """A day of sessions would leave a checkpoint of thousands of blocks, read and written each time."""
    for number in range(10, 30):
        session(store)
        append(store, lines(number))
    session(store)
    [state] = (store.parent / "kept").iterdir()
    large = read(Root(store.parent, ["*.jsonl"]), store.name).large
    _, found = remembered.recalled(state, large, checkpoint.Checkpoint)
    assert [(block.begin, block.end, block.tally.rows) for block in found.blocks] == [(0, store.stat().st_size, 30)]


# What a suite makes of the rows


def numbers(store, added):
    """The numbers of all rows in a session of its own; *added* gets those that were read in it."""

    def add(before, lines):
        new = [json.loads(one)["payload"]["number"] for one in lines]
        added.append(new)
        return [*(before or []), *new]

    large = read(Root(store.parent, ["*.jsonl"]), store.name).large
    return remembered.carried(large, store.name, "numbers", store.parent / "kept", list[int], add)[0]


def test_what_a_suite_makes_of_rows_is_carried_on(store):
    """Rules of a suite that read every row again would cost what the counting saves."""
    added = []
    assert numbers(store, added) == list(range(10))
    append(store, lines(10, 11))
    assert numbers(store, added) == list(range(12))
    assert numbers(store, added) == list(range(12))
    assert added == [list(range(10)), [10, 11], []]


@pytest.mark.parametrize("harm", ["rewritten", "another type", "torn", "no line end"])
def test_what_was_made_of_other_rows_is_not_carried_on(store, harm):
    """Findings about rows that are gone, or about half a row, would be those of this store."""
    added = []
    if harm in ("torn", "no line end"):
        append(store, line(10)[: -1 if harm == "no line end" else -9])
        if harm == "torn":
            with pytest.raises(json.JSONDecodeError):
                numbers(store, added)
        else:
            numbers(store, added)
        assert not (store.parent / "kept").exists()
        return
    numbers(store, added)
    if harm == "rewritten":
        store.write_bytes(store.read_bytes().replace(b'"number": 3', b'"number": 4'))
    else:
        [state] = (store.parent / "kept").iterdir()
        large = read(Root(store.parent, ["*.jsonl"]), store.name).large
        remembered.remember(state, large, {"a": 1})
    assert numbers(store, added)[3] == (4 if harm == "rewritten" else 3)
    assert len(added[-1]) == 10
