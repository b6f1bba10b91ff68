"""Gates that ask what an artifact was made from: each thing that can be wrong is a sentence and no PASS."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pytest_promotion.evidence.vault import Vault
from pytest_promotion.provenance.producing import Order, recording
from pytest_promotion.trust.rerun import RECORDED_INPUTS, differences
from pytest_promotion.trust.stored import parse

pytestmark = pytest.mark.slow

GATE = """
import pytest

@pytest.mark.critical(owner="ops", fix="run the producer")
def test_report(artifact, freshness, measure):
    report = artifact("reports/out.json"){about}
    freshness(report)
    measure.equals("ok", report["ok"], True)
"""
ABOUT = '.about("src")'
STATEMENT = "reports/out.json.intoto.json"


@pytest.fixture
def produce(place, monkeypatch, tmp_path_factory):
    """Writes `reports/out.json` from `src` and `lib`, recorded at the moment *now*."""
    monkeypatch.setenv("PROMOTION_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    place.file("src/app.py", "VALUE = 1\n")
    place.file("lib/part.py", "PART = 1\n")

    def run(now=None, *, code=0, accepted=(0,), sign=None, dated=True, during=lambda: None, elapsed=lambda: 0.0):
        order = Order.of("out", ["make", "report"], ["src", "lib"], ["reports/out.json"])
        order = Order(order.name, order.command, order.inputs, order.outputs, accepted)
        moment = now or datetime.now(UTC)
        with recording(order, place.path, sign=sign, now=lambda: moment, elapsed=elapsed) as recorded:
            during()
            place.file("reports/out.json", {"ok": True, **({"ts_utc": moment.isoformat()} if dated else {})})
            recorded.finish(code)
        return recorded

    return run


def policy(place, text):
    """Writes the policy of *place*."""
    place.file("promotion.yaml", f"version: 1\n{text}")


def outcome(place, *args):
    """The outcome of the gate and the sentence that says why, decided in a session that ends as it has to."""
    done = place.run(*args)
    check = place.check("report")
    assert done.ret == (0 if check["outcome"] == "PASS" else 1)
    return check["outcome"], check["reason"]


def test_an_artifact_about_what_is_there_passes_and_the_decision_says_so(place, produce):
    """Readers of the decision see what was compared, and has the statement."""
    produce()
    place.write(test_it=GATE.format(about=ABOUT))
    assert outcome(place)[0] == "PASS"
    check, decision = place.check("report"), place.latest()
    [found] = check["provenance"]
    assert (found["path"], found["command"]) == ("reports/out.json", ["make", "report"])
    assert [one["name"] for one in found["inputs"]] == ["src"]
    [listed] = [one for one in decision["evidence_bundle"]["artifacts"] if one["path"] == STATEMENT]
    assert listed["sha256"] == found["statement_sha256"]
    kept = place.folder / "evidence/sha256" / listed["sha256"][:2] / listed["sha256"]
    assert kept.read_bytes() == (place.path / STATEMENT).read_bytes()


@pytest.mark.parametrize(
    ("change", "expected", "message"),
    [
        (lambda place: place.file("src/app.py", "VALUE = 2\n"), "FAIL", "src/app.py changed since it was made"),
        (lambda place: place.file("src/new.py", ""), "FAIL", "src/new.py was added since it was made"),
        (lambda place: (place.path / "src/app.py").unlink(), "INCONCLUSIVE", "the input src has no files"),
        (lambda place: place.file("lib/part.py", "PART = 2\n"), "PASS", ""),
        (lambda place: (place.path / STATEMENT).unlink(), "INCONCLUSIVE", "promotion run --name NAME --input src"),
        (lambda place: place.file(STATEMENT, "{"), "INCONCLUSIVE", f"{STATEMENT} is no statement"),
        (lambda place: place.file(STATEMENT, b"\xff"), "INCONCLUSIVE", f"{STATEMENT} is no statement"),
        (lambda place: place.file(STATEMENT, {"_type": "x"}), "INCONCLUSIVE", f"{STATEMENT} is no statement"),
        (
            lambda place: place.file("reports/out.json", {"ok": True, "ts_utc": datetime.now(UTC).isoformat(), "x": 1}),
            "FAIL",
            "reports/out.json is not what its command wrote",
        ),
    ],
)
def test_what_does_not_fit_is_named(place, produce, change, expected, message):
    """Each of these is a report that is young and about something else."""
    produce()
    place.write(test_it=GATE.format(about=ABOUT))
    change(place)
    found, reason = outcome(place)
    assert found == expected
    assert expected == "PASS" or message in reason


def test_the_statement_of_another_output_is_refused(place, produce):
    """It can be copied beside any file."""
    produce()
    (place.path / "reports/other.json").write_bytes((place.path / "reports/out.json").read_bytes())
    (place.path / "reports/other.json.intoto.json").write_bytes((place.path / STATEMENT).read_bytes())
    place.write(test_it=GATE.format(about=ABOUT).replace("out.json", "other.json"))
    assert outcome(place) == ("FAIL", place.check("report")["reason"])
    assert "is about another output, reports/out.json" in place.check("report")["reason"]


def test_an_input_that_the_command_did_not_read_is_not_covered(place, produce):
    """A gate may ask for more than was recorded."""
    place.file("tests/test_a.py", "")
    produce()
    place.write(test_it=GATE.format(about='.about("src", "tests")'))
    found, reason = outcome(place)
    assert (found, "is not about tests: its command ran on src, lib" in reason) == ("INCONCLUSIVE", True)


def test_a_part_of_an_input_is_enough(place, produce):
    """Of what its producer read, a gate may ask for less."""
    place.file("src/package/part.py", "PART = 1\n")
    produce()
    place.write(test_it=GATE.format(about='.about("src/package")'))
    place.file("src/app.py", "VALUE = 2\n")
    assert outcome(place)[0] == "PASS"
    place.file("src/package/part.py", "PART = 2\n")
    assert "src/package/part.py changed" in outcome(place)[1]


@pytest.mark.parametrize(
    ("given", "expected", "message"),
    [
        ({"code": 3}, "FAIL", "was written by a command that ended with exit code 3"),
        ({"code": 3, "accepted": (0, 3)}, "PASS", ""),
        ({"elapsed": iter((0.0, 3600.0)).__next__}, "INCONCLUSIVE", "the clock was moved by 60 min while its command"),
    ],
)
def test_how_the_command_ended_counts(place, produce, given, expected, message):
    """A report of a crash can look whole."""
    produce(**given)
    place.write(test_it=GATE.format(about=ABOUT))
    found, reason = outcome(place)
    assert found == expected
    assert expected == "PASS" or message in reason


def test_an_input_that_changed_while_the_command_ran_never_fits(place, produce):
    """Not even after it is put back."""
    produce(during=lambda: place.file("src/app.py", "VALUE = 2\n"))
    place.file("src/app.py", "VALUE = 1\n")
    place.write(test_it=GATE.format(about=ABOUT))
    found, reason = outcome(place)
    assert (found, "an input changed while its command ran: src/app.py changed" in reason) == ("FAIL", True)


def test_a_clock_that_was_moved_back_since_is_noticed(place, produce):
    """The statement is of an hour that has not come."""
    produce(datetime.now(UTC) + timedelta(hours=1))
    place.write(test_it=GATE.format(about=ABOUT).replace("freshness(report)", ""))
    found, reason = outcome(place)
    assert (found, "min in the future" in reason) == ("INCONCLUSIVE", True)


def test_about_without_inputs_is_refused(place, produce):
    """It would be about everything and nothing."""
    produce()
    place.write(test_it=GATE.format(about=".about()"))
    assert outcome(place)[0] == "INCONCLUSIVE"


def test_a_gate_that_swallows_the_refusal_does_not_pass(place, produce):
    """A bare `except` around evidence hides it."""
    place.write(
        test_it="""
        import pytest

        @pytest.mark.critical
        def test_report(artifact, measure):
            report = artifact("reports/out.json")
            try:
                report.about("src")
            except AssertionError:
                pass
            measure.equals("ok", report["ok"], True)
        """
    )
    produce()
    place.file("src/app.py", "VALUE = 2\n")
    assert outcome(place)[0] != "PASS"


def test_an_input_that_changes_after_its_gate_fails_the_decision(place, produce):
    """The last gate may change what the first one compared."""
    produce()
    place.write(
        test_it=GATE.format(about=ABOUT)
        + """
