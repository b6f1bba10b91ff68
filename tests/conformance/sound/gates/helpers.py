import functools
import time

import pytest
from checks import Thresholds, assert_all_ok, problems, require

pytestmark = pytest.mark.critical


def timed(function):
    @functools.wraps(function)
    def call(*args, **named):
        start = time.monotonic()
        try:
            return function(*args, **named)
        finally:
            print(time.monotonic() - start)

    return call


def test_helper_asserts(rows):
    assert_all_ok(rows)


def test_helper_requires(report):
    require(report["score"] >= 0.9, "the score is too low")


def test_helper_lists(rows):
    assert not problems(rows)
    assert problems(rows) == []


def test_helper_object(report):
    Thresholds(0.9).check(report["score"])


@timed
def test_decorated(report):
    assert report["score"] >= 0.9


@pytest.mark.parametrize(
    "check", [lambda report: report["score"] >= 0.9, lambda report: report["passed"]], ids=["a", "b"]
)
def test_check_given(report, check):
    assert check(report)
