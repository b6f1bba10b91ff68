"""The formats of scanners: what each of them can leave out and still look clean."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import Unproven
from pytest_promotion.readers.scan_file import read
from pytest_promotion.suites.deployment.scan_rules import judge, limits
from tests.scans.test_scans import IMAGE, NOW, issue, judged, snyk, trivy, vulnerability

MOMENT = "2026-11-21T11:00:00Z"


def scanned(document):
    return read(json.dumps(document).encode(), "scan.json")


def of(document, **rules):
    """The judgement of a scan that was made an hour ago, by whoever's word."""
    return judge([("scan.json", scanned(document).dated(MOMENT))], limits(rules), NOW)


def counts(document):
    return {name: count for name, count in of(document).counts.items() if count}


def grype(*matches, ignored=(), **more):
    return {
        "matches": list(matches),
        "ignoredMatches": list(ignored),
        "source": {
            "type": "image",
            "target": {"userInput": "app:1", "imageID": IMAGE, "repoDigests": [f"r/app@{IMAGE}"]},
        },
        "distro": {"name": "debian", "version": "12"},
        "descriptor": {
            "name": "grype",
            "version": "0.90.0",
            "timestamp": MOMENT,
            "configuration": {},
            "db": {"status": {"built": "2026-11-20T06:00:00Z", "valid": True}},
        },
    } | more


def match(severity="Critical", name="CVE-2026-1", **more):
    return {
        "vulnerability": {"id": name, "severity": severity, "fix": {"versions": ["2"], "state": "fixed"}},
        "artifact": {"name": "musl", "version": "1"},
    } | more


def osv(*flaws, **group):
    package = {"package": {"name": "jinja2", "version": "2.4.1", "ecosystem": "PyPI"}, "vulnerabilities": list(flaws)}
    package["groups"] = [{"ids": [one["id"] for one in flaws], **group}] if flaws else []
    return {"results": [{"source": {"path": "requirements.txt", "type": "lockfile"}, "packages": [package]}]}


def semgrep(*results, **more):
    return {"version": "1.97.0", "results": list(results), "errors": [], "paths": {"scanned": ["a.py"]}} | more


def located(severity="ERROR", **extra):
    return {"check_id": "r1", "path": "a.py", "start": {"line": 3}, "extra": {"severity": severity, **extra}}


def checkov(*failed, **more):
    results = {"passed_checks": [], "failed_checks": list(failed), "skipped_checks": [], "parsing_errors": []}
    return {
        "check_type": "terraform",
        "results": results,
        "summary": {"passed": 3, "failed": len(failed), "checkov_version": "3.2.0"},
    } | more


CHECK = {"check_id": "CKV_1", "severity": "HIGH", "file_path": "/a.tf", "file_line_range": [1, 9], "resource": "a.b"}


def kics(*queries, **more):
    return {
        "kics_version": "v2.1.0",
        "files_scanned": 2,
        "files_parsed": 2,
        "files_failed_to_scan": 0,
        "queries_total": 100,
        "queries_failed_to_execute": 0,
        "queries": list(queries),
        "total_counter": sum(len(one["files"]) for one in queries),
        "end": MOMENT,
    } | more


QUERY = {"query_id": "q1", "severity": "HIGH", "files": [{"file_name": "a.tf", "line": 4}]}


def cyclonedx(*flaws, **more):
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"timestamp": MOMENT, "component": {"bom-ref": "app", "name": "app", "version": IMAGE}},
        "components": [{"bom-ref": "pkg:pypi/a@1", "name": "a", "version": "1"}],
        "vulnerabilities": list(flaws),
    } | more


def flaw(severity="critical", **more):
    ratings = [{"severity": "low"}, {"severity": severity}]
    return {"id": "CVE-2026-1", "ratings": ratings, "affects": [{"ref": "pkg:pypi/a@1"}]} | more


