"""The last lines on the terminal: the decision's counts, and why they are not pytest's."""

from __future__ import annotations

import pytest

from pytest_promotion.model import Absence
from pytest_promotion.reporting.terminal import difference, verdict
from tests.decisions import decided, gate


def test_what_blocks_is_counted():
    """`1 of 4 gates passed` beside two failures leaves one unexplained."""
    results = [gate("a"), gate("b", "FAIL"), gate("c", "INCONCLUSIVE"), gate("d", "FAIL", severity="warning")]
    line, markup = verdict(decided(*results), "")
    assert line == "promotion: FAIL (1 of 4 gates passed, 2 block, 1 warning to review; profile default)"
    assert markup["red"]
    assert (
        verdict(decided(gate("b", "FAIL")), "")[0] == "promotion: FAIL (0 of 1 gates passed, 1 blocks; profile default)"
    )
    assert verdict(decided(gate("a")), "")[0] == "promotion: PASS (1 of 1 gates passed; profile default)"


def counted(**outcomes):
    return {f"gates/test_all.py::test_{name}": outcome for name, outcome in outcomes.items()}


@pytest.mark.parametrize(
    ("results", "tests", "why"),
    [
        ([gate("a"), gate("b", "FAIL")], counted(a="passed", b="failed"), ""),
        ([gate("a"), gate("b", "NOT_APPLICABLE")], counted(a="passed"), ""),
        (
            [gate("a"), gate("b", "INCONCLUSIVE")],
            counted(a="passed", b="passed"),
            "passed as a test and not as a gate: b",
        ),
        ([gate("a"), gate("b", "NOT_RUN")], counted(a="passed", b="skipped"), "was skipped and blocks: b"),
        ([gate("a"), gate("b", "WAIVED")], counted(a="passed", b="failed"), "failed and does not block: b"),
        (
            [gate("a"), gate("b", "NOT_RUN", nodeid="", absent=Absence.NOT_COLLECTED)],
            counted(a="passed"),
            "never ran and blocks: b",
        ),
        (
            [gate("a"), *(gate(f"w{number}", "FAIL", severity="warning") for number in range(7))],
            counted(a="passed", **{f"w{number}": "failed" for number in range(7)}),
            "failed and does not block: w0, w1, w2, w3, w4 and 2 more",
        ),
    ],
    ids="same not-applicable rests skipped waived absent many".split(),
)
def test_a_difference_is_explained(results, tests, why):
    """Two counts of one run, and no word why: the reader believes the friendlier one."""
    expected = f"pytest counts tests, the promotion counts gates; {why}" if why else ""
    assert difference(decided(*results), tests) == expected


GATES = """
import pytest

@pytest.mark.critical(requires=["cause"])
def test_rests(measure):
    measure.at_least("x", 1, 0)

@pytest.mark.critical
def test_cause(measure):
    measure.at_least("x", 1, 2)

@pytest.mark.warning
def test_slow(measure):
    measure.at_most("s", 31, 20)

@pytest.mark.critical
@pytest.mark.skip(reason="later")
def test_later(measure):
    measure.at_least("x", 1, 0)
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "workers"])
def test_a_session_ends_with_the_decision(good_place, workers):
    """pytest's count is the last thing on the screen, and it is not the decision."""
    lines = good_place.write(test_all=GATES).run(*workers).outlines
    assert "2 failed, 2 passed, 1 skipped" in lines[-3]
    assert lines[-2] == (
        "pytest counts tests, the promotion counts gates; was skipped and blocks: later; "
        "passed as a test and not as a gate: rests; failed and does not block: slow"
    )
    assert lines[-1].startswith("promotion: FAIL (1 of 5 gates passed, 3 block, 1 warning to review; profile default)")


def test_nothing_is_explained_where_nothing_differs(good_place):
    """A line that is always there is never read."""
    assert "pytest counts tests" not in good_place.run().stdout.str()
