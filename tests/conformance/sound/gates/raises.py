import unittest
import warnings

import pytest

pytestmark = pytest.mark.critical


def parse(text):
    if not text.isdigit():
        raise ValueError(f"no number: {text}")
    return int(text)


def test_raises():
    with pytest.raises(ValueError, match="no number"):
        parse("x")


def test_raises_called():
    pytest.raises(ValueError, parse, "x")


def test_raises_kept():
    with pytest.raises((ValueError, TypeError)) as caught:
        parse("x")
    assert "no number" in str(caught.value)


def test_raises_group():
    with pytest.RaisesGroup(ValueError):
        raise ExceptionGroup("", [ValueError("x")])


def test_warns():
    with pytest.warns(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_refused():
    try:
        parse("x")
    except ValueError:
        refused = True
    else:
        refused = False
    assert refused


def refuses(text):
    try:
        parse(text)
    except ValueError:
        return True
    return False


def test_refused_by_helper():
    assert refuses("x")
    assert not refuses("1")


class TestParser(unittest.TestCase):
    def setUp(self):
        self.text = "12"

    def test_equal(self):
        self.assertEqual(parse(self.text), 12)

    def test_refuses(self):
        with self.assertRaises(ValueError):
            parse("x")

    def test_refuses_called(self):
        self.assertRaises(ValueError, parse, "x")

    def test_subtests_of_unittest(self):
        for text in ("1", "2"):
            with self.subTest(text):
                self.assertTrue(parse(text))


class TestPlainClass:
    limit = 0.9

    @pytest.fixture(autouse=True)
    def _load(self, report):
        self.report = report

    def test_class_threshold(self):
        assert self.report["score"] >= self.limit

    @pytest.mark.parametrize(("name", "least"), [("score", 0.9), ("drop", 0.0)])
    def test_class_parameter(self, name, least):
        assert self.report[name] >= least

    @staticmethod
    def test_static():
        assert parse("12") == 12
