"""Root hashes: what changes them, what does not, and that nothing which is declared is believed."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures import traces as golden
from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.suites.deployment.determinism import parity
from pytest_promotion.suites.deployment.determinism.node import Question
from pytest_promotion.suites.deployment.determinism.traces import root_hash, rooted, sealed

REAL = Path(os.environ.get("PROMOTION_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
RECORDED = REAL / "determinism"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
WHOLE = sealed(golden.traces()["failed"])
ROOTS = json.loads(golden.GOLDEN.read_text())["root_hashes"]


def as_bytes(document):
    return json.dumps(document).encode()


def places(value, at=()):
    """Every place in a JSON value where there is something to change."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*at, number))
    yield at


def changed(document, place, new):
    """A copy with something else at *place*."""
    found = copy.deepcopy(document)
    here = found
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = new
    return found


@pytest.mark.parametrize("name", ROOTS)
def test_golden_traces_have_the_root_hashes_that_are_written_down(name):
    """A golden file that is made in the test that reads it holds nothing."""
    trace = rooted((golden.FOLDER / name).read_bytes(), name)
    assert (trace.root, trace.holds) == (ROOTS[name], True)


def test_the_golden_traces_are_those_that_are_written_again(tmp_path):
    """Files that nothing can write again are edited by hand one day."""
    golden.write(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in golden.FOLDER.glob("*.json"))
    assert [(tmp_path / name).read_bytes() for name in names] == [(golden.FOLDER / name).read_bytes() for name in names]


@needs_node
def test_javascript_has_the_same_root_hashes():
    """From the data: the hash that a file declares is taken out before it is asked."""
    for name in ROOTS:
        undeclared = json.loads((golden.FOLDER / name).read_text()) | {"root_hash": "0" * 64}
        assert parity.compare([Question(name, "root", as_bytes(undeclared))]) == []
        assert parity.python(Question(name, "root", as_bytes(undeclared))).root == ROOTS[name]


PLACES = [one for one in places(WHOLE) if one and one[0] != "root_hash" and (one[0] != "steps" or len(one) > 2)]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_everything_that_matters_is_hashed(place):
    """Plans, metadata and error codes that are not hashed are what a forged trace differs in."""
    audit = "audit" in place
    found = changed(WHOLE, place, "something else")
    assert (root_hash(found) == root_hash(WHOLE)) is audit


@pytest.mark.parametrize(
    "change",
    [
        lambda trace: trace["steps"].pop(),
        lambda trace: trace["steps"].reverse(),
        lambda trace: trace["steps"].append(trace["steps"][0]),
        lambda trace: trace["plan"].append(1),
        lambda trace: trace.update(metadata={"": None}),
    ],
    ids=["last step gone", "reversed", "repeated", "longer plan", "metadata"],
)
def test_steps_cannot_be_dropped_moved_or_repeated(change):
    """A chain without its length is also the chain of its beginning."""
    found = copy.deepcopy(WHOLE)
    change(found)
    assert root_hash(found) != root_hash(WHOLE)


def test_texts_are_not_joined():
    """ "a:b" and "c" joined by a colon are "a" and "b:c"."""
    one, other = (WHOLE | {"run": run, "subject": subject} for run, subject in (("a:b", "c"), ("a", "b:c")))
    assert root_hash(one) != root_hash(other)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 3}, "version 3 is not one of"),
        ({"version": "2"}, "version '2' is not one of"),
        ({"seed": "7"}, "seed"),
        ({"seed": 2**53}, "integer beyond"),
        ({"clock": "2026-05-20T14:30:00"}, "no offset"),
        ({"status": "running"}, "status"),
        ({"extra": 1}, "extra"),
        ({"steps": None}, "steps"),
        ({"steps": WHOLE["steps"][1:]}, "a step is missing or out of order"),
        ({"steps": [WHOLE["steps"][0] | {"outcome": "failure"}]}, "says failure and has no error"),
        ({"steps": [WHOLE["steps"][0] | {"outcome": "fine"}]}, "outcome"),
    ],
    ids=range(11),
)
def test_what_is_no_trace_is_refused(change, said):
    """Two runtimes that guess differently what a field means agree by chance."""
    with pytest.raises(Unproven) as refusal:
        rooted(as_bytes(WHOLE | change), "x.trace.json")
    assert said in str(refusal.value)


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "audit"])
def test_a_field_that_is_missing_is_not_guessed(name):
    """None equals None, and so two traces without a hash were the same."""
    with pytest.raises(Unproven):
        rooted(as_bytes({key: value for key, value in WHOLE.items() if key != name}), "x.trace.json")


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded traces are not beside the check-out")
@pytest.mark.parametrize("name", ["golden42", "parity1337", "parity777"])
def test_traces_of_the_earlier_version_are_verified_as_it_wrote_them(name):
    """What was recorded years ago must still be checkable, by its own rules."""
    trace = rooted((RECORDED / f"v_{name}.trace.json").read_bytes(), name)
    assert trace.root == json.loads((RECORDED / "root_hashes.json").read_text())[name]
    assert trace.holds
    assert "plan" in trace.uncovered


