"""Artifacts: what a gate asks for is judged as it is, or the gate says what it found instead."""

from __future__ import annotations

import functools
import itertools
import json
import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promotion.clock import Clock
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.evidence import documents, reading
from pytest_promotion.evidence.artifacts import Shelf
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.freshness import Window
from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.evidence.vault import Vault

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
WINDOW = Window(timedelta(minutes=20), timedelta(minutes=2), mtime=True)


def shelf(root: Path, *, window: Window = WINDOW, vault: Vault | None = None) -> Shelf:
    """A shelf over *root* as of NOW."""
    return Shelf(Root(root), vault, Notebook(), window, Clock(NOW))


def look(root: Path, content: bytes, name: str = "report.json") -> Shelf:
    """A shelf over a root that holds one file."""
    (root / name).write_bytes(content)
    return shelf(root)


GOOD = json.dumps({"ts_utc": NOW.isoformat(), "count": 3}).encode()


def test_an_artifact_is_what_was_read(tmp_path):
    """If digest, data and size came from different reads, they could be of different files."""
    artifact = look(tmp_path, GOOD).get("report.json")
    (tmp_path / "report.json").write_bytes(b"something else")
    assert artifact["count"] == 3
    assert artifact.sha256 == sha256(GOOD).hexdigest()
    assert artifact.size_bytes == len(GOOD)
    assert artifact.age == timedelta(0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
        (GOOD.decode().encode("utf-16"), "is UTF-16"),
        (GOOD[:-5], "is not JSON"),
        (GOOD + b"}", "is not JSON"),
        (b"\xff\x00garbage", "is not UTF-8"),
        (b'{"count": NaN}', "found NaN"),
        (b'{"count": -Infinity}', "found -Infinity"),
        (b'{"count": 1e999}', "too large to be a number"),
        (b'{"count": 1, "count": 2}', "stands twice"),
        (b'{"a": {"b": 1, "b": 2}}', "stands twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"count": ' + b"9" * 5000 + b"}", "report.json"),
        (b"[1, 2]", "is a list at its top level, expected an object"),
        (b'"pass"', "is a text at its top level"),
        (b"null", "is null at its top level"),
        (b"true", "is a boolean at its top level"),
        (b"3", "is a number at its top level"),
        (b'{"counts": 3}', "has no field 'count'"),
    ],
)
def test_what_is_not_a_report_is_refused_with_what_was_found(tmp_path, content, said):
    """`{}` in place of an unreadable report lets every default decide."""
    with pytest.raises(Unproven) as refused:
        _ = look(tmp_path, content).get("report.json")["count"]
    assert said in str(refused.value)
    assert "report.json" in str(refused.value)


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("2026-05-20T12:00:00", "has no offset"),
        ("2026-05-20", "has no offset"),
        (1779278400, "epoch seconds?"),
        (1779278400000, "epoch milliseconds?"),
        ("1779278400.5", "epoch seconds?"),
        (None, "None"),
        (True, "True"),
        ("", "not an ISO 8601"),
        ("yesterday", "not an ISO 8601"),
        ({}, "{}"),
        ("2026-13-01T00:00:00+00:00", "not an ISO 8601"),
        ("2026-05-20T12:30:00+00:00", "30 min in the future"),
        ("9999-12-31T23:59:59-23:59", "outside the calendar"),
    ],
)
def test_what_does_not_date_an_item_is_refused(tmp_path, stamp, said):
    """A timestamp that means a different moment on every machine is fresh on one of them."""
    where = look(tmp_path, json.dumps({"ts_utc": stamp}).encode())
    with pytest.raises(Unproven) as refused:
        where.fresh(where.get("report.json"), WINDOW.max_age)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("age", "fine"),
    [
        (timedelta(0), True),
        (timedelta(minutes=20), True),
        (timedelta(minutes=20, microseconds=1), False),
        (timedelta(minutes=-2), True),
        (timedelta(minutes=-2, microseconds=-1), False),
        (timedelta(days=4000), False),
    ],
)
def test_the_window_has_two_ends(tmp_path, age, fine):
    """Off by one at the old end promotes stale data; no end in the future promotes any data for ever."""
    where = look(tmp_path, json.dumps({"ts_utc": (NOW - age).isoformat()}).encode())
    if fine:
        where.fresh(where.get("report.json"), WINDOW.max_age)
    else:
        with pytest.raises((GateFailed, Unproven)):
            where.fresh(where.get("report.json"), WINDOW.max_age)


