"""The history: what was decided stays known, whoever is killed, writes at once, or would rather it were otherwise."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.history import log as logs
from pytest_promotion.history.check import check
from pytest_promotion.history.index import INDEX, Index, Question
from pytest_promotion.history.log import NAME, TORN, Head, History, entry_of, line_of, logged
from pytest_promotion.history.writer import Writer
from tests.trust.conftest import decide

pytestmark = pytest.mark.slow

START = datetime(2026, 5, 1, tzinfo=UTC)
PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]
APPENDS = """
import sys
from pathlib import Path
from pytest_promotion.history.log import History
from tests.trust.test_history import record
history = History(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    history.append(record(number, run_id=f"{sys.argv[2]}-{number}"))
    print(number, flush=True)
"""


def document(number: int, **more) -> dict:
    """What a decision says of itself, as far as the history looks."""
    return {
        "checks": [{"name": "one", "outcome": "PASS"}, {"name": "two", "outcome": "PASS"}],
        "critical_failures": [],
        "evidence_bundle": {"evidence_bundle_id": f"{number:064x}"},
        "profile": "ci",
        "run_id": f"run-{number}",
        "scope": "full",
        "status": "PASS",
        "subject": {"name": "app", "digest": {"sha256": "a1" * 32}},
        "ts_utc": (START + timedelta(hours=number)).isoformat(timespec="microseconds"),
        "waivers": [],
        **more,
    }


def record(number: int, **more) -> bytes:
    """The same as the log has it."""
    return logged(document(number, **more), f"promotion_gates_{number}.json", b"%d" % number)


def promotion(folder, *words):
    """`promotion history` on a reports folder."""
    words = ("history", *words, "--reports", str(folder.parent)) if words else ("history",)
    return subprocess.run([*PROMOTION, *words], cwd=folder.parents[1], capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    """A folder of decisions with nothing in it."""
    path = tmp_path / "reports" / "promotion_gates"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def three(folder):
    """A log of three entries."""
    History(folder).append(*map(record, range(3)))
    return folder / NAME


def anchored(folder, number: int):
    """A decision that is published as a session publishes it, and its file."""
    history = History(folder)
    path = folder / f"promotion_gates_{number}.json"
    content = json.dumps(document(number, finished=True, history=history.head().document())).encode()
    history.append(logged(document(number), path.name, content))
    path.write_bytes(content)
    return path


# What a session writes


def test_every_decision_is_in_the_log_as_it_was_published(signed):
    """A decision that nobody can find again is a promotion that nobody can answer for."""
    (signed.path / "evidence" / "score.json").write_text(json.dumps({"ts_utc": "2026-01-01T00:00:00Z", "score": 0.1}))
    assert decide(signed.path).returncode == 1
    folder = signed.latest.parent
    entries = [entry_of(line) for line in logs.lines(folder / NAME)]
    assert [entry.decision.status for entry in entries] == ["PASS", "FAIL"]
    for entry in entries:
        assert sha256((folder / entry.decision.file).read_bytes()).hexdigest() == entry.decision.sha256
    assert signed.document()["history"] == {"sequence": 1, "sha256": entries[0].sha256}
    assert entries[1].decision.critical_failures == ["score"]
    assert "score" not in entries[1].decision.gates.get("PASS", ())
    found = check(folder)
    assert (found.problems, found.entries, found.anchors) == ([], 2, 2)


@pytest.mark.parametrize(
    "words",
    [("--promotion-as-of=2026-11-01T00:00:00Z",), ("-k", "presence"), ("--promotion-prove",)],
    ids=["replay", "partial", "prove"],
)
def test_what_decides_nothing_is_not_in_the_log(signed, words):
    """A look at one gate or at the past must not stand among decisions."""
    decide(signed.path, *words)
    found = check(signed.latest.parent)
    assert (found.entries, found.problems) == (1, [])


def test_a_merged_decision_is_in_the_log(signed):
    """Gates that ran on two machines decide as much as those that ran on one."""
    for share in ("1/2", "2/2"):
        decide(signed.path, f"--promotion-shard={share}", "--promotion-run-id=r", "--promotion-reports=shards")
    shards = sorted(map(str, (signed.path / "shards" / "promotion_gates").glob("shard_*.json")))
    done = subprocess.run([*PROMOTION, "merge", *shards], cwd=signed.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = check(signed.latest.parent)
    assert (found.entries, found.anchors, found.problems) == (2, 2, [])


@pytest.mark.parametrize("damage", ["changed", "folder"])
def test_a_decision_that_cannot_be_logged_is_a_fail(signed, damage):
    """A PASS that the history does not know could be denied, or made up, by anybody."""
    path = signed.latest.parent / NAME
    if damage == "changed":
        path.write_bytes(path.read_bytes().replace(b'"status":"PASS"', b'"status":"FAIL"'))
    else:
        path.unlink()
        path.mkdir()
    done = decide(signed.path)
    assert done.returncode == 1, done.stdout
    latest = signed.document()
    assert (latest["status"], latest["finished"]) == ("FAIL", False)
    assert len(list(signed.latest.parent.glob("promotion_gates_*.json"))) == 1


# What was done to a log


def test_every_flipped_bit_is_found(three, attacks):
    """One bit makes a FAIL of somebody else a PASS of mine."""
    content = three.read_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        # As it is read: a bit can also make a line feed, or take one away.
        with pytest.raises(Unproven):
            list(map(entry_of, io.BytesIO(changed)))
    for place in random.Random(7).sample(range(len(content)), 100):
        changed = bytearray(content)
        changed[place] ^= 1
        three.write_bytes(changed)
        assert check(three.parent).problems
    attacks(8 * len(content) + 100)


def _lines(path):
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a, b, c: [b, c], "entry 2 stands where entry 1 belongs"),
        (lambda a, b, c: [a, c], "entry 3 stands where entry 2 belongs"),
        (lambda a, b, c: [b, a, c], "entry 2 stands where entry 1 belongs"),
        (lambda a, b, c: [a, b, b, c], "entry 2 stands there twice"),
        (lambda a, b, c: [a, b.replace(b"PASS", b"FAIL"), c], "entry 2: it is not what was written"),
        (lambda a, b, c: [a, b, b"\n", c], "entry 3: it is not what was written"),
        (lambda a, b, c: [a, b, line_of(record(9), Head(1, entry_of(a).sha256))[0], c], "two logs follow entry 1"),
        (lambda a, b, c: [a, line_of(record(9), Head(1, entry_of(a).sha256))[0], c], "entry 3 does not follow"),
        (lambda a, b, c: [a, b, c[:-1]], "half a line"),
        (lambda a, b, c: [a, b, c[:100]], "half a line"),
    ],
    ids=["first", "deleted", "swapped", "twice", "edited", "empty", "fork", "replaced", "no-end", "torn"],
)
def test_whatever_breaks_the_chain_is_named(three, change, said):
    """Who cannot say which entry was touched can only say that none is to be believed."""
    three.write_bytes(b"".join(change(*_lines(three))))
    assert said in " / ".join(check(three.parent).problems)
    assert promotion(three.parent, "verify").returncode == 2


def test_a_log_that_was_cut_off_is_found_by_a_later_decision(folder, tmp_path):
    """A chain without its end is a whole chain: what somebody wants to be forgotten is usually the newest."""
    for number in range(3):
        anchored(folder, number)
    kept = shutil.copy(folder / "promotion_gates_2.json", tmp_path / "elsewhere.json")
    (folder / NAME).write_bytes(b"".join(_lines(folder / NAME)[:1]))
    said = " / ".join(check(folder).problems)
    assert "entry 2 is not there: promotion_gates_2.json was taken after it" in said
    assert "promotion_gates_1.json is not in the log" in said
    for number in (1, 2):
        (folder / f"promotion_gates_{number}.json").unlink()
    assert check(folder).problems == []  # nothing that is left knows better
    done = promotion(folder, "verify", "--decision", str(kept))
    assert done.returncode == 2
    assert "entry 2 is not there" in done.stdout
    (folder / NAME).unlink()
    assert "the log is gone" in check(folder).problems[0]


def test_a_chain_that_was_written_anew_is_found_by_a_decision(folder):
    """Digests without a key can be computed by whoever changes the log."""
    for number in range(3):
        anchored(folder, number)
    records = [line[len(b'{"decision":') : line.index(b',"previous"')] for line in _lines(folder / NAME)]
    records[0] = records[0].replace(b'"PASS"', b'"FAIL"')
    (folder / NAME).unlink()
    History(folder).append(*records)
    assert "entry 1 is not the one that promotion_gates_1.json was taken after" in check(folder).problems


@pytest.mark.parametrize("more", [{}, {"history": None}], ids=["edited", "and-unhinged"])
def test_a_decision_that_was_changed_since_is_found(folder, more):
    """The log says what a file was; a file that is another was edited later."""
    path = anchored(folder, 0)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "FAIL"} | more))
    assert "entry 1 is of another promotion_gates_0.json than the one that is there" in check(folder).problems


def test_no_history_is_no_yes(folder):
    """Where there is nothing, nothing was checked."""
    done = promotion(folder, "verify")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert promotion(folder, "verify", "--decision", "none.json").returncode == 3


# Killed, full, at once


def test_half_a_line_is_set_aside_wherever_it_ends(folder):
    """A power cut in the middle of a line must neither stop all later decisions nor vanish without a trace."""
    History(folder).append(*map(record, range(2)))
    path, whole = folder / NAME, (folder / NAME).read_bytes()
    last = _lines(path)[-1]
    for kept in {0, 1, len(last) - 2, len(last) - 1, *range(2, len(last), 23)}:
        path.write_bytes(whole[: len(whole) - len(last) + kept])
        (folder / (NAME + TORN)).unlink(missing_ok=True)
        assert History(folder).head().sequence == 1
        History(folder).append(record(5))
        found = check(folder)
        assert (found.problems, found.entries) == ([], 2)
        torn = folder / (NAME + TORN)
        assert torn.read_bytes() == last[:kept] + b"\n" if kept else not torn.exists()


def test_nothing_is_built_on_a_line_that_was_changed(three):
    """A chain that goes on from an entry that nobody wrote makes it look like one."""
    *before, last = _lines(three)
    changed = b"".join([*before, last.replace(b"run-2", b"run-3")])
    three.write_bytes(changed)
    with pytest.raises(Unproven, match="cannot be built on"):
        History(three.parent).append(record(3))
    assert three.read_bytes() == changed


def test_what_was_promised_survives_kill_9(folder):
    """A process that is killed at any moment must not take with it what it had said was written."""
    chance, promised = random.Random(11), 0
    for turn in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", APPENDS, str(folder), str(turn), "1000000"],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            process.stdout.readline()
            time.sleep(chance.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            promised += 1 + len(process.stdout.read().splitlines())
        History(folder).append(record(turn))
        promised += 1
    found = check(folder)
    assert found.problems == []
    # Of each turn one may have been written and not yet promised.
    assert promised <= found.entries <= promised + 6


@pytest.mark.parametrize("writers", [2, 4])
def test_writers_at_once_lose_nothing(folder, writers):
    """Two sessions that end in the same second must both be in the log."""
    crowd = [
        subprocess.Popen([sys.executable, "-c", APPENDS, str(folder), str(one), "60"], stdout=subprocess.DEVNULL)
        for one in range(writers)
    ]
    assert [process.wait(300) for process in crowd] == [0] * writers
    found = check(folder)
    assert (found.problems, found.entries) == ([], writers * 60)
    names = [entry_of(line).decision.run_id for line in logs.lines(folder / NAME)]
    for one in range(writers):
        assert [name for name in names if name.startswith(f"{one}-")] == [f"{one}-{number}" for number in range(60)]


def test_a_writer_promises_only_what_is_written(folder):
    """Entries that wait for each other must each be there when their caller goes on."""
    with Writer(History(folder)) as writer, ThreadPoolExecutor(4) as crowd:

        def put(number):
            head = writer.put(record(number)).result(30)
            assert head.sequence <= History(folder).head().sequence
            return head

        heads = list(crowd.map(put, range(200)))
    found = check(folder)
    assert (found.problems, found.entries) == ([], 200)
    assert len(heads) == 200


def test_a_writer_tells_everybody_who_waits_that_it_failed(folder):
    """A promise that is never answered hangs a session; one that is kept in silence is a lie."""
    (folder / NAME).mkdir()
    with Writer(History(folder)) as writer:
        promises = [writer.put(record(number)) for number in range(5)]
    for promise in promises:
        with pytest.raises(OSError, match="directory"):
            promise.result(0)


@pytest.mark.skipif(not shutil.which("mount") or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_full_disk_leaves_the_log_as_it_was(folder):
    """Half an entry at the end would be the first thing that the next writer meets."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine does not let a test mount a small disk")
    try:
        history, count = History(folder), 0
        with pytest.raises(OSError, match="space"):  # noqa: PT012 - which one fails is what is asked
            while count < 1000:
                history.append(record(count))
                count += 1
        found = check(folder)
        assert (found.problems, found.entries) == ([], count)
        assert count > 5
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# Questions


