"""
What a candidate rests on: its files, named with their digests when it is created, and read again when it is judged.

Paths are relative to a base folder that is named too, so that the same bytes are judged wherever the evaluation is
started, or none. `bundle_path` and what the bundle and the execution evidence themselves name are all part of it.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import an_object, csv_rows, parse_json
from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.evidence.typed import converted
from pytest_promotion.suites.research.bundle import ValidationBundle
from pytest_promotion.suites.research.gating import impossible
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.recomputed import SERIES, contradictions, deflation
from pytest_promotion.suites.research.series import Series, labels

if TYPE_CHECKING:
    from pytest_promotion.evidence.vault import Vault

BUNDLE: Final = "validation_bundle_path"
REALITY: Final = "rc_summary_path"
REGIMES: Final = "ic_summary_by_regime_path"
EXECUTION: Final = "execution_evidence_path"
CURVE: Final = "capacity_curve_path"
SWEEP: Final = "sweep_panel_path"
STATES: Final = "regime_states_path"
DELAYED: Final = "delayed_ic_path_by_horizon"
FILES: Final = (BUNDLE, REALITY, SWEEP, EXECUTION)  # what whoever creates a candidate names; the rest these name


@dataclass(frozen=True, slots=True)
class Case:
    """What the files of a candidate say, and the digest of each."""

    bundle: ValidationBundle
    rc_summary: Mapping[str, Any] | None
    regime_summary: tuple[Mapping[str, Any], ...] | None
    execution_evidence: Mapping[str, Any] | None
    capacity_curve_readable: bool
    digests: Mapping[str, str]
    sweep: Panel | None = None
    series: Mapping[int, Series] = field(default_factory=dict)  # the coefficients by horizon
    delayed: Mapping[int, Series] = field(default_factory=dict)  # the same, of the signal one bar late
    regimes: Mapping[datetime, str] | None = None
    capacity_curve: tuple[Mapping[str, str], ...] = ()


class _Artifact(msgspec.Struct, frozen=True):
    """A file as it was named when the candidate was created."""

    path: str
    sha256: str


class _Evidence(msgspec.Struct, frozen=True):
    """The form of what `named` makes."""

    base: str
    artifacts: dict[str, _Artifact]


def named(files: Mapping[str, str | os.PathLike[str]], base: Path) -> dict[str, Any]:
    """
    The evidence of a candidate, for `create_candidate`: *files* by what they are (see `FILES`), below *base*.

    Raises:
        Unproven: for a file that is not there or outside of *base*, also one that another of them names, and for a
            bundle or execution evidence that cannot be read.
    """
    root = Root(base)
    artifacts: dict[str, Any] = {}

    def add(kind: str, path: str | os.PathLike[str]) -> bytes:
        relative, content, found = read_relative(root, path)
        artifacts[kind] = {"path": relative, "sha256": found, "size_bytes": len(content)}
        return content

    if BUNDLE not in files:
        raise Unproven("a candidate needs a validation bundle: without one there is nothing to judge")
    for kind, path in files.items():
        content = add(kind, path)
        if kind == BUNDLE:
            for name, inner in _flat(ValidationBundle.read(content, str(path)).paths):
                add(name, inner)
        if kind == EXECUTION:
            curve = _object(content, str(path)).get(CURVE)
            if isinstance(curve, str) and curve:
                add(CURVE, curve)
    return {"version": 1, "base": root.real, "artifacts": artifacts}


def read_case(evidence: Any, base: Path | None = None, vault: Vault | None = None) -> Case:
    """
    The case that *evidence* names, from the files below its own base or below *base*, each kept in *vault*.

    Raises:
        Unproven: where nothing is named, where a file is gone, changed or no whole document, where the bundle's
            figures are not those of its series, and where the reality check is not of the sweep.
    """
    root, artifacts = named_files(evidence, base)
    contents, digests = {}, {}
    for kind, artifact in artifacts.items():
        _, content, found = read_relative(root, artifact.path)
        if found != artifact.sha256:
            raise Unproven(f"{artifact.path} changed since the candidate was created: it was {artifact.sha256}")
        if vault is not None:
            vault.keep(found, content)
        contents[kind], digests[kind] = content, found
    return case_of(contents, digests)


def case_of(contents: Mapping[str, bytes], digests: Mapping[str, str], bundle: ValidationBundle | None = None) -> Case:
    """
    The case that *contents* make, the bytes of the files by what they are. *bundle* stands for one that is not there.

    Raises:
        Unproven: where one is no whole document, where a figure is impossible or not that of its series, and where the
            reality check is not of the sweep.
    """
    try:
        bundle = bundle or ValidationBundle.read(contents[BUNDLE], BUNDLE)
    except (Unproven, KeyError) as problem:
        raise Unproven(f"could not load ValidationBundle from path: {problem}") from None
    wrong = [
        *(
            problem
            for horizon, figures in bundle.ic_summary_by_horizon.items()
            for problem in impossible(figures, f" (horizon {horizon})")
        ),
        *contradictions(bundle, contents),
    ]
    luck = _object(contents[REALITY], REALITY) if REALITY in contents else None
    sweep = Panel.read(contents[SWEEP], SWEEP) if SWEEP in contents else None
    if luck is not None and sweep is not None:
        if sweep.sha256 != luck.get("data_sha256"):
            wrong.append("the reality check was of other data than the sweep")
        elif isinstance(luck.get("rc_horizon"), int):
            wrong += deflation(bundle, sweep, luck["rc_horizon"])
    if wrong:
        raise Unproven("; ".join(wrong))
    curve = tuple(dict(row) for row in csv_rows(io.BytesIO(contents[CURVE]), CURVE)) if CURVE in contents else ()
    return Case(
        bundle,
        luck,
        tuple(_regimes(contents[REGIMES])) if REGIMES in contents else None,
        _object(contents[EXECUTION], EXECUTION) if EXECUTION in contents else None,
        bool(curve),
        digests,
        sweep,
        _by_horizon(contents, SERIES, bundle),
        _by_horizon(contents, DELAYED, bundle),
        labels(contents[STATES], STATES) if STATES in contents else None,
        curve,
    )


def _by_horizon(contents: Mapping[str, bytes], kind: str, bundle: ValidationBundle) -> dict[int, Series]:
    return {
        horizon: Series.read(contents[name], name)
        for horizon in bundle.horizons
        if (name := f"{kind}.{horizon}") in contents
    }


def is_named(text: str | None) -> bool:
    """Whether the evidence of a row names its files with digests, as `named` does."""
    try:
        named_files(json.loads(text or "null"), Path())
    except (ValueError, Unproven):
        return False
    return True


def demand_match(case: Case, row: Mapping[str, Any]) -> None:
    """Raises `Unproven` where the files are about another run, dataset, signal, horizon or family than *row*."""
    if unlike := list(_unlike(case, row)):
        raise Unproven("; ".join(unlike))


def named_files(evidence: Any, base: Path | None) -> tuple[Root, dict[str, _Artifact]]:
    """Below what, and which files."""
    if not evidence:
        raise Unproven("the candidate names no evidence")
    # Other tools name theirs without digests.
    found = converted(evidence, _Evidence, "the candidate's evidence is not named as `promotion create` does it")
    return Root(base or Path(found.base)), found.artifacts


def read_relative(root: Root, path: str | os.PathLike[str]) -> tuple[str, bytes, str]:
    """The path below *root*, the bytes there, and their digest."""
    asked = os.fspath(path)
    # A path is given from where somebody stands, or from the base: only the second names the same file tomorrow.
    relative = os.path.relpath(os.path.realpath(asked), root.real) if os.path.isabs(asked) else asked
    relative = root.relative(relative)
    try:
        found = read(root, relative)
    except FileNotFoundError:
        raise Unproven(f"{relative} is not there, below {root.real}") from None
    if found.content is None:
        raise Unproven(f"{relative} has {found.size_bytes} bytes: too large to be read as a document")
    return relative, found.content, found.sha256


def _flat(paths: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in paths.items():
        inner = value if isinstance(value, dict) else {"": value}
        for key, path in inner.items():
            if not isinstance(path, str) or not path:
                raise Unproven(f"the bundle's {name} is {path!r}, expected a path")
            yield f"{name}.{key}" if key else name, path


def _object(content: bytes, origin: str) -> dict[str, Any]:
    return an_object(parse_json(content, origin), origin)


def _regimes(content: bytes) -> Iterator[dict[str, Any]]:
    for row in csv_rows(io.BytesIO(content), REGIMES):
        yield {name: _figure(cell) if name != "regime" else cell for name, cell in row.items()}


def _figure(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _unlike(case: Case, row: Mapping[str, Any]) -> Iterator[str]:
    """In what the files are about something else than the candidate."""
    bundle = case.bundle
    for name in ("run_id", "dataset_id", "signal_name"):
        found = getattr(bundle, name)
        if found != row.get(name):
            yield f"the bundle's {name} is {found}, the candidate's {row.get(name)}"
    if row.get("horizon") not in bundle.horizons:
        yield f"the bundle has no horizon {row.get('horizon')}, it has {', '.join(map(str, bundle.horizons))}"
    for name in ("config_hash", "git_commit"):
        if (said := bundle.meta.get(name)) not in {None, row.get(name)}:
            yield f"the bundle's {name} is {said}, the candidate's {row.get(name)}"
    if case.rc_summary is not None:
        yield from _other_luck(case.rc_summary, row)


def _other_luck(luck: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[str]:
    """In what the reality check is about something else than the candidate."""
    family, horizon, tried = luck.get("family_id"), luck.get("rc_horizon"), luck.get("hypothesis_ids")
    if (family or None) != row.get("family_id"):
        yield f"the reality check's family_id is {family}, the candidate's {row.get('family_id')}"
    if horizon not in {None, row.get("horizon")}:
        yield f"the reality check's horizon is {horizon}, the candidate's {row.get('horizon')}"
    if not isinstance(tried, list) or row.get("signal_name") not in tried:
        yield f"{row.get('signal_name')} is not among what the reality check tried"
    if row.get("family_id") and not luck.get("rw_adjusted_p_values"):
        yield f"the reality check does not say of {row.get('signal_name')} by itself whether it is luck"