def test_the_order_of_timestamps(tmp_path):
    """A fall-back that is taken although the first field is there judges by a time nobody meant."""
    fields = {"ts_utc": NOW.isoformat(), "last_update_utc": (NOW - timedelta(hours=5)).isoformat()}
    where = look(tmp_path, json.dumps(fields).encode())
    assert where.get("report.json").timestamp_source == "ts_utc"
    assert where.get("report.json", "last_update_utc").timestamp == NOW - timedelta(hours=5)
    (tmp_path / "other.json").write_text(json.dumps({"last_update_utc": NOW.isoformat()}))
    assert where.get("other.json").timestamp_source == "last_update_utc"


def test_a_garbage_timestamp_is_not_passed_over(tmp_path):
    """Falling back to the next field makes a broken writer look like an older one."""
    where = look(tmp_path, json.dumps({"ts_utc": "soon", "last_update_utc": NOW.isoformat()}).encode())
    with pytest.raises(Unproven):
        _ = where.get("report.json").timestamp


def test_modification_times_count_only_where_the_profile_says_so(tmp_path):
    """A check-out makes every file new."""
    (tmp_path / "log.txt").write_text("x")
    os.utime(tmp_path / "log.txt", (NOW.timestamp(), NOW.timestamp()))
    assert shelf(tmp_path).get("log.txt").timestamp_source == "mtime"
    strict = Window(timedelta(minutes=20), timedelta(minutes=2), mtime=False)
    with pytest.raises(Unproven, match="undated"):
        _ = shelf(tmp_path, window=strict).get("log.txt").timestamp


def test_a_named_field_never_falls_back_to_the_file(tmp_path):
    """A gate that names the field that counts does not mean the file's time."""
    with pytest.raises(Unproven, match="it has no written_at"):
        _ = look(tmp_path, GOOD).get("report.json", "written_at").timestamp


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("e.jsonl", b"", "has no rows"),
        ("e.jsonl", b"\n\n", "has no rows"),
        ("e.jsonl", b'{"a": 1}\n{"a": ', "line 2 is half written"),
        ("e.jsonl", b'{"a": 1}\n{"a": \n{"a": 3}\n', "line 2"),
        ("e.jsonl", b'{"a": 1}\n[1]\n', "line 2 is a list, not an object"),
        ("e.jsonl", b'{"a": NaN}\n', "line 1: found NaN"),
        ("e.jsonl", b'{"a": 1, "a": 2}\n', "stands twice"),
        ("e.csv", b"", "is empty"),
        ("e.csv", b"a,b\n", "has no rows"),
        ("e.csv", b"a,b\n1\n", "line 2 has 1 cells, the header 2 (half written?)"),
        ("e.csv", b"a,b\n1,2,3\n", "line 2 has 3 cells"),
        ("e.csv", b"a,b\n1,2\n3,4", "last row may be half written"),
        ("e.csv", b"a,a\n1,2\n", "names a column twice"),
        ("e.csv", b"\xef\xbb\xbfa,b\n1,2\n", "byte order mark"),
        ("e.csv", b'a,b\n1,"2\n', "is not CSV"),
        ("e.csv", b"a,b\n1,\xff\n", "is not UTF-8"),
        ("e.txt", b"a", "has no rows: expected one of"),
    ],
)
def test_rows_that_are_not_rows_are_refused(tmp_path, name, content, said):
    """Skipping what does not parse counts a torn store as a smaller one."""
    with pytest.raises(Unproven) as refused:
        list(look(tmp_path, content, name).get(name).rows())
    assert said in str(refused.value)


