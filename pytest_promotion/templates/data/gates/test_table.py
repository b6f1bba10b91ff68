"""May this version of the table be published? Each test is one gate."""

import pytest

ACCEPTED = "what the table is compared with"
AGE = "test_freshness judges its age"

FIX = "look at the load of the table; if the change is right: python gates/accept.py"


@pytest.mark.critical(owner="data", fix="load the table again")
def test_freshness(artifact, freshness, policy):
    """The newest row is recent."""
    freshness(artifact(policy["table"], timestamps=policy["dated_by"]))


@pytest.mark.critical(owner="data", fix=FIX)
def test_rows(artifact, measure, policy):
    """There are about as many rows as in the last accepted version, and no key is there twice."""
    accepted = artifact(policy["accepted"], max_age="none", because=ACCEPTED)["rows"]
    keys = [row[policy["key"]] for row in artifact(policy["table"], max_age="none", because=AGE).rows()]
    measure.at_least("rows", len(keys), policy["min_rows"])
    measure.at_least("accepted rows", accepted, 1)
    measure.at_least("rows against the accepted", len(keys) / accepted, 1 - policy["max_shrink"])
    measure.at_most("rows against the accepted", len(keys) / accepted, 1 + policy["max_growth"])
    measure.equals("rows without a key", sum(not key for key in keys), 0)
    measure.equals("distinct keys", len(set(keys)), len(keys))


@pytest.mark.critical(owner="data", fix=FIX)
def test_columns(artifact, measure, policy):
    """The columns are those of the last accepted version, and no more of their cells are empty."""
    accepted = artifact(policy["accepted"], max_age="none", because=ACCEPTED)["null_rates"]
    empty, rows = dict.fromkeys(accepted, 0), 0
    for row in artifact(policy["table"], max_age="none", because=AGE).rows():
        rows += 1
        if rows == 1:
            measure.equals("columns", " ".join(sorted(row)), " ".join(sorted(accepted)))
        for name in accepted:
            empty[name] += row[name] in ("", "NULL", "nan", "NaN", None)
    measure.at_least("columns compared", len(accepted), 1)
    for name, rate in accepted.items():
        measure.between(f"accepted share of empty {name}", rate, 0, 1)
        measure.at_most(f"share of empty {name}", empty[name] / rows, rate + policy["max_null_rate_rise"])