@pytest.fixture
def many(folder):
    """Two hundred decisions of several kinds, with the documents they are of."""
    chance, documents = random.Random(3), []
    for number in range(200):
        failed = [name for name in ("one", "two", "three") if chance.random() < 0.2]
        checks = [
            {"name": name, "outcome": "FAIL" if name in failed else "PASS"} for name in ("one", "two", "three", "four")
        ]
        documents.append(
            document(
                number,
                checks=checks,
                critical_failures=failed,
                status="FAIL" if failed else "PASS",
                profile=chance.choice(["ci", "prod"]),
                subject=chance.choice(
                    [None, *({"name": name, "digest": {"sha256": name * 32}} for name in ("a1", "b2"))]
                ),
                waivers=[] if number % 50 else [_waiver(number)],
            )
        )
    History(folder).append(*(logged(one, f"{number}.json", b"") for number, one in enumerate(documents)))
    return documents


def _waiver(number: int) -> dict:
    return {
        "gate": "four",
        "reason": "known",
        "owner": "ops",
        "requested_by": "kim",
        "expires": "2026-12-01",
        "approvers": [{"name": "ada"}] if number < 100 else [{"name": "ada"}, {"name": "bo"}],
    }


def _ids(entries):
    return [entry.decision.run_id for entry in entries]


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        (Question(limit=500), lambda one: True),
        (Question(status="FAIL", limit=500), lambda one: one["status"] == "FAIL"),
        (Question(gate="two", limit=500), lambda one: "two" in one["critical_failures"]),
        (
            Question(gate="two", profile="ci", limit=500),
            lambda one: "two" in one["critical_failures"] and one["profile"] == "ci",
        ),
        (Question(gate="two", status="PASS", limit=500), lambda one: False),
        (Question(subject="a1", limit=500), lambda one: one["subject"] and one["subject"]["name"] == "a1"),
        (
            Question(subject="sha256:" + "b2" * 32, limit=500),
            lambda one: one["subject"] and one["subject"]["name"] == "b2",
        ),
        (
            Question(profile="prod", status="PASS", since=START + timedelta(hours=50), limit=500),
            lambda one: (
                (one["profile"], one["status"]) == ("prod", "PASS")
                and one["ts_utc"] >= (START + timedelta(hours=50)).isoformat(timespec="microseconds")
            ),
        ),
        (
            Question(until=START + timedelta(hours=50), limit=500),
            lambda one: one["ts_utc"] < (START + timedelta(hours=50)).isoformat(timespec="microseconds"),
        ),
        (Question(waived=True, limit=500), lambda one: one["waivers"]),
    ],
    ids=["all", "status", "gate", "gate-profile", "gate-status", "name", "digest", "since", "until", "waived"],
)
def test_the_index_answers_what_the_log_says(folder, many, question, holds):
    """An index that leaves out a decision hides it."""
    with Index(folder) as index:
        assert _ids(index.entries(question)) == [one["run_id"] for one in reversed(many) if holds(one)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no base of data" * 1000),
        lambda path: path.write_bytes(path.read_bytes()[:9000]),
        lambda path: path.with_name(f"{INDEX}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600)),
    ],
    ids=["gone", "empty", "garbage", "cut", "foreign-journal"],
)
def test_an_index_that_is_of_no_use_is_made_again(folder, many, damage):
    """The log is the truth: whatever happens to its index must not change an answer."""
    with Index(folder) as index:
        before = _ids(index.entries(Question(status="FAIL", limit=500)))
    damage(folder / INDEX)
    with Index(folder) as index:
        assert _ids(index.entries(Question(status="FAIL", limit=500))) == before