def operator(*flaws, **more):
    report = {
        "updateTimestamp": MOMENT,
        "scanner": {"name": "Trivy", "version": "0.60.0"},
        "artifact": {"repository": "app", "digest": IMAGE},
        "os": {"family": "alpine", "name": "3.22"},
        "summary": {"criticalCount": len(flaws), "highCount": 0, "mediumCount": 0, "lowCount": 0, "unknownCount": 0},
        "vulnerabilities": list(flaws),
    } | more
    return {"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport", "report": report}


REPORTED = {"vulnerabilityID": "CVE-2026-1", "resource": "musl", "installedVersion": "1", "severity": "CRITICAL"}


def cluster(*results, **resource):
    here = {"Namespace": "shop", "Kind": "Deployment", "Name": "app", "Results": list(results), "Metadata": [{}]}
    return {"ClusterName": "kind", "Resources": [here | resource]}


OS = {"Target": "app (alpine 3.22)", "Class": "os-pkgs"}
LEAK = {"RuleID": "aws-key", "File": "a.py", "StartLine": 3, "Commit": "ab" * 20, "Secret": "AKIA1234567890"}
IAC = {
    "ok": False,
    "path": "a.yml",
    "targetFile": "a.yml",
    "infrastructureAsCodeIssues": [{"id": "S1", "severity": "high"}],
}


