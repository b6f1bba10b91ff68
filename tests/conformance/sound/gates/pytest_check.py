import pytest
from pytest_check import check

pytestmark = pytest.mark.critical


def test_check_functions(report):
    check.greater_equal(report["score"], 0.9)
    check.is_true(report["passed"])


def test_check_block(report):
    with check:
        assert report["score"] >= 0.9
