"""The cases of the suite: each is a small project in which the candidate is broken and the gate does not say so."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.util import find_spec
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
    """One way of going green; the head of `cases/published.yaml` says what each field means."""

    id: str
    what: str
    files: dict[str, str]
    group: str = ""
    number: int | None = None
    needs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ("gates",)
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    alone: bool = False
    apart: bool = False
    pipe: bool = False
    outer: bool = False
    ours: bool = False
    says: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What it can be chosen by."""
        return self.id, self.group, *([] if self.number is None else [str(self.number)])

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that it needs and that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)

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
    return tuple(sorted(_read(), key=lambda case: (case.number is None, case.number or 0)))


def _read() -> Iterator[Case]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    folder = resources.files("pytest_promotion.conformance").joinpath("cases")
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        content = yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506 - both are safe loaders
        for case in msgspec.convert(content, _Corpus).cases:
            yield msgspec.structs.replace(case, group=file.name.removesuffix(".yaml"))