@pytest.mark.parametrize(
    "document",
    [
        grype(),
        osv(),
        semgrep(),
        checkov(),
        kics(),
        cyclonedx(flaw("low")),
        operator(),
        cluster(OS),
        [checkov(), checkov()],
        IAC | {"ok": True, "infrastructureAsCodeIssues": []},
    ],
    ids=range(10),
)
def test_a_clean_scan_passes(document):
    """A reader that refuses every clean file is taken out of the pipeline."""
    found = of(document)
    assert (found.status, found.reasons) == ("pass", ())


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (grype(match(), match("Negligible", "CVE-2")), {"critical": 1, "low": 1}),
        (grype(match(None)), {"unknown": 1}),
        (osv({"id": "GHSA-1", "database_specific": {"severity": "MODERATE"}}, max_severity="9.8"), {"critical": 1}),
        (osv({"id": "GHSA-1", "database_specific": {"severity": "HIGH"}}, max_severity=""), {"high": 1}),
        (osv({"id": "GHSA-1"}, max_severity=""), {"unknown": 1}),
        (semgrep(located(), located("WARNING"), located("CRITICAL")), {"critical": 1, "high": 1, "medium": 1}),
        (semgrep(located("NEW")), {"unknown": 1}),
        (checkov(CHECK, CHECK | {"severity": None}), {"high": 1, "unknown": 1}),
        ([checkov(), checkov(CHECK)], {"high": 1}),
        (kics(QUERY), {"high": 1}),
        (cyclonedx(flaw()), {"critical": 1}),
        (cyclonedx(flaw(ratings=[{"score": 7.5}])), {"high": 1}),
        (cyclonedx(flaw(ratings=[])), {"unknown": 1}),
        (operator(REPORTED), {"critical": 1}),
        (cluster(OS | {"Vulnerabilities": [vulnerability()]}), {"critical": 1}),
        ([LEAK], {"critical": 1}),
        ([{"rule": "AWS", "file": "a.py", "commit": "ab", "lineNumber": 3}], {"critical": 1}),
        (IAC, {"high": 1}),
        ([IAC, snyk(issue())], {"critical": 1, "high": 1}),
    ],
    ids=range(19),
)  # fmt: skip
def test_what_is_found_counts_by_its_severity(document, expected):
    """A severity that was not understood has a limit of its own, and is never low."""
    assert counts(document) == expected
    assert of(document).status == "fail"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (grype(descriptor={"name": "grype", "version": "0.7.0", "timestamp": MOMENT}), "of when its database"),
        (grype(descriptor=grype()["descriptor"] | {"db": {"built": "2026-10-01T00:00:00Z"}}), "the database of advisories is"),
        (grype(descriptor=grype()["descriptor"] | {"db": {"status": {"built": MOMENT, "valid": False}}}), "not valid"),
        (grype(descriptor=grype()["descriptor"] | {"configuration": {"only-fixed": True}}), "was configured not to list critical"),
        (grype(source=None), "does not say what was scanned"),
        (grype(distro={"name": ""}, source={"type": "directory", "target": "/app"}), "nothing may have been recognized"),
        ({"results": []}, "it lists no package"),
        ({"results": [], "experimental_config": {}}, "it lists no package"),
        ({"results": [{"source": {"path": "x"}, "packages": []}]}, "it lists no package"),
        (semgrep(paths={"scanned": []}), "nothing was scanned"),
        ({"results": [], "errors": []}, "which files were scanned"),
        (semgrep(errors=[{"level": "warn", "type": "Timeout", "path": "a.py"}]), "reports Timeout in a.py"),
        (semgrep(errors=[{"level": "error", "type": ["Syntax error", []], "path": "a.py"}]), "Syntax error"),
        (semgrep(skipped_rules=[{"rule_id": "r7"}]), "the rule r7 was skipped"),
        (checkov(summary={"passed": 3, "failed": 2}), "counts 2 failed checks, and 0 are listed"),
        (checkov(results={"parsing_errors": ["/b.tf"]}), "1 files of terraform could not be parsed"),
        (checkov(summary={"passed": 0, "failed": 0}), "nothing was scanned"),
        ({"passed": 0, "failed": 0, "skipped": 0, "resourcecount": 0, "checkov_version": "2"}, "nothing was scanned"),
        (kics(files_parsed=0), "nothing was scanned"),
        (kics(files_failed_to_scan=1), "1 files could not be scanned"),
        (kics(queries_failed_to_execute=3), "3 queries did not run"),
        (kics(queries_total=0), "no query was run"),
        (kics(total_counter=4), "counts 4 findings, and 0 are listed"),
        (operator(os=None), "of which system"),
        (operator(os={"family": "debian 9", "eosl": True}), "past its end of life"),
        (operator(summary={"highCount": 3}), "counts 3 high findings, and 0 are listed"),
        (cluster(OS, Metadata=[]), "of which system"),
        (cluster(OS, Metadata=[{"OS": {"Family": "debian", "EOSL": True}}]), "past its end of life"),
        (cluster(OS, Error="no such image"), "shop/Deployment/app was not scanned: no such image"),
        (cluster(), "nothing was scanned"),
        (snyk(ok=False), "not ok by its own word, and nothing is listed"),
        (snyk(severityThreshold="critical"), "was configured not to list high"),
        (IAC | {"infrastructureAsCodeIssues": []}, "not ok by its own word"),
    ],
    ids=range(33),
)  # fmt: skip
def test_a_file_that_only_looks_clean_is_inconclusive(document, said):
    """Each of these holds no finding, and nobody looked."""
    found = of(document)
    assert found.status == "inconclusive"
    assert any(said in reason for reason in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (trivy(Results=[OS | {"ExperimentalModifiedFindings": [{"Type": "vulnerability", "Status": "not_affected", "Statement": "not reached", "Source": "vex.json", "Finding": vulnerability()}]}]), "not_affected, not reached, vex.json"),
        (trivy(Results=[OS | {"ExperimentalModifiedFindings": [{"Type": "vulnerability", "Status": "ignored", "Source": ".trivyignore", "Finding": vulnerability()}]}]), "ignored, .trivyignore"),
        (trivy(Results=[{"Target": "a", "Class": "config", "Misconfigurations": [{"ID": "D1", "Severity": "HIGH", "Status": "EXCEPTION"}]}, OS]), "an exception of Trivy's policy"),
        (grype(ignored=[match(appliedIgnoreRules=[{"vulnerability": "CVE-2026-1", "reason": "not reached"}])]), "not reached"),
        (grype(ignored=[match(appliedIgnoreRules=[{"vex-status": "not_affected", "vex-justification": "x"}])]), "not_affected x"),
        (semgrep(located(is_ignored=True)), "ignored by a comment in the code"),
        (checkov(results={"skipped_checks": [CHECK | {"check_result": {"suppress_comment": "a test"}}]}), "a test"),
        (cyclonedx(flaw(analysis={"state": "not_affected", "justification": "code_not_reachable"})), "not_affected: code_not_reachable"),
        (snyk(filtered={"patch": [issue()]}), "patched by Snyk"),
        (IAC | {"ok": True, "infrastructureAsCodeIssues": [{"id": "S1", "severity": "high", "isIgnored": True}]}, "ignored by .snyk"),
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_excused_is_counted_and_named(document, why):
    """A flaw that an ignore file took away is gone from every report, and nobody reviews it."""
    found = of(document)
    assert (found.status, found.excused) == ("pass", {"suppressed": 1}), found.reasons
    [(finding, _)] = found.excuses
    assert finding.suppressed == why


@pytest.mark.parametrize(
    "analysis",
    [None, {"state": "in_triage", "detail": "x"}, {"state": "exploitable", "detail": "x"}, {"state": "not_affected"}],
)
def test_vex_that_gives_no_reason_hides_nothing(analysis):
    """ "Not affected" without a word is what somebody typed to be rid of it."""
    assert of(cyclonedx(flaw(analysis=analysis))).status == "fail"


def test_a_finding_that_was_taken_away_has_to_be_of_a_known_kind():
    """What is not understood in there is not left out."""
    with pytest.raises(Unproven, match="is of type 'new'"):
        scanned(trivy(Results=[OS | {"ExperimentalModifiedFindings": [{"Type": "new", "Finding": {}}]}]))


def test_an_ignore_of_snyk_iac_ends():
    """As those of packages do."""
    ignored = {"id": "S1", "severity": "high", "isIgnored": True}
    for until, status in (("2027-01-01T00:00:00Z", "pass"), ("2026-01-01T00:00:00Z", "fail"), ("not-a-date", "fail")):
        item = ignored | {"filtered": {"ignored": [{"expires": until}]}}
        assert of(IAC | {"ok": True, "infrastructureAsCodeIssues": [item]}).status == status


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("secrets", {"Target": "a", "Class": "secret", "Secrets": []}),
        ("licences", {"Target": "a", "Class": "license", "Licenses": []}),
        ("misconfigurations", {"Target": "a", "Class": "config", "Misconfigurations": []}),
    ],
)
def test_another_scan_than_that_for_vulnerabilities_is_none(kind, result):
    """Trivy looks for what it is told to look for, and a scan for licences finds no vulnerability."""
    found = judged(trivy(Results=[result]), require=["vulnerabilities"])
    assert found.reasons == (f"no scan looked for vulnerabilities: Trivy 0.70.0 looked only for {kind}",)
    assert judged(trivy(Results=[result]), require=[kind]).status == "pass"
    both = [("a", scanned(trivy(Results=[result]))), ("b", scanned(trivy()))]
    assert judge(both, limits({"require": ["vulnerabilities", kind]}), NOW).status == "pass"


