"""
What a decision says in the words of others: in-toto statements with four predicates.

`gate-decision` is ours and says all of it. `test-result`, `svr` and `vsa` are what other
tools read; they have no word for a waived or a skipped gate, so such a gate appears in none of
their lists of what passed.

- Statement v1, test-result v0.1, SVR v0.2: https://github.com/in-toto/attestation/tree/main/spec
- Verification summary v1: https://slsa.dev/spec/v1.1/verification_summary
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from pytest_promotion.canonical import canonical

STATEMENT: Final = "https://in-toto.io/Statement/v1"
GATE_DECISION: Final = "https://pytest-promotion.readthedocs.io/gate-decision/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
SVR: Final = "https://in-toto.io/attestation/svr/v0.2"
VSA: Final = "https://slsa.dev/verification_summary/v1"
VERIFIER: Final = "https://pytest-promotion.readthedocs.io/"
_RAN_AND_FAILED: Final = ("FAIL", "ERROR", "INCONCLUSIVE", "NOT_RUN")

Document = dict[str, Any]


def statements(decision: Document, name: str, content: bytes) -> Iterator[bytes]:
    """
    The statements on a finished decision, as RFC 8785 bytes, `gate-decision` first.

    Args:
        decision: the document that *content* is.
        name: of the file that it lies in.
    """
    itself = {"name": name, "digest": {"sha256": sha256(content).hexdigest()}}
    subject = decision["subject"] or itself
    for kind, predicate in (
        (GATE_DECISION, _gate_decision(decision, itself)),
        (TEST_RESULT, _test_result(decision)),
        (SVR, _svr(decision)),
        (VSA, _vsa(decision, subject)),
    ):
        yield canonical({"_type": STATEMENT, "subject": [subject], "predicateType": kind, "predicate": predicate})


def _gate_decision(decision: Document, itself: Document) -> Document:
    """The decision by the digest of its file, and what has to be known to act on it."""
    bundle = decision["evidence_bundle"]
    return {
        "decision": itself,
        "status": decision["status"],
        "scope": decision["scope"],
        "runId": decision["run_id"],
        "decidedOn": decision["ts_utc"],
        "validUntil": decision["valid_until"] and decision["valid_until"]["ts_utc"],
        "profile": decision["profile"],
        **({"stage": decision["stage"]} if decision.get("stage") else {}),
        "weakened": decision["weakened"],
        "policy": {"sha256": decision["policy"]["sha256"], "resolvedSha256": decision["policy"]["resolved_sha256"]},
        "evidenceBundle": {"id": bundle["evidence_bundle_id"], "artifactCount": bundle["artifact_count"]},
        "gates": [
            {"id": check["name"], "severity": check["severity"], "outcome": check["outcome"]}
            for check in decision["checks"]
        ],
        "waivers": decision["waivers"],
    }


def _test_result(decision: Document) -> Document:
    bad = [check for check in decision["checks"] if check["outcome"] in _RAN_AND_FAILED]
    failed = [check["name"] for check in bad if check["severity"] == "critical"]
    # What was waived failed: that somebody accepted it is told in `gate-decision`.
    warned = [check["name"] for check in bad if check["severity"] != "critical"] + _named(decision, "WAIVED")
    result = "FAILED" if not decision["passed"] else "WARNED" if warned else "PASSED"
    return {
        "result": result,
        "configuration": _policies(decision),
        "passedTests": _named(decision, "PASS"),
        "warnedTests": warned,
        "failedTests": failed,
    }


def _svr(decision: Document) -> Document:
    """The properties that were verified; a promotion that failed has gates that passed, and not the first property."""
    passed = ["PROMOTION_GATES_PASSED"] if decision["passed"] else []
    return {
        "verifier": {"id": VERIFIER, "policies": _policies(decision)},
        "timeCreated": decision["ts_utc"],
        "properties": passed + [f"PROMOTION_GATE_{name}" for name in _named(decision, "PASS")],
    }


def _vsa(decision: Document, subject: Document) -> Document:
    [policy, *_] = _policies(decision)
    return {
        "verifier": {"id": VERIFIER, "version": {"pytest-promotion": decision["tool"]["version"]}},
        "timeVerified": decision["ts_utc"],
        "resourceUri": subject["name"],
        "policy": {"uri": policy["name"], "digest": policy["digest"]},
        # An empty list says that the attestations that were used are not listed; we use files, not attestations.
        "inputAttestations": [],
        "verificationResult": "PASSED" if decision["passed"] else "FAILED",
        "verifiedLevels": ["PROMOTION_GATES_PASSED"] if decision["passed"] else ["FAILED"],
    }


def _policies(decision: Document) -> list[Document]:
    policy = decision["policy"]
    own = {"name": policy["path"] or "built-in", "digest": {"sha256": policy["sha256"]}}
    included = (file for file in policy["files"] if file["path"] != policy["path"])
    return [own, *({"name": file["path"], "digest": {"sha256": file["sha256"]}} for file in included)]


def _named(decision: Document, outcome: str) -> list[str]:
    return [check["name"] for check in decision["checks"] if check["outcome"] == outcome]
