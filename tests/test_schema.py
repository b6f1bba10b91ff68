"""The JSON Schemas that are shipped say what the code does."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import resources

import jsonschema
import pytest
import yaml

from pytest_promotion import policy
from tests.conftest import GOOD


def schema(name):
    """A shipped schema."""
    return json.loads((resources.files("pytest_promotion") / "schemas" / f"{name}.schema.json").read_text())


def check(name, document):
    """Raises where the document does not fit."""
    jsonschema.Draft202012Validator(schema(name), format_checker=jsonschema.FormatChecker()).validate(document)


def closed(node):
    """The schema with unknown keys forbidden, to see that it names every key there is."""
    if isinstance(node, dict):
        node = {key: closed(value) for key, value in node.items()}
        if "properties" in node and "type" in node and "required" in node:
            node["additionalProperties"] = False
    return [closed(item) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize("name", ["policy", "decision"])
def test_a_schema_is_a_schema(name):
    """An invalid schema accepts everything in some validators."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_the_policy_schema_is_generated():
    """An editor that completes keys the loader refuses teaches people to guess."""
    assert schema("policy") == policy.schema()


@pytest.mark.parametrize("path", ["gates/trading/promotion.yaml", "fixtures/promotion.yaml"])
def test_our_policies_fit_the_schema(path, request):
    """A schema that its own examples do not fit is not read by anyone twice."""
    check("policy", yaml.safe_load((request.config.rootpath / path).read_text()))


@pytest.mark.parametrize("wrong", [{}, {"version": 2}, {"version": 1, "gate": {}}, {"version": 1, "required": "a"}])
def test_the_policy_schema_refuses(wrong):
    """A schema that refuses nothing checks nothing."""
    with pytest.raises(jsonschema.ValidationError):
        check("policy", wrong)


def test_decisions_fit_the_schema(place, ago):
    """Programs act on decisions; a field that is sometimes something else stops them at night."""
    place.write(test_good=GOOD).run()
    place.file("evidence/good.json", {"ts_utc": ago(timedelta(hours=3)), "score": 0.9})
    place.write(
        test_more="import pytest\n@pytest.mark.warning\ndef test_w(command, measure):\n    command(['true'])\n    measure.between('x', 1.5, 1, 2)\n    assert 0"
    )
    place.run()
    place.run("--promotion-as-of", ago(timedelta()))
    seen = place.decisions() + [json.loads(path.read_text()) for path in place.folder.glob("replay_*.json")]
    assert {one["status"] for one in seen} == {"PASS", "FAIL"}
    strict = closed(schema("decision"))
    strict["$defs"]["check"].pop("allOf")
    for document in seen:
        check("decision", document)
        top = dict(strict, additionalProperties=False)
        jsonschema.Draft202012Validator(top).validate(document)


def test_a_provisional_decision_fits_the_schema(place):
    """What a killed session leaves behind is read by the same programs."""
    place.write(test_z="import os, pytest\n@pytest.mark.critical\ndef test_z():\n    os._exit(0)").run(apart=True)
    assert place.latest()["finished"] is False
    check("decision", place.latest())


@pytest.mark.parametrize(
    "change",
    [
        {"passed": False},
        {"finished": False},
        {"scope": "partial"},
        {"critical_failures": ["x"]},
        {"reasons": ["x"]},
        {"checks": []},
    ],
)
def test_a_pass_that_contradicts_itself_does_not_fit(good_place, change):
    """A hand-edited PASS should not even parse."""
    good_place.run()
    with pytest.raises(jsonschema.ValidationError):
        check("decision", {**good_place.latest(), **change})