def test_licences_have_limits_of_their_own():
    """A licence of high severity is no hole, and is not nothing either."""
    licence = {"Severity": "HIGH", "Name": "AGPL-3.0", "PkgName": "a"}
    document = trivy(Results=[OS, {"Target": "a", "Class": "license", "Licenses": [licence]}])
    found = judged(document)
    assert (found.status, found.licences["high"], sum(found.counts.values())) == ("pass", 1, 0)
    assert judged(document, most_licences={"high": 0}).status == "fail"
    assert scanned(document).count("high") == 0
    assert scanned(document).count("high", "licences") == 1


def test_the_image_has_to_be_that_of_the_scan_for_vulnerabilities():
    """A scan of code names no image; a scan of another image is not excused by it."""
    code = ("code", scanned(semgrep()).dated(MOMENT))
    image = ("image", scanned(grype()))
    other = ("other", scanned(grype(source={"type": "image", "target": {"imageID": "sha256:" + "cd" * 32}})))
    rules = limits({"image": IMAGE})
    assert judge([image, code], rules, NOW).status == "pass"
    assert judge([code], rules, NOW).status == "inconclusive"
    assert judge([image, other, code], rules, NOW).status == "inconclusive"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a"}]},
            "CycloneDX bill of materials",
        ),
        (cyclonedx(), "CycloneDX bill of materials"),  # Trivy writes an empty list without having looked
        ({"spdxVersion": "SPDX-2.3", "packages": []}, "SPDX"),
        ({"@context": "https://spdx.org/rdf/3.0.1", "@graph": []}, "SPDX 3"),
        ({"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}, "OpenVEX"),
        ({"document": {"category": "csaf_vex"}, "product_tree": {}, "vulnerabilities": []}, "CSAF"),
        ({"auditReportVersion": 2, "vulnerabilities": {}}, "npm audit"),
        ({"metrics": {}, "generated_at": MOMENT, "results": [], "errors": []}, "Bandit"),
        ({"vulns": [], "hasMore": False}, "Semgrep's platform"),
        ({"data": {"search": {"nodes": []}}}, "GitHub"),
        ([{"url": "x", "state": "open", "number": 1}], "GitHub"),
        ([{"Target": "x", "Vulnerabilities": None}], "Trivy before 0.20"),
        (operator() | {"kind": "ClusterComplianceReport"}, "ClusterComplianceReport"),
        (operator() | {"kind": "SbomReport"}, "SbomReport"),
        ({"vulnerabilityreports.aquasecurity.github.io": []}, "Trivy's operator"),
        ([], "an empty list"),
        ([LEAK, {"x": 1}], "a list"),
        (None, "null"),
    ],
    ids=range(18),
)
def test_what_is_not_read_is_refused_by_its_name(document, said):
    """ "Not a report of a scanner" sends its reader to look for a mistake that is not there."""
    with pytest.raises(Unproven, match=said):
        scanned(document)


