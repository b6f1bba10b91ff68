"""The threat model lists tests; here it is checked that they exist, without running them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "THREAT_MODEL.md").read_text(encoding="utf-8")
LISTED = re.findall(r"`(tests/[\w/]+\.py(?:::\w+)+)`", TEXT)
SECTIONS = re.split(r"^### ", TEXT.partition("## What is not protected")[0], flags=re.MULTILINE)[1:]


def names_in(path):
    """Test functions of a file as pytest names them, without parameters."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


@pytest.mark.parametrize("test_id", LISTED)
def test_every_listed_test_exists(test_id):
    """A threat that is covered by a test which was renamed or removed is not covered."""
    path, _, name = test_id.partition("::")
    assert (ROOT / path).is_file()
    assert name in names_in(ROOT / path)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split()[0])
def test_every_threat_names_tests(section):
    """A threat without a test is a claim."""
    assert [one for one in LISTED if f"`{one}`" in section]


def test_threats_are_numbered_without_gaps():
    """Other documents refer to a threat by its number."""
    assert [section.split()[0] for section in SECTIONS] == [f"T{number}" for number in range(1, len(SECTIONS) + 1)]
