"""A good document of each kind: small, with every member that is read."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_promotion.model import GitState, Subject
from tests.decisions import NOW as DECIDED
from tests.decisions import decided, gate, seen

REPOSITORY = Path(__file__).parents[2]
HEX = "ab" * 32
WHEN = "2026-02-22T11:00:00+00:00"


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _lines(*rows: Any) -> bytes:
    return b"".join(_json(row) + b"\n" for row in rows)


TRIVY = _json(
    {
        "SchemaVersion": 2,
        "CreatedAt": WHEN,
        "ArtifactName": "shop",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12"},
            "ImageID": f"sha256:{HEX}",
            "RepoDigests": [f"x@sha256:{HEX}"],
        },
        "Results": [
            {
                "Target": "shop (debian 12)",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-2026-1",
                        "PkgName": "openssl",
                        "InstalledVersion": "3.0",
                        "FixedVersion": "3.1",
                        "Severity": "CRITICAL",
                        "PublishedDate": "2026-01-01T00:00:00Z",
                    }
                ],
                "Misconfigurations": [{"ID": "DS1", "Severity": "HIGH", "Status": "FAIL"}],
                "Secrets": [{"RuleID": "key", "Severity": "HIGH", "StartLine": 3}],
            }
        ],
    }
)
SNYK = _json(
    {
        "ok": False,
        "path": "shop",
        "dependencyCount": 3,
        "docker": {"imageId": f"sha256:{HEX}"},
        "vulnerabilities": [
            {
                "id": "SNYK-1",
                "packageName": "lodash",
                "version": "1.0",
                "severity": "high",
                "fixedIn": ["1.1"],
                "isUpgradable": True,
                "publicationTime": "2026-01-01T00:00:00Z",
            }
        ],
        "filtered": {"ignore": [{"id": "SNYK-2", "packageName": "x", "version": "1", "severity": "low"}]},
        "applications": [{"ok": True, "dependencyCount": 1, "vulnerabilities": []}],
    }
)
SARIF = _json(
    {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "scanner",
                        "rules": [
                            {
                                "id": "R1",
                                "properties": {"security-severity": "9.8"},
                                "defaultConfiguration": {"level": "error"},
                            }
                        ],
                    },
                    "extensions": [{"name": "more", "rules": [{"id": "R2"}]}],
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "endTimeUtc": "2026-02-22T11:00:00Z",
                        "toolExecutionNotifications": [{"level": "note", "message": {"text": "x"}}],
                    }
                ],
                "results": [
                    {
                        "ruleId": "R1",
                        "ruleIndex": 0,
                        "level": "error",
                        "kind": "fail",
                        "locations": [
                            {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}}
                        ],
                    },
                    {
                        "rule": {"id": "R2", "index": 0, "toolComponent": {"index": 0}},
                        "baselineState": "new",
                        "suppressions": [{"kind": "external", "status": "accepted", "justification": "x"}],
                    },
                ],
            }
        ],
    }
)
K6_LEGACY = _json(
    {
        "root_group": {"name": ""},
        "metrics": {
            "http_reqs": {"count": 300, "rate": 10.0},
            "http_req_failed": {"passes": 1, "fails": 299, "value": 0.003, "thresholds": {"rate<0.01": False}},
            "http_req_duration": {"avg": 100.0, "min": 1, "med": 90, "max": 400, "p(95)": 200.5, "p(99)": 300},
        },
    }
)
K6_SUMMARY = _json(
    {
        "root_group": {"name": ""},
        "metadata": {"generated_at": WHEN},
        "metrics": {
            "vus": {"type": "gauge", "values": {"value": 1}},
            "http_reqs": {"type": "counter", "values": {"count": 300, "rate": 10.0}},
            "http_req_failed": {
                "type": "rate",
                "values": {"passes": 1, "fails": 299, "rate": 0.003},
                "thresholds": {"rate<0.01": {"ok": True}},
            },
            "http_req_duration": {"type": "trend", "values": {"avg": 100.0, "p(95)": 200.5, "p(99)": 300}},
        },
    }
)
K6_MACHINE = _json(
    {
        "version": "1.0.0",
        "metadata": {"generatedAt": WHEN},
        "results": {
            "metrics": [
                {"name": "http_reqs", "type": "counter", "values": {"count": 300}},
                {"name": "http_req_failed", "type": "rate", "values": {"matches": 1, "total": 300}},
                {"name": "http_req_duration", "type": "trend", "values": {"p95": 200.5, "p99": 300}},
            ]
        },
    }
)
K6_LINES = _lines(
    {"type": "Metric", "metric": "http_reqs", "data": {"type": "counter"}},
    {"type": "Point", "metric": "http_reqs", "data": {"time": WHEN, "value": 1}},
    {"type": "Metric", "metric": "http_req_duration", "data": {"type": "trend"}},
    {"type": "Point", "metric": "http_req_duration", "data": {"time": WHEN, "value": 10.5}},
)
JUNIT = (
    b'<?xml version="1.0"?><testsuites><testsuite name="a" tests="3" failures="1" errors="0">'
    b'<testcase name="x"/><testcase name="y"><failure message="no"/></testcase><testcase name="z"><skipped/></testcase>'
    b"</testsuite></testsuites>"
)
PLAN = _json(
    {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "timestamp": WHEN,
        "errored": False,
        "complete": True,
        "applyable": True,
        "variables": {"x": {"value": 1}},
        "resource_changes": [
            {
                "address": "a.b",
                "type": "a",
                "name": "b",
                "action_reason": "replace_by_request",
                "change": {"actions": ["delete", "create"], "before": {"x": 1}, "after": None},
            }
        ],
        "resource_drift": [{"address": "a.c", "type": "a", "change": {"actions": ["update"]}}],
        "output_changes": {"url": {"actions": ["create"], "after": "x"}},
        "checks": [{"address": {"to_display": "check.x"}, "status": "pass"}],
    }
)
COMPOSE = b"""
name: shop
services:
  web:
    image: "shop:1.0"
    command: [run, --fast]
    depends_on: {db: {condition: service_healthy}}
    environment: [A=1, "B=${A:-x}"]
    ports: ["127.0.0.1:8000-8001:80/tcp", {target: 81, published: "9000"}]
    volumes: ["data:/data:ro", {type: bind, source: ./x, target: /x}]
    networks: [inner]
    profiles: [all]
    healthcheck: {test: [CMD, true], interval: 1m30s, timeout: 5s, retries: 3}
    env_file: {path: .env, required: false}
    secrets: [token]
    deploy: {replicas: 2}
  db:
    build: {context: ., args: {V: 1}}
    extends: {service: web}
    container_name: db
    network_mode: none
