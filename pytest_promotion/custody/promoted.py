"""
Was the candidate promoted from the stage before? What is known of that stage, and what follows from it.

What is known is collected once, into a document that is kept as evidence; the judgement is a function of that document
and the time, so that it can be repeated from the vault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion.canonical import canonical
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.custody import deployments
from pytest_promotion.custody.acting import Acting, may_act
from pytest_promotion.custody.deployments import DEPLOYED, Deployment
from pytest_promotion.custody.incidents import open_incidents
from pytest_promotion.custody.subjects import of_digest
from pytest_promotion.durations import format_duration, parse_duration
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.typed import converted
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.history.index import Index
from pytest_promotion.history.log import NAME, Logged
from pytest_promotion.policy import Stage
from pytest_promotion.text import listed
from pytest_promotion.trust.keys import public_key
from pytest_promotion.trust.verify import Demands, case_at

_SHOWN: Final = 12  # characters of a digest in a sentence


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of a stage and a candidate.

    `against` and `unknown` are the sentences of `promotion verify` about the decision, evaluated as of the
    beginning of its soak: what was deployed while the decision was valid may soak for longer than it stays valid.
    """

    stage: str
    subject: dict[str, str]
    decision: Logged | None = None
    against: list[str] = []
    unknown: list[str] = []
    deployment: Deployment | None = None
    incidents: list[str] = []

    def content(self) -> bytes:
        """The document, as it is kept."""
        return canonical(msgspec.to_builtins(self)) + b"\n"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the stage is known from. `now` is the session's clock, and nothing after it counts."""

    folder: Path  # of the decisions
    vault: Vault
    now: datetime
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What follows. `soaked` and `soak` are in seconds, None where nothing soaks."""

    against: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    reason: str = ""
    soaked: float | None = None
    soak: float | None = None

    @property
    def left(self) -> float:
        """Seconds until it has soaked."""
        return max((self.soak or 0.0) - (self.soaked or 0.0), 0.0)


def parse(content: bytes, name: str) -> Facts:
    """The document in *content*, called *name*. Raises `Unproven`."""
    return converted(parse_json(content, name), Facts, f"{name} does not say what was known of a stage")


def collect(
    stage: str, profile: str, subject: Mapping[str, str], source: Source, keys: tuple[bytes, ...] = ()
) -> Facts:
    """
    What is known of *stage*, whose decisions are of *profile*, and the candidate with the digests *subject*.

    Args:
        keys: the public keys one of which has to have signed its decisions; none where no signature is required.
    """
    facts = Facts(stage=stage, subject=of_digest(subject))
    try:
        if not (source.folder / NAME).exists():
            raise Unproven(f"nothing was decided in {source.folder.name} yet: there is no decision of {stage}")
        with Index(source.folder) as index:
            newest = index.newest(subject, profile, stage, source.now if source.replay else None)
        if newest is None:
            return facts
        there = deployments.newest(source.folder).get(stage)
        facts = msgspec.structs.replace(facts, decision=newest.decision, deployment=there)
        against, unknown = _asked(facts, newest.decision, source, keys)
        incidents = open_incidents(source.folder.parent, stage, source.now)
        return msgspec.structs.replace(facts, against=against, unknown=unknown, incidents=incidents)
    except (Unproven, PolicyError, BadTimestamp) as problem:
        return msgspec.structs.replace(facts, unknown=[str(problem)])
    except OSError as problem:
        why = (problem.strerror or "failed").lower()
        return msgspec.structs.replace(facts, unknown=[f"the decisions of {stage} cannot be read: {why}"])


def judge(facts: Facts, rules: Stage, now: datetime, skew: timedelta) -> Judged:
    """
    Whether the candidate may leave the stage that *facts* are about for the one with *rules*.

    Args:
        skew: how far a clock of another machine may be ahead.
    """
    soak = parse_duration(rules.soak).total_seconds() if rules.soak is not None else None
    decision, stage = facts.decision, facts.stage
    if decision is None:
        if facts.unknown:
            return Judged(unknown=tuple(facts.unknown), soak=soak)
        return Judged(against=(f"there is no decision of the stage {stage} about {_shown(facts.subject)}",), soak=soak)
    called = f"the newest decision of {stage}, {decision.file} of {decision.ts_utc[:19]}Z,"
    against = [f"{called} may not be acted on: {sentence}" for sentence in facts.against]
    unknown = [f"{called} cannot be judged: {sentence}" for sentence in facts.unknown]
    against += [f"the deployment is not healthy: {sentence}" for sentence in facts.incidents]
    against += _not_there(facts, decision)
    start, since = _start(facts, decision)
    soaked = (now - start).total_seconds()
    if soaked < -skew.total_seconds():
        against.append(
            f"{since} is {format_duration(-soaked)} in the future: the clock of this machine or of that one was moved"
        )
    elif soak is not None and soaked < soak and not against:
        left = format_duration(soak - soaked)
        against.append(
            f"it has soaked in {stage} for {format_duration(max(soaked, 0.0))} of {rules.soak}"
            f" since {since}: {left} left"
        )
    in_words = f", where it has soaked for {format_duration(max(soaked, 0.0))} of {rules.soak}" if soak else ""
    reason = f"{stage} decided {decision.status} at {decision.ts_utc[:19]}Z (run {decision.run_id}){in_words}"
    return Judged(tuple(against), tuple(unknown), reason, max(soaked, 0.0), soak)


def _asked(facts: Facts, decision: Logged, source: Source, keys: tuple[bytes, ...]) -> tuple[list[str], list[str]]:
    """What speaks against acting on *decision* at the beginning of its soak, and what is not known."""
    case = case_at(source.folder / decision.file, source.vault)
    if sha256(case.content).hexdigest() != decision.sha256:
        raise Unproven(f"{decision.file} is not the file that the history names")
    kind, text = next(iter(facts.subject.items()))
    start, _ = _start(facts, decision)
    demands = Demands(
        at=min(start, source.now) if source.replay else start,
        subject=f"{kind}:{text}",
        keys=[public_key(key, f"a key of the stage {facts.stage}") for key in keys],
    )
    without = frozenset(() if keys else ("signature",)) | (frozenset({"newest"}) if source.replay else frozenset())
    answer = may_act(case, demands, Acting(stage=facts.stage, without=without))
    return list(answer.against), list(answer.unknown)


def _not_there(facts: Facts, decision: Logged) -> Iterator[str]:
    """Why what the stage runs is not what *decision* is about, where deployments to it are recorded."""
    there = facts.deployment
    if there is None:
        return
    if there.ended != DEPLOYED:
        yield f"the last deployment to {facts.stage}, at {there.ts_utc[:19]}Z, ended with {there.ended!r}"
    elif not there.compared:
        yield f"{facts.stage} runs what was deployed{there.using} at {there.ts_utc[:19]}Z (run {there.run_id})"
    elif there.sha256 != decision.sha256:
        superseded = of_digest(there.subject) == facts.subject
        what = "a superseded decision of it" if superseded else f"a decision about {_shown(there.subject)}"
        yield f"{facts.stage} runs what was deployed at {there.ts_utc[:19]}Z by {what} (run {there.run_id})"


def _start(facts: Facts, decision: Logged) -> tuple[datetime, str]:
    """When the soak began, and by which event."""
    there = facts.deployment
    if there is not None and there.sha256 == decision.sha256:
        return parse_moment(there.ts_utc), f"the deployment of {there.ts_utc[:19]}Z"
    return parse_moment(decision.ts_utc), f"the decision of {decision.ts_utc[:19]}Z"


def _shown(digests: Mapping[str, str]) -> str:
    return listed([f"{kind}:{text[:_SHOWN]}" for kind, text in digests.items()][:1]) or "nothing"
