"""The knowledge base of a repository, by the policy of its benchmark; without one, its gates do not apply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.release import of_project, thresholds
from pytest_promotion.suites.release.adoption.part import Part
from pytest_promotion.suites.release.adoption.repository import Repository, joined, parent_of
from pytest_promotion.suites.release.knowledge import record

POLICY: Final = "kb_benchmark_policy.json"
GATES: Final = ("threshold_change_governance", "kb_benchmark", "kb_drift")
_APPROVED: Final = "kb_benchmark_policy.approved.json"
_RECORDS: Final = {
    "docs/Ops/KB_Weekly_Review_Checklist.md": "KB_Weekly_Review_Checklist.md",
    "docs/Ops/KB_Monthly_Checkpoints/README.md": "KB_Monthly_Checkpoints.md",
    "docs/QA/README.md": "QA.md",
}


def knowledge_base(repository: Repository) -> Part:
    """The settings of the gates of the knowledge base, the approved policy pinned by its digest."""
    part = Part()
    found = repository.files_called(POLICY)
    if not found:
        for gate in GATES:
            part.leave_out(gate, "this repository has no knowledge base", no_files=list(of_project.KNOWLEDGE))
        part.notes.append(f"knowledge base: none, there is no {POLICY}")
        return part
    path = found[0]
    approved = joined(parent_of(path), _APPROVED)
    part.set("threshold_change_governance", policy=path, approved=approved, approved_sha256=None)
    part.notes.append(f"knowledge base: {path}")
    part.files |= {
        place: content
        for place, content in _records()
        if place not in repository.files and repository.text(place) == ""
    }
    try:
        source = approved if approved in repository.files else path
        content = (repository.root / source).read_bytes()
        policy = thresholds.checked(repository.document(source), source)
        part.set("threshold_change_governance", approved_sha256=thresholds.sha256(policy))
    except (OSError, Unproven, PolicyError) as problem:
        part.notes.append(f"the policy of the knowledge base is not pinned: {problem}")
        return part
    if source == path:
        part.files[approved] = content
        part.notes.append(f"the policy of the knowledge base is approved as it is: {PurePosixPath(approved).name}")
    _benchmark(part, path, policy)
    return part


def _records() -> Iterator[tuple[str, bytes]]:
    """The documents that a knowledge base is reviewed by, each with its place."""
    folder = Path(__file__).with_name("records")
    for place, name in _RECORDS.items():
        yield place, (folder / name).read_bytes()
    yield f"docs/Ops/{record.MONTHLY}", (record.TEMPLATES / record.MONTHLY).read_bytes()


def _benchmark(part: Part, path: str, policy: thresholds.Policy) -> None:
    """What the benchmark is held to in each profile is what its policy says; a gate finds whatever is lower."""
    part.set("kb_benchmark", policy=path)
    for profile in ("staging", "prod"):
        rules = policy.get(profile, {})
        limits = {name: rules[name] for name in ("cases", *thresholds.NUMBERS, "min_queries") if name in rules}
        # A profile may change what is there, and set nothing that is not.
        part.set("kb_benchmark", **limits)
        severity = {"optional": "warning", "required": "critical"}.get(str(rules.get("mode")))
        settings = {"thresholds": limits} | ({"severity": severity} if severity else {})
        part.profiles[profile] = {"gates": {"kb_benchmark": settings}}
        part.profiles[profile]["refresh"] = ["kb_benchmark"]
