"""Who judged stands in the decision: the sources of gates, conftests and local plugins, and the versions of suites."""

from __future__ import annotations

import pytest

GATE = """
    import pytest

    @pytest.mark.critical
    def test_score(artifact):
        assert artifact("evidence/good.json")["score"] >= {}
"""


def bundle_id(place):
    """The bundle id of the latest decision."""
    return place.latest()["evidence_bundle"]["evidence_bundle_id"]


def test_a_gate_that_is_weakened_has_another_bundle_id(good_place):
    """A threshold of 0 in an uncommitted edit was the same subject, the same id, signed, and valid."""
    good_place.write(test_score=GATE.format("0.5")).run()
    before = bundle_id(good_place)
    good_place.run()
    assert bundle_id(good_place) == before
    good_place.write(test_score=GATE.format("0.0")).run()
    assert good_place.latest()["status"] == "PASS"
    assert bundle_id(good_place) != before


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("conftest.py", "LIMIT = 0\n"),
        ("gates/conftest.py", "LIMIT = 0\n"),
        ("gates/helpers/limits.py", "LIMIT = 0\n"),
    ],
)
def test_what_gates_are_made_of_judges_as_well(good_place, path, content):
    """A conftest can turn every outcome, and a helper holds the thresholds."""
    good_place.run()
    before = bundle_id(good_place)
    good_place.file(path, content)
    good_place.run()
    assert path in {one["path"] for one in good_place.latest()["judges"]["sources"]}
    assert bundle_id(good_place) != before


def test_a_local_plugin_judges(good_place):
    """`-p` loads what can turn every outcome, too."""
    good_place.file("local_plugin.py", "def pytest_configure(): pass\n")
    good_place.run("-p", "local_plugin", apart=True)
    assert "local_plugin.py" in {one["path"] for one in good_place.latest()["judges"]["sources"]}


def test_a_source_that_changes_in_the_run_is_named(good_place):
    """What was run is then not what is listed."""
    good_place.write(
        test_writer="""
        import pathlib
        import pytest

        @pytest.mark.critical
        def test_writer(artifact):
            pathlib.Path("gates/test_good.py").write_text("# nothing\\n")
            assert artifact("evidence/good.json")["score"] >= 0.5
        """
    )
    good_place.run()
    latest = good_place.latest()
    assert latest["status"] == "FAIL"
    assert "gates/test_good.py judges, and changed during the run" in latest["reasons"]


def test_workers_do_not_change_who_judges(good_place):
    """The same gates and evidence have one id, wherever they ran."""
    good_place.run()
    before = good_place.latest()["judges"]
    good_place.run("-n1", apart=True)
    assert good_place.latest()["judges"] == before
    assert before["sources"]