def test_the_newest_row_dates_a_store(tmp_path):
    """Rows arrive out of order; the last one in the file need not be the newest."""
    rows = [NOW - timedelta(minutes=m) for m in (9, 3, 7)]
    lines = "".join(json.dumps({"at": row.isoformat()}) + "\n" for row in rows)
    where = look(tmp_path, lines.encode(), "e.jsonl")
    assert where.get("e.jsonl", "at").timestamp == NOW - timedelta(minutes=3)


def test_the_latest_is_by_time_and_not_by_name(tmp_path):
    """`integrity_99990101.json` would otherwise override everything for ever."""
    for name, minutes in (("r_99990101.json", 50), ("r_20260520.json", 1)):
        (tmp_path / name).write_text(json.dumps({"ts_utc": (NOW - timedelta(minutes=minutes)).isoformat()}))
    where = shelf(tmp_path)
    assert where.latest("r_*.json").path == "r_20260520.json"
    assert "passed over r_99990101.json" in where._notebook.notes[0]
    assert set(where._notebook.exhibits) == {"r_99990101.json", "r_20260520.json"}


@pytest.mark.parametrize("content", ["{}", '{"ts_utc": "2999-01-01T00:00:00+00:00"}', "{"])
def test_a_match_that_cannot_be_dated_is_not_passed_over(tmp_path, content):
    """It might be the newest, and nobody could tell."""
    (tmp_path / "r_1.json").write_text(json.dumps({"ts_utc": NOW.isoformat()}))
    (tmp_path / "r_2.json").write_text(content)
    strict = Window(timedelta(minutes=20), timedelta(minutes=2), mtime=False)
    with pytest.raises(Unproven, match=r"r_2\.json"):
        shelf(tmp_path, window=strict).latest("r_*.json")


@pytest.mark.parametrize("path", ["../x.json", "a/../../x.json", "/etc/passwd", "", ".", "a\0b"])
def test_paths_that_leave_the_root_are_refused(tmp_path, path):
    """Evidence that lies elsewhere is not in the bundle that someone will check."""
    (tmp_path / "root").mkdir()
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(Unproven):
        shelf(tmp_path / "root").get(path)


def test_links_that_leave_the_root_are_refused(tmp_path):
    """A link is the easiest way to show a gate another system's good report."""
    root = tmp_path / "root"
    (root / "in").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.json").write_bytes(GOOD)
    (root / "in" / "x.json").write_bytes(GOOD)
    (root / "file.json").symlink_to(tmp_path / "out" / "x.json")
    (root / "folder").symlink_to(tmp_path / "out")
    (root / "inside.json").symlink_to(root / "in" / "x.json")
    for path in ("file.json", "folder/x.json"):
        with pytest.raises(Unproven, match="leads outside the promotion root"):
            shelf(root).get(path)
    assert shelf(root).get("inside.json")["count"] == 3


