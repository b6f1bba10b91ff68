"""The stages of a policy: which order they stand in, and which profile the decisions of each are of."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError
from pytest_promotion.policy.document import Document
from pytest_promotion.policy.resolving import DEFAULT_PROFILE
from pytest_promotion.policy.shape import Stage

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # part of the ids of gates and of names of files


def read_stages(document: Document, of_suites: Collection[str] = ()) -> dict[str, Stage]:
    """
    The stages of *document*, in the order in which they stand there.

    Args:
        of_suites: the profiles that the suites of the policy have.

    Raises:
        PolicyError: with the line and the nearest name.
    """
    stages = msgspec.convert(document.data.get("stages", {}), dict[str, Stage])
    for name, stage in stages.items():
        where = document.where(("stages", name))
        if not _NAME.fullmatch(name):
            raise PolicyError(f"{where}: the stage {name!r} is not a name: expected letters, digits and . _ -")
        if stage.after is not None and stage.after not in stages:
            where = document.where(("stages", name, "after"))
            raise PolicyError(f"{where}: stages.{name}.after: no stage {stage.after!r}{_hint(stage.after, stages)}")
        _check_soak(name, stage, document)
        if "any" in stage.approvals and len(stage.approvals) > 1:
            where = document.where(("stages", name, "approvals", "any"))
            raise PolicyError(
                f"{where}: stages.{name}.approvals: `any` cannot stand beside other roles; give the number of each role"
            )
        known = _profiles(document, of_suites)
        if stage.profile is not None and stage.profile not in known:
            where = document.where(("stages", name, "profile"))
            hint = _hint(stage.profile, known)
            raise PolicyError(f"{where}: stages.{name}.profile: no profile {stage.profile!r}{hint}")
    for name in stages:
        _refuse_cycle(name, stages, document)
    return stages


def profile_of(
    stage: str, stages: Mapping[str, Stage], profile: str | None, document: Document, of_suites: Collection[str] = ()
) -> str:
    """
    The profile of a decision about *stage*: its own, the one of its name, or `default` where there is none of its name.

    Args:
        stage: "" for a decision about none, which is of *profile* or of `default`.
        profile: the requested one, which has to be that of the stage.

    Raises:
        PolicyError: where there is no such stage, or it has another profile.
    """
    if not stage:
        return profile or DEFAULT_PROFILE
    if stage not in stages:
        name = document.path or "the built-in policy"
        raise PolicyError(f"{name} has no stage {stage!r}{_hint(stage, stages)}")
    by_name = stage if stage in _profiles(document, of_suites) else DEFAULT_PROFILE
    own = stages[stage].profile or by_name
    if profile not in (None, own):
        raise PolicyError(f"the stage {stage} is decided by the profile {own}, not by {profile}")
    return own


def built_in_gates(stage: str, stages: Mapping[str, Stage]) -> tuple[str, ...]:
    """The ids of the gates that *stage* brings, none for ""."""
    if stage not in stages:
        return ()
    rules = stages[stage]
    after = (f"promoted_from[{rules.after}]",) if rules.after else ()
    return (*after, f"approved_for[{stage}]") if rules.approvals else after


def refuse_approvals(stages: Mapping[str, Stage], document: Document) -> None:
    """Refuses stages that ask for approvals in a policy without signers. Raises `PolicyError`."""
    for name, stage in stages.items():
        if stage.approvals:
            where = document.where(("stages", name, "approvals"))
            raise PolicyError(f"{where}: stages.{name}.approvals need `signers`, a file of who may approve")


def _profiles(document: Document, of_suites: Collection[str]) -> set[str]:
    return {DEFAULT_PROFILE, *document.data.get("profiles", {}), *of_suites}


def _check_soak(name: str, stage: Stage, document: Document) -> None:
    if stage.soak is None:
        return
    where = document.where(("stages", name, "soak"))
    if stage.after is None:
        raise PolicyError(f"{where}: stages.{name}.soak needs `after`, the stage in which the candidate soaks")
    try:
        parse_duration(stage.soak)
    except PolicyError as problem:
        raise PolicyError(f"{where}: stages.{name}.soak: {problem}") from None


def _refuse_cycle(name: str, stages: Mapping[str, Stage], document: Document) -> None:
    passed = [name]
    while (after := stages[passed[-1]].after) is not None:
        passed.append(after)
        if after == name:
            where = document.where(("stages", name, "after"))
            raise PolicyError(f"{where}: stages follow each other in a circle: {' > '.join(passed)}")
        if passed.count(after) > 1:
            return  # a circle that *name* is not in, refused at those that are


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known)) or 'none'}"
