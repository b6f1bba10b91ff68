"""What test runners write: counted case by case, and refused where it is no count."""

from __future__ import annotations

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.readers import junit


def test_cases_are_counted_and_totals_are_not_believed():
    """`tests="12" failures="0"` is a line that anybody can write above an empty list."""
    text = (
        '<testsuites tests="3" failures="0"><testsuite><testcase name="a"/>'
        '<testcase name="b"><failure/></testcase><testcase name="c"><error/></testcase>'
        '<testcase name="d"><skipped/></testcase></testsuite></testsuites>'
    )
    assert junit.read(text, "unit.xml") == junit.Counts(passed=1, failed=2, skipped=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not XML"),
        ("<testsuites><testcase/>", "is not XML"),
        ("<coverage/>", "is no JUnit file"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuites/>', "declares entities"),
    ],
    ids=["empty", "half written", "something else", "a bomb"],
)
def test_what_is_no_result_is_refused(text, said):
    """A file that cannot be read has no failures in it."""
    with pytest.raises(Unproven, match=said):
        junit.read(text, "unit.xml")


def test_no_tests_are_no_passes():
    """`node --test` of an empty folder ends with zero."""
    assert junit.read("<testsuites/>", "unit.xml").passed == 0


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        (
            '<testsuites errors="1"><testsuite name="a" errors="1" tests="0"/><testsuite><testcase name="x"/></testsuite></testsuites>',
            1,
        ),
        ('<testsuite tests="2" failures="1"><testcase name="x"/><testcase name="y"/></testsuite>', 1),
        ('<testsuites><testsuite failures="2" errors="1"><testcase name="x"/></testsuite></testsuites>', 3),
        ('<testsuite failures="0" errors=""><testcase name="x"/></testsuite>', 0),
        ('<testsuite failures="none"><testcase name="x"/></testsuite>', 1),
        (
            '<testsuite failures="1"><testcase name="x"><failure/></testcase><testcase name="y"><error/></testcase></testsuite>',
            2,
        ),
    ],
)
def test_what_a_suite_declares_counts_where_it_is_more(text, failed):
    """A module that could not be loaded has no test case: the file says errors="1", and all that is listed passed."""
    assert junit.read(text, "unit.xml").failed == failed
