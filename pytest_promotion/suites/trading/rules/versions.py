"""A policy whose id ends with a version is of that version."""

from __future__ import annotations

import re
from collections.abc import Iterator


def of_another_version(path: str, version: int, policy_id: str) -> Iterator[str]:
    """The sentence where the id of the policy at *path* ends with another version than it states."""
    ending = re.search(r"_v(\d+)$", policy_id)
    if ending and int(ending[1]) != version:
        yield f"{path}: version is {version}, and policy_id {policy_id!r}"
