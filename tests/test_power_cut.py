"""After a power cut there is no finished PASS, or one whose evidence is whole."""

from __future__ import annotations

import json

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.trust.stored import parse
from pytest_promotion.trust.verify import case_at, damages
from tests.power_cuts import recorded

GATES = '''
import pytest

@pytest.mark.critical(owner="ops", fix="run it again")
def test_parts(artifact, measure, command):
    """Every part is there."""
    for number in range(3):
        measure.equals(f"part {number}", artifact(f"evidence/{number}.json")["part"], number)
    assert command(["echo", "checked"]).exit_code == 0
'''


def passes(folder):
    """The finished PASSes below *folder*, each with what is wrong with it."""
    found = {}
    for path in sorted((folder / "promotion_gates").glob("*.json")):
        try:
            case = case_at(path)
            decision = parse(case.content, case.name)
        except Unproven:
            continue
        if decision.status == "PASS":
            found[path.name] = damages(case, decision)
    return found


@pytest.fixture
def states(place, tmp_path_factory):
    """`states(*words)`: the PASSes of every state that a power cut may leave of a session that passes."""
    place.write(test_parts=GATES)
    for number in range(3):
        place.file(f"evidence/{number}.json", {"ts_utc": "2026-11-21T12:00:00+00:00", "part": number})
    place.file("promotion.yaml", "version: 1\nrequired: [parts]\n")
    (place.path / "reports").mkdir()

    def run(*words):
        found = []
        with recorded(
            place.path / "reports", tmp_path_factory.mktemp("disk") / "d", lambda at: found.append(passes(at))
        ):
            done = place.run("-p", "no:xdist", *words)
        assert done.ret == 0, done.stdout.str()
        assert passes(place.path / "reports").keys() >= {"latest.json"}
        return found

    return run


def test_every_pass_that_survives_has_its_evidence(states):
    """A decision that was flushed and names evidence that was not says PASS about files of zero bytes."""
    found = states()
    assert len(found) > 100
    wrong = {json.dumps(one) for one in found if any(one.values())}
    assert wrong == set()
    assert any(len(one) == 2 for one in found), "no state has a PASS at all: the simulation shows nothing"


def test_a_session_that_flushes_no_evidence_is_seen(states, monkeypatch):
    """A simulation that cannot show the loss proves nothing by not showing it."""
    monkeypatch.setattr(Vault, "sync", lambda *_: None)
    assert any(any(one.values()) for one in states())


def test_the_last_state_is_the_decision(states):
    """What the build server was sent has to be there after the power cut that follows."""
    assert states()[-5].keys() >= {"latest.json"}