volumes: {data: {}}
networks: {inner: {driver: bridge}}
secrets: {token: {file: ./token}}
"""
POLICY = b"""
version: 1
required: [a, b]
profiles:
  strict: {extends: other, timestamps: {max_report_age_min: 5}, gates: {a: {max_age: 5m}}, partial: refuse}
  other: {required: [c], evidence: required}
gates:
  a: {severity: critical, max_age: 20m, thresholds: {min_score: 0.5, words: [a, b]}, stricter: {min_score: higher}}
  b: {timestamps: [at], source: inputs, not_applicable: {because: nothing has changed there, when: {profiles: [strict]}}}
timestamps: {max_report_age_min: 20, future_skew: 2m, mtime: allow}
release_manifest: release.json
exceptions:
  waiver: {critical: {max: 7d, approvals: {any: 2}, subjects: 1}}
  override: {max: 1d, approvals: {any: 1}, post_mortem_within: 7d}
producers: {a: {command: [make], writes: [a.json], timeout: 60s}}
prove: {min_kill_rate: 0.9, equivalent: [{gate: a, because: it is the same thing}]}
refresh: [a]
"""
WAIVERS = f"""
version: 1
waivers:
  - gate: score
    severity: critical
    subjects: ["sha256:{HEX}"]
    fingerprint: {HEX}
    limits: {{"score": 0.4}}
    reason: x
    owner: a
    requested_by: b
    created: "{WHEN}"
    expires: "2026-02-25T11:00:00+00:00"
    approvals: [{{by: c, ssh: AAAA}}, {{by: d, dsse: AAAA}}]
