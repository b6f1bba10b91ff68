"""What suites find in a project that is there already: settings of its policy, and lines for a person to add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from pytest_promotion.scaffold.edits import Edit
from pytest_promotion.suites import Adoption, Suite


def adopted(suites: Sequence[Suite], root: Path) -> list[Adoption]:
    """What each of *suites* finds at *root*; those whose layout is not there are not asked."""
    found = []
    for suite in suites:
        if suite.adopts and all((root / path).is_file() for path in suite.layout):
            module, _, function = suite.adopts.partition(":")
            found.append(getattr(import_module(module), function)(root))
    return found


def workflows(suites: Sequence[Suite], root: Path, kind: str, gates: str) -> list[Adoption]:
    """What each of *suites* has for the CI system *kind*."""
    found = []
    for suite in suites:
        if kind in suite.ci:
            module, _, function = suite.ci[kind].partition(":")
            found.append(getattr(import_module(module), function)(root, kind, gates))
    return found


def as_yaml(adoptions: Sequence[Adoption]) -> str:
    """The settings of *adoptions* as lines of a policy."""
    settings: dict[str, Any] = {}
    for adoption in adoptions:
        settings = _joined(settings, adoption.settings)
    if not settings:
        return ""
    text = yaml.dump(settings, Dumper=_WithoutAliases, sort_keys=False, default_flow_style=None, width=110)
    return f"\n# Found in this project.\n{text}"


class _WithoutAliases(yaml.SafeDumper):
    """Writes what stands at two places twice: people edit one of them."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _joined(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, mappings key by key and lists one after the other: two suites may bring producers."""
    found = dict(known)
    for key, value in more.items():
        before = found.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = _joined(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[key] = [*before, *(item for item in value if item not in before)]
        else:
            found[key] = value
    return found


def edits(adoptions: Sequence[Adoption], root: Path) -> Iterator[Edit]:
    """The lines that *adoptions* leave to a person."""
    for adoption in adoptions:
        for path, lines in adoption.lines.items():
            yield Edit(root / path, lines, None)
