"""Replay: the same events must lead to the same states, seen to do so in processes that share nothing."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.trading.replay import regression, report, signature
from pytest_promotion.suites.trading.replay.runner import Replayer, seed
from pytest_promotion.suites.trading.replay.signature import Chain, canonical_line, canonical_state
from pytest_promotion.suites.trading.replay.windows import Window, pin, store_files

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
TRADING = "fixtures.replayers:trading"
CARELESS = "fixtures.replayers:careless"

EDGES = [
    0.0,
    -0.0,
    1.0,
    1e-5,
    9.99e-6,
    1e-6,
    1e-7,
    5e-324,
    0.1,
    1e15,
    2.0**53,
    2.0**53 - 1,
    1e16,
    1e20,
    1e21,
    1.5e300,
    123456.789,
]
NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(EDGES) | st.integers(-(2**53) + 1, 2**53 - 1)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


# The signature


@settings(max_examples=1500, deadline=None)
@given(VALUES)
def test_the_quick_lane_is_the_library_byte_for_byte(value):
    """A digest that only this program computes cannot be checked by anybody else."""
    expected = rfc8785.dumps(value)
    assert canonical_state(value) == expected
    assert canonical_line(json.dumps(value).encode()) == expected
    assert canonical_line(json.dumps(value, ensure_ascii=False, indent=1).encode()) == expected


@pytest.mark.parametrize(
    "value",
    [
        *EDGES,
        {"\ue000": 1, "\U00010000": 2},
        {"z": 1, "a": {"é": 2, "e": 1}},
        "9" * 20,
        {"n": 9007199254740991},
        "\x7f\u2028\x1f",
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_where_encoders_disagree_the_library_decides(value):
    """Python, msgspec and JavaScript each write 1.0, 1e-6 and 1e20 in their own way."""
    assert canonical_state(value) == rfc8785.dumps(value)
    assert canonical_line(json.dumps(value).encode()) == rfc8785.dumps(value)


def test_the_quick_lane_is_taken(monkeypatch):
    """A lane that always hands over to the library is right and useless."""
    monkeypatch.setattr(signature, "canonical", None)
    state = {"b": 1.0, "a": [0.1, 1234.5678901234, "0.1234567890123456"], "é": "\U0001f600"[:0], "n": 12345}
    assert canonical_state(state) == rfc8785.dumps(state)


@pytest.mark.parametrize(
    "line", [b"NaN", b"1e999", b"[9007199254740993]", b'{"a": 1', b'"\xff"', b"[" * 9000], ids=range(6)
)
def test_what_has_no_canonical_form_is_refused(line):
    """msgspec writes NaN as null: a missing figure and a broken one would have the same digest."""
    with pytest.raises(Unproven):
        canonical_line(line)


@pytest.mark.parametrize("value", [math.nan, {"a": math.inf}, [2**60], object()], ids=["nan", "inf", "big", "object"])
def test_a_state_that_json_cannot_say_is_refused(value):
    """Two broken figures that look alike agree in every replay."""
    with pytest.raises(Unproven):
        canonical_state(value)


def test_money_stands_in_a_state_as_text():
    """A Decimal that passes through a float is another amount."""
    assert canonical_state({"fee": Decimal("0.10"), "none": None}) == b'{"fee":"0.10","none":null}'


def test_a_change_anywhere_changes_the_signature():
    """The earlier fingerprint covered the first 200 ids: what came later could change unnoticed."""
    states = [b"%d" % number for number in range(50)]

    def signed(found):
        chain = Chain()
        for state in found:
            chain.add(state)
        return chain.hexdigest

    whole = signed(states)
    for place in range(50):
        assert signed([*states[:place], b"x", *states[place + 1 :]]) != whole
        assert signed([*states[:place], *states[place + 1 :]]) != whole
    assert signed([b"12", b"3"]) != signed([b"1", b"23"])


# Windows


def row(number, **changes):
    made = {
        "event_id": f"id-{number}",
        "stream": f"stream-{number % 5}",
        "correlation_id": "c",
        "instance_name": "bot1",
        "payload": {"number": number},
        "ingest_ts_utc": (NOW + timedelta(seconds=number)).isoformat(),
    }
    return json.dumps(made | changes).encode()


def write(root, name, numbers, end=b"\n"):
    path = root / "reports" / "event_store" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(row(number) + end for number in numbers))
    return path


@pytest.fixture
def root(tmp_path):
    """A store of two days with 20 and 10 events; the later day has the earlier name."""
    write(tmp_path, "events_20260522.jsonl", range(20))
    write(tmp_path, "events_20260521.jsonl", range(20, 30))
    return tmp_path


def test_a_window_is_the_last_events(root):
    """The earlier windows of 500 and of 1000 events were one and the same file of 1014."""
    windows = pin(store_files(root), [5, 10, 25])
    assert [window.event_ids[0] for window in windows] == ["id-25", "id-20", "id-5"]
    assert {window.event_ids[-1] for window in windows} == {"id-29"}
    assert [len(window.lines) for window in windows] == [5, 10, 25]
    assert [len(window.sources) for window in windows] == [1, 1, 2]


def test_a_window_is_named_by_its_bytes(root):
    """Two reports of one digest must have replayed the same events."""
    [window] = pin(store_files(root), [3])
    content = b"".join(row(number) + b"\n" for number in (27, 28, 29))
    assert (window.content, window.sha256) == (content, sha256(content).hexdigest())


def test_a_short_store_gives_an_incomplete_window(root):
    """A smaller window than was asked for is a smaller promise, kept."""
    [window] = pin(store_files(root), [31])
    assert (len(window.lines), window.complete) == (30, False)


@pytest.mark.parametrize("blank", [b"", b"\n\n\n", b"\r\n"], ids=["none", "lines", "crlf"])
def test_blank_lines_are_no_events(tmp_path, monkeypatch, blank):
    """A window of 500 lines with blanks among them would be fewer events."""
    monkeypatch.setattr("pytest_promotion.suites.trading.replay.windows._BLOCK", 100)
    write(tmp_path, "events_20260521.jsonl", range(40), end=b"\n" + blank)
    for count in (1, 7, 40):
        [window] = pin(store_files(tmp_path), [count])
        assert list(window.event_ids) == [f"id-{number}" for number in range(40 - count, 40)]


@pytest.mark.parametrize(
    ("tail", "said"),
    [(row(50)[:40], "half written"), (b"[1]\n", "not an event"), (row(3) + b"\n", "'id-3' stands twice")],
    ids=["torn", "list", "twice"],
)
def test_a_window_of_broken_events_is_refused(tmp_path, tail, said):
    """A replay that skips what it cannot read replays something else."""
    path = write(tmp_path, "events_20260521.jsonl", range(10))
    with path.open("ab") as file:
        file.write(tail)
    with pytest.raises(Unproven, match=said):
        pin(store_files(tmp_path), [10])


def test_no_store_is_refused(tmp_path):
    """Nothing, replayed twice, agrees."""
    with pytest.raises(Unproven, match="nothing matches"):
        store_files(tmp_path)
    with pytest.raises(Unproven, match="at least one event"):
        pin([write(tmp_path, "events_20260521.jsonl", range(3))], [0])


# Replayers


@pytest.fixture
def company(tmp_path):
    """A folder with replayers in it, on no path but its own."""
    (tmp_path / "company_replay.py").write_text(
        """
