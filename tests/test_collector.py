"""The garbage collector is paused for large documents, and goes on afterwards whatever happened."""

from __future__ import annotations

import gc
import json
import threading

import pytest
import rfc8785

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.gc_pause import LARGE, Paused

LONG = json.dumps(["x" * 100] * (LARGE // 100))


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.enable()


@pytest.mark.parametrize("content", [LONG, LONG[:-2], f"{LONG[:-1]}, NaN]"], ids=["whole", "cut", "nan"])
def test_it_goes_on_after_a_document(content):
    """A session in which nothing is collected any more grows until it is killed."""
    try:
        parse_json(content.encode(), "x")
    except Unproven:
        assert content != LONG
    assert gc.isenabled()


def test_it_goes_on_after_what_has_no_canonical_form():
    """The refusal leaves in the middle of the work."""
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({"a": [float("nan")]})
    assert gc.isenabled()


def test_who_switched_it_off_keeps_it_off():
    """A program that collects at moments of its own choosing must not be collected in between."""
    gc.disable()
    with Paused(), Paused():
        assert not gc.isenabled()
    canonical([1])
    assert not gc.isenabled()


def test_threads_that_overlap_leave_it_on():
    """The second to come finds it off, and must not think that somebody wanted that."""
    inside, out = threading.Event(), threading.Event()

    def second():
        with Paused():
            inside.set()
            out.wait(120)

    with Paused():
        thread = threading.Thread(target=second)
        thread.start()
        inside.wait(120)
    assert gc.isenabled()
    out.set()
    thread.join()
    assert gc.isenabled()
