"""Signatures of shards: who ran the gates whose results are merged."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.canonical import canonical
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import parse_json
from pytest_promotion.evidence.files import read_given
from pytest_promotion.trust import dsse
from pytest_promotion.trust.keys import PrivateKey, PublicKey
from pytest_promotion.trust.statements import STATEMENT

SUFFIX: Final = ".intoto.jsonl"  # in place of .json
SHARD: Final = "https://pytest-promotion.readthedocs.io/gate-shard/v1"


def signed(name: str, content: bytes, run_id: str, key: PrivateKey) -> bytes:
    """The envelope of the shard file *name*, which holds *content*, as one line of JSON."""
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha256(content).hexdigest()}}],
        "predicateType": SHARD,
        "predicate": {"runId": run_id},
    }
    return dsse.sign(canonical(statement), dsse.IN_TOTO, [key]).line()


def demand(path: Path, content: bytes, keys: Sequence[PublicKey]) -> None:
    """Raises `Unproven` unless one of *keys* has signed the shard file at *path*, which holds *content*."""
    beside = path.with_suffix(SUFFIX)
    try:
        envelope = read_given(beside)
    except Unproven:
        raise Unproven(f"{path} is not signed: there is no {beside.name} that can be read") from None
    payload, _ = dsse.verified(dsse.parse(envelope.strip(), beside.name), keys)
    statement: Any = parse_json(payload, beside.name)
    subjects = statement.get("subject") if isinstance(statement, dict) else None
    digests = [one.get("digest") for one in subjects or () if isinstance(one, dict)]
    if statement.get("predicateType") != SHARD or digests != [{"sha256": sha256(content).hexdigest()}]:
        raise Unproven(f"what was signed in {beside.name} is another shard than {path.name}")