@pytest.mark.parametrize("make", [grype, semgrep, kics, operator, checkov, cyclonedx], ids=lambda one: one.__name__)
def test_half_of_a_format_is_refused(make):
    """A list that is null, or an object where a list belongs, is no empty list."""
    whole = make() if make is not cyclonedx else cyclonedx(flaw())
    lists = {grype: "matches", semgrep: "results", kics: "queries", checkov: "results", cyclonedx: "vulnerabilities"}
    for wrong in ("text", 3, {"a": 1} if make is not checkov else [1]):
        document = copy.deepcopy(whole)
        holder = document["report"] if make is operator else document
        holder[lists.get(make, "vulnerabilities")] = wrong
        with pytest.raises(Unproven):
            scanned(document)


def test_a_user_counts_what_is_whole_only():
    """Two lines of a gate have to be as strict as the gate of the suite."""
    assert scanned(trivy(vulnerability())).count("critical") == 1
    for document, severity in (
        (trivy(Results=[]), "critical"),
        (trivy(Metadata={"OS": {"EOSL": True}}), "critical"),
        (semgrep(errors=[{"type": "Timeout"}]), "high"),
        (snyk(severityThreshold="high"), "medium"),
        (trivy(), "severe"),
    ):
        with pytest.raises(Unproven):
            scanned(document).count(severity)
    with pytest.raises(Unproven, match="looked only for vulnerabilities"):
        scanned(trivy()).count("critical", "secrets")


@pytest.mark.parametrize(
    ("built", "said"),
    [
        ("2026-11-20T06:00:00Z", ""),
        ("2026-11-20T06:00:00.123456789Z", ""),
        ("2026-11-01T06:00:00Z", "old, the window is 7d"),
        ("2019-01-01T00:00:00.123456789Z", "old, the window is 7d"),
        ("2027-01-01T00:00:00Z", "in the future"),
        ("recently", "its database: "),
    ],
)
def test_advisories_that_were_old_at_the_time_of_the_scan_find_nothing_new(built, said):
    """A runner without a network scans with the advisories of last year, and finds less each day."""
    scan = scanned(grype(descriptor=grype()["descriptor"] | {"db": {"status": {"built": built, "valid": True}}}))
    if not said:
        assert scan.count("critical") == 0
        return
    for ask in (scan.demand_whole, lambda: scan.count("critical")):
        with pytest.raises(Unproven, match=said):
            ask()


