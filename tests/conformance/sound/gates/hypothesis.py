import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.critical


@settings(max_examples=20, deadline=None, database=None)
@given(st.integers(), st.integers())
def test_property(left, right):
    assert left + right == right + left


@settings(max_examples=20, deadline=None, database=None)
@given(st.lists(st.integers()))
def test_property_of_lists(values):
    assert sorted(sorted(values)) == sorted(values)
    assert all(value in values for value in sorted(values))