import os, sys, time
def good(events):
    print("this is not a state")
    for event in events:
        yield {"id": event["event_id"], "seen": event["payload"]["number"]}
def careless(events):
    seen = set()
    for event in events:
        seen.add(event["stream"])
        yield {"last": event["event_id"], "inner": {"streams": list(seen)}}
def short(events):
    return [1]
def crash(events):
    for event in events:
        yield 1
        raise RuntimeError("the broker is gone")
def nan(events):
    return [float("nan") for _ in events]
def slow(events):
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(os.path.join(os.environ["TMPDIR"], "pid"), "w").write(str(child.pid))
    time.sleep(600)
    return []
def environment(events):
    names = sorted(key for key in os.environ if "REDIS" in key or "TOKEN" in key)
    state = {"cwd_is_root": os.path.exists("company_replay.py"), "names": names, "flag": os.environ["PROMOTION_REPLAY"]}
    return [state for _ in events]
def writes(events):
    os.makedirs("reports/parity", exist_ok=True)
    open("reports/parity/latest.json", "w").write("{}")
    return [1 for _ in events]
"""
    )
    return tmp_path


def window(*numbers):
    lines = tuple(row(number) + b"\n" for number in numbers)
    return Window(len(lines), lines, tuple(f"id-{number}" for number in numbers), ("store",))


def replayed(company, name, *, repeat=2, over=None, timeout=300.0):
    return regression.cycle(over or window(*range(12)), Replayer.named(name), repeat, timeout=timeout, cwd=company)


def test_a_good_replayer_agrees_with_itself(company):
    """A check that is red on what is right is switched off."""
    found = replayed(company, "company_replay:good", repeat=3)
    assert (found["status"], found["blockers"], found["deterministic_repeat_pass"]) == ("pass", [], True)
    assert [one["hash_seed"] for one in found["runs"]] == [seed(0), seed(1), seed(2)]
    chain = Chain()
    for number in range(12):
        chain.add(rfc8785.dumps({"id": f"id-{number}", "seen": number}))
    assert found["signature_baseline"]["state_sha256"] == chain.hexdigest
    assert "this is not a state" in found["runner_output_tail"]


def test_an_order_that_depends_on_the_process_is_found_and_named(company):
    """Two runs in one process share their hash seed, and agree about everything that depends on it."""
    found = replayed(company, "company_replay:careless")
    first = found["first_divergence"]
    assert (found["status"], found["deterministic_repeat_pass"]) == ("fail", False)
    assert found["blockers"] == ["deterministic_repeat_check_failed"]
    assert first["event_id"] == f"id-{first['index']}"
    assert {each["key"].partition("[")[0] for each in first["differing_keys"]} == {"inner.streams"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("company_replay:short", "gave 1 states for 12 events"),
        ("company_replay:crash", "exit code 1"),
        ("company_replay:nan", "exit code 3"),
        ("company_replay:missing", "exit code 3"),
        ("company_nowhere:good", "exit code 3"),
        ("false", "exit code 1"),
        ("true", "gave 0 states for 12 events"),
        ("no-such-program-anywhere", "cannot be run"),
        ("echo nonsense", "state 0: a state is not JSON"),
        ("printf 1", "half written"),
    ],
    ids=lambda value: value.replace("company_replay:", ""),
)
def test_a_replayer_that_did_not_replay_is_a_failure(company, name, said):
    """Two replays that both gave nothing agree with each other."""
    found = replayed(company, name)
    assert (found["status"], found["rc"], found["deterministic_repeat_pass"]) == ("fail", 1, False)
    assert any(said in blocker for blocker in found["blockers"]), found["blockers"]


def test_what_a_crashed_replayer_said_is_kept(company):
    """An exit code alone sends whoever is woken into the dark."""
    assert "the broker is gone" in replayed(company, "company_replay:crash")["runner_output_tail"]
    assert "RFC 8785" in replayed(company, "company_replay:nan")["runner_output_tail"]


def test_a_command_replays_too(company):
    """A replayer need not be written in Python."""
    found = replayed(company, f"{sys.executable} -c 'import sys; [print(line.strip()) for line in sys.stdin]'")
    assert found["status"] == "pass"
    assert found["runs"][0]["states"] == 12


def test_a_replayer_that_hangs_is_killed_with_all_it_started(company, monkeypatch):
    """A replay that never ends holds the promotion for ever; its children hold the machine."""
    monkeypatch.setenv("TMPDIR", str(company))
    started = time.monotonic()
    found = replayed(company, "company_replay:slow", timeout=15)
    assert time.monotonic() - started < 300
    assert "did not end within 15 s" in found["blockers"][0]
    pid = int((company / "pid").read_text())
    for _ in range(600):
        if not _running(pid):
            break
        time.sleep(0.1)
    assert not _running(pid)


def _running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_replayer_sees_nothing_that_leads_outside(company, monkeypatch):
    """Evaluating gates once published 222 intents to the production broker."""
    monkeypatch.setenv("REDIS_URL", "redis://live")
    monkeypatch.setenv("SLACK_TOKEN", "secret")
    count = "print(len([name for name in os.environ if 'REDIS' in name or 'TOKEN' in name]))"
    found = replayed(company, [sys.executable, "-c", f"import os, sys\nfor _ in sys.stdin: {count}"])
    chain = Chain()
    for _ in range(12):
        chain.add(b"0")
    assert found["signature_baseline"]["state_sha256"] == chain.hexdigest
    chain = Chain()
    for _ in range(12):
        chain.add(b'{"cwd_is_root":false,"flag":"1","names":[]}')
    assert replayed(company, "company_replay:environment")["signature_baseline"]["state_sha256"] == chain.hexdigest


def test_what_a_replayer_writes_hits_nobodys_reports(company):
    """The earlier replay rewrote three services' reports, stamped now: stale evidence became fresh."""
    parity = company / "reports" / "parity" / "latest.json"
    parity.parent.mkdir(parents=True)
    parity.write_text("theirs")
    assert replayed(company, "company_replay:writes")["status"] == "pass"
    assert parity.read_text() == "theirs"


