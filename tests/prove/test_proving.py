"""Proving gates by sabotage: a gate that stays green when its evidence is broken is found, in memory and for good."""

from __future__ import annotations

import json
import re
from hashlib import sha256

import pytest

pytestmark = pytest.mark.slow

GOOD = '''
import pytest

@pytest.mark.critical
def test_score(artifact, freshness, measure):
    """The score is fresh and good enough."""
    report = artifact("evidence/report.json")
    freshness(report)
    measure.equals("status", report["status"], "pass")
    measure.at_least("score", report["score"], 0.5, min_samples=10, samples=report["samples"])
    measure.equals("approved", report["approved"], True)
'''
HEAD = "import json, os, pytest\n\n@pytest.mark.critical\n"
# Each passes on good evidence, and on some that is not. What of it survives is named.
CANNOT_FAIL = {
    "existence only": ("def test_bad(artifact):\n    assert artifact('evidence/report.json')", "empty"),
    "truthy": ("def test_bad(artifact):\n    assert artifact('evidence/report.json')['approved']", "boolean as text"),
    "any word": ("def test_bad(artifact):\n    assert str(artifact('evidence/report.json')['approved']) != 'no'", "flipped"),
    "command ignored": ("def test_bad(command):\n    assert command(['true']).exit_code is not None", "command failing"),
}  # fmt: skip


@pytest.fixture
def proven(place, ago):
    """A project with evidence; nothing in it is stale or wrong."""
    from datetime import timedelta

    place.file(
        "evidence/report.json",
        {"ts_utc": ago(timedelta()), "status": "pass", "score": 0.9, "samples": 40, "approved": True},
    )
    place.file("evidence/notes.txt", "all is well\n")
    return place


def prove(place, *words, apart=False):
    """`pytest gates --promotion-prove`, and the table it wrote last."""
    done = place.run("--promotion-prove", *words, apart=apart)
    tables = sorted(place.folder.glob("prove_*.json"), key=lambda path: path.stat().st_mtime_ns)
    return done, json.loads(tables[-1].read_bytes()) if tables else None


def test_event_loops_of_other_threads_go_on(proven):
    """A server that a test has started waits for ever where its next timer was set while the clock was moved."""
    import asyncio
    import threading

    ticks, ended = [], threading.Event()

    async def ticking():
        while not ended.is_set():
            ticks.append(None)
            await asyncio.sleep(0.001)

    thread = threading.Thread(target=asyncio.run, args=(ticking(),), daemon=True)
    thread.start()
    slow = (
        "def test_slow(artifact):\n    import datetime, time\n    assert artifact('evidence/report.json')['approved'] is True\n"
        "    began = time.perf_counter\n    [None for _ in range(3_000_000)]\n    assert datetime.datetime.now().year < 2100"
    )
    prove(proven.write(test_slow=HEAD + slow))
    ended.set()
    thread.join(60)
    assert not thread.is_alive()


def test_a_gate_that_notices_everything_is_proven(proven):
    """A proof that nobody can pass is switched off."""
    done, table = prove(proven.write(test_good=GOOD))
    [gate] = table["gates"]
    assert (done.ret, table["proven"], gate["kill_rate"], gate["survivors"]) == (0, True, 1.0, [])
    kinds = {one["sabotage"] for one in gate["attempts"]}
    assert {
        "missing", "empty", "truncated", "not parsable", "wrong type", "stale", "undated", "naive-dated",
        "from the future", "removed", "null", "NaN", "number as text", "boolean as text", "flipped", "status flipped",
        "score across its threshold", "clock past the window", "clock before the item",
    } <= kinds  # fmt: skip


@pytest.mark.parametrize(
    ("body", "survivor"),
    CANNOT_FAIL.values(),
    ids=CANNOT_FAIL,
)
def test_a_gate_that_stays_green_is_named_with_its_line(proven, body, survivor):
    """Each of these is written every day, looks like a gate, and lets a broken candidate through."""
    done, table = prove(proven.write(test_bad=HEAD + body))
    [gate] = table["gates"]
    assert (done.ret, table["proven"]) == (1, False)
    assert survivor in {one["sabotage"] for one in gate["attempts"] if not one["killed"]}
    assert re.match(r"gates/test_bad\.py:\d+: passes with ", gate["survivors"][0])
    done.stdout.fnmatch_lines(["*gates/test_bad.py:*: passes with *", "*NOT PROVEN*"])


def test_a_gate_whose_honest_run_fails_is_not_proven(proven):
    """A gate that is red anyway notices every sabotage, and proves nothing."""
    proven.file("evidence/report.json", {"status": "fail"})
    done, table = prove(proven.write(test_good=GOOD))
    assert done.ret == 1
    assert "its honest run did not pass" in table["gates"][0]["why_not"]
    assert table["gates"][0]["attempts"] == []


