import pytest


@pytest.mark.critical
def test_subtests_of_pytest(subtests, rows):
    for row in rows:
        with subtests.test(row["name"]):
            assert row["ok"]
