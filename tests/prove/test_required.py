"""A policy that asks for proven gates: a gate that passed and cannot fail does not count, and a proof is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

pytestmark = pytest.mark.slow

GATES = '''
import pytest

@pytest.mark.critical
def test_good(artifact, freshness, measure):
    """The score is good enough."""
    report = artifact("evidence/report.json")
    freshness(report)
    measure.at_least("score", report["score"], 0.5)

@pytest.mark.critical
def test_weak(artifact, freshness):
    """The score is another one than 7."""
    report = artifact("evidence/report.json")
    freshness(report)
    assert report["score"] != 7
'''
GOOD = GATES.partition("@pytest.mark.critical\ndef test_weak")[0]
CURE = "; let the gate notice that, or say under prove.equivalent why it makes no difference"
WEAK = "gates/test_gates.py:11: passes with evidence/report.json (score) set to null (and 2 more)"
PROMOTION = [sys.executable, "-c", "from pytest_promotion.cli import main; main()"]


@pytest.fixture
def project(place, ago):
    """A project with evidence; what proves and what asks for a proof is written by each test."""

    def write(prove, gates=GATES, **report):
        place.file("evidence/report.json", {"ts_utc": ago(timedelta()), "score": 0.9, **report})
        place.file("promotion.yaml", f"version: 1\n{prove}\n")
        return place.write(test_gates=gates)

    return write


def proofs(place):
    """The proofs that were kept, by gate."""
    found = [json.loads(path.read_text()) for path in (place.folder / "proofs").glob("*.json")]
    return {one["gate"]: one for one in found}


def kept_at(place):
    """The files of kept proofs, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (place.folder / "proofs").glob("*.json")}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_gate_that_was_not_shown_to_fail_does_not_count(project, workers):
    """A gate that passes on anything is the one that lets the broken candidate through."""
    place = project("prove: required")
    done = place.run(*workers)
    decision = place.latest()
    assert (done.ret, decision["status"], decision["critical_failures"]) == (1, "FAIL", ["weak"])
    weak = place.check("weak")
    assert (weak["outcome"], weak["reason"]) == ("INCONCLUSIVE", f"passed and is not proven: {WEAK}{CURE}")
    assert place.check("good")["outcome"] == "PASS"
    [unproven] = decision["unproven"]
    assert (unproven["gate"], unproven["because"]) == ("weak", WEAK)
    assert {name: one["proven"] for name, one in proofs(place).items()} == {"good": True, "weak": False}
    done.stdout.fnmatch_lines([f"INCONCLUSIVE weak (critical): passed and is not proven: {WEAK}*".replace("[", "[[]")])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_advice_is_listed_and_changes_nothing(project, workers):
    """A project with many gates can only be led there if it may look first."""
    place = project("prove: {mode: advise}")
    done = place.run(*workers)
    assert (done.ret, place.latest()["status"]) == (0, "PASS")
    assert [one["gate"] for one in place.latest()["unproven"]] == ["weak"]
    done.stdout.fnmatch_lines([f"unproven: weak: {WEAK}"])
    assert "Unproven: weak" in (place.folder / "latest.md").read_text()


@pytest.mark.parametrize("prove", ["prove: off", "prove: {mode: off}", "prove: {min_kill_rate: 1}", "partial: refuse"])
def test_who_does_not_ask_gets_no_proof(project, prove):
    """What costs time is project for."""
    place = project(prove)
    assert place.run().ret == 0
    assert place.latest()["unproven"] == []
    assert not (place.folder / "proofs").exists()


def test_a_proof_is_made_once(project):
    """What takes a third of a second for each gate is switched off if it takes it each time."""
    place = project("prove: required")
    place.run()
    before = kept_at(place)
    project("prove: required", score=0.8)  # another value, of the same shape
    place.run()
    assert kept_at(place) == before
    assert place.check("weak")["reason"].endswith(f"{WEAK}{CURE}")


@pytest.mark.parametrize(
    "change",
    [
        lambda place, project: project("prove: required", GATES + "# changed\n"),
        lambda place, project: project("prove: required\ngates: {good: {max_age: 10m}}"),
        lambda place, project: project("prove: required", score="0.9"),
        lambda place, project: project("prove: required", more=[]),
        lambda place, project: place.file("gates/conftest.py", "import pytest\n"),
    ],
    ids=["source", "policy", "type", "field", "conftest"],
)
def test_a_proof_is_of_what_is_there(project, change):
    """A proof of yesterday's gate says nothing about today's."""
    place = project("prove: required")
    place.run()
    before = kept_at(place)
    change(place, project)
    place.run()
    assert len(kept_at(place)) > len(before)
    assert before.items() <= kept_at(place).items()


