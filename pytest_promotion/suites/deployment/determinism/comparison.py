"""Two traces of what should be one run: recomputed from their bytes, compared, and where they part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any, Final

from pytest_promotion.canonical import canonical, digest
from pytest_promotion.errors import Unproven
from pytest_promotion.judgement import Judged, Judgement
from pytest_promotion.suites.deployment.determinism.documents import read
from pytest_promotion.suites.deployment.determinism.traces import Rooted, rooted

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN: Final = 80  # letters of a value that a divergence shows; its digest stands for the rest
_AUDIT: Final = ("audit", "root_hash", "steps")  # of a trace what is not hashed, or looked at by itself
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What two traces show: `against` says why they are not the same, `unknown` why nobody can tell.

    `steps` counts those that are equal. `image` is what the run says that it ran, None where it does not.
    """

    original: str | None = None
    replay: str | None = None
    steps: int = 0
    divergence: dict[str, Any] | None = None
    image: str | None = None
    against: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def judgement(self) -> Judgement:
        """Whether they are the same. Two traces without a step in common show nothing."""
        nothing = () if self.steps or self.against or self.unknown else ("no step was compared",)
        return Judgement(against=self.against, open_questions=self.unknown + nothing)

    @property
    def same(self) -> bool:
        """Whether it was shown that they are."""
        return self.judgement.status is Judged.PASS


def compare(run: bytes, replay: bytes, run_id: str) -> Comparison:
    """
    Holds the trace of a run and that of its replay against each other, both root hashes recomputed here.

    They are the same where both are of *run_id*, sealed, completed, say of themselves what their data says, and have
    one root hash over at least one step that was executed.
    """
    against: list[str] = []
    unknown: list[str] = []
    found: list[tuple[Rooted, dict[str, Any]]] = []
    for name, content in (("the run", run), ("the replay", replay)):
        try:
            trace = rooted(content, name)
        except Unproven as refusal:
            unknown.append(str(refusal))
            continue
        if trace.uncovered:
            unknown.append(
                f"{name} is of version {trace.version}, whose hash says nothing of {', '.join(trace.uncovered)}"
            )
            continue
        document = read(content, name)
        found.append((trace, document))
        against += _against(name, trace, document, run_id)
        unknown += _unknown(name, trace)
    if len(found) < 2:
        return Comparison(against=tuple(against), unknown=tuple(unknown))
    (ours, first), (theirs, second) = found
    divergence = None
    if ours.root != theirs.root:
        divergence = first_divergence(first, second)
        against.append(f"the replay differs from the run {_placed(divergence)}")
    image = first["metadata"].get("image")
    return Comparison(
        ours.root,
        theirs.root,
        _alike(first, second),
        divergence,
        image if isinstance(image, str) else None,
        tuple(against),
        tuple(unknown),
    )


def first_divergence(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """
    The first field that two version 2 traces with different root hashes do not have in common.

    Returns:
        `step` (None for what stands above the steps), `field` with the path inside it, and of what stands there on
        both sides the digest and the beginning, None where nothing does.
    """
    for step, ours, theirs in _pairs(first, second):
        place, mine, yours = _parting(ours, theirs)
        if place:
            return {"step": step, "field": place.removeprefix("."), "run": _told(mine), "replay": _told(yours)}
    counts = [len(trace["steps"]) for trace in (first, second)]
    run, replay = map(_told, counts)
    return {"step": min(counts), "field": "number of steps", "run": run, "replay": replay}


def _parting(ours: Any, theirs: Any) -> tuple[str, Any, Any]:
    """How deep the first difference of two values lies, and what it is; no path where there is none."""
    place = ""
    while True:
        items: Iterable[tuple[str, Any, Any]]
        if isinstance(ours, dict) and isinstance(theirs, dict):
            keys = sorted((ours.keys() | theirs.keys()) - ({*_AUDIT} if not place else set()))
            items = ((f".{key}", ours.get(key, _NOTHING), theirs.get(key, _NOTHING)) for key in keys)
        elif isinstance(ours, list) and isinstance(theirs, list):
            pairs = enumerate(zip_longest(ours, theirs, fillvalue=_NOTHING))
            items = ((f"[{number}]", mine, yours) for number, (mine, yours) in pairs)
        else:
            return place, ours, theirs
        for name, mine, yours in items:
            if _form(mine) != _form(yours):
                place, ours, theirs = place + name, mine, yours
                break
        else:
            return place, ours, theirs


def _pairs(
    first: dict[str, Any], second: dict[str, Any]
) -> Iterator[tuple[int | None, dict[str, Any], dict[str, Any]]]:
    yield None, first, second
    for number, (ours, theirs) in enumerate(zip(first["steps"], second["steps"], strict=False)):
        yield number, ours, theirs


def _alike(first: dict[str, Any], second: dict[str, Any]) -> int:
    """How many steps are equal before the first that is not."""
    steps = zip(first["steps"], second["steps"], strict=False)
    return sum(1 for _ in takewhile(lambda pair: not _parting(*pair)[0], steps))


def _against(name: str, trace: Rooted, document: dict[str, Any], run_id: str) -> Iterator[str]:
    if document.get("run") != run_id:
        yield f"{name} is of {document.get('run')!r}, not of {run_id!r}"
    if trace.declared is not None and _HASH.fullmatch(trace.declared) and not trace.holds:
        yield f"{name} declares the root hash {trace.declared[:16]}…, and its data has {trace.root[:16]}…"
    if trace.status == "failed":
        yield f"{name} failed"


def _unknown(name: str, trace: Rooted) -> Iterator[str]:
    if trace.declared is None or not _HASH.fullmatch(trace.declared):
        yield f"{name} is not sealed: its root hash is {trace.declared!r}"
    if not trace.steps:
        yield f"{name} has no steps: nothing was compared"
    elif all(step.get("outcome") == "skipped" for step in trace.steps):
        yield f"{name} skipped every step: nothing was compared"


def _form(value: Any) -> bytes | None:
    return None if value is _NOTHING else canonical(value)


def _told(value: Any) -> dict[str, str] | None:
    if value is _NOTHING:
        return None
    text = canonical(value).decode()
    return {"sha256": digest(value), "shown": text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"}


def _placed(divergence: dict[str, Any]) -> str:
    where = "" if divergence["step"] is None else f"step {divergence['step']}, "
    sides = [divergence[side]["shown"] if divergence[side] else "nothing" for side in ("run", "replay")]
    return f"at {where}{divergence['field']}: {sides[0]} became {sides[1]}"