""".encode()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
SIGNERS = f"""
version: 1
signers:
  - {{name: ada, roles: [ops], key: "{KEY}", valid_from: "2026-01-01T00:00:00Z", valid_until: "2027-01-01T00:00:00Z"}}
""".encode()
OVERRIDE = _json(
    {
        "schema_version": 1,
        "kind": "override",
        "decision": {"sha256": HEX, "run_id": "r", "ts_utc": WHEN, "critical_failures": ["score"]},
        "subject": {"name": "x", "digest": {"sha256": HEX}},
        "reason": "x",
        "incident": "INC-1",
        "requested_by": "ada",
        "created": WHEN,
        "expires": "2026-02-23T11:00:00+00:00",
        "approvals": [{"by": "ben", "ssh": "AAAA"}],
    }
)
ALLOW = f"""
version: 1
allow:
  - {{reason: an example, path: docs/x.md, rule: password, expires: 2026-12-01}}
  - {{reason: an example, fingerprint: {"ab" * 16}, expires: 2026-12-01}}
""".encode()
DOTENV = b"# x\nexport API_KEY='abcdefgh$x'\nB=\"x y\"\nC=${B:-z}\n"
DECISION = _json(
    decided(
        gate("score", record=seen("evidence/score.json"), fix="score again", owner="ops"),
        gate("late", "FAIL", requires=("score",), record=seen("evidence/late.json", value=0.1)),
        gate("notes", "INCONCLUSIVE", severity="warning"),
        subject=Subject("x", {"sha256": HEX}),
    )
)


def _shard() -> bytes:
    from pytest_promotion.decision.assembly import Account
    from pytest_promotion.decision.shards import Share, shard_of, written
    from pytest_promotion.model import Requested
    from pytest_promotion.policy import Policy, Rules

    result = gate("score", record=seen("evidence/score.json"))
    account = Account(
        run_id="run-1",
        now=DECIDED,
        rules_as_of=DECIDED,
        as_of=False,
        results=(result,),
        known=frozenset({"score"}),
        problems=("x",),
        requested=Requested.ALL,
        policy=Policy(Rules()),
        policy_path="promotion.yaml",
        policy_files=(),
        subject=Subject("x", {"sha256": HEX}),
        manifest=None,
        git=GitState(),
    )
    return written(shard_of(account, Share(1, 2), [result.gate]))


SHARD = _shard()


def _envelope() -> bytes:
    from pytest_promotion.trust import dsse, statements

    payload = next(statements.statements(json.loads(DECISION), "latest.json", DECISION))
    return dsse.Envelope(payload, dsse.IN_TOTO, (dsse.Signature(b"x" * 64, HEX),)).line()


ENVELOPE = _envelope()


def _history() -> bytes:
    from pytest_promotion.history.log import Head, line_of, logged

    lines, head = [], Head()
    for number in range(2):
        record = logged(json.loads(DECISION), f"promotion_gates_2026022{number}T120000Z.json", DECISION)
        line, head = line_of(record, head)
        lines.append(line)
    return b"".join(lines)


HISTORY = _history()


def zip_bundle() -> bytes:
    """A bundle with nothing but a decision."""
    return _bundle("x.zip")


def zstd_bundle() -> bytes:
    """The same, compressed."""
    return _bundle("x.tar.zst")


def _bundle(name: str) -> bytes:
    from pytest_promotion.trust import archives
    from pytest_promotion.trust.bundles import DECISION as NAME

    file = io.BytesIO()
    with archives.writer(name, file) as add:
        add(archives.Member(NAME, len(DECISION)), io.BytesIO(DECISION))
    return file.getvalue()


GROUPS = b"""
version: 1
groups: {unit: [tests/unit], service: [tests/service, -m, not slow]}
cov: [quay]
cov_fail_under: 80
timeout: 300
plugins: [asyncio]
"""
GOLDEN = _json({"version": 1, "metrics": [{"metric": "fills", "expected": 3, "tolerance": 0.5, "why": "x"}]})
SERVICES = b"""
version: 1
services:
  mine: {writes: reports/x.json, limit: {variable: A, seconds: 60}, every: {variable: B, seconds: 5}, field: at}
  bus: {redis: true}
