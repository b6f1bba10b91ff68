"""The README is the first thing that is tried; what it shows must happen."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.variants import VARIANTS

pytestmark = pytest.mark.slow

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


def test_the_gate_of_the_readme_fails_as_shown(place):
    """A first example that does something else is the last one that is read."""
    gate = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    shown = re.search(r"```console\n\$ pytest gates\n(.*?)```", README, re.DOTALL)[1]
    place.write(test_model=gate)
    place.file("reports/eval.json", {"ts_utc": datetime.now(UTC).isoformat(), "precision": 0.87, "samples": 1000})
    result = place.run()
    said = re.sub(r"[0-9a-f]{12} |\d{8}T\d{6}Z", "", str(result.stdout)).splitlines()
    for line in re.sub(r"[0-9a-f]{12} |\d{8}T\d{6}Z", "", shown).splitlines():
        assert line in said
    assert result.ret == 1


def test_the_gate_of_the_readme_passes(place):
    """An example that can only fail shows nothing either."""
    place.write(test_model=re.search(r"```python\n(.*?)```", README, re.DOTALL)[1])
    place.file("reports/eval.json", {"ts_utc": datetime.now(UTC).isoformat(), "precision": 0.93, "samples": 1000})
    assert place.run().ret == 0
    place.file("reports/eval.json", {"ts_utc": datetime.now(UTC).isoformat(), "precision": 0.93, "samples": 10})
    assert place.run().ret == 1


@pytest.mark.parametrize("variant", re.findall(r"--demo (\w+)", README))
def test_the_variants_of_the_readme_are_there(variant):
    """A command of the README that is refused is the end of the visit."""
    assert variant in VARIANTS


def test_the_example_decision_is_what_the_demo_gives(tmp_path):
    """A committed example that no run gives any more teaches what is not so."""
    from fixtures.example import COMMITTED, comparable, decide

    fresh = decide(tmp_path)
    committed = json.loads((COMMITTED / "decision.json").read_text())
    assert comparable(committed) == comparable(fresh)
    assert "parity_thresholds" in (COMMITTED / "decision.md").read_text()