@pytest.mark.parametrize("repeat", [0, 1])
def test_one_replay_proves_nothing(company, repeat):
    """What is compared with nothing is equal to it."""
    found = replayed(company, "company_replay:good", repeat=repeat)
    assert found["status"] == "fail"


def test_an_incomplete_window_is_a_failure(company):
    """A window of 12 that passes for one of 500 is a promise nobody kept."""
    short = window(*range(12))
    found = replayed(company, "company_replay:good", over=Window(500, short.lines, short.event_ids, ()))
    assert (found["status"], found["blockers"]) == ("fail", ["only_12_of_500_events"])


@pytest.mark.parametrize("given", ["", [], "  "], ids=["empty", "none", "blank"])
def test_no_replayer_is_an_error(given):
    """Nothing can replay, and nothing would be compared."""
    with pytest.raises(PolicyError):
        Replayer.named(given)


def test_differences_are_named_to_the_key():
    """`the states differ` is where the work begins, not where it ends."""
    found = regression.differing({"a": 1, "b": [1, {"c": 2}], "d": 1}, {"a": 1.5, "b": [1, {"c": 3}]})
    assert found == {"a": ("1", "1.5"), "b[1].c": ("2", "3"), "d": ("1", "absent")}
    assert len(regression.differing(dict.fromkeys(map(str, range(99)), 1), {})) == 10
    assert regression.differing([1], [True]) == {"[0]": ("1", "true")}


