"""
The policy of research candidates: a file of thresholds, read strictly, and compared with another one.

Nothing here decides about a candidate. `weakened` names what a policy asks less of than another does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import parse_json, parse_yaml
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.research.gating import ThresholdConfig
from pytest_promotion.suites.research.people import folded
from pytest_promotion.suites.research.policy_comparison import stricter, weakened

SHIPPED: Final = Path(__file__).with_name("policy.yaml")
_Positive = Annotated[float, Meta(gt=0)]
_Share = Annotated[float, Meta(gt=0, le=1)]


class Plausible(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Above these, and below the last one, a figure is too good to be true."""

    mean_ic_max: _Share = 0.2
    t_stat_max: _Positive = 40.0
    ratio_max: _Positive = 1.0
    deflated_sharpe_max: _Positive = 30.0
    delayed_ratio_min: Annotated[float, Meta(ge=0, lt=1)] = 0.2


class Luck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the reality check is drawn again."""

    hypotheses_min: Annotated[int, Meta(ge=1)] = 2
    replicates: Annotated[int, Meta(ge=99, le=100_000)] = 1999
    seed: int = 42


class Regimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many bars a regime needs to count, and which share of all bars needs one."""

    bars_min: Annotated[int, Meta(ge=2)] = 30
    covered_min: _Share = 0.5


class Unseen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What data dated after the creation have to show; days, and a one-sided p-value."""

    n_obs_min: Annotated[int, Meta(ge=30)] = 100
    ic_mean_min: float = 0.0
    p_value_max: _Share = 0.05
    start_within_days: _Positive = 60.0


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many people other than creator and evaluator approve, and whether by signature, with keys in `signers`."""

    people: Annotated[int, Meta(ge=1)] = 1
    signed: bool = False
    signers: str | None = None


class ResearchPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    The whole policy. `candidate` and `accepted` are the thresholds of the two steps.

    Raises:
        PolicyError: from `read`, for a file that is none.
    """

    version: Literal[1]
    candidate: ThresholdConfig
    accepted: ThresholdConfig
    plausible: Plausible = Plausible()
    luck: Luck = Luck()
    regimes: Regimes = Regimes()
    unseen: Unseen = Unseen()
    approval: Approval = Approval()
    correlation_max: _Share = 0.9

    def step(self, target: str) -> ThresholdConfig:
        """The thresholds of the step to *target*, `candidate` or `accepted`."""
        return self.accepted if target == "accepted" else self.candidate

    def document(self) -> dict[str, Any]:
        """The policy as plain values, which `of` reads again."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @property
    def sha256(self) -> str:
        """The digest of what it asks, whatever the file looks like."""
        return digest(self.document())

    @classmethod
    def of(cls, document: Any, origin: str) -> ResearchPolicy:
        """The policy in plain values. Raises `PolicyError`, also for a threshold that no comparison could fail."""
        try:
            found = msgspec.convert(document, cls)
        except msgspec.ValidationError as problem:
            raise PolicyError(f"{origin} is no policy of research candidates: {problem}") from None
        if not found.accepted.require_reality_check or not found.accepted.require_execution_evidence:
            raise PolicyError(
                f"{origin}: accepted.require_reality_check and accepted.require_execution_evidence are always true"
            )
        if less := weakened(found.step("accepted"), found.step("candidate")):
            raise PolicyError(f"{origin}: `accepted` asks less than `candidate`: {', '.join(sorted(less))}")
        if found.approval.signed and not found.approval.signers:
            raise PolicyError(f"{origin}: approval.signed needs approval.signers, the file of who may sign")
        return found

    @classmethod
    def read(cls, content: bytes, origin: str) -> ResearchPolicy:
        """The policy in a YAML or JSON file. Raises `PolicyError`."""
        try:
            plain = parse_json(content, origin) if origin.endswith(".json") else parse_yaml(content, origin)
        except Unproven as problem:
            raise PolicyError(str(problem)) from None
        return cls.of(plain, origin)


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy of an evaluation: that of its file, with the flags, what it asks less of, and who approved that."""

    base: ResearchPolicy
    policy: ResearchPolicy
    origin: str
    file_sha256: str
    weakened: Mapping[str, str]
    approver: str | None = None

    def document(self) -> dict[str, Any]:
        """For the event of the evaluation."""
        return {
            "origin": self.origin,
            "file_sha256": self.file_sha256,
            "sha256": self.policy.sha256,
            "weakened": dict(self.weakened),
            "approver": self.approver,
            "base_sha256": self.base.sha256,
            "base": self.base.document(),
            "document": self.policy.document(),
        }


def shipped() -> ResearchPolicy:
    """The policy that the suite comes with."""
    return ResearchPolicy.read(read_file(SHIPPED), SHIPPED.name)


def in_force(
    path: Path | None,
    used_last: Mapping[str, Any] | None,
    asked: ThresholdConfig | None,
    approver: str | None,
    evaluator: str,
    target: str,
    without: Sequence[str] = (),
) -> InForce:
    """
    The policy in the file at *path*, else what the store *used_last*, else the shipped one, with what is *asked* of the
    step to *target*.

    It may ask for more than the shipped policy and the one that was used last. *without* are rules that are not to be
    asked at all, which asks for less.

    Raises:
        PolicyError: where it asks for less and has no *approver* other than the *evaluator*; for a file that is none.
        OSError: where the file cannot be read.
    """
    last = ResearchPolicy.of(used_last, "the policy that was used last") if used_last else None
    if path is not None or last is None:
        content = read_file(path or SHIPPED)
        origin = path.name if path is not None else "shipped"
        base, file_sha256 = ResearchPolicy.read(content, (path or SHIPPED).name), sha256(content).hexdigest()
    else:
        base, origin, file_sha256 = last, "used last", ""
    policy = base if asked is None else tightened(base, asked, target)
    baseline = shipped() if last is None else strictest(shipped(), last)
    less = weakened(policy, baseline) | dict.fromkeys(without, "not looked at")
    who = (approver or "").strip() or None
    if less and who is None:
        found = "; ".join(f"{name}: {how}" for name, how in sorted(less.items()))
        raise PolicyError(f"this asks less than the policy in force, which needs an approver (--approver): {found}")
    if less and who is not None and folded(who) == folded(evaluator):
        raise PolicyError(f"{who} evaluates: what is asked less of needs another person's approval")
    return InForce(base, policy, origin, file_sha256, less, who if less else None)


def strictest(one: ResearchPolicy, other: ResearchPolicy) -> ResearchPolicy:
    """Of each threshold the one of the two that asks for more; what is only different is that of *one*."""
    return ResearchPolicy.of(stricter(one, other), "the policy in force")


def tightened(policy: ResearchPolicy, asked: ThresholdConfig, target: str) -> ResearchPolicy:
    """*policy* with the thresholds of the step to *target* replaced by *asked*, but for what it requires anyway."""

    def step(now: ThresholdConfig) -> ThresholdConfig:
        changes = msgspec.structs.asdict(asked)
        for name, value in msgspec.structs.asdict(now).items():
            if isinstance(value, bool):
                changes[name] = value or changes[name]
            elif changes[name] is None or changes[name] == _USUAL[name]:
                changes[name] = value  # nobody asked for anything else
        return ThresholdConfig(**changes)

    if target == "accepted":
        return msgspec.structs.replace(policy, accepted=step(policy.accepted))
    return msgspec.structs.replace(policy, candidate=step(policy.candidate))


_USUAL: Final[Mapping[str, Any]] = msgspec.structs.asdict(ThresholdConfig())
