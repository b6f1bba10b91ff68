"""
May this decision be acted on now?

The question of whoever deploys, asked of a file and of nothing else: no network, no session,
no gate. Each check gives sentences; one against is a no, one that could not be judged is no yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import FUTURE_SKEW, BadTimestamp, iso, parse_moment
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import PolicyError, Unfinished, Unproven
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.policy import Policy, PolicySource
from pytest_promotion.text import listed
from pytest_promotion.trust import overrides, required_gates, signing
from pytest_promotion.trust.contradictions import contradictions
from pytest_promotion.trust.keys import PublicKey
from pytest_promotion.trust.references import by_digest_only, judged
from pytest_promotion.trust.stored import StoredDecision, parse
from pytest_promotion.trust.waiver_check import judged_again
from pytest_promotion.trust.waivers import signers_of

_STEP: Final = 2**20
_SUBJECT: Final = re.compile(r"(?:(?P<name>[^=]+)=)?(?P<kind>[A-Za-z0-9]+):(?P<hex>[0-9a-f]{40,128})")


@dataclass(frozen=True, slots=True)
class Case:
    """A decision with what lies beside it. `envelopes` is None where it is not signed, `folder` where it is in none."""

    name: str
    content: bytes
    envelopes: bytes | None
    vault: Vault
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Demands:
    """What whoever asks knows better than the decision."""

    at: datetime
    subject: str = ""  # [NAME=]sha256:HEX or gitCommit:HEX; "" for any
    policy_sha256: str = ""  # of the policy file, or of its resolved rules
    keys: Sequence[PublicKey] = ()
    threshold: int = 1
    refuse_weakened: bool = False
    signers: PolicySource | None = None  # instead of those that were kept with the decision


@dataclass(frozen=True, slots=True)
class Answer:
    """`against` says why not, `unknown` what could not be told, `notes` what a yes does not cover."""

    decision: StoredDecision | None
    against: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    without: tuple[str, ...] = ()  # the flags by which it does without a demand, each with what that hides
    policy: Policy | None = field(default=None, compare=False, repr=False)  # None where it cannot be resolved again
    overridden: str = ""  # by whom, where that is so: the decision still says FAIL, and `yes` is false

    @property
    def yes(self) -> bool:
        """Whether every check was made and none was against."""
        return self.decision is not None and not self.against and not self.unknown

    def document(self) -> dict[str, Any]:
        """The answer as plain values."""
        decision = self.decision
        return {
            "may_act": self.yes,
            "overridden": self.overridden or None,
            "against": list(self.against),
            "unknown": list(self.unknown),
            "notes": list(self.notes),
            "done_without": list(self.without),
            "signers": list(self.signers),
            "run_id": decision.run_id if decision else None,
            "status": decision.status if decision else None,
            "subject": {"name": decision.subject.name, "digest": dict(decision.subject.digest)}
            if decision and decision.subject
            else None,
            "evidence_bundle_id": decision.evidence_bundle.evidence_bundle_id if decision else None,
            "valid_until": decision.valid_until.ts_utc if decision and decision.valid_until else None,
        }


@dataclass(slots=True)
class _Findings:
    against: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    signers: tuple[str, ...] = ()


def case_at(path: Path, vault: Vault | None = None) -> Case:
    """The decision in the file at *path*, with its envelopes and its vault beside it. Raises `Unproven`."""
    from pytest_promotion.reporting.publishing import SIGNED
    from pytest_promotion.trust.stored import read_content

    content = read_content(path)
    beside = path.with_suffix(SIGNED)
    envelopes = signing.read(beside) if beside.exists() else None
    return Case(path.name, content, envelopes, vault or Vault(path.parent / "evidence"), path.parent)


def verify(case: Case, demands: Demands) -> Answer:
    """Whether the decision of *case* may be acted on at `demands.at`."""
    found = _Findings()
    try:
        decision = parse(case.content, case.name)
    except Unfinished as refusal:
        return Answer(None, against=(str(refusal),))  # it has decided nothing, which is an answer
    except Unproven as refusal:
        return Answer(None, unknown=(str(refusal),))  # it is not even a decision
    found.against += _said(decision)
    found.against += contradictions(decision)
    policy = _policy_of(decision, case)
    skew = FUTURE_SKEW if isinstance(policy, Unproven) else policy.rules.timestamps.skew
    _judge_time(decision, demands.at, skew, found)
    _judge_subject(decision, demands.subject, found)
    _judge_policy(decision, policy, demands, found)
    _judge_artifacts(decision, case.vault, found)
    if unkept := by_digest_only(decision):
        found.notes.append(unkept)
    _judge_signature(decision, case, demands, found)
    if decision.weakened:
        weakened = f"it was weakened: {listed(decision.weakened, separator='; ')}"
        (found.against if demands.refuse_weakened else found.notes).append(weakened)
    for waiver in decision.waivers:
        who = listed([one.get("name", "?") for one in waiver.approvers])
        found.notes.append(f"{waiver.gate} is waived until {waiver.expires} by {who}: {waiver.reason}")
    return Answer(
        decision,
        tuple(found.against),
        tuple(found.unknown),
        tuple(found.notes),
        found.signers,
        policy=None if isinstance(policy, Unproven) else policy,
    )


def overridden(answer: Answer, case: Case, demands: Demands, content: bytes, name: str) -> Answer:
    """
    *answer*, which is a no, after somebody broke the glass: the override in the file *content*, called *name*.

    Nothing but the decision's own FAIL is overridden: what is changed, unsigned where a signature was asked for,
    a replay, or about something else stays a no.
    """
    decision = answer.decision
    if decision is None:
        return answer
    refusals = {_fail(decision), *required_gates.failed(decision)}
    kept_up = tuple(sentence for sentence in answer.against if sentence not in refusals)
    try:
        found = _Findings()
        policy = _with_signers(required_gates.policy_of(decision, kept(case.vault)), demands, found)
        override = overrides.parse(content, name)
        quorum, skew = policy.rules.exceptions.override, policy.rules.timestamps.skew
        who = overrides.check(override, decision, case.content, quorum, signers_of(policy), demands.at, skew)
    except (Unproven, PolicyError) as refusal:
        return replace(answer, against=(*answer.against, f"{name}: {refusal}"))
    if kept_up or answer.unknown:
        return replace(answer, against=(*answer.against, f"{name} overrides its FAIL, and not what else is against it"))
    by = listed([one.name for one in who])
    said = f"by {by} until {override.expires} for incident {override.incident}: {override.reason}"
    return replace(answer, overridden=said)


def damages(case: Case, decision: StoredDecision) -> tuple[str, ...]:
    """What is wrong with *decision*, that of *case*, whatever anybody wants of it: a sentence each."""
    found = _Findings(against=list(contradictions(decision)))
    _judge_artifacts(decision, case.vault, found)
    try:
        required_gates.policy_of(decision, kept(case.vault))
        if case.envelopes is not None:
            signing.mentions(case.envelopes, f"the envelopes of {case.name}", case.content)
    except Unproven as refusal:
        found.against.append(str(refusal))
    return tuple(found.against)


def rerun(answer: Answer, vault: Vault, project: Path, gates: str) -> Answer:
    """*answer* after the gates have judged the same evidence again. Raises `Unproven` where they could not."""
    from pytest_promotion.trust.rerun import differences

    if answer.decision is None:
        return answer
    found = differences(answer.decision, vault, project, gates)
    note = () if found else ("judged again from its vault, it has the same outcomes and the same bundle id",)
    again = tuple(f"judged again, {sentence}" for sentence in found)
    return replace(answer, against=(*answer.against, *again), notes=(*answer.notes, *note))


def kept(vault: Vault) -> Callable[[str], bytes]:
    """A reader of small files from *vault* that checks what it reads. It raises `Unproven`."""

    def content(digest: str) -> bytes:
        try:
            with vault.open(digest) as file:
                found = file.read()
        except OSError as problem:
            raise Unproven(f"{digest[:12]} cannot be read from the vault: {_why(problem)}") from None
        if sha256(found).hexdigest() != digest:
            raise Unproven(f"{digest[:12]} was changed in the vault")
        return found

    return content


def _said(decision: StoredDecision) -> Iterator[str]:
    if decision.kind != "decision" or decision.clock.as_of:
        yield f"it is a {decision.kind if decision.kind != 'decision' else 'replay'}, not a decision"
    if decision.status != "PASS":
        yield _fail(decision)
    if decision.scope == "partial":
        yield "it is a look at some gates, not at all that are required"


def _fail(decision: StoredDecision) -> str:
    return f"it says {decision.status}: {listed(decision.reasons, separator='; ') or 'no reason is given'}"


def _judge_time(decision: StoredDecision, at: datetime, skew: timedelta, found: _Findings) -> None:
    try:
        taken = parse_moment(decision.ts_utc)
        ends = parse_moment(decision.valid_until.ts_utc) if decision.valid_until else None
    except BadTimestamp as problem:
        found.unknown.append(f"its times cannot be read: {problem}")
        return
    if taken > at + skew:
        found.against.append(f"it was taken {format_duration((taken - at).total_seconds())} in the future")
    if ends is None:
        found.notes.append("it has no expiry: nothing that it rests on goes stale")
    elif ends < at:
        because = decision.valid_until.because if decision.valid_until else ""
        found.against.append(f"it expired at {iso(ends)}: {because}")


def _judge_subject(decision: StoredDecision, asked: str, found: _Findings) -> None:
    subject = decision.subject
    if not asked:
        return
    wanted = _SUBJECT.fullmatch(asked)
    if wanted is None:
        raise PolicyError(
            f"the subject {asked!r} is neither [NAME=]sha256:HEX with 64 hex digits nor gitCommit:HEX with 40"
        )
    if subject is None:
        found.against.append("it does not say what it is about")
    elif subject.digest.get(wanted["kind"]) != wanted["hex"]:
        told = ", ".join(f"{kind}:{text[:12]}" for kind, text in subject.digest.items())
        found.against.append(f"it is about {subject.name} ({told}), not about {asked}")
    elif wanted["name"] and wanted["name"] != subject.name:
        found.against.append(f"it is about {subject.name}, not about {wanted['name']}")


def _policy_of(decision: StoredDecision, case: Case) -> Policy | Unproven:
    """The policy that was kept with the decision, or why there is none."""
    try:
        return required_gates.policy_of(decision, kept(case.vault))
    except Unproven as refusal:
        return refusal


def _judge_policy(decision: StoredDecision, policy: Policy | Unproven, demands: Demands, found: _Findings) -> None:
    wanted = demands.policy_sha256
    if wanted and wanted not in (decision.policy.sha256, decision.policy.resolved_sha256):
        found.against.append(f"it was judged by the policy {decision.policy.sha256[:12]}, not by {wanted[:12]}")
    if isinstance(policy, Unproven):
        found.against.append(str(policy))
        return
    policy = _with_signers(policy, demands, found)
    found.against += required_gates.unanswered(decision, policy)
    if decision.waivers and decision.passed:
        found.against += judged_again(decision, policy, demands.at)
    if policy.rules.required is None:
        said = "its policy has no roll-call: nobody can tell whether a gate is missing"
        # Who names a policy wants its roll-call answered.
        (found.unknown if wanted else found.notes).append(said)


def _with_signers(policy: Policy, demands: Demands, found: _Findings) -> Policy:
    """The policy with the people that whoever asks knows better, if he named any."""
    if demands.signers is None:
        return policy
    if policy.signers is not None and policy.signers.content != demands.signers.content:
        found.notes.append("its waivers were judged by other signers than those that were named now")
    return replace(policy, signers=demands.signers)


def _judge_artifacts(decision: StoredDecision, vault: Vault, found: _Findings) -> None:
    for digest, one in judged(decision).items():
        try:
            seen, length = _digest_of(vault, digest)
        except OSError as problem:
            found.against.append(f"{one.name} cannot be read from the vault: {_why(problem)}")
            continue
        if seen != digest or one.size_bytes not in (None, length):
            found.against.append(f"{one.name} was changed in the vault")


def _digest_of(vault: Vault, digest: str) -> tuple[str, int]:
    running, size = sha256(), 0
    with vault.open(digest) as file:
        while part := file.read(_STEP):
            running.update(part)
            size += len(part)
    return running.hexdigest(), size


def _judge_signature(decision: StoredDecision, case: Case, demands: Demands, found: _Findings) -> None:
    if not demands.keys:
        return
    if case.envelopes is None:
        found.against.append("it is not signed")
        return
    try:
        found.signers = signing.about(
            case.envelopes, f"the envelopes of {case.name}", decision, case.content, demands.keys, demands.threshold
        )
    except Unproven as refusal:
        found.against.append(str(refusal))


def _why(problem: OSError) -> str:
    return (problem.strerror or "failed").lower()