"""
EVENTS = _lines(
    *(
        {
            "event_id": f"e{number}",
            "stream": "fills",
            "ingest_ts_utc": "2026-02-22T11:00:00.123456Z",
            "correlation_id": "c1",
            "event_type": "fill",
            "payload": {"price": 1.5, "size": 2, "correlation_id": "c1"},
        }
        for number in range(2)
    )
)
CYCLE = _json(
    {
        "ts_utc": WHEN,
        "strict_gate_status": "PASS",
        "strict_gate_rc": 0,
        "critical_failures": [],
        "valid_until": "2026-02-22T13:00:00+00:00",
        "go": True,
        "status": "ready",
    }
)
DATED_CSV = b"ts_utc,x\n2026-02-22T11:00:00+00:00,1\n2026-02-22T11:01:00+00:00,2\n"
CHANGE = next((REPOSITORY / "fixtures/release_target/docs/Ops/KB_Threshold_Changes").glob("*.yaml")).read_bytes()
KB_POLICY = _json({"prod": {"mode": "required", "cases": "x.json", "min_precision": 0.5, "min_recall": 0.75}})
KB_CASES = _json(
    [
        {
            "query": "when is high tide",
            "expected_keywords": ["tide"],
            "top_k": 5,
            "mode": "fts",
            "policy_profile": "strict",
            "id": "1",
            "relevant": {"a.txt": 2},
        }
    ]
)
KB_POINT = _json(
    {
        "profile": "prod",
        "generated_at_utc": WHEN,
        "ts_utc": WHEN,
        "measured_at_utc": WHEN,
        "status": "measured",
        "passed": True,
        "avg_precision_at_k": 0.5,
        "avg_keyword_recall": 1,
        "cases_sha256": HEX,
        "corpus_sha256": HEX,
        "benchmark": "x",
        "content_recall": 0.5,
        "retriever": {"given": "fts5"},
        "case_digests": [HEX],
        "results": [
            {
                "case_sha256": HEX,
                "found": ["a", "b"],
                "hit_keywords": [["tide"], []],
                "matched_keywords": ["tide"],
                "missed_keywords": [],
                "content": {"hit_keywords": [["tide"], []], "matched_keywords": ["tide"], "missed_keywords": ["boat"]},
            }
        ],
    }
)
BEIR_CORPUS = b'{"_id": "a", "title": "Tide", "text": "the tide"}\n{"_id": "b", "title": "", "text": "the boat"}\n'
BEIR_QUERIES = b'{"_id": "q", "text": "when is high tide"}\n'
KB_PACK = _json([{"source_name": "a", "source_type": "txt", "content": "the tide", "title": "Tide"}])
JOURNAL = _json(
    {
        "schema_version": 1,
        "run_id": "r",
        "ts_utc": WHEN,
        "env": "prod",
        "project": "shop",
        "phase": "changing",
        "folder": "/x",
        "files": ["a.yml"],
        "env_file": None,
        "databases": ["a.db"],
        "probes": [{"url": "http://127.0.0.1:8000/", "says": "ok"}],
        "backups": [
            {
                "source": "a",
                "path": "b",
                "sha256": HEX,
                "size_bytes": 1,
                "rows": {"t": 1},
                "mode": 384,
                "uid": 1,
                "gid": 1,
            }
        ],
        "before": {"web": {"image": "x", "tag": "y", "containers": 1, "well": True}},
        "ended_utc": WHEN,
    }
)
TRACE = (REPOSITORY / "fixtures/traces/completed.trace.json").read_bytes()
LEGACY = _json(
    {
        "version": "1.1.0",
        "finalized": True,
        "metadata": {},
        "plan": [],
        "seed": 42,
        "tenant_id": "default",
        "timestamp": WHEN,
        "root_hash": HEX,
        "steps": [
            {
                "step_index": 0,
                "skill_id": "echo",
                "input_hash": "a",
                "output_hash": "b",
                "rng_state_before": "c",
                "outcome": "success",
                "idempotency_key": None,
                "replay_behavior": "execute",
            }
        ],
    }
)
REQUEST = _json({"plan": [{"skill": "price"}], "budget_cents": 100, "seed": 7, "timestamp": WHEN})
E2E = _json(
    {
        "kind": "e2e_parity",
        "environment": "prod",
        "started_at": WHEN,
        "finished_at": "2026-02-22T11:30:00+00:00",
        "status": "pass",
        "reasons": ["x"],
        "run_id": "run-1",
        "traces": {"run": "e2e.json", "replay": "e2e.json"},
    }
)
TARGETS = b"""
version: 1
targets:
  p95: {metric: http_req_duration, stat: p95, unit: ms, at_most: 500}
  ok: {metric: checks, stat: rate, unit: share, at_least: 0.9, severity: warning}