def test_an_index_catches_up_and_leaves_half_a_line_alone(folder, many):
    """What was decided a second ago is what is asked for first."""
    with Index(folder) as index:
        assert len(index.entries(Question(limit=500))) == 200
    History(folder).append(record(500))
    with (folder / NAME).open("ab") as file:
        file.write(b'{"decision":{"bun')
    with Index(folder) as index:
        assert _ids(index.entries(Question(limit=2))) == ["run-500", "run-199"]


def test_an_index_of_another_log_is_not_asked(folder, many):
    """Where somebody puts back an older log, the index remembers what is no longer there."""
    Index(folder).__exit__()
    (folder / NAME).unlink()
    History(folder).append(*(record(number + 1000) for number in range(300)))
    with Index(folder) as index:
        assert set(_ids(index.entries(Question(limit=500)))) == {f"run-{number + 1000}" for number in range(300)}


def test_a_line_that_was_changed_under_the_index_is_refused(folder, many):
    """The index knows where an answer stands; that it still stands there has to be seen."""
    Index(folder).__exit__()
    path = folder / NAME
    path.write_bytes(path.read_bytes().replace(b'"run-7"', b'"run-8"', 1))
    with Index(folder) as index, pytest.raises(Unproven, match="entry 8: it is not what was written"):
        index.entries(Question(limit=500))
    assert promotion(folder, "--limit", "500").returncode == 3


