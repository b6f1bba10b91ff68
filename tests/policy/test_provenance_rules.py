"""Which artifacts need a statement, and which change of that asks for less."""

from __future__ import annotations

import pytest

from pytest_promotion.policy import GateRules, Rules
from pytest_promotion.policy.comparing import changes
from pytest_promotion.policy.provenance_rules import demanded
from pytest_promotion.policy.shape import Ageless, Timestamps
from pytest_promotion.policy.suite_rules import joined


@pytest.mark.parametrize(
    ("mode", "about", "path", "expected"),
    [
        ("optional", None, "reports/a.json", None),
        ("required", None, "reports/a.json", ()),
        ("signed", None, "reports/a.json", ()),
        ("required", None, "config/a.json", None),  # its age makes no difference either
        ("required", "none", "reports/a.json", None),
        ("optional", ["src"], "reports/a.json", ("src",)),
        ("optional", ["src/"], "src/a.py", None),  # it is an input itself
        ("required", ["src"], "src/a.py", None),
        ("optional", ["src"], "srcs/a.py", ("src",)),
        ("optional", {"reports/*": ["src"], "*.json": ["lib", "src"]}, "reports/a.json", ("src", "lib")),
        ("optional", {"scans/*": ["src"]}, "reports/a.json", None),
        ("required", {"scans/*": ["src"]}, "reports/a.json", ()),
        ("required", None, "reports/a.json.intoto.json", None),
    ],
)
def test_what_an_artifact_has_to_be_about(mode, about, path, expected):
    """An artifact that slips through here is judged by its age alone."""
    ageless = [Ageless(artifacts=["config/*"], because="configuration of the candidate")]
    rules = Rules(provenance=mode, timestamps=Timestamps(ageless=ageless))
    assert demanded(rules, GateRules(about=about, because="x" if about == "none" else ""), path) == expected


STEPS = [
    Rules(gates={"a": GateRules(about="none", because="another system makes it")}),
    Rules(gates={"a": GateRules()}),
    Rules(gates={"a": GateRules(about=["src"])}),
    Rules(gates={"a": GateRules(about=["src", "lib"])}),
]


@pytest.mark.parametrize(("less", "more"), [(0, 1), (1, 2), (2, 3), (0, 3)])
def test_fewer_inputs_are_weaker(less, more):
    """A source that is not compared can be edited."""
    assert {str(one.strictness) for one in changes(STEPS[less], STEPS[more])} == {"stronger"}
    assert {str(one.strictness) for one in changes(STEPS[more], STEPS[less])} == {"weaker"}


def test_the_modes_are_ordered():
    """`signed` asks for more than `required`."""
    modes = [Rules(provenance=mode) for mode in ("optional", "required", "signed")]
    for number, less in enumerate(modes):
        for more in modes[number + 1 :]:
            assert [str(one.strictness) for one in changes(less, more)] == ["stronger"]
            assert [str(one.strictness) for one in changes(more, less)] == ["weaker"]


def test_of_two_suites_the_stricter_mode_holds():
    """A suite that asks for nothing must not switch off what another one asks for."""

    class Suite:
        name = "one"

        def __init__(self, mode):
            self._mode = mode

        def resolved(self, profile):
            return {"provenance": self._mode}

    for order in (("signed", "required"), ("required", "signed")):
        assert joined([Suite(mode) for mode in order], "ci") == {"provenance": "signed"}
