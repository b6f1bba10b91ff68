"""By which digest a candidate is the same one in decisions, deployments and approvals."""

from __future__ import annotations

from collections.abc import Mapping


def of_digest(digests: Mapping[str, str]) -> dict[str, str]:
    """The first of *digests* alone, by which the history finds a candidate: the commit, without its tree."""
    return dict(list(digests.items())[:1])