def test_four_who_ask_at_once_get_one_answer(folder, many):
    """Whoever builds the index must not pull it away under somebody who asks."""
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: promotion(folder, "--status", "FAIL", "--json").stdout, range(4)))
    assert len(set(answers)) == 1
    assert len(json.loads(answers[0])) == 20


def test_the_list_says_what_was_decided(folder, many):
    """A person looks for the day on which it went wrong, and at which gate."""
    done = promotion(folder, "--gate", "three", "--limit", "1")
    newest = next(one for one in reversed(many) if "three" in one["critical_failures"])
    assert done.returncode == 0
    assert newest["ts_utc"][:19] in done.stdout
    assert "three" in done.stdout
    assert promotion(folder, "--subject", "nobody").stdout == "no decision answers that\n"
    assert promotion(folder, "--since", "yesterday").returncode == 4


def test_the_trend_counts_by_day(folder):
    """Whether things get worse is seen over days, not in one decision."""
    now = datetime.now(UTC)
    moments = [now, now, now - timedelta(days=1), now - timedelta(days=40)]
    said = [
        record(number, ts_utc=moment.isoformat(timespec="microseconds"), status="FAIL" if number == 1 else "PASS")
        for number, moment in enumerate(moments)
    ]
    History(folder).append(*said)
    today, before = (f"{now - timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    assert json.loads(promotion(folder, "trend", "--json").stdout) == [
        {"day": before, "PASS": 1},
        {"day": today, "FAIL": 1, "PASS": 1},
    ]


