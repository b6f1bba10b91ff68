import sys

import pytest

pytestmark = pytest.mark.critical


@pytest.mark.parametrize("name", ["score", "precision"])
def test_measured(artifact, freshness, measure, name):
    report = artifact("evidence/report.json")
    freshness(report, max_age="1h")
    measure.at_least(name, report[name], 0.9, min_samples=2, samples=len(report["rows"]))


def test_measured_alone(artifact, measure):
    measure.at_most("drop", artifact("evidence/report.json")["drop"], 0.08)


def test_fresh_alone(artifact):
    artifact("evidence/report.json", max_age="1h")


def test_none_of_some(artifact, measure):
    rows = artifact("evidence/report.json")["rows"]
    measure.none("bad rows", [row for row in rows if not row["ok"]], among=len(rows))


def test_none_of_none(artifact, measure):
    waived = artifact("evidence/report.json")["errors"]
    measure.none("unreviewed", [one for one in waived if not one], among=len(waived), may_be_empty=True)


def test_same_commit(artifact, measure):
    report = artifact("evidence/report.json")
    measure.equals("commit", measure.text("commit", report["commit"]), report["built_from"])


def test_measured_in_loop(artifact, measure):
    for row in artifact("evidence/report.json")["rows"]:
        measure.at_least(row["name"], row["score"], 0.5)


def test_exists(artifact):
    assert artifact.exists("evidence/report.json")
    assert not artifact.exists("evidence/lock")


def test_command(command):
    done = command([sys.executable, "-c", "print('ok')"])
    assert done.exit_code == 0
    assert "ok" in done.output


def test_command_polled(command):
    for _ in range(50):
        done = command([sys.executable, "-c", "print('ok')"])
        if done.exit_code == 0:
            break
    assert done.exit_code == 0


def test_command_that_has_to_fail(command):
    assert command([sys.executable, "-c", "raise SystemExit(3)"]).exit_code == 3


def test_reason(artifact, measure, reason):
    score = artifact("evidence/report.json")["score"]
    measure.between("score", score, 0.9, 1.0)
    reason(f"the score is {score}")