def test_what_is_no_file_is_refused_without_hanging(tmp_path):
    """Opening a FIFO waits for a writer, which may never come."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tmp_path)  # a socket's path may not be long
    try:
        server.bind("sock.json")
    finally:
        os.chdir(here)
    for name, said in (("pipe.json", "a FIFO"), ("folder.json", "a directory"), ("sock.json", "cannot be read")):
        with pytest.raises(Unproven, match=said):
            shelf(tmp_path).get(name)
    server.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path):
    """Permission denied is not absence, and neither is a pass."""
    where = look(tmp_path, GOOD)
    (tmp_path / "report.json").chmod(0)
    with pytest.raises(Unproven, match="permission denied"):
        where.get("report.json")


def test_a_missing_file_is_evidence_of_its_absence(tmp_path):
    """What was not there has to be in the bundle, or the bundle of an empty root looks whole."""
    where = look(tmp_path, GOOD)
    with pytest.raises(Unproven, match=r"reporst\.json is missing \(there is report\.json\)"):
        where.get("reporst.json")
    [absent] = where._notebook.exhibits.values()
    assert (absent.exists, absent.sha256) == (False, "")


def test_a_large_file_is_streamed_and_never_held(tmp_path, monkeypatch):
    """A store of some gigabytes in memory ends the run, and a run that ends has decided nothing."""
    monkeypatch.setattr(reading, "HELD_BYTES", 1000)
    lines = b"".join(b'{"at": "2026-05-20T12:00:00+00:00", "n": %d}\n' % n for n in range(200))
    vault = Vault(tmp_path / "vault")
    (tmp_path / "e.jsonl").write_bytes(lines)
    artifact = shelf(tmp_path, vault=vault).get("e.jsonl", "at")
    assert artifact._reading.content is None
    (tmp_path / "e.jsonl").write_bytes(b"changed")
    assert (artifact.sha256, artifact.size_bytes) == (sha256(lines).hexdigest(), len(lines))
    assert sum(1 for _ in artifact.rows()) == 200
    assert artifact.timestamp == NOW
    with pytest.raises(Unproven, match="read it by .rows"):
        _ = artifact.text


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    """Half of the old bytes and half of the new ones were never a report."""
    (tmp_path / "r.json").write_bytes(GOOD)
    real = os.read

    def slow(handle, size):
        with (tmp_path / "r.json").open("ab") as file:
            file.write(b"x")
        return real(handle, size)

    monkeypatch.setattr(reading.os, "read", slow)
    with pytest.raises(Unproven, match="changed while it was read"):
        read(Root(tmp_path), "r.json")


def test_the_vault_keeps_the_bytes_under_their_digest(tmp_path):
    """What cannot be looked at later cannot be checked later."""
    vault = Vault(tmp_path / "vault")
    (tmp_path / "r.json").write_bytes(GOOD)
    artifact = shelf(tmp_path, vault=vault).get("r.json")
    assert vault.where(artifact.sha256).read_bytes() == GOOD
    assert vault.where(artifact.sha256).parts[-2:] == (artifact.sha256[:2], artifact.sha256)


def test_a_damaged_copy_in_the_vault_is_replaced(tmp_path):
    """A vault that trusts what it finds keeps a half-written file of a killed run for ever."""
    place = Vault(tmp_path).where(sha256(GOOD).hexdigest())
    place.parent.mkdir(parents=True)
    place.write_bytes(GOOD[:5])
    Vault(tmp_path).keep(sha256(GOOD).hexdigest(), GOOD)
    assert place.read_bytes() == GOOD


def test_many_writers_keep_the_same_bytes(tmp_path):
    """Workers that keep the same file at once must not see each other's halves."""
    vaults = [Vault(tmp_path) for _ in range(8)]
    content = os.urandom(200_000)
    threads = [threading.Thread(target=v.keep, args=(sha256(content).hexdigest(), content)) for v in vaults]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [content]


def test_a_full_disk_is_said_in_one_line(tmp_path):
    """/dev/full is a disk that is always full: evidence that could not be kept is not evidence."""
    (tmp_path / "vault").write_text("a file where the folder should be")
    with pytest.raises(Unproven, match="the evidence vault .* cannot be written"):
        Vault(tmp_path / "vault").keep("ab" * 32, GOOD)