@pytest.mark.critical(owner="ops", fix="none")
def test_rude(workspace, measure):
    (workspace / "src/app.py").write_text("VALUE = 3\\n")
    measure.equals("x", 1, 1)
"""
    )
    assert place.run().ret == 1
    decision = place.latest()
    assert any("the input src changed during the run" in reason for reason in decision["reasons"])


@pytest.mark.parametrize("edited", [False, True])
def test_a_decision_can_be_taken_again_without_the_inputs(place, produce, edited):
    """The vault has the statement and no copy of the sources: their digests are those that were recorded."""
    produce()
    place.write(test_it=GATE.format(about=ABOUT))
    if edited:
        place.file("src/app.py", "VALUE = 2\n")
    place.run()
    path = place.folder / "latest.json"
    decision = parse(path.read_bytes(), path.name)
    assert decision.checks[0].outcome == ("FAIL" if edited else "PASS")
    place.file("src/app.py", "VALUE = 3\n")
    assert differences(decision, Vault(place.folder / "evidence"), place.path) == ()


def test_recorded_inputs_are_no_way_around_the_real_ones(place, produce, monkeypatch, tmp_path):
    """Only a replay, on which no deployment may act, takes them."""
    produce()
    place.write(test_it=GATE.format(about=ABOUT))
    assert outcome(place)[0] == "PASS"
    recorded = {one["name"]: one["sha256"] for one in place.check("report")["provenance"][0]["inputs"]}
    (tmp_path / "inputs").write_text(json.dumps(recorded))
    monkeypatch.setenv(RECORDED_INPUTS, str(tmp_path / "inputs"))
    place.file("src/app.py", "VALUE = 2\n")
    assert outcome(place)[0] == "FAIL"


# --- by the policy ---


def test_the_policy_can_say_it(place, produce):
    """Gates of a suite cannot know what a project calls its sources."""
    produce()
    place.write(test_it=GATE.format(about=""))
    policy(place, "gates: {report: {about: [src]}}")
    assert outcome(place)[0] == "PASS"
    place.file("src/app.py", "VALUE = 2\n")
    assert outcome(place)[0] == "FAIL"
    policy(place, 'gates: {report: {about: {"reports/else/*": [src]}}}')
    assert outcome(place)[0] == "PASS"
    policy(place, 'gates: {report: {about: {"reports/*": [src]}}}')
    assert outcome(place)[0] == "FAIL"


def test_a_profile_can_demand_a_statement_of_everything(place, produce):
    """Without a list of inputs it demands all that the statement has."""
    produce()
    place.write(test_it=GATE.format(about=""))
    policy(place, "provenance: required")
    assert outcome(place)[0] == "PASS"
    place.file("lib/part.py", "PART = 2\n")
    assert "lib/part.py changed" in outcome(place)[1]
    (place.path / STATEMENT).unlink()
    found, reason = outcome(place)
    assert (found, "has no statement of what it was made from" in reason) == ("INCONCLUSIVE", True)
    for excuse in (
        'timestamps: {ageless: [{artifacts: ["reports/*"], because: never changes at all}]}',
        "gates: {report: {about: none, because: another system makes it}}",
    ):
        policy(place, f"provenance: required\n{excuse}")
        assert outcome(place)[0] == "PASS"


def test_a_signature_can_be_demanded(place, produce, tmp_path):
    """Anyone who can write the reports can write a statement; only few have the key of the producer."""
    from pytest_promotion.trust import dsse, keys

    pairs = {name: keys.generate(tmp_path / name) for name in ("builder", "other")}
    signers = [
        {"name": name, "roles": [role], "key": pairs[name][1].read_text()}
        for name, role in (("builder", "producer"), ("other", "release"))
    ]
    place.file("signers.yaml", json.dumps({"version": 1, "signers": signers}))
    policy(place, "provenance: signed\nsigners: signers.yaml\ngates: {report: {about: [src]}}")
    place.write(test_it=GATE.format(about=""))

    def signed(name):
        private = keys.read_private(pairs[name][0])
        return lambda payload: dsse.sign(payload, dsse.IN_TOTO, [private]).line()

    produce(sign=signed("builder"))
    assert outcome(place)[0] == "PASS"
    produce(sign=signed("other"))
    found, reason = outcome(place)
    assert (found, "signed by none of the allowed keys" in reason) == ("INCONCLUSIVE", True)
    produce()
    found, reason = outcome(place)
    assert (found, "is not signed, and `provenance: signed` demands it" in reason) == ("INCONCLUSIVE", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "gates: {report: {about: sources}}",
            "expected a list of inputs, a mapping of artifacts to such lists, or none",
        ),
        ("gates: {report: {about: none}}", "`about: none` and `because` need each other"),
        ("gates: {report: {about: []}}", "it names no inputs"),
        ("gates: {report: {about: [.]}}", "the promotion root is no input"),
        ("gates: {report: {about: [../src]}}", "is not a path below the promotion root"),
        ("provenance: signed", "`provenance: signed` needs `signers`"),
        ("producers: {p: {command: [x], writes: [a], inputs: [a]}}", "a is both an input and an output"),
    ],
)
def test_a_rule_that_cannot_be_meant_ends_the_session(place, produce, text, message):
    """A rule that is misspelt is one that is not there."""
    place.write(test_it=GATE.format(about=""))
    policy(place, text)
    done = place.run(apart=True)
    assert done.ret == 4
    assert message in done.stderr.str() + done.stdout.str()


def test_a_declared_producer_leaves_a_statement(place, produce):
    """What `refresh` runs is recorded as what `promotion run` runs."""
    place.file(
        "make.py",
        """
        import datetime, json, pathlib
        now = datetime.datetime.now(datetime.UTC).isoformat()
        pathlib.Path("reports").mkdir(exist_ok=True)
        pathlib.Path("reports/out.json").write_text(json.dumps({"ok": True, "ts_utc": now}))
        """,
    )
    place.write(test_it=GATE.format(about=""))
    policy(
        place,
        "producers: {out: {command: ['{python}', make.py], writes: [reports/out.json], inputs: [src, make.py]}}\n"
        "refresh: [out]\ngates: {report: {about: [src]}}",
    )
    assert outcome(place)[0] == "PASS"
    assert place.check("report")["provenance"][0]["command"][1] == "make.py"
    place.file("src/app.py", "VALUE = 2\n")
    assert outcome(place)[0] == "PASS"  # it ran again


# --- time ---


def test_a_statement_dates_what_does_not_date_itself(place, produce):
    """Coverage, JUnit, SARIF and k6 write no time that counts, and modification times are anybody's."""
    moment = datetime.now(UTC) - timedelta(minutes=5)
    produce(moment, dated=False)
    place.write(test_it=GATE.format(about=""))
    policy(place, "timestamps: {mtime: forbid}")
    assert outcome(place)[0] == "PASS"
    [found] = place.check("report")["freshness"]
    assert (found["source"], found["timestamp"]) == ("provenance", moment.isoformat(timespec="microseconds"))
    produce(datetime.now(UTC) - timedelta(hours=2), dated=False)
    found, reason = outcome(place)
    assert (found, "120 min old by its provenance" in reason) == ("FAIL", True)


def test_a_statement_of_other_bytes_dates_nothing(place, produce):
    """An old report under a young statement would be young."""
    produce(dated=False)
    place.file("reports/out.json", {"ok": True, "edited": 1})
    place.write(test_it=GATE.format(about=""))
    policy(place, "timestamps: {mtime: forbid}")
    found, reason = outcome(place)
    assert (found, "no statement of `promotion run` that fits" in reason) == ("INCONCLUSIVE", True)


def test_a_proof_is_of_the_gate_and_not_of_the_statement(place, produce):
    """With `about`, any other bytes are refused: a gate that looks at nothing would seem to notice everything."""
    produce()
    place.write(
        test_it="""
        import pytest

        @pytest.mark.critical
        def test_report(artifact, freshness):
            report = artifact("reports/out.json").about("src")
            freshness(report)
            assert report["ok"] in (True, False, None, 0, 1, "")
        """
    )
    done = place.run("--promotion-prove", apart=True)
    assert done.ret != 0
    assert "reports/out.json" in done.stdout.str()