def test_a_gate_whose_source_cannot_fail_is_not_proven(proven):
    """It would not pass where it decides, and strict reading would hide here that its comparison lets NaN through."""
    table = prove(
        proven.write(
            test_bad=HEAD + "def test_bad(artifact):\n    assert not artifact('evidence/report.json')['score'] < 0.5"
        )
    )[1]
    assert "its honest run did not pass: cannot fail: line 5 negates a comparison" in table["gates"][0]["why_not"]


def test_what_is_emptied_is_emptied(proven):
    """A sabotage that breaks on its own looks like a gate that noticed."""
    body = "def test_bad(artifact):\n    for one in artifact('evidence/list.json')['checks']:\n        assert one['pass'] is True"
    proven.file("evidence/list.json", {"checks": [{"pass": True}]})
    table = prove(proven.write(test_bad=HEAD + body))[1]
    [emptied] = [
        one for one in table["gates"][0]["attempts"] if (one["sabotage"], one["field"]) == ("emptied", "checks")
    ]
    assert emptied["killed"]
    assert "judged nothing" in emptied["said"]


def test_a_dated_report_whose_age_nobody_asks_may_not_be_of_last_year(proven):
    """Last year's good numbers promote anything."""
    body = "def test_bad(artifact, measure):\n    measure.at_least('score', artifact('evidence/report.json')['score'], 0.5)"
    table = prove(proven.write(test_bad=HEAD + body))[1]
    assert table["gates"][0]["survivors"] == ["gates/test_bad.py:3: passes with evidence/report.json (ts_utc) stale"]


def test_what_is_null_is_not_sabotaged_by_null(proven):
    """A sabotage that changes nothing cannot be noticed, and a sound gate would be called one that cannot fail."""
    proven.file("evidence/exceptions.json", {"granted_by": None})
    body = "def test_fine(artifact):\n    assert artifact('evidence/exceptions.json')['granted_by'] is None"
    _, table = prove(proven.write(test_fine=HEAD + body))
    [gate] = table["gates"]
    assert "null" not in {one["sabotage"] for one in gate["attempts"] if one["field"]}
    assert gate["survivors"] == []


def test_a_gate_without_evidence_is_not_proven(proven):
    """What asks for nothing cannot be shown anything wrong."""
    done, table = prove(proven.write(test_bad=HEAD + "def test_bad():\n    assert 1 + 1 == 2"))
    assert done.ret == 1
    assert "asks for no evidence" in table["gates"][0]["survivors"][0]


def test_no_gates_prove_nothing(proven):
    """An empty table has no survivors either."""
    (proven.path / "gates").mkdir()
    assert prove(proven)[0].ret != 0


