"""Evidence that the policy lets be recorded by its digest: judged as it was hashed, kept nowhere, and listed so."""

from __future__ import annotations

import hashlib
import os
import zipfile

import msgspec
import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.evidence import large_files, reading
from tests.event_rows import line, lines
from tests.test_schema import check
from tests.verifying import LOOSE

STORE = "reports/event_store/events_20260520.jsonl"
POLICY = """version: 1
by_digest:
  - artifacts: ["reports/event_store/*"]
    because: the store is too large to be copied in each session
"""
HEAD = "import pytest\n\n@pytest.mark.critical\ndef test_store(artifact, measure):\n"
GATE = (
    HEAD
    + """    store = artifact.latest("reports/event_store/events_*.jsonl", timestamps="ingest_ts_utc")
    measure.at_least("events", store.events().rows, 10)
    assert sum(1 for row in store.rows()) == store.events().rows
"""
)
# What counts as large in the session that is started, which knows nothing of those before it in this process.
SMALL = """
import pytest_promotion.evidence.reading as reading
from pytest_promotion.evidence import artifacts, large_files

reading.HELD_BYTES, large_files._BLOCK = 100, 512
artifacts._COUNTED.clear()
"""


@pytest.fixture(autouse=True)
def sizes(monkeypatch):
    """What SMALL sets in a session of this process is put back."""
    monkeypatch.setattr(reading, "HELD_BYTES", reading.HELD_BYTES)
    monkeypatch.setattr(large_files, "_BLOCK", large_files._BLOCK)


def command(*words: object):
    """A `promotion` command in this process."""
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture
def decided(place):
    """A PASS that rests on a store which is not kept."""
    place.file("promotion.yaml", POLICY)
    place.file(STORE, lines(*range(10)))
    place.write(test_store=GATE, conftest=SMALL)
    assert place.run().ret == 0, place.latest()["checks"]
    return place


def kept(place):
    """The contents of the vault."""
    return [path.read_bytes() for path in (place.folder / "evidence").rglob("*") if path.is_file()]


def test_the_decision_says_that_it_is_not_kept(decided):
    """Who relies on the vault has to see what is not in it before it is needed."""
    content = (decided.path / STORE).read_bytes()
    document = decided.latest()
    [listed] = document["evidence_bundle"]["artifacts"]
    assert listed == {
        "path": STORE,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "exists": True,
        "kept": False,
    }
    assert content not in kept(decided)
    check("decision", document)
    assert ", not kept |" in (decided.folder / "latest.md").read_text()


def test_it_verifies_with_a_note_and_a_bundle_does_without_it(decided, tmp_path):
    """A vault that lacks bytes is damaged, unless they were never to be in it."""
    verified = command("verify", *LOOSE, decided.folder / "latest.json")
    assert verified.exit_code == 0, verified.output
    assert f"the policy lets {STORE} be recorded by digest only" in verified.output
    target = tmp_path / "release.zip"
    exported = command("bundle", "export", decided.folder / "latest.json", target)
    assert "be recorded by digest only" in exported.output
    with zipfile.ZipFile(target) as archive:
        assert not any(b"id-3" in archive.read(name) for name in archive.namelist())
    assert command("verify", *LOOSE, target).exit_code == 0


def test_without_the_key_everything_is_kept(place):
    """Byte for byte is what everybody gets who asks for nothing else."""
    place.file("promotion.yaml", "version: 1\n")
    place.file(STORE, lines(*range(10)))
    place.write(test_store=GATE, conftest=SMALL)
    assert place.run().ret == 0
    assert "kept" not in place.latest()["evidence_bundle"]["artifacts"][0]
    assert (place.path / STORE).read_bytes() in kept(place)
    assert not (place.folder / "event_stores").exists()


def test_the_next_session_says_what_it_did_not_count(decided):
    """Counts that rest on what lies in the reports folder are not those of the bytes alone."""
    first = decided.latest()["checks"][0]
    size = (decided.path / STORE).stat().st_size
    with (decided.path / STORE).open("ab") as file:
        file.write(lines(10))
    assert decided.run().ret == 0
    again = decided.check("store")
    assert not any("earlier session" in note for note in first["notes"])
    assert f"{STORE}: its first {size:,} bytes were counted in an earlier session" in again["notes"]
    assert again["measurements"][0]["value"] == 11


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda old: old + line(11)[:30], "half written"),
        (lambda old: old + lines(3), "'id-3' twice"),
        (lambda old: old + line(11, payload={"x": float("nan")}), "NaN"),
        (lambda old: old[: len(old) // 2 - 7], "half written"),
        (lambda old: b"", "is empty|has no rows"),
    ],
    ids=["torn", "twice", "NaN", "cut", "empty"],
)
def test_a_bad_store_does_not_pass_behind_a_checkpoint(decided, change, reason):
    """What was good yesterday says nothing about the rows of today."""
    store = decided.path / STORE
    store.write_bytes(change(store.read_bytes()))
    for _ in range(2):
        assert decided.run().ret == 1
        assert decided.check("store")["outcome"] == "INCONCLUSIVE"
        decided_reason = decided.check("store")["reason"]
        assert any(one in decided_reason for one in reason.split("|")), decided_reason


def test_rows_may_be_appended_while_gates_run_and_nothing_else(decided):
    """A service that writes each second would make every decision FAIL; one that rewrites has to."""
    appended = f"    with open(store._reading.large._path, 'ab') as file:\n        file.write({lines(10)!r})\n"
    body = GATE.replace("    measure", f"{appended}    measure", 1)
    decided.write(test_store=body)
    assert decided.run().ret == 0, decided.latest()["checks"]
    assert decided.check("store")["measurements"][0]["value"] == 10
    rewritten = body.replace("'ab'", "'r+b'").replace("file.write(", "file.seek(20); file.write(")
    decided.write(test_store=rewritten)
    assert decided.run().ret == 1
    assert "changed after it was read" in decided.check("store")["reason"]