def test_advisories_are_as_old_as_they_were_and_not_as_they_are():
    """The age of the scan is judged by itself; where it has no time, that of the gate counts."""
    scan = scanned(grype())
    assert scan.at(NOW + timedelta(days=30)).count("critical") == 0
    descriptor = {name: value for name, value in grype()["descriptor"].items() if name != "timestamp"}
    undated = scanned(grype(descriptor=descriptor))
    assert undated.at(NOW).count("critical") == 0
    for one, said in (
        (undated.at(NOW + timedelta(days=30)), "the window is 7d"),
        (undated, "may have been of any age"),
    ):
        with pytest.raises(Unproven, match=said):
            one.count("critical")


@pytest.mark.parametrize(("age", "reasons"), [("7d", 1), ("90d", 0)])
def test_the_age_that_a_policy_accepts_is_said_once(age, reasons):
    """A policy for a network of its own has its own window, and one fault is one reason."""
    old = grype(descriptor=grype()["descriptor"] | {"db": {"built": "2026-10-01T00:00:00Z"}})
    found = of(old, max_database_age=age)
    assert len(found.reasons) == reasons


@pytest.mark.parametrize(
    ("kinds", "said"),
    [({"secrets"}, "say kind='secrets'"), ({"licences"}, "kind='licences'"), ({"licences", "secrets"}, "or kind=")],
)
def test_a_scan_for_secrets_is_none_for_what_is_critical(kinds, said):
    """No critical finding, where only secrets were looked for, is no word about vulnerabilities."""
    scan = replace(scanned(grype()), kinds=frozenset(kinds))
    with pytest.raises(Unproven, match=said):
        scan.count("critical")
    assert [scan.count("critical", one) for one in kinds] == [0] * len(kinds)
    assert replace(scan, kinds=scan.kinds | {"vulnerabilities"}).count("critical") == 0


def test_a_finding_of_no_known_severity_may_be_the_one_that_is_asked_for():
    """A rule that is not in the file may be a critical one: none of them is critical is not known."""
    scan = scanned(trivy(vulnerability("UNKNOWN"), vulnerability("HIGH", "CVE-2026-2")))
    for severity in ("critical", "high", "low"):
        with pytest.raises(Unproven, match="any may be"):
            scan.count(severity)
    assert scan.count("unknown") == 1
    assert scan.count("high", known_only=True) == 1


def test_a_report_of_the_operator_ends_with_its_lifetime():
    """The operator deletes it then; a copy is kept for ever."""
    lifetime = {"annotations": {"trivy-operator.aquasecurity.github.io/report-ttl": "0h30m0s"}}
    assert of(operator() | {"metadata": lifetime}).status == "inconclusive"
    lifetime["annotations"]["trivy-operator.aquasecurity.github.io/report-ttl"] = "24h0m0s"
    assert of(operator() | {"metadata": lifetime}).status == "pass"


def test_a_command_asks_static_analysis_for_code_and_everything_else_for_vulnerabilities(tmp_path):
    """A scan for secrets is no scan of an image, and CodeQL looks for no vulnerabilities of packages."""
    now = datetime.now(UTC).isoformat()
    outcomes = {}
    for name, document in (("code", semgrep()), ("secrets", [])):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        for words in ((), ("--image", f"sha256:{'a' * 64}"), ("--require", "code")):
            done = CliRunner().invoke(main, ["scan-check", str(path), "--scanned-at", now, *words])
            outcomes[name, *words[:1]] = done.exit_code
    assert outcomes["code",] == outcomes["code", "--require"] == 0
    assert outcomes["code", "--image"] == 3
    assert {outcomes["secrets", *words] for words in ((), ("--image",), ("--require",))} == {3}
