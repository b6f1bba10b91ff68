"""What has to be enforced on a branch, as it is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_yaml
from pytest_promotion.evidence.files import read_given


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one branch. A check may be tied to the app that reports it, so that nobody else can."""

    checks: list[str]
    apps: dict[str, int] = {}  # from a check to the id of its app
    strict: bool = True  # the branch has to be up to date before it is merged
    approvals: int = 1
    code_owners: bool = False
    dismiss_stale: bool = True
    admins: bool = True  # the rules hold for administrators too


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    branches: dict[str, Wanted]


def load(path: Path) -> dict[str, Wanted]:
    """The branches in the YAML file at *path*. Raises `PolicyError`, also for rules that demand nothing."""
    try:
        found = msgspec.convert(parse_yaml(read_given(path, refusal=PolicyError), str(path)), _File).branches
    except (Unproven, msgspec.ValidationError) as problem:
        raise PolicyError(f"{path}: {problem}") from None
    if not found:
        raise PolicyError(f"{path} names no branch")
    for name, one in found.items():
        if not one.checks or not all(check.strip() for check in one.checks):
            raise PolicyError(f"{path}: {name} requires no check, or one without a name")
        if len(set(one.checks)) != len(one.checks) or set(one.apps) - set(one.checks):
            raise PolicyError(
                f"{path}: {name} requires a check twice, or ties an app to a check that it does not require"
            )
        if not 0 <= one.approvals <= 6:
            raise PolicyError(f"{path}: {name} wants {one.approvals} approvals; GitHub takes 0 to 6")
    return found