def test_a_helper_is_part_of_the_gate_that_imports_it(project):
    """A rule that is changed in a module beside the gate is a changed gate."""
    gates = (
        "import pytest\nfrom rules import holds\n\n@pytest.mark.critical\ndef test_good(artifact, freshness):\n"
        "    report = artifact('evidence/report.json')\n    freshness(report)\n    assert holds(report['score'])\n"
    )
    place = project("prove: required", gates)
    place.file("gates/rules.py", "def holds(score):\n    return type(score) is float and 0.5 <= score <= 1\n")
    assert place.run().ret == 0
    assert set(proofs(place)["good"]["subject"]["sources"]) == {"gates/rules.py", "gates/test_gates.py"}
    place.file("gates/rules.py", "def holds(score):\n    return score != 7\n")
    assert place.run().ret == 1
    assert place.check("good")["outcome"] == "INCONCLUSIVE"


@pytest.mark.parametrize(
    "damage",
    [
        lambda proof: b"{",
        lambda proof: b"[" * 100_000,
        lambda proof: json.dumps({**proof, "killed": proof["tried"] + 1}).encode(),
        lambda proof: json.dumps({**proof, "proven": True, "survivors": [], "objection": ""}).encode(),
        lambda proof: json.dumps({**proof, "gate": "good"}).encode(),
        lambda proof: json.dumps({**proof, "subject": {}}).encode(),
        lambda proof: json.dumps({**proof, "more": 1}).encode(),
    ],
    ids=["half", "deep", "counts", "turned", "other gate", "other subject", "more"],
)
def test_a_file_that_is_no_proof_is_not_believed(project, damage):
    """A proof that a crash or somebody has changed must not make a weak gate count."""
    place = project("prove: required")
    place.run()
    [path] = [one for one in (place.folder / "proofs").glob("*.json") if json.loads(one.read_text())["gate"] == "weak"]
    honest = path.read_bytes()
    path.write_bytes(damage(json.loads(honest)))
    place.run()
    assert place.check("weak")["outcome"] == "INCONCLUSIVE"
    assert path.read_bytes() == honest


def test_what_is_sabotaged_is_not_kept_as_evidence(project):
    """A vault with broken copies in it cannot be distinguished from one with evidence."""
    place = project("prove: off", GOOD)
    place.run()
    before = {path.name for path in (place.folder / "evidence").rglob("*") if path.is_file()}
    policy = place.path / "promotion.yaml"
    evidence_before = (place.path / "evidence/report.json").read_bytes()
    policy.write_text("version: 1\nprove: required\n")
    assert place.run().ret == 0
    new = {path.name for path in (place.folder / "evidence").rglob("*") if path.is_file()} - before
    assert len(new) == 1  # the policy
    assert (place.path / "evidence/report.json").read_bytes() == evidence_before
    assert place.check("good")["evidence_paths"] == ["evidence/report.json"]
    assert len(place.check("good")["measurements"]) == 1


def test_a_replay_uses_proofs_and_makes_them(project, ago):
    """A decision that is taken again must not come out otherwise for want of a proof."""
    place = project("prove: required")
    for _ in range(2):
        place.run("--promotion-as-of", ago(timedelta()))
    assert {name: one["proven"] for name, one in proofs(place).items()} == {"good": True, "weak": False}
    replays = [json.loads(path.read_text()) for path in place.folder.glob("replay_*.json")]
    assert [[one["gate"] for one in replay["unproven"]] for replay in replays] == [["weak"]] * 2


def test_a_merge_takes_what_the_shards_found(project):
    """A gate that is proven nowhere must not count because its decision was taken elsewhere."""
    place = project("prove: required")
    files = []
    for index in (1, 2):
        folder = place.path / f"shard{index}"
        words = ("--promotion-run-id=ci-7", f"--promotion-shard={index}/2", f"--promotion-reports={folder}")
        place.run(*words)
        files += (folder / "promotion_gates").glob("shard_*.json")
        assert len(list((folder / "promotion_gates/proofs").glob("*.json"))) == 1
    merge = [*PROMOTION, "merge", *map(str, files), "--reports", str(place.path / "merged")]
    done = subprocess.run(merge, cwd=place.path, capture_output=True, text=True, check=False)
    decision = json.loads((place.path / "merged/promotion_gates/latest.json").read_text())
    assert (done.returncode != 0, decision["critical_failures"]) == (True, ["weak"]), done.stdout + done.stderr
    assert [one["gate"] for one in decision["unproven"]] == ["weak"]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_body_that_was_never_entered_is_named(project, workers):
    """A decorator that runs something else in place of a gate leaves a rule that is never checked."""
    gates = (
        "import pytest\n\ndef instead(function):\n    def run(measure):\n        measure.equals('one', 1, 1)\n"
        "    run.__name__ = 'elsewhere'\n    return run\n\n"
        "@pytest.mark.critical\n@instead\ndef test_hollow(artifact, freshness, measure):\n"
        "    report = artifact('evidence/report.json')\n    freshness(report)\n"
        "    measure.at_least('score', report['score'], 0.5)\n"
    )
    place = project("prove: required", gates)
    place.run(*workers)
    assert "its body was never entered" in place.check("hollow")["reason"]


def test_a_gate_that_passes_once_only_is_not_proven(project):
    """What fails when it runs again, whatever it is shown, would seem to notice everything."""
    gates = GOOD.replace(
        "    freshness(report)", "    freshness(report)\n    RUNS.append(1)\n    assert len(RUNS) == 1"
    ).replace("@pytest", "RUNS = []\n\n@pytest", 1)
    place = project("prove: required", gates)
    place.run()
    assert "it does not pass a second time" in place.check("good")["reason"]
    assert proofs(place) == {}