"""
SLO = _json({"suggestion": {"targets": {"latency_p95": {"at_most": 200, "unit": "ms"}}, "why_not": "x"}})
BRANCHES = b"""
version: 1
branches:
  main: {checks: [build], apps: {build: 1}, strict: true, approvals: 2, code_owners: true}
"""
_PERSON = {"login": "ada", "type": "User"}
REVIEWS = _json(
    {
        "pull": {
            "base": {"repo": {"full_name": "x/y"}},
            "user": _PERSON,
            "head": {"sha": "b" * 40},
            "state": "open",
            "merged": False,
            "commits": 1,
        },
        "commits": [[{"sha": "b" * 40, "author": _PERSON, "committer": _PERSON}]],
        "reviews": [
            [
                {
                    "state": "APPROVED",
                    "user": {"login": "ben", "type": "User"},
                    "commit_id": "b" * 40,
                    "submitted_at": WHEN,
                },
                {"state": "COMMENTED", "user": _PERSON, "commit_id": "b" * 40, "submitted_at": WHEN},
            ]
        ],
    }
)
APPROVALS = b"version: 1\napprovals: [{by: ada, ssh: AAAA}, {by: ben, dsse: AAAA}]\n"


def _incidents() -> bytes:
    from pytest_promotion.suites.deployment.monitor.incidents import Incident

    mark = Incident("parity", "shop prod", "high", ("oncall",), "x", ("y",)).fingerprint
    state = {
        "count": 1,
        "first_utc": WHEN,
        "last_utc": WHEN,
        "told": {"oncall": WHEN},
        "rule": "x",
        "deployment": "shop prod",
    }
    return _json({"schema_version": 1, "open": {mark: state, "other": state}})


INCIDENTS = _incidents()
PROMETHEUS = _json(
    {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [{"metric": {"job": "a", "instance": "b"}, "values": [[1.5, "2"], [2.5, "3"]]}],
        },
    }
)
BUNDLE = _json(
    {
        "run_id": "r",
        "dataset_id": "d",
        "signal_name": "s",
        "freq": "1d",
        "horizons": [1, 5],
        "ic_summary_by_horizon": {"1": {"mean_ic": 0.1}, "5": {"mean_ic": 0.1}},
        "meta": {"x": 1},
        "ic_decay_table": [{"horizon": 1}],
        "sweep_panel_path": "x.csv",
    }
)
CASE = _json(
    {
        "version": 1,
        "base": "/x",
        "artifacts": {
            "validation_bundle_path": {"path": "b.json", "sha256": sha256(BUNDLE).hexdigest(), "size_bytes": 1}
        },
    }
)
PANEL = b"ts_utc,a,b\n" + b"".join(
    b"2026-01-%02dT00:00:00+00:00,%d,%d.5\n" % (day, day % 7, (day * 5) % 3) for day in range(1, 32)
)
REALITY = b"{statistic: spa, method: stationary, block: 12, replicates: 2000, seed: 42, centre: upper}\n"