# Reports


def test_reports_have_the_contracts_names_and_fields(root, company):
    """Whoever reads these files was written before they were."""
    out = root / "out"
    given = report.replay_windows(root, out, Replayer.named("company_replay:good"), NOW, sizes=[5, 10], cwd=company)
    latest = json.loads((out / report.WINDOWS / "latest.json").read_text())
    assert given["report_path"] == f"{report.WINDOWS}/{report.WINDOWS}_20260520T120000Z.json"
    assert (latest["status"], latest["repeat"], latest["windows_requested"], latest["failed_windows"]) == (
        "pass",
        2,
        [5, 10],
        [],
    )
    for each in latest["windows"]:
        assert {
            "min_events",
            "rc",
            "status",
            "deterministic_repeat_pass",
            "blockers",
            "signature_baseline",
            "report_path",
        } <= each.keys()
    assert {path.name for path in (out / report.CYCLE).glob("*.json")} == {
        "latest.json",
        "replay_regression_20260520T120000Z.json",
        "replay_regression_20260520T120000Z_1.json",
    }
    single = json.loads((out / report.CYCLE / "latest.json").read_text())
    assert (single["min_events"], single["repeat_runs"], single["deterministic_repeat_pass"]) == (10, 2, True)
    assert single["evidence_paths"]["source_event_files"] == ["reports/event_store/events_20260521.jsonl"]
    assert (out / report.WINDOWS / "latest.md").read_text().startswith("# Replay of several windows: pass")