def test_a_program_is_not_run_again_for_each_sabotage(project):
    """A build of ten minutes that is repeated for each of fifty sabotages is a day."""
    gates = (
        "import pytest, sys\n\n@pytest.mark.critical\ndef test_program(artifact, freshness, measure, command):\n"
        "    report = artifact('evidence/report.json')\n    freshness(report)\n"
        "    done = command([sys.executable, '-c', \"open('runs', 'a').write('x'); print('7')\"])\n"
        "    measure.equals('exit code', done.exit_code, 0)\n    measure.equals('output', done.output.strip(), '7')\n"
        "    measure.at_least('score', report['score'], 0.5)\n"
    )
    place = project("prove: required", gates)
    assert place.run().ret == 0, place.check("program")
    assert (place.path / "runs").read_text() == "x"
    assert proofs(place)["program"]["tried"] > 20


def test_subtests_of_a_sabotaged_gate_are_not_those_of_the_gate(project):
    """What is reported while a gate is proven is not about the candidate."""
    gates = GOOD.replace("measure):", "measure, subtests):").replace(
        "    measure.at_least", "    with subtests.test('score'):\n        measure.at_least"
    )
    place = project("prove: required", gates)
    done = place.run("-p", "subtests")
    assert (done.ret, place.check("good")["outcome"]) == (0, "PASS"), place.check("good")["reason"]


def test_fixtures_of_a_module_and_a_session_are_there_again(project):
    """The last gate is proven when everything that it shares with others is gone already."""
    gates = (
        "import pytest\n\n@pytest.fixture(scope='session')\ndef limit():\n    yield 0.5\n\n"
        "@pytest.fixture(scope='module')\ndef base(limit):\n    yield [limit]\n    base = None\n\n"
    ) + GOOD.replace("import pytest", "").replace("measure):", "measure, base):").replace("0.5)", "base[0])")
    place = project("prove: required", gates)
    assert place.run().ret == 0, place.check("good")["reason"]
    assert proofs(place)["good"]["proven"]


def test_less_is_named_as_weaker(place):
    """An override that switches proofs off has to be seen in the decision."""
    place.file(
        "promotion.yaml",
        "version: 1\nprove: required\nprofiles: {dev: {prove: advise}, ci: {prove: {mode: required}}}\n",
    )
    place.write(
        test_gates="import pytest\n@pytest.mark.critical\ndef test_a(artifact):\n    assert artifact('evidence/good.json')['score'] == 0.9\n"
    )
    place.run("--promotion-set=prove=off")
    assert place.latest()["weakened"] == ["prove: required to off"]
    place.run("--promotion-profile=dev")
    assert [one["gate"] for one in place.latest()["unproven"]] == ["a"]
    assert place.latest()["status"] == "PASS"
    place.run("--promotion-profile=ci")
    assert place.latest()["status"] == "FAIL"
    for wrong in ("prove: always", "prove: {mode: on}", "profiles: {ci: {prove: {min_kill_rate: 0.5}}}", "prove: true"):
        place.file("promotion.yaml", f"version: 1\n{wrong}\n")
        assert place.run().ret == 4


def test_a_gate_with_a_temporary_folder_can_be_proven(project):
    """A gate that fails for want of something that only a report gives would seem to notice everything."""
    gates = GOOD.replace("measure):", "measure, tmp_path):")
    place = project("prove: required", gates)
    assert place.run().ret == 0, place.check("good")["reason"]
    place.write(test_gates=GATES.replace("freshness):", "freshness, tmp_path):"))
    place.run()
    assert place.check("weak")["reason"].endswith(f"(and 2 more){CURE}")


def test_what_a_program_wrote_is_not_written_again(project):
    """A proof that writes evidence again while it is judged turns a good decision into a FAIL."""
    gates = (
        (
            "import pytest, sys, pathlib\n\n@pytest.mark.critical\ndef test_unit(artifact, command, measure, workspace):\n"
            "    (workspace / 'evidence/unit.txt').unlink(missing_ok=True)\n"
            "    code = \"open('evidence/unit.txt', 'w').write(str(__import__('time').time_ns()))\"\n"
            "    measure.equals('exit code', command([sys.executable, '-c', code]).exit_code, 0)\n"
            "    assert int(artifact('evidence/unit.txt').text) > 0\n"
        )
        .replace(
            "    (workspace / 'evidence/unit.txt').unlink(missing_ok=True)\n",
            "    before = len(RUNS)\n    RUNS.append(1)\n    assert not before\n",
        )
        .replace("import pytest, sys, pathlib\n", "import pytest, sys\n\nRUNS = []\n")
    )
    place = project("prove: {mode: advise}", gates)
    assert place.run().ret == 0, place.latest()["reasons"]
    [unproven] = place.latest()["unproven"]
    assert "its programs would have to run again" in unproven["because"]