LAUGHS = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 10)) for n in range(8)
)


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        (b"[" * 100_000, "nests deeper"),
        (b"[\n" * 100_000, "nests deeper"),
        (b"a: 1\nb: [1, [2, 3], " + b"[" * 101 + b"]" * 101 + b"]\n", "line 2 nests deeper"),
        (b"{a: " * 100_000, "nests deeper"),
        (b"- " * 100_000 + b"x", "nests deeper"),
        (LAUGHS, "unfolds into more"),
        (b"a: &a [*a]\n", "contains itself"),
    ],
    ids=["brackets", "lines", "closed", "braces", "dashes", "laughs", "itself"],
)
def test_a_yaml_bomb_is_refused_and_ends_nobody(bomb, said):
    """The parser's nodes nest on the stack: deep enough a file would end the process instead of the gate."""
    with pytest.raises(Unproven, match=said):
        documents.parse_yaml(bomb, "c.yml")


@pytest.mark.parametrize("limit", [0, 50, 99])
@pytest.mark.parametrize("content", ["[" * 5000, "[\n" * 5000, "- " * 5000 + "x", "{a: " * 5000])
def test_the_depth_message_does_not_depend_on_the_parsers_own_limit(monkeypatch, limit, content):
    """libyaml 0.2.6 refuses deep nesting in its own words; the next version may do so in others, and earlier."""

    def parse(text, Loader):  # noqa: N803 - PyYAML's name
        yield from itertools.islice(parsed(text, Loader=Loader), 2 + limit)
        raise yaml.scanner.ScannerError(problem="too much")

    parsed = functools.partial(yaml.parse)
    monkeypatch.setattr(yaml, "parse", parse)
    with pytest.raises(Unproven, match="nests deeper than 100 levels"):
        documents.parse_yaml(content.encode(), "c.yml")


@pytest.mark.parametrize(
    "content",
    ["a: [" + "[1], " * 500, "a: [\n" + "[1],\n" * 500 + "}", "a: {b: }}" + "[" * 99, "a: '" + "[" * 200],
    ids=["cut", "wrong-bracket", "shallow", "quoted"],
)
def test_a_syntax_error_beside_many_brackets_is_not_called_too_deep(content):
    """The reader of the message would look for nesting that is not there."""
    with pytest.raises(Unproven, match="is not YAML"):
        documents.parse_yaml(content.encode(), "c.yml")


def test_yaml_resolves_merges_and_refuses_twice(tmp_path):
    """Compose files live by merge keys; the last of two equal keys silently wins in most readers."""
    text = b"base: &b {x: 1}\nsvc:\n  <<: *b\n  x: 2\n  y: 3\n"
    assert documents.parse_yaml(text, "c.yml")["svc"] == {"x": 2, "y": 3}
    for wrong in (b"a: 1\na: 2\n", b"s:\n  b: 1\n  b: 2\n", b"a: [", b"\xff", b"a: !!python/object:os.system {}"):
        with pytest.raises(Unproven):
            documents.parse_yaml(wrong, "c.yml")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_crash_a_gate(tmp_path, content):
    """A crash is not a verdict; whatever a service writes, the gate must say something about it."""
    where = look(tmp_path, content)
    try:
        artifact = where.get("report.json")
        where.fresh(artifact, WINDOW.max_age)
        _ = artifact["count"]
    except (Unproven, GateFailed) as refused:
        assert "report.json" in str(refused)
    else:
        assert artifact.data["count"] == json.loads(content)["count"]


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_strict_reading_agrees_with_json(value):
    """A strict reader that reads something else is worse than a lenient one."""
    text = json.dumps(value).encode()
    try:
        found = documents.parse_json(text, "x.json")
    except Unproven:
        assert b"NaN" in text or b"Infinity" in text
    else:
        assert json.dumps(found) == text.decode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120), st.sampled_from([".jsonl", ".csv", ".yml"]))
def test_no_bytes_crash_a_reader_of_rows(tmp_path, content, suffix):
    """The same for every other format that is read."""
    where = look(tmp_path, content, "f" + suffix)
    artifact = where.get("f" + suffix)
    try:
        found = artifact.data if suffix == ".yml" else list(artifact.rows())
    except Unproven as refused:
        assert "f" + suffix in str(refused)
    else:
        assert found != []
        assert artifact.sha256 == sha256(content).hexdigest()