def test_two_replays_of_one_second_keep_both_reports(root, company):
    """The earlier runner's second report overwrote the first one's evidence."""
    for _ in range(3):
        report.replay_cycle(root, root / "out", Replayer.named("company_replay:good"), NOW, min_events=5, cwd=company)
    assert len(list((root / "out" / report.CYCLE).glob("replay_*.json"))) == 3


def test_a_replay_that_crashes_leaves_no_pass_behind(root, company, monkeypatch):
    """A crashed runner once kept the last PASS standing, and the finalizer said GO."""
    good = Replayer.named("company_replay:good")
    report.replay_windows(root, root / "out", good, NOW, sizes=[5], cwd=company)
    monkeypatch.setattr(report, "cycle", lambda *_words, **_more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report.replay_windows(root, root / "out", good, NOW, sizes=[5], cwd=company)
    for name in (report.WINDOWS, report.CYCLE):
        assert json.loads((root / "out" / name / "latest.json").read_text())["status"] == "fail"


def test_a_store_that_is_refused_is_a_failed_report(tmp_path):
    """No report would leave yesterday's standing."""
    given = report.replay_windows(tmp_path, tmp_path / "out", Replayer.named(TRADING), NOW, sizes=[5])
    assert (given["status"], given["failed_windows"]) == ("fail", ["window_5"])
    assert "nothing matches" in given["windows"][0]["blockers"][0]


# The command


def promotion(*words, cwd=REPOSITORY):
    return subprocess.run(
        [sys.executable, "-m", "pytest_promotion.cli", "replay", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("careless", 2)])
@pytest.mark.parametrize(
    "words", [("cycle", "--min-events=10"), ("windows", "--windows=5,10")], ids=["cycle", "windows"]
)
def test_the_command_says_yes_and_no(root, company, words, name, code):
    """A producer whose failure looks like success leaves the gate with yesterday's report."""
    done = promotion(*words, f"--root={root}", f"--replayer=company_replay:{name}", "--json", cwd=company)
    assert done.returncode == code, done.stderr
    assert json.loads(done.stdout)["status"] == ("pass" if code == 0 else "fail")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("cycle", "--replayer=a:b", "--root={root}/nowhere"), 4),
        (("cycle",), 4),
        (("cycle", "--replayer=a:b", "--repeat=1"), 4),
        (("windows", "--replayer=a:b", "--windows=5,x"), 4),
        (("windows", "--replayer=a:b", "--windows=5,5"), 4),
        (("windows", "--replayer=a:b", "--windows=0"), 4),
        (("cycle", "--replayer=a:b", "--store=nothing/*", "--root={root}"), 3),
    ],
    ids=range(7),
)
def test_wrong_words_and_no_store_are_not_a_no(root, words, code):
    """2 says that the repeats disagree: a typo does not."""
    done = promotion(*(word.format(root=root) for word in words), cwd=root)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_policy_names_the_replayer(root, company):
    """Who changes the replayer changes what is promised: that belongs where it is reviewed."""
    policy = root / "promotion.yaml"
    policy.write_text(
        "version: 1\ngates: {replay_regression_first_class: {thresholds: {replayer: 'company_replay:good'}}}\n"
    )
    assert promotion("cycle", "--min-events=5", f"--root={root}", f"--policy={policy}", cwd=company).returncode == 0
    policy.write_text("version: 1\n")
    assert promotion("cycle", f"--root={root}", f"--policy={policy}", cwd=company).returncode == 4


