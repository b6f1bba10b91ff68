import numpy
import numpy.testing
import pandas
import pandas.testing
import pytest

pytestmark = pytest.mark.critical


@pytest.fixture
def frame():
    return pandas.read_csv("evidence/rows.csv")


def test_array():
    scores = numpy.array([0.93, 0.95])
    assert (scores >= 0.9).all()
    assert scores.min() >= 0.9
    assert numpy.all(scores <= 1)
    assert not numpy.any(scores > 1)


def test_single_precision():
    scores = numpy.array([0.93, 0.95], dtype="float32")
    assert (scores >= 0.9).all()
    assert scores.mean() >= 0.9


def test_close_arrays():
    numpy.testing.assert_allclose(numpy.array([0.1 + 0.2]), [0.3])
    assert numpy.allclose(numpy.array([0.1 + 0.2]), [0.3])


def test_integers():
    assert numpy.array([1, 2, 3]).sum() == 6
    assert numpy.int64(5) > 3


def test_frame(frame):
    assert len(frame) == 2
    assert frame["score"].min() >= 0.5
    assert not frame["score"].isna().any()
    assert not frame.duplicated("name").any()
    assert (frame["score"] >= 0.5).all()


def test_frame_without_gaps(frame):
    assert frame.dropna()["score"].min() >= 0.5
    table = pandas.DataFrame({"score": [0.9, None, 0.95]})
    assert table["score"].isna().mean() <= 0.5
    assert table["score"].dropna().min() >= 0.9


def test_frame_problems(frame):
    bad = frame[frame["score"] < 0.5]
    assert bad.empty
    assert len(bad) == 0


def test_frame_rows(frame):
    for row in frame.itertuples():
        assert row.score >= 0.5


def test_frames_equal(frame):
    pandas.testing.assert_frame_equal(frame, frame.copy())


def test_group(frame):
    assert frame.groupby("name")["score"].mean().min() >= 0.5
