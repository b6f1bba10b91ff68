"""Helpers with assertions, as a project shares them between its gates."""


def assert_all_ok(rows):
    assert rows
    for row in rows:
        assert row["ok"], row["name"]


def require(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


def problems(rows):
    return [row["name"] for row in rows if not row["ok"]]


class Thresholds:
    def __init__(self, minimum):
        self.minimum = minimum

    def check(self, score):
        assert score >= self.minimum