@pytest.mark.parametrize("words", [("cycle",), ("windows",)], ids=["cycle", "windows"])
def test_help_shows_an_example(words):
    """Help without an example is read by those who need none."""
    assert "Example:" in promotion(*words, "--help").stdout


# The demo


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    """The demo company's events."""
    from fixtures.market import generate

    path = tmp_path_factory.mktemp("lane")
    generate(path, NOW)
    return path


def test_the_demos_replayer_passes_and_its_careless_twin_does_not(lane, tmp_path):
    """A harness that has never been seen to fail may not be able to."""
    good = report.replay_windows(lane, tmp_path, Replayer.named(TRADING), NOW, sizes=[500, 1000], cwd=REPOSITORY)
    assert good["status"] == "pass"
    careless = report.replay_windows(lane, tmp_path, Replayer.named(CARELESS), NOW, sizes=[500], cwd=REPOSITORY)
    first = careless["windows"][0]["first_divergence"]
    assert (careless["status"], careless["failed_windows"]) == ("fail", ["window_500"])
    assert first["event_id"]
    assert {each["key"].partition("[")[0] for each in first["differing_keys"]} == {"streams"}


def test_the_demos_states_hold_money_as_text(lane):
    """Profit in floats differs in the last digit from machine to machine."""
    from fixtures.replayers import trading

    [window] = pin(store_files(lane), [2000])
    *_, last = trading(json.loads(line) for line in window.lines)
    assert last["bots"]
    for bot in last["bots"].values():
        assert all(
            isinstance(bot[key], str) for key in ("amount", "average_price", "realized_pnl", "unrealized_pnl", "fees")
        )
        assert Decimal(bot["fees"]) > 0


class TestCauses:
    """What is wrong with a replayer is said on the terminal, in one sentence."""

    BROKEN = """\
def raising(events):
    for event in events:
        raise ValueError("no price in " + event["event_id"])
        yield {}
def returning(events):
    return None
def leaving(events):
    import os
    os._exit(7)
def killed(events):
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
number = 5
"""

    @pytest.mark.parametrize(
        ("replayer", "sentence", "code"),
        [
            (
                "nowhere.at_all:states",
                "ended with exit code 3: the replayer nowhere.at_all:states cannot be loaded: No module named 'nowhere'",
                3,
            ),
            (
                "broken:gone",
                "ended with exit code 3: the replayer broken:gone cannot be loaded: module 'broken' has no attribute 'gone'",
                3,
            ),
            ("broken:number", "ended with exit code 3: the replayer broken:number cannot be called: it is a int", 3),
            ("no-such-program --once", "no-such-program cannot be run: no such file or directory", 3),
            ("broken:raising", "ended with exit code 1: ValueError: no price in ", 2),
            (
                "broken:returning",
                "ended with exit code 3: the replayer broken:returning gave NoneType, expected a state for each event",
                2,
            ),
            ("broken:leaving", "ended with exit code 7", 2),
            ("broken:killed", "was killed by signal 9", 2),
        ],
    )
    def test_the_cause_is_on_the_terminal_once(self, tmp_path, replayer, sentence, code):
        """`run_1_failed: ended with exit code 1` sends its reader into a JSON file for what was printed there."""
        write(tmp_path, "events_20260520.jsonl", range(40))
        (tmp_path / "broken.py").write_text(self.BROKEN)
        words = ("replay", "cycle", "--min-events", "30", "--replayer", replayer)
        main = "from pytest_promotion.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", main, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stdout.count(f"run 1 and 2 failed: {sentence}") == 1
        assert "Traceback" not in done.stdout + done.stderr

    def test_without_a_replayer_the_question_says_what_one_is(self, tmp_path):
        """There is none in the original system, and so nobody knows what is asked for."""
        main = "from pytest_promotion.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", main, "replay", "cycle"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "--replayer MODULE:FUNCTION" in done.stderr) == (4, True)
