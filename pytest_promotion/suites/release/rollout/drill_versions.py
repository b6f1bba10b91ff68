"""The two versions of a drill: commits, or images by their digests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.provenance import for_git
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.plan import Plan

_IMAGE: Final = re.compile(r"(\S+)@sha256:([0-9a-f]{64})")
_PLACEHOLDER: Final = "{image}"


def of(plan: Plan, first: str, second: str) -> tuple[Decided | None, Decided | None]:
    """
    What *first* and *second* name; None for what lies in the folder of *plan*.

    Raises:
        Unproven: for what is not there, and for a target of programs where one of two versions cannot be known.
    """
    if plan.command is None:
        for text in (first, second):
            if _IMAGE.fullmatch(text):
                raise Unproven(f"{text}: a drill with Compose makes its images itself, or takes them from commits")
        return _version(first, plan), _version(second, plan)
    images = any(_PLACEHOLDER in word for word in plan.command.apply)
    if images and not (_IMAGE.fullmatch(first) and _IMAGE.fullmatch(second)):
        raise Unproven(f"apply deploys {_PLACEHOLDER}: name two by --from NAME@sha256:HEX and --to NAME@sha256:HEX")
    return _version(first or "HEAD^", plan), _version(second, plan)


def _version(text: str, plan: Plan) -> Decided | None:
    if not text:
        return None
    if found := _IMAGE.fullmatch(text):
        return Decided(found[1], {"sha256": found[2]})
    return Decided("commit", {"gitCommit": _commit(text, plan.root, plan)})


def _commit(text: str, root: Path, plan: Plan) -> str:
    words = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=60, check=False, env=for_git(plan.environment)
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Unproven(f"git does not answer about {text}: {problem}") from None
    if done.returncode != 0:
        raise Unproven(f"there is no commit {text}: a drill goes from one version to another; name one by --from")
    return done.stdout.strip()