def test_nothing_on_disk_is_touched_and_nothing_is_decided(proven):
    """Proving must be safe beside production: it looks, and writes its own three files."""
    proven.write(test_good=GOOD)
    proven.run()

    def digests():
        return {
            str(path.relative_to(proven.path)): (sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for folder in ("evidence", "gates", "reports")
            for path in sorted((proven.path / folder).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    before = digests()
    prove(proven)
    after = digests()
    new = {name for name in after.keys() - before.keys() if not name.endswith(".lock")}
    assert {name: after[name] for name in before} == before
    assert {name.rpartition("/")[2].split("_")[0] for name in new} == {"prove"}
    assert {name.rpartition(".")[2] for name in new} == {"json", "md", "html"}


def test_the_table_does_not_depend_on_workers(proven):
    """A proof that comes out differently the next time is none."""
    body = CANNOT_FAIL["truthy"][0]
    proven.write(test_good=GOOD, test_bad=HEAD + body)
    tables = [prove(proven, *words)[1] for words in ((), ("-n2",), ("-p", "no:randomly"))]

    def plain(table):
        text = json.dumps(table)
        # Ages are told to the minute, dates as they are: they are of the moment and not of the proof.
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00)?|-?\d+(\.\d+)? (s|min|days)\b|1\d{9}\.\d+", "#", text)

    assert plain(tables[0]) == plain(tables[1]) == plain(tables[2])


def test_the_policy_sets_the_floor_and_excuses_with_a_reason(proven):
    """What makes no difference is declared once, with the reason, and what is not declared still counts."""
    body = "def test_bad(artifact, freshness):\n    report = artifact('evidence/report.json')\n    freshness(report)\n"
    proven.write(test_bad=f"{HEAD}{body}    assert report['approved']")
    proven.file("promotion.yaml", "version: 1\nprove: {min_kill_rate: 0.5}\n")
    assert prove(proven)[0].ret == 0
    entry = "{gate: bad, sabotage: boolean as text, field: approved, because: texts are refused upstream}"
    proven.file("promotion.yaml", f"version: 1\nprove: {{equivalent: [{entry}]}}\n")
    done, table = prove(proven)
    excused = [one for one in table["gates"][0]["attempts"] if one["equivalent_because"]]
    assert (done.ret, [one["equivalent_because"] for one in excused]) == (0, ["texts are refused upstream"])
    proven.file(
        "promotion.yaml", "version: 1\nprove: {equivalent: [{gate: bad, because: all of it is judged elsewhere}]}\n"
    )
    done, table = prove(proven)  # what it does notice still counts, and is shown
    assert (done.ret, table["gates"][0]["kill_rate"], table["gates"][0]["excused"]) == (0, 1.0, False)
    proven.file("gates/test_bad.py", HEAD + "def test_bad():\n    assert 1 + 1 == 2")
    done, table = prove(proven)
    assert (done.ret, table["gates"][0]["kill_rate"], table["gates"][0]["excused"]) == (0, None, True)
    for wrong in ("{gate: bad}", "{gate: bad, because: short}", "{because: there is no gate in it}"):
        proven.file("promotion.yaml", f"version: 1\nprove: {{equivalent: [{wrong}]}}\n")
        assert proven.run("--promotion-prove").ret == 4


def test_a_required_gate_that_was_not_tried_is_missed(proven):
    """The roll-call holds for proofs too."""
    proven.write(test_good=GOOD)
    proven.file("promotion.yaml", "version: 1\nrequired: [score, other]\n")
    done, table = prove(proven)
    assert (done.ret, table["missing"]) == (1, ["other"])
    proven.write(test_other=GOOD.replace("test_score", "test_other"))
    assert prove(proven, "-k", "score")[0].ret == 0


def test_a_gate_that_asks_the_clock_itself_is_asked_again_in_a_year(proven):
    """Freshness by hand, from a clock that no fixture moves, is what goes wrong most quietly."""
    by_hand = """
import datetime, pytest

@pytest.mark.critical
def test_by_hand(artifact):
    report = artifact("evidence/report.json")
    made = datetime.datetime.fromisoformat(report["ts_utc"])
    assert {ok}
    assert report["status"] == "pass"
"""
    fails = "datetime.datetime.now(datetime.UTC) - made < datetime.timedelta(hours=1)"
    never = "datetime.datetime.now(datetime.UTC) > datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) and made"
    for ok, killed in ((fails, True), (never, False)):
        table = prove(proven.write(test_by_hand=by_hand.format(ok=ok)))[1]
        [moved] = [one for one in table["gates"][0]["attempts"] if one["sabotage"] == "clock moved"]
        assert moved["killed"] is killed


def test_rows_are_sabotaged_as_rows(proven, ago):
    """A store of events is broken in other ways than a report."""
    from datetime import timedelta

    rows = "".join(json.dumps({"ts": ago(timedelta(seconds=9 - n)), "price": 10 + n}) + "\n" for n in range(5))
    proven.file("evidence/rows.jsonl", rows)
    proven.write(
        test_rows=HEAD
        + "def test_rows(artifact, measure):\n"
        + "    prices = [measure.number('price', row['price']) for row in artifact('evidence/rows.jsonl').rows()]\n"
        + "    measure.at_least('rows', len(prices), 1)\n"
        + "    measure.at_least('lowest price', min(prices), 1)\n"
    )
    done, table = prove(proven)
    kinds = {one["sabotage"]: one["killed"] for one in table["gates"][0]["attempts"]}
    assert done.ret == 0, table["gates"][0]["survivors"]
    assert {"no rows", "last row half written", "number as text", "rows removed"} <= set(kinds)
    assert table["gates"][0]["families"]["rows"]["tried"] >= 3


@pytest.mark.parametrize("fault", ["missing", "failing", "hanging"])
def test_a_command_is_sabotaged_in_three_ways(proven, fault):
    """A tool that is not installed, one that says no, and one that never answers."""
    body = "def test_tool(command):\n    assert command(['true']).exit_code == 0"
    table = prove(proven.write(test_tool=HEAD + body))[1]
    [one] = [each for each in table["gates"][0]["attempts"] if each["sabotage"] == f"command {fault}"]
    assert one["killed"]


def test_a_hostile_name_does_not_break_the_page(proven):
    """Names come from evidence, and the page is opened in a browser."""
    proven.file("evidence/<img src=x onerror=alert(1)>.json", {"status": "pass"})
    body = "def test_bad(artifact):\n    assert artifact('evidence/<img src=x onerror=alert(1)>.json').data.get('status', 'pass')"
    prove(proven.write(test_bad=HEAD + body))
    [page] = proven.folder.glob("prove_*.html")
    assert "<img" not in page.read_text()
    assert "&lt;img" in page.read_text()