def test_a_gate_that_wavers_on_one_candidate_comes_first(folder):
    """Where the candidate was the same, it is the gate or its evidence that changed its mind."""
    runs = [
        ("a1", "PASS", "PASS"),
        ("a1", "FAIL", "PASS"),
        ("b2", "PASS", "FAIL"),
        ("b2", "PASS", "FAIL"),
        ("b2", "NOT_RUN", "FAIL"),
    ]
    for number, (subject, shaky, broken) in enumerate(runs):
        checks = [{"name": "shaky", "outcome": shaky}, {"name": "broken", "outcome": broken}]
        about = {"name": "app", "digest": {"sha256": subject * 32}}
        History(folder).append(record(number, checks=checks, subject=about))
    assert json.loads(promotion(folder, "flaky", "--json").stdout) == [
        {"gate": "shaky", "runs": 4, "passed": 3, "flips": 2, "unexplained": 1},
        {"gate": "broken", "runs": 5, "passed": 2, "flips": 1, "unexplained": 0},
    ]


def test_who_waived_what_is_told_once_for_each_waiver(folder, many):
    """A waiver that everybody renews is a rule that nobody keeps."""
    rows = json.loads(promotion(folder, "waivers", "--json").stdout)
    assert [(row["gate"], row["approvers"], row["used"]) for row in rows] == [
        ("four", ["ada"], 2),
        ("four", ["ada", "bo"], 2),
    ]
    assert "four by ada, bo until 2026-12-01, used 2 times: known" in promotion(folder, "waivers").stdout


def test_the_log_says_the_same_to_other_tools(three):
    """A log that only we can read is believed on our word: its chain is SHA-256 of RFC 8785 lines."""
    entries = [json.loads(line) for line in _lines(three)]
    assert len(entries) == 3
    for before, after in pairwise(entries):
        assert after["previous"] == before["sha256"]
    for line, entry in zip(_lines(three), entries, strict=True):
        seal = entry.pop("sha256")
        body = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
        assert sha256(body).hexdigest() == seal
        assert line == body[:-1] + b',"sha256":"%s"}\n' % seal.encode()
