"""The gallery of gates that cannot fail: every one is caught, and the page shows what is so."""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pytest

from fixtures.gallery.__main__ import main
from fixtures.gallery.build import GATES, build

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).resolve().parents[2] / "docs/explanation/gates-that-cannot-fail.md").read_text()
NAMES = sorted(path.stem.removeprefix("test_") for path in GATES.glob("test_*.py"))


@pytest.fixture
def table(place):
    """What proving says of the gallery, by gate."""
    shutil.rmtree(place.path / "evidence")
    build(place.path / "gallery")
    for part in ("gates", "reports"):
        (place.path / "gallery" / part).rename(place.path / part)
    place.run("--promotion-prove", "-W", "ignore")
    [path] = place.folder.glob("prove_*.json")
    return {gate["name"]: gate for gate in json.loads(path.read_bytes())["gates"]}


def test_every_bad_gate_is_caught_and_every_mended_one_proven(table):
    """A way of being green for nothing that proving misses is the one that is copied."""
    assert set(table) == {f"{name}{end}" for name in NAMES for end in ("", "_mended")}
    assert [name for name in NAMES if table[name]["proven"]] == []
    assert {name: table[f"{name}_mended"]["survivors"] for name in NAMES if not table[f"{name}_mended"]["proven"]} == {}


def test_the_page_shows_each_gate_and_what_is_said_of_it(table):
    """A page that shows code nobody ran teaches the next mistake."""
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    assert {title.lower().replace(" ", "_") for title in sections} == set(NAMES)
    for title, section in sections.items():
        name = title.lower().replace(" ", "_")
        source = (GATES / f"test_{name}.py").read_text()
        assert ast.get_docstring(ast.parse(source)) in section
        codes = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        assert codes
        for code in codes:
            assert code.strip() in source
        said = re.search(r"```text\n(.*?)```", section, re.DOTALL)[1].strip().splitlines()
        assert said == (table[name]["survivors"] or [table[name]["why_not"]])


def test_the_command_lays_it_out_once(tmp_path, capsys):
    """A second call must not overwrite what somebody has changed in order to learn."""
    assert main([str(tmp_path / "gallery")]) == 0
    assert "pytest gates --promotion-prove" in capsys.readouterr().out
    assert main([str(tmp_path / "gallery")]) == 2
