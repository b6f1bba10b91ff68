"""
Proofs that are kept, so that a gate is proven once and not in each session.

A proof is of the gate's sources, of the rules that the policy has for it, of this package's version, and of the shape
of the evidence; it is kept by the digest of them. It is data: who can write it can write a decision as well.
"""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from pytest_promotion import atomic
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.prove.proof import Proof

FOLDER: Final = "proofs"  # in the folder of decisions
_LARGEST: Final = 2**20  # bytes
_Count = Annotated[int, msgspec.Meta(ge=0)]


class StoredProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What proving a gate came to."""

    schema_version: Literal[1]
    kind: Literal["gate proof"]
    gate: str
    subject: dict[str, Any]  # what it is a proof of
    proven: bool
    objection: str
    killed: _Count
    tried: _Count
    survivors: list[str]

    @property
    def contradiction(self) -> str:
        """Which of its parts contradict each other; "" where none do."""
        if self.killed > self.tried or len(self.survivors) != self.tried - self.killed:
            return "its counts do not agree"
        if self.proven is bool(self.objection):
            return "it says both that the gate is proven and that it is not"
        return ""


def digest_of(subject: dict[str, Any]) -> str:
    """SHA-256 of what a proof is of."""
    return sha256(json.dumps(subject, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def summary(proof: Proof, subject: dict[str, Any], floor: float) -> StoredProof:
    """*proof* as it is kept. *floor* is the share of sabotages that the gate has to notice."""
    survivors = [one.sentence(proof.where) for one in proof.survivors]
    proven = proof.proven(floor)
    why = survivors[0] if survivors and not proof.honest else f"{proof.where}: {proof.why_not(floor)}"
    more = f" (and {len(survivors) - 1} more)" if len(survivors) > 1 else ""
    return StoredProof(
        schema_version=1,
        kind="gate proof",
        gate=proof.gate,
        subject=subject,
        proven=proven,
        objection="" if proven else why + more,
        killed=len(proof.counted) - len(proof.survivors),
        tried=len(proof.counted),
        survivors=survivors,
    )


def keep(folder: Path, digest: str, proof: StoredProof) -> None:
    """Puts *proof* into *folder*. Where it cannot be written, the gate is proven again in the next session."""
    content = msgspec.json.format(msgspec.json.encode(proof), indent=1)
    with contextlib.suppress(OSError):
        atomic.write(folder / f"{digest}.json", content + b"\n", durable=False)


def kept(folder: Path, digest: str, gate: str) -> StoredProof | None:
    """
    The proof in *folder* by its digest; None where there is none.

    Raises:
        Unproven: for a file that is no proof, contradicts itself, or is of something else than its name says.
    """
    path = folder / f"{digest}.json"
    try:
        content = read_file(path, _LARGEST)
        found = msgspec.json.decode(content, type=StoredProof)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise Unproven(f"{path} is no proof: {problem}") from None
    contradiction = found.contradiction
    if found.gate != gate or digest_of(found.subject) != digest:
        contradiction = "it is of something else than its name says"
    if contradiction:
        raise Unproven(f"{path} is no proof: {contradiction}")
    return found
