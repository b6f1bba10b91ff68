"""A bad document fails the gate that asks for it, in a sentence; a bad policy ends the session with exit code 4."""

from __future__ import annotations

import json

import pytest

from tests.conftest import now_iso
from tests.fuzz import seeds
from tests.fuzz.mutation import ANY, JSON, YAML, no_documents, written

GATES = '''
import pathlib
import pytest

FILES = sorted(path.name for path in pathlib.Path("evidence").iterdir() if path.name != "good.json")

@pytest.mark.critical(owner="ops", fix="write it again")
@pytest.mark.parametrize("name", FILES)
def test_score(name, artifact, freshness, measure):
    """The score is good enough."""
    report = artifact(f"evidence/{name}")
    freshness(report, "1h")
    rows = [report.data] if name.endswith(("json", "yaml")) else list(report.rows())
    for row in rows:
        measure.at_least("score", row["score"], 0.5)
'''


def judged(place) -> dict[str, dict[str, str]]:
    """The gates of a session over what is in evidence/, by name, none of which broke."""
    result = place.write(test_score=GATES).run("--promotion-profile=default")
    text = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in text
    checks = {check["name"]: check for check in place.decisions()[-1]["checks"]}
    assert not [check for check in checks.values() if check["outcome"] == "ERROR"]
    assert not [check for check in checks.values() if "\n" in check["reason"] or "Traceback" in check["reason"]]
    return checks


@pytest.mark.parametrize("suffix", ["json", "yaml", "jsonl", "csv"])
def test_an_artifact_that_is_no_document_makes_its_gate_inconclusive(place, suffix):
    """A gate that breaks says nothing of the evidence, and a session that breaks says nothing of any gate."""
    document = json.dumps({"ts_utc": now_iso(), "score": 0.9}).encode() + b"\n"
    files = [content for _, content in no_documents(document)]
    for number, content in enumerate(files):
        place.file(f"evidence/x{number:02}.{suffix}", content)
    checks = judged(place)
    assert len(checks) == len(files)
    assert {check["outcome"] for check in checks.values()} <= {"INCONCLUSIVE", "FAIL"}
    assert all(check["reason"] for check in checks.values())


@pytest.mark.parametrize("member", ["score", "ts_utc"])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_value_of_another_kind_never_breaks_a_gate(place, suffix, member):
    """The program that writes the evidence decides what it has where a number belongs."""
    values = (*ANY, *(JSON if suffix == "json" else YAML))
    for number, value in enumerate(values):
        document = {"ts_utc": now_iso(), "score": 0.9} | {member: value}
        place.file(f"evidence/x{number:03}.{suffix}", written(document).encode())
    checks = judged(place)
    assert len(checks) == len(values)
    passed = {name for name, check in checks.items() if check["outcome"] == "PASS"}
    numbers = {
        f"score[x{number:03}.{suffix}]"
        for number, value in enumerate(values)
        # 1e+308 without a dot is a text in YAML.
        if type(value) in (int, float) and value >= 0.5 and (value != 1e308 or suffix == "json")
    }
    # 1_000 and 0x1F are numbers in YAML, and so are 190:20:30 and 1___, as it was before version 1.2.
    numbers |= {
        f"score[x{number:03}.{suffix}]"
        for number, value in enumerate(values)
        if value in [YAML[at] for at in range(len(YAML)) if YAML[at].text[:3] in ("1_0", "0x1", "190", "1__")]
    }
    assert passed == (numbers if member == "score" else set())


@pytest.mark.parametrize("where", ["promotion.yaml", "included.yaml", "signers.yaml"])
def test_a_policy_that_is_no_document_ends_the_session_with_exit_code_4(good_place, where):
    """A policy that is taken for an empty one requires nothing."""
    good_place.file("promotion.yaml", b"version: 1\ninclude: [included.yaml]\nsigners: signers.yaml\n")
    good_place.file("included.yaml", b"version: 1\n")
    good_place.file("signers.yaml", seeds.SIGNERS)
    for name, content in no_documents(b"version: 1\nrequired: [good]\n"):
        if where == "signers.yaml" and name not in ("list as a key", "aliases", "deep list"):
            continue  # who signs is read where something is signed
        good_place.file(where, content)
        result = good_place.run()
        text = result.stdout.str() + result.stderr.str()
        assert "INTERNALERROR" not in text, name
        assert "Traceback" not in text, name
        if where != "signers.yaml" and name != "byte order mark" and not name.startswith("cut after"):
            assert int(result.ret) == 4, name
            assert len([line for line in text.splitlines() if line.startswith("ERROR")]) == 1, text