def test_workers_agree(decided):
    """What one process may not keep, two do not keep either, and their counts are the same."""
    decided.write(test_more=GATE.replace("test_store", "test_again"))
    assert decided.run("-n", "2").ret == 0
    assert (decided.path / STORE).read_bytes() not in kept(decided)


# Judging it again


def rerun(place):
    """The gates judge the decision's evidence again."""
    return command("verify", *LOOSE, place.folder / "latest.json", "--rerun", "--project", place.path)


def test_it_is_judged_again_from_the_file_that_is_still_there(decided):
    """A store that has grown since begins with what was judged, which is enough to judge it again."""
    with (decided.path / STORE).open("ab") as file:
        file.write(b"[]\n")
    result = rerun(decided)
    assert result.exit_code == 0, result.output
    assert "judged again from its vault" in result.output


@pytest.mark.parametrize("harm", ["gone", "rewritten", "cut", "a folder"])
def test_it_is_not_judged_again_where_the_file_is_another_one(decided, harm):
    """Other bytes would give another verdict, which says nothing about the one that was given."""
    store = decided.path / STORE
    if harm == "gone":
        store.unlink()
    elif harm == "rewritten":
        store.write_bytes(store.read_bytes().replace(b"cause-1", b"cause-2"))
    elif harm == "cut":
        os.truncate(store, store.stat().st_size - 1)
    else:
        store.unlink()
        store.mkdir()
    result = rerun(decided)
    assert result.exit_code == 3, result.output
    assert "it was recorded by its digest only" in result.output


def test_counts_that_were_forged_are_found_when_it_is_judged_again(decided):
    """Who can write to the reports folder can say what a store amounts to; the bytes contradict him."""
    [state] = (decided.folder / "event_stores").iterdir()
    found = msgspec.msgpack.decode(state.read_bytes()[32:])
    found["value"]["blocks"][0][2]["rows"] = 10_000
    forged = msgspec.msgpack.encode(found)
    state.write_bytes(hashlib.sha256(forged).digest() + forged)
    decided.write(test_store=GATE.replace("10)", "11)").rsplit("    assert", 1)[0])
    assert decided.run().ret == 0
    assert any("earlier session" in note for note in decided.check("store")["notes"])
    result = rerun(decided)
    assert result.exit_code == 2, result.output
    assert "store was PASS, and is FAIL" in result.output


def test_it_cannot_be_restored(decided):
    """A command that restores what it has and is silent about the rest looks as if all were back."""
    (decided.path / STORE).unlink()
    words = ["vault", "restore", STORE, "--root", decided.path, "--reports", decided.path / "reports"]
    result = command(*words)
    assert result.exit_code == 3, result.output
    assert "recorded by its digest only" in result.output


# The policy


def test_keeping_less_is_weaker(tmp_path):
    """A change that lets evidence go unkept must not pass as a matter of taste."""
    for name, text in (("old.yaml", "version: 1\n"), ("new.yaml", POLICY)):
        (tmp_path / name).write_text(text)
    less = command("policy", "diff", tmp_path / "old.yaml", tmp_path / "new.yaml")
    more = command("policy", "diff", tmp_path / "new.yaml", tmp_path / "old.yaml")
    assert (less.exit_code, more.exit_code) == (2, 0), less.output + more.output
    assert "by_digest.reports/event_store/*" in less.output


@pytest.mark.parametrize(
    "text",
    [
        "by_digest: [{artifacts: ['reports/*']}]",
        "by_digest: [{artifacts: ['reports/*'], because: large}]",
        "by_digest: [{artifacts: [], because: too large to be kept}]",
        "by_digest: [{artifacts: [''], because: too large to be kept}]",
        "by_digest: [{artifact: ['reports/*'], because: too large to be kept}]",
        "by_digest: ['reports/*']",
    ],
)
def test_a_list_without_a_reason_is_refused(place, text):
    """Evidence that is not kept, for no reason that can be reviewed, is missing evidence."""
    place.file("promotion.yaml", f"version: 1\n{text}\n")
    place.write(test_store=GATE)
    assert place.run().ret == 4


def test_over_a_suite_it_is_listed_as_weakened(place):
    """Who reads the decision sees that less is kept than the suite asks for."""
    place.file("promotion.yaml", POLICY + "suites: [trading]\n")
    place.write(test_store=GATE)
    place.run()
    assert "by_digest.reports/event_store/*: nothing to not kept" in place.latest()["weakened"]


def test_a_policy_that_keeps_everything_has_the_digest_that_it_had(place):
    """A new key must not make every earlier decision one of another policy."""
    from pytest_promotion.policy import load

    place.file("promotion.yaml", "version: 1\nby_digest: []\n")
    assert load(place.path / "promotion.yaml", None).resolved_sha256 == load(None, None).resolved_sha256


def test_lists_of_included_policies_are_joined(place):
    """Two teams that each name their stores must not lose one of the two lists."""
    from pytest_promotion.policy import load

    place.file("other.yaml", POLICY.replace("reports/event_store", "lake"))
    place.file("promotion.yaml", POLICY + "include: [other.yaml]\nprofiles: {strict: {by_digest: []}}\n")
    patterns = [one.artifacts for one in load(place.path / "promotion.yaml", None).rules.by_digest]
    assert patterns == [["lake/*"], ["reports/event_store/*"]]
    assert load(place.path / "promotion.yaml", "strict").rules.by_digest == []
