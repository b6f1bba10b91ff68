"""Good documents of scanners and of reports, one for each format, from the tests of their readers."""

from __future__ import annotations

import json

from tests.readers import test_facts as facts
from tests.scans import test_formats as scans


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


SCANS = tuple(
    map(
        _json,
        (
            scans.grype(scans.match(), ignored=[scans.match()]),
            scans.osv({"id": "GHSA-1", "database_specific": {"severity": "HIGH"}}, max_severity="9.8"),
            scans.semgrep(scans.located()),
            scans.checkov(scans.CHECK),
            scans.kics(scans.QUERY),
            [scans.LEAK],
            scans.cyclonedx(scans.flaw(analysis={"state": "not_affected", "detail": "x"})),
            scans.operator(scans.REPORTED),
            scans.cluster(scans.OS),
            scans.IAC,
        ),
    )
)
REPORTS = tuple(
    map(
        _json,
        (
            facts.coverage_json(),
            facts.benchmarks(),
            facts.results("pass", "fail"),
            facts.validated(facts.expectation()),
            {"success": True, "run_results": {"x": {"validation_result": facts.validated(facts.expectation())}}},
            facts.soda("pass", "fail"),
            facts.run(("auc", 0.9, 1763722800000, 1)),
        ),
    )
)
COBERTURA = facts.cobertura(timestamp="1763722800")
