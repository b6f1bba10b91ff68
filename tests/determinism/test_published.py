"""What is published for other languages: an example trace, its schema, hash vectors, and the paths of a service."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.deployment.determinism import node, published
from pytest_promotion.suites.deployment.determinism.e2e import request_digest, request_of
from pytest_promotion.suites.deployment.determinism.traces import rooted

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "traces"
REQUEST = {"plan": [1], "budget_cents": 5, "seed": 1, "timestamp": "2026-01-01T00:00:00+00:00"}


def kept(name):
    return json.loads((FOLDER / name).read_bytes())


@pytest.mark.parametrize(
    ("words", "name"),
    [([], "example.trace.json"), (["--schema"], "trace-v2.schema.json"), (["--vectors"], "vectors.json")],
)
def test_what_is_published_is_what_the_code_does(words, name):
    """Vectors that nobody recomputes are of the version before."""
    done = CliRunner().invoke(main, ["parity", "example", *words])
    assert (done.exit_code, json.loads(done.stdout)) == (0, kept(name))


def test_the_example_is_a_sealed_trace_by_its_schema():
    """An example that is refused is the first thing that a new user sees."""
    example = kept("example.trace.json")
    jsonschema.Draft202012Validator(kept("trace-v2.schema.json")).validate(example)
    found = rooted((FOLDER / "example.trace.json").read_bytes(), "example")
    assert (found.holds, len(found.steps)) == (True, 3)
    for wrong in ({"seed": "42"}, {"version": 1}, {"extra": 1}, {"steps": [{}]}):
        assert not jsonschema.Draft202012Validator(kept("trace-v2.schema.json")).is_valid(example | wrong)


def test_the_vectors_follow_from_the_page():
    """Another implementation has nothing but the page and these."""
    document = kept("vectors.json")
    assert len(document["values"]) == len(published.VALUES)
    for one in document["values"]:
        assert hashlib.sha256(one["canonical"].encode()).hexdigest() == one["sha256"]
        assert json.loads(one["canonical"]) == one["value"]
    for one in document["traces"]:
        count, link = len(one["trace"]["steps"]), one["links"][-1]
        root = f'["promotion.trace.v2","root","{link}",{count}]'
        assert len(one["links"]) == count + 1
        assert hashlib.sha256(root.encode()).hexdigest() == one["root_hash"] == one["trace"]["root_hash"]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_vectors_hold_in_javascript():
    """They are for other languages, and one of these is here."""
    document = kept("vectors.json")
    values = [
        node.Question(str(at), "canonical", json.dumps(one["value"]).encode())
        for at, one in enumerate(document["values"])
    ]
    traces = [
        node.Question(str(at), "root", json.dumps(one["trace"]).encode()) for at, one in enumerate(document["traces"])
    ]
    answers = list(node.ask([*values, *traces]))
    expected = [one["sha256"] for one in document["values"]] + [one["root_hash"] for one in document["traces"]]
    assert [one.digest for one in answers] == expected


def test_a_service_may_have_other_paths():
    """Most services have a version in front, and another word for a run."""
    usual = request_of(json.dumps(REQUEST).encode(), "plan.json")
    paths = {
        "simulate": "/v1/dry-run",
        "run": "/v1/jobs/{run_id}",
        "runs": "/v1/jobs",
        "replay": "/v1/jobs/{run_id}/again",
    }
    other = request_of(json.dumps(REQUEST | {"paths": paths}).encode(), "plan.json")
    assert other.paths.replay == "/v1/jobs/{run_id}/again"
    assert (other.body, request_digest(other)) == (REQUEST, request_digest(usual))


@pytest.mark.parametrize(
    "paths",
    [
        {"simulate": "simulate"},
        {"simulate": "https://elsewhere.example/x"},
        {"simulate": "//elsewhere.example/x"},
        {"runs": "/runs/{run_id}"},
        {"run": "/runs"},
        {"run": "/runs/{run_id}/{run_id}"},
        {"replay": "/runs/../admin/{run_id}"},
        {"replay": "/runs/{run_id}?x=1"},
        {"reply": "/x"},
        {"run": 3},
    ],
    ids=range(10),
)
def test_a_path_that_leads_elsewhere_is_refused(paths):
    """A token goes where the path leads."""
    with pytest.raises(PolicyError):
        request_of(json.dumps(REQUEST | {"paths": paths}).encode(), "plan.json")
