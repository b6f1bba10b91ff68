"""
The gates that a stage brings: `promoted_from[BEFORE]` and `approved_for[STAGE]`.

They are no tests of the project: what they judge is collected from the history, and kept as evidence under a name below
`.promotion/`. A replay without a history judges what was kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.custody import approvals, promoted
from pytest_promotion.custody.approvals import StageApproval
from pytest_promotion.custody.promoted import Source
from pytest_promotion.custody.subjects import of_digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.evidence.typed import converted
from pytest_promotion.history.log import NAME as LOG
from pytest_promotion.model import (
    Exhibit,
    Gate,
    GateResult,
    Judged,
    Measurement,
    Outcome,
    Proven,
    Record,
    Severity,
    Subject,
)
from pytest_promotion.policy import Policy
from pytest_promotion.trust.waivers import signers_of

EVIDENCE: Final = ".promotion"  # the folder that evidence of these gates is listed under


def results(policy: Policy, subject: Subject | None, source: Source, root: Path) -> Iterator[GateResult]:
    """
    What became of each gate that the stage of *policy* brings.

    Args:
        root: the promotion root, where a replay has the evidence of the decision that it repeats.

    Raises:
        Unproven: where the evidence cannot be kept.
    """
    for name in policy.built_in:
        judge = _promoted if name.startswith("promoted_from[") else _approved
        if subject is None:
            why = "the candidate has no digest by which the decisions of other stages could be about it"
            yield GateResult(_gate(name, "", ""), Outcome.INCONCLUSIVE, f"{why}: name it by --promotion-subject")
        else:
            yield judge(name, policy, subject, source, root)


def _promoted(name: str, policy: Policy, subject: Subject, source: Source, root: Path) -> GateResult:
    rules = policy.stages[policy.stage]
    before = rules.after or ""
    gate = _gate(name, f"The candidate passed {before}, and soaked there.", "promotion status")
    place = f"{EVIDENCE}/promoted_from/{before}.json"
    kept = _kept(root / place, source)
    if kept is not None:
        facts = promoted.parse(kept, place)
    else:
        keys = tuple(key.content for key in policy.keys.get(before, ()))
        facts = promoted.collect(before, policy.stage_profiles[before], subject.digest, source, keys)
    if facts.subject != of_digest(subject.digest):
        facts = promoted.Facts(
            stage=before, subject=of_digest(subject.digest), unknown=[f"{place} is about another candidate"]
        )
    artifact = _keep(place, facts.content(), source)
    found = promoted.judge(facts, rules, source.now, policy.rules.timestamps.skew)
    soaked = []
    if found.soak is not None and found.soaked is not None:
        enough = found.soaked >= found.soak
        soaked = [Measurement("soaked_s", round(found.soaked, 3), ">=", found.soak, enough)]
    record = Record(exhibits=(artifact,), measurements=tuple(soaked), judged=Judged(judgements=1))
    sentences = (*found.against, *found.unknown)
    outcome = Outcome.FAIL if found.against else Outcome.INCONCLUSIVE if found.unknown else Outcome.PASS
    return GateResult(gate, outcome, "; ".join(sentences) or found.reason, record=record, proof=Proven(""))


def _approved(name: str, policy: Policy, subject: Subject, source: Source, root: Path) -> GateResult:
    wanted = policy.stages[policy.stage].approvals
    fix = f"promotion approve {policy.stage} --as NAME --ssh-key KEYFILE"
    gate = _gate(name, f"People approved it for {policy.stage}.", fix)
    place = f"{EVIDENCE}/approved_for/{policy.stage}.json"
    try:
        kept = _kept(root / place, source)
        if kept is not None:
            rows = converted(parse_json(kept, place), list[StageApproval], f"{place} is no list of approvals")
        else:
            rows = approvals.of(source.folder, policy.stage, subject.digest)
        artifact = _keep(place, canonical(msgspec.to_builtins(rows)) + b"\n", source)
        record = Record(exhibits=(artifact,), judged=Judged(judgements=1))
    except Unproven as problem:
        return GateResult(gate, Outcome.INCONCLUSIVE, str(problem))
    try:
        people = approvals.check(rows, policy.stage, subject.digest, signers_of(policy), wanted, source.now)
    except (Unproven, PolicyError) as problem:
        return GateResult(gate, Outcome.FAIL, str(problem), record=record)
    names = ", ".join(one.name for one in people)
    return GateResult(gate, Outcome.PASS, f"approved by {names}", record=record, proof=Proven(""))


def _gate(name: str, rule: str, fix: str) -> Gate:
    return Gate(name, Severity.CRITICAL, rule=rule, fix=fix, built_in=True)


def _kept(place: Path, source: Source) -> bytes | None:
    """What a decision that is repeated has judged; None where the history is there."""
    if not source.replay or (source.folder / LOG).exists():
        return None
    try:
        return read_file(place)
    except OSError:
        return None


def _keep(place: str, content: bytes, source: Source) -> Exhibit:
    digest = sha256(content).hexdigest()
    source.vault.keep(digest, content)
    return Exhibit(place, digest, len(content), exists=True)
