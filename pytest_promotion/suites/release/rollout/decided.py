"""What a decision says of the thing that is deployed: its subject, and the configuration that was judged."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.resolving import CONFIGURATION
from pytest_promotion.trust.stored import StoredDecision, parse
from pytest_promotion.trust.verify import Case, case_at, kept


@dataclass(frozen=True, slots=True)
class Decided:
    """
    The subject of a decision by its name and digests, both empty where it names none.

    `taken_in` is the commit of the folder in which it was taken, empty where that was in no repository.
    `configuration` is the digest of the Compose configuration that was judged, empty where none was; `keys` has a
    short digest of each value of it, and `compose` what resolved it, where the evidence is still there.
    """

    name: str = ""
    digest: Mapping[str, str] = field(default_factory=dict)
    configuration: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    compose: str = ""
    taken_in: str = ""

    @property
    def commit(self) -> str:
        """The commit that it is about, empty where it is about something else."""
        return self.digest.get("gitCommit", "")

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file or image that it is about, empty where it is about something else."""
        return self.digest.get("sha256", "")

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(f'{kind}:{text[:12]}' for kind, text in self.digest.items())})"


def read(path: Path, digest: str) -> Decided:
    """
    What the decision at *path* says, which `verify` accepted when it had the SHA-256 *digest*.

    Raises:
        Refused: where it is another decision by now.
        Unproven: where it cannot be read.
    """
    case = case_at(path)
    if sha256(case.content).hexdigest() != digest:
        raise Refused(f"the decision {path} was replaced while it was read")
    decision = parse(case.content, case.name)
    subject, configuration = decision.subject, _configuration(decision)
    evidence = _evidence(decision, case, configuration) if configuration else {}
    keys = evidence.get("keys")
    return Decided(
        subject.name if subject else "",
        dict(subject.digest) if subject else {},
        configuration,
        keys if isinstance(keys, dict) else {},
        str(evidence.get("compose", "")),
        decision.git.commit or "",
    )


def _configuration(decision: StoredDecision) -> str:
    found = {
        str(one.value)
        for check in decision.checks
        if check.outcome == "PASS"
        for one in check.measurements
        if one.name == CONFIGURATION and one.ok
    }
    if len(found) > 1:
        raise Refused("the decision is about more than one Compose configuration")
    return found.pop() if found else ""


def _evidence(decision: StoredDecision, case: Case, configuration: str) -> dict[str, Any]:
    """The gate's list of keys, which it kept as evidence; empty where the vault does not have it."""
    paths = {path for check in decision.checks for path in check.evidence_paths if check.outcome == "PASS"}
    for artifact in decision.evidence_bundle.artifacts:
        if artifact.path in paths and artifact.in_vault:
            with contextlib.suppress(Unproven):
                found = parse_json(kept(case.vault)(artifact.sha256), artifact.path)
                if isinstance(found, dict) and found.get(CONFIGURATION) == configuration:
                    return found
    return {}
