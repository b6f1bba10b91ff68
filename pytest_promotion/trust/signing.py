"""The envelopes of a decision: every statement on it, signed, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import documents
from pytest_promotion.evidence.files import read_file
from pytest_promotion.trust import dsse, statements
from pytest_promotion.trust.keys import PrivateKey, PublicKey
from pytest_promotion.trust.stored import StoredDecision

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_MOST: Final = 64  # envelopes that are read: a decision has four for each time it was signed


def signed(decision: dict[str, Any], name: str, content: bytes, keys: Sequence[PrivateKey]) -> bytes:
    """
    The envelopes of the decision whose file is *content*, as JSON lines.

    Raises:
        Unproven: for what is no finished decision: a replay is never signed.
    """
    if decision.get("finished") is not True or decision.get("kind") != "decision":
        raise Unproven(f"{name} is no finished decision: nothing else is signed")
    return b"".join(
        dsse.sign(payload, dsse.IN_TOTO, keys).line() for payload in statements.statements(decision, name, content)
    )


def cosigned(
    envelopes: bytes, name: str, key: PrivateKey, decision: dict[str, Any], file: str, content: bytes
) -> bytes:
    """
    *envelopes* with the signature of *key* added to each, once, where each is about *decision*.

    The file may have a statement about something else, added by the job that wrote it: nothing is signed but what
    `signed` would sign.

    Args:
        decision: the document that *content* is.
        file: the name of its file; the envelopes may call it by another, as `latest.json` is a copy of a dated file.

    Raises:
        Unproven: where an envelope is something else, or a statement on the decision is missing.
    """
    lines = [line for line in envelopes.split(b"\n") if line.strip()]
    found = [dsse.parse(line, f"{name} line {number}") for number, line in enumerate(lines, 1)]
    called = _called(found[0], name) if found else file
    missing = set(statements.statements(decision, called, content))
    expected = frozenset(missing)
    for number, one in enumerate(found, 1):
        if one.payload not in expected or one.payload_type != dsse.IN_TOTO:
            raise Unproven(f"{name} line {number} is no statement on this decision, and is not signed")
        missing.discard(one.payload)
    if missing:
        raise Unproven(f"{name} has {len(found)} envelopes: expected the {len(expected)} statements on the decision")
    return b"".join(dsse.cosign(one, key).line() for one in found)


def _called(envelope: dsse.Envelope, name: str) -> str:
    """The name of the decision's file in *envelope*, the first of several."""
    statement = documents.parse_json(envelope.payload, f"{name} line 1")
    if not _is_gate_decision(statement):
        raise Unproven(f"{name} line 1 is no gate decision")
    called = statement["predicate"]["decision"]["name"]
    if not isinstance(called, str) or _FILE_NAME.fullmatch(called) is None:
        raise Unproven(f"{name} line 1 calls the decision by something that is no name of a file")
    return called


def decided(
    envelopes: bytes, name: str, keys: Iterable[PublicKey], threshold: int = 1
) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """
    The gate-decision statements among *envelopes* that *threshold* of *keys* have signed, each with the signers' ids.

    Raises:
        Unproven: where there is none, with the reason of the first that was refused.
    """
    found: list[tuple[dict[str, Any], tuple[str, ...]]] = []
    refusals: list[str] = []
    known = list(keys)
    lines = [line for line in envelopes.split(b"\n") if line.strip()]
    if len(lines) > _MOST:
        raise Unproven(f"{name} holds {len(lines)} envelopes: expected at most {_MOST}")
    for number, line in enumerate(lines, 1):
        place = f"{name} line {number}"
        try:
            payload, signers = dsse.verified(dsse.parse(line, place), known, threshold=threshold)
            statement = documents.parse_json(payload, place)
        except Unproven as problem:
            refusals.append(f"{place}: {problem}")
            continue
        if _is_gate_decision(statement):
            found.append((statement, signers))
    if not found:
        raise Unproven(refusals[0] if refusals else f"{name} holds no gate decision")
    return found


def about(
    envelopes: bytes,
    name: str,
    decision: StoredDecision,
    content: bytes,
    keys: Iterable[PublicKey],
    threshold: int = 1,
) -> tuple[str, ...]:
    """
    The ids of the keys that signed for *decision*, whose file is *content*.

    Raises:
        Unproven: where fewer than *threshold* did, and where what they signed is another decision.
    """
    own = sha256(content).hexdigest()
    for statement, signers in decided(envelopes, name, keys, threshold):
        if _is_about(statement, decision, own):
            return signers
    raise Unproven(f"what was signed in {name} is another decision")


def mentions(envelopes: bytes, name: str, content: bytes) -> None:
    """
    Looks, without any key, whether *envelopes* speak of the decision whose file is *content*.

    Raises:
        Unproven: where none does, or one cannot be read: whether the signatures are good is not asked here.
    """
    own = {"sha256": sha256(content).hexdigest()}
    for number, line in enumerate(envelopes.split(b"\n"), 1):
        if line.strip():
            statement = documents.parse_json(dsse.parse(line, f"{name} line {number}").payload, name)
            if _is_gate_decision(statement) and statement["predicate"]["decision"]["digest"] == own:
                return
    raise Unproven(f"{name} are about another decision")


def read(path: Path) -> bytes:
    """The envelopes at *path*. Raises `Unproven`."""
    try:
        return read_file(path)
    except FileNotFoundError:
        raise Unproven(f"it is not signed: there is no {path.name}") from None
    except OSError as problem:
        raise Unproven(f"{path.name} cannot be read: {(problem.strerror or 'failed').lower()}") from None


def _is_gate_decision(statement: Any) -> bool:
    return (
        isinstance(statement, dict)
        and statement.get("_type") == statements.STATEMENT
        and statement.get("predicateType") == statements.GATE_DECISION
    )


def _is_about(statement: dict[str, Any], decision: StoredDecision, sha256: str) -> bool:
    """Whether a gate-decision statement is about the decision whose file has that digest, and about its subject."""
    predicate, subjects = statement.get("predicate"), statement.get("subject")
    if not isinstance(predicate, dict) or not isinstance(subjects, list):
        return False
    itself = predicate.get("decision")
    if not isinstance(itself, dict) or itself.get("digest") != {"sha256": sha256}:
        return False
    wanted = decision.subject.digest if decision.subject else {"sha256": sha256}
    return [one.get("digest") for one in subjects if isinstance(one, dict)] == [wanted]
