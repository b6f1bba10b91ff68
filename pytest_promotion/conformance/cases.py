"""The cases of the suite: each is a small project in which the candidate is broken and the gate does not say so."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

GOOD_EVIDENCE: Final = '{"score": 0.9}\n'
GOOD_GATE: Final = '''\
"""A gate that passes, so that a session has something to be green about."""

import json
import pathlib

import pytest


@pytest.mark.critical
def test_good():
    report = json.loads(pathlib.Path("evidence/good.json").read_text())
    assert report["score"] >= 0.5
'''
# Registered, so that no tool is red for a word that it does not know.
SETTINGS: Final = "[pytest]\nmarkers =\n    critical: blocks a promotion\n    warning: is reviewed\n"


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way of going green; the head of `cases.yaml` says what each field means."""

    id: str
    what: str
    files: dict[str, str]
    number: int | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    alone: bool = False
    apart: bool = False
    pipe: bool = False
    outer: bool = False
    says: str = ""

    def write(self, folder: Path) -> None:
        """Lays the case out in *folder*, as any tool can run it."""
        files = {"pytest.ini": SETTINGS, "evidence/good.json": GOOD_EVIDENCE, **self.files}
        if not self.alone:
            files["gates/test_good.py"] = GOOD_GATE
        (folder / "gates").mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


class _Corpus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    cases: tuple[Case, ...]


CONTROL: Final = Case(id="control", what="nothing is wrong", files={})


def corpus() -> tuple[Case, ...]:
    """Every case, the numbered ones first. Their ids are unique."""
    import yaml

    text = resources.files("pytest_promotion.conformance").joinpath("cases.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    cases = msgspec.convert(yaml.load(text, loader), _Corpus).cases  # noqa: S506 - both are safe loaders
    return tuple(sorted(cases, key=lambda case: (case.number is None, case.number or 0)))
