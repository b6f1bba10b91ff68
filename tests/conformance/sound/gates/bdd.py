import pytest
from pytest_bdd import given, parsers, scenario, then, when


@pytest.mark.critical
@scenario("model.feature", "Score")
def test_scenario():
    pass


@given("the report", target_fixture="found")
def found(report):
    return report


@when("its score is read", target_fixture="score")
def score(found):
    return found["score"]


@then(parsers.parse("it is at least {least:f}"))
def at_least(score, least):
    assert score >= least
