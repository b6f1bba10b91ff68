"""Statements: what others read of a decision says no more than the decision does."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from pytest_promotion.trust import dsse, statements


def decoded(signed):
    """The statements in the envelopes beside the decision, by predicate type."""
    found = [json.loads(dsse.parse(line, "it").payload) for line in signed.case.envelopes.splitlines()]
    return {one["predicateType"]: one for one in found}


def of(document):
    """The statements on a document, by predicate type."""
    content = json.dumps(document).encode()
    found = [json.loads(payload) for payload in statements.statements(document, "d.json", content)]
    return {one["predicateType"]: one["predicate"] for one in found}


def with_outcomes(document, **outcomes):
    """The document with other outcomes."""
    checks = [check | {"outcome": outcomes.get(check["name"], check["outcome"])} for check in document["checks"]]
    return document | {"checks": checks, "passed": all(check["outcome"] in ("PASS", "WAIVED") for check in checks)}


def test_every_statement_is_one_by_the_reference_library(signed):
    """A statement that others cannot read is a signature under nothing."""
    assert len(decoded(signed)) == 4
    for one in decoded(signed).values():
        read = json_format.ParseDict(one, statement_pb2.Statement())
        again = Statement(
            subjects=list(read.subject),
            predicate_type=read.predicate_type,
            predicate=json_format.MessageToDict(read.predicate),
        )
        again.validate()
        assert read.type == "https://in-toto.io/Statement/v1"
        assert [(name.name, dict(name.digest)) for name in read.subject] == [("candidate.whl", {"sha256": "a1" * 32})]


def test_the_public_predicates_have_the_published_fields(signed):
    """A misspelt field is ignored by whoever reads it, and the demand that it carries with it."""
    found = decoded(signed)
    json_format.ParseDict(found[statements.TEST_RESULT]["predicate"], test_result_pb2.TestResult())  # no unknown fields
    # The library's message for this one is behind the specification, which has the version and a list of levels.
    vsa = found[statements.VSA]["predicate"]
    known = {"timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult"}
    json_format.ParseDict({name: vsa[name] for name in known}, vsa_pb2.VerificationSummary())
    assert set(vsa) == known | {"verifier", "verifiedLevels"}
    assert vsa["verifiedLevels"] == ["PROMOTION_GATES_PASSED"]
    svr = found[statements.SVR]["predicate"]
    assert set(svr) == {"verifier", "timeCreated", "properties"}
    assert set(svr["verifier"]) == {"id", "policies"}


def test_payloads_are_canonical(signed):
    """The same statement has the same bytes wherever it is made, so that two signers sign the same thing."""
    import rfc8785

    lines = signed.case.envelopes.splitlines()
    assert len(lines) == 4
    for line in lines:
        payload = dsse.parse(line, "it").payload
        assert rfc8785.dumps(json.loads(payload)) == payload


@pytest.mark.parametrize("outcome", ["WAIVED", "NOT_RUN", "FAIL", "ERROR", "INCONCLUSIVE"])
def test_only_what_passed_is_listed_as_passed(signed, outcome):
    """A waived or skipped gate in `passedTests` is a lie that other tools would act on."""
    found = of(with_outcomes(signed.document(), score=outcome))
    assert "score" not in found[statements.TEST_RESULT]["passedTests"]
    assert "PROMOTION_GATE_score" not in found[statements.SVR]["properties"]
    if outcome == "WAIVED":
        assert found[statements.TEST_RESULT]["result"] == "WARNED"
        assert found[statements.TEST_RESULT]["warnedTests"] == ["score"]
    else:
        assert found[statements.TEST_RESULT]["result"] == "FAILED"
        assert found[statements.TEST_RESULT]["failedTests"] == ["score"]
        assert found[statements.VSA]["verificationResult"] == "FAILED"
        assert found[statements.VSA]["verifiedLevels"] == ["FAILED"]
        assert "PROMOTION_GATES_PASSED" not in found[statements.SVR]["properties"]


def test_a_decision_without_a_subject_is_about_its_own_file(signed):
    """Every subject needs a digest; an empty list of them would match anything."""
    document = signed.document() | {"subject": None}
    content = json.dumps(document).encode()
    first = json.loads(next(iter(statements.statements(document, "d.json", content))))
    assert first["subject"] == [first["predicate"]["decision"]]


def test_the_line_in_the_docs_verifies_with_openssl_alone(signed, tmp_path):
    """Whoever does not trust us must be able to check without us, by the words of our own page."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "how-to" / "sign.md").read_text()
    script = page.split('```sh title="check.sh"\n')[1].split("```")[0]
    (tmp_path / "check.sh").write_text(script)
    envelopes = signed.latest.with_suffix(".intoto.jsonl")
    words = ["sh", tmp_path / "check.sh", envelopes, signed.path / "keys" / "release.key.pub", signed.latest]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Signature Verified Successfully" in done.stdout
    lines = envelopes.read_bytes().splitlines(keepends=True)
    first = json.loads(lines[0])
    payload = bytearray(base64.b64decode(first["payload"]))
    payload[40] ^= 1
    envelopes.write_bytes(json.dumps(first | {"payload": base64.b64encode(payload).decode()}).encode() + b"\n")
    assert subprocess.run(words, capture_output=True, check=False, cwd=tmp_path).returncode != 0
    envelopes.write_bytes(b"".join(lines))
    signed.latest.write_bytes(signed.latest.read_bytes().replace(b'"score"', b'"sc0re"'))
    assert subprocess.run(words, capture_output=True, check=False, cwd=tmp_path).returncode != 0