EARLIER = {
    "version": "1.1.0",
    "seed": 42,
    "timestamp": "2025-01-01T00:00:00Z",
    "tenant_id": "default",
    "plan": [],
    "metadata": {},
    "finalized": True,
    "steps": [],
    "root_hash": "cf938f32827f06283ab80f355aee229da49abb2545beded7fd9fd746305cd7df",
}


def test_the_earlier_version_without_steps_has_its_published_hash():
    """A vector that both of the earlier system's implementations gave."""
    assert rooted(as_bytes(EARLIER), "x").holds


@pytest.mark.parametrize(
    "change", [{"seed": None}, {"steps": [{}]}, {"steps": ["x"]}, {"tenant_id": 1}, {"root_hash": 5}], ids=str
)
def test_a_broken_trace_of_the_earlier_version_is_refused(change):
    """Leniency towards what is old is leniency towards whoever writes an old version number."""
    with pytest.raises(Unproven):
        rooted(as_bytes(EARLIER | change), "x")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
STEPS = st.lists(st.tuples(st.text(), JSON, JSON, st.none() | st.text()), max_size=4)


@pytest.mark.slow
@needs_node
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(STEPS, JSON, st.integers(-1000, 1000)), min_size=20, max_size=20))
def test_both_runtimes_have_the_same_root_hash_of_whatever_ran(runs):
    """Parity that is shown for one integer trace is shown for nothing that anybody runs."""
    asked = []
    for number, (steps, plan, seed) in enumerate(runs):
        made = [
            golden._step(index, skill, inputs, output, rng_state=state)
            for index, (skill, inputs, output, state) in enumerate(steps)
        ]
        trace = golden._trace(f"run-{number}", made, plan=plan, seed=seed)
        asked.append(
            Question(
                str(number),
                "root",
                json.dumps(trace | {"root_hash": None}, ensure_ascii=False).encode("utf-8", "surrogatepass"),
            )
        )
    assert parity.compare(asked) == []


def test_the_command_prints_what_it_recomputed(tmp_path):
    """A tool that prints the hash which the file declares verifies everything."""
    path = tmp_path / "x.trace.json"
    path.write_bytes(as_bytes(WHOLE))
    done = CliRunner().invoke(main, ["parity", "root-hash", str(path)])
    assert (done.exit_code, done.stdout.strip()) == (0, WHOLE["root_hash"])
    path.write_bytes(as_bytes(WHOLE | {"root_hash": "f" * 64}))
    done = CliRunner().invoke(main, ["parity", "root-hash", str(path)])
    assert (done.exit_code, done.stdout.strip()) == (2, WHOLE["root_hash"])
    assert "declares ffff" in done.stderr
    path.write_bytes(as_bytes(WHOLE | {"root_hash": None}))
    told = CliRunner().invoke(main, ["parity", "root-hash", str(path), "--json"])
    assert (told.exit_code, json.loads(told.stdout)["holds"]) == (3, False)
    path.write_text("{}")
    assert CliRunner().invoke(main, ["parity", "root-hash", str(path)]).exit_code == 3


@needs_node
def test_a_trace_that_declares_what_it_has_not_is_a_no(tmp_path):
    """Both runtimes agreeing with each other says nothing of the file, as long as nobody compares with it."""
    path = tmp_path / "x.trace.json"
    path.write_bytes(as_bytes(WHOLE | {"root_hash": "f" * 64}))
    done = CliRunner().invoke(main, ["parity", "python-js", str(path), "--values", "10", "--reports", str(tmp_path)])
    assert done.exit_code == 2
    assert "declares ffff" in done.stdout
    done = CliRunner().invoke(main, ["parity", "python-js", "--values", "0", "--reports", str(tmp_path), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["problems"]) == (2, ["nothing was compared"])
