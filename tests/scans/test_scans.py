"""Reports of scanners: what counts, what does not, and what leaves the question open."""

from __future__ import annotations

import copy
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_promotion.cli import main
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.readers.scan_file import read
from pytest_promotion.suites.deployment.scan_rules import judge, limits

pytestmark = pytest.mark.slow

REAL = Path(os.environ.get("PROMOTION_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "scans"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IMAGE = "sha256:" + "ab" * 32


def trivy(*found, **more):
    """A report of Trivy on one image, an hour old."""
    result = {"Target": "app (alpine 3.20)", "Class": "os-pkgs", "Type": "alpine"}
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.70.0"},
        "CreatedAt": "2026-11-21T11:00:00.123456789Z",
        "ArtifactName": "app",
        "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "alpine", "Name": "3.20"}, "ImageID": IMAGE, "RepoDigests": [f"r/app@{IMAGE}"]},
        "Results": [result | ({"Vulnerabilities": list(found)} if found else {})],
    } | more


def vulnerability(
    severity="CRITICAL", name="CVE-2026-1", package="musl", fixed="1.2.6", published="2026-01-01T00:00:00Z"
):
    return {
        "VulnerabilityID": name,
        "PkgName": package,
        "InstalledVersion": "1.2.5",
        "FixedVersion": fixed,
        "Severity": severity,
        "PublishedDate": published,
    }


def snyk(*found, **more):
    """A report of Snyk on one project."""
    return {
        "ok": not found,
        "vulnerabilities": list(found),
        "dependencyCount": 14,
        "path": "app",
        "uniqueCount": len(found),
    } | more


def issue(severity="critical", name="SNYK-1", package="musl", path="app"):
    return {
        "id": name,
        "severity": severity,
        "packageName": package,
        "version": "1",
        "from": [path],
        "nearestFixedInVersion": "2",
    }


def sarif(*results, rules=(), invocations=None, **run):
    """A log of one run."""
    call = [{"executionSuccessful": True, "endTimeUtc": "2026-11-21T11:00:00Z"}] if invocations is None else invocations
    driver = {"name": "Semgrep", "rules": list(rules)}
    return {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": list(results), "invocations": call} | run],
    }


def result(**more):
    return {"ruleId": "R1", "message": {"text": "x"}, "level": "error"} | more


def judged(document, at=NOW, **rules):
    """What is said of one report."""
    scan = read(json.dumps(document).encode(), "scan.json")
    return judge([("scan.json", scan)], limits(rules), at)


def test_a_clean_scan_of_something_passes():
    """A judge that never says yes is switched off."""
    found = judged(trivy(), image=IMAGE)
    assert (found.status, found.reasons) == ("pass", ())


@pytest.mark.parametrize(
    ("document", "rules", "said"),
    [
        ({key: value for key, value in trivy().items() if key != "Results"}, {}, "nothing was scanned"),
        (trivy(Results=[]), {}, "nothing was scanned"),
        (trivy(Results=None), {}, "nothing was scanned"),
        (trivy(Metadata={"OS": {"Family": "alpine", "Name": "3.9.4", "EOSL": True}}), {}, "past its end of life"),
        (trivy(CreatedAt="2026-11-20T11:00:00Z"), {}, "old, the window is 24h"),
        (trivy(CreatedAt="2027-11-20T11:00:00Z"), {}, "in the future"),
        (trivy(CreatedAt="2026-11-21T11:00:00"), {}, "no offset"),
        (trivy(CreatedAt=None), {}, "does not say when"),
        (trivy(), {"image": "sha256:" + "cd" * 32}, f"is a scan of {IMAGE}, not of sha256:cdcd"),
        (snyk(dependencyCount=0), {}, "nothing was scanned"),
        (snyk(), {}, "does not say when"),
        (sarif(), {"image": IMAGE}, "no image that it names"),
        (sarif(results=None), {}, "it was not run"),
        ({"version": "2.1.0", "runs": []}, {}, "nothing was scanned"),
        (sarif(invocations=[{"executionSuccessful": False}]), {}, "did not run to its end"),
        (sarif(invocations=[{}]), {}, "did not run to its end"),
        (
            sarif(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [{"level": "error", "message": {"text": "no rules"}}]}]),
            {},
            "reports an error: no rules",
        ),
    ],
    ids=range(17),
)  # fmt: skip
def test_no_finding_is_no_news_where_nobody_looked(document, rules, said):
    """A scanner that was not installed, or scanned an empty folder, finds nothing at all."""
    found = judged(document, **rules)
    assert found.status == "inconclusive"
    assert any(said in reason for reason in found.reasons), found.reasons


@pytest.mark.parametrize(
    "document",
    [
        trivy(vulnerability()),
        trivy(vulnerability(severity="UNKNOWN")),
        trivy(vulnerability(severity="FROBNICATED")),
        trivy(Results=[{"Target": "x", "Misconfigurations": [{"ID": "DS002", "Severity": "HIGH", "Status": "FAIL"}]}]),
        trivy(Results=[{"Target": "x", "Secrets": [{"RuleID": "aws", "Severity": "CRITICAL", "StartLine": 3}]}]),
        snyk(issue()),
        [snyk(), snyk(issue(severity="high"))],
        snyk(applications=[snyk(issue())]),
        sarif(result()),
        sarif(result(level="note"), rules=[{"id": "R1", "properties": {"security-severity": "9.8"}}]),
        sarif(result(ruleIndex=0, level="note"), rules=[{"id": "R1", "properties": {"security-severity": "7.0"}}]),
        sarif({"ruleId": "R1"}, rules=[{"id": "R1", "defaultConfiguration": {"level": "error"}}]),
        sarif(result(properties={"security-severity": "high"})),
    ],
    ids=range(13),
)
def test_what_is_found_stops(document):
    """The level of a SARIF result says how loud it is; a critical one at level note went through."""
    assert judged(document).status == "fail"


@pytest.mark.parametrize(
    ("suppressions", "counts"),
    [
        (None, True),
        ([], True),
        ([{"kind": "inSource"}], False),
        ([{"kind": "external", "status": "accepted"}], False),
        ([{"kind": "external", "status": "rejected"}], True),
        ([{"kind": "external", "status": "underReview"}], True),
        ([{"kind": "external", "status": "accepted"}, {"kind": "external", "status": "rejected"}], True),
        ([{"kind": "external"}, {"kind": "external", "status": "underReview"}], True),
    ],
    ids=range(8),
)
def test_a_suppression_counts_where_somebody_accepted_it(suppressions, counts):
    """A rejected suppression is a finding that somebody tried to hide."""
    found = judged(sarif(result(suppressions=suppressions)))
    assert (found.status == "fail") is counts
    assert found.excused == ({} if counts else {"suppressed": 1})


@pytest.mark.parametrize("change", [{"kind": "pass"}, {"kind": "notApplicable"}, {"baselineState": "absent"}], ids=str)
def test_what_is_no_finding_is_none(change):
    """A log of what passed is long, and stops nothing."""
    assert judged(sarif(result(**change))).status == "pass"


@pytest.mark.parametrize("change", [{"kind": "open"}, {"kind": "review"}, {"baselineState": "unchanged"}], ids=str)
def test_what_is_not_decided_counts(change):
    """What nobody has looked at yet is not what nobody minds."""
    assert judged(sarif(result(**change))).status == "fail"


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ([{"expires": None}], "pass"),
        ([{"reason": "we know"}], "pass"),
        ([{"expires": "2027-01-01T00:00:00.000Z"}], "pass"),
        ([{"expires": "2026-11-20T00:00:00.000Z"}], "fail"),
        ([{"expires": "2026-11-20T00:00:00.000Z"}, {"expires": "2027-01-01T00:00:00.000Z"}], "pass"),
        ([{"expires": "not-a-date"}], "fail"),
        ([{"expires": "2027-01-01"}], "fail"),  # of which nobody can tell when it is
        ([{"expires": 1893456000000}], "fail"),
        (None, "pass"),
    ],
)
def test_an_ignore_of_snyk_ends(rules, status):
    """An ignore that was meant for a month hides a critical vulnerability for years."""
    said = issue() | ({} if rules is None else {"filtered": {"ignored": rules}})
    scan = read(json.dumps(snyk(filtered={"ignore": [said]})).encode(), "scan.json").dated("2026-11-21T11:00:00Z")
    found = judge([("scan.json", scan)], limits({}), NOW)
    assert found.status == status
    assert found.excused == ({"suppressed": 1} if status == "pass" else {})


def test_of_two_ignores_of_one_finding_the_first_end_counts():
    """A finding that is ignored by one path for ever and by another for a day is open tomorrow."""
    both = [
        issue(path="a") | {"filtered": {"ignored": [{"expires": moment}]}} for moment in (None, "2026-11-20T00:00:00Z")
    ]
    for order in (both, both[::-1]):
        scan = read(json.dumps(snyk(filtered={"ignore": order})).encode(), "x").dated("2026-11-21T11:00:00Z")
        assert judge([("x", scan)], limits({}), NOW).status == "fail"


def test_the_same_thing_by_two_paths_is_one_and_by_one_path_suppressed_is_not_gone():
    """Counted twice it breaks a limit of one; counted away it breaks a promise."""
    twice = snyk(issue(path="a"), issue(path="b"), issue(package="curl"))
    assert judged(twice).counts["critical"] == 2
    ignored = snyk(issue(path="a"), filtered={"ignore": [issue(path="b"), issue(name="SNYK-2")]})
    found = judged(ignored)
    assert (found.counts["critical"], found.excused) == (1, {"suppressed": 1})


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ({"most": {"critical": 1}}, "pass"),
        ({"most": {"critical": 0}}, "fail"),
        ({"only_fixable": True}, "fail"),
        ({"grace": {"critical": "400d"}}, "pass"),
        ({"grace": {"critical": "30d"}}, "fail"),
        ({"grace": {"high": "400d"}}, "fail"),
    ],
    ids=range(6),
)
def test_limits_fix_and_age(rules, status):
    """Each of them excuses what it is for, and nothing beside it."""
    assert judged(trivy(vulnerability()), **rules).status == status


def test_what_nobody_has_mended_is_left_out_only_on_request():
    """There is nothing to upgrade to; that is a decision, and it is counted."""
    document = trivy(vulnerability(fixed=""))
    assert judged(document).status == "fail"
    assert judged(document, only_fixable=True).excused == {"without a fix yet": 1}


@pytest.mark.parametrize(
    "published", ["", "2027-01-01T00:00:00Z", "soon", "2026-11-20T00:00:00"], ids=["none", "future", "text", "naive"]
)
def test_grace_needs_a_date_that_says_something(published):
    """A vulnerability that is published tomorrow is not younger than fourteen days; nobody knows how old it is."""
    assert judged(trivy(vulnerability(published=published)), grace={"critical": "14d"}).status == "fail"


def test_an_end_of_life_can_be_accepted_by_name():
    """It is a decision; without it the last advisories were those of five years ago."""
    document = trivy(Metadata={"OS": {"EOSL": True}})
    assert judged(document, end_of_life=True).status == "pass"
    said = {"level": "error", "message": {"text": "the end of life of this tool"}}
    broken = sarif(
        invocations=[
            {"executionSuccessful": True, "toolExecutionNotifications": [said], "endTimeUtc": "2026-11-21T11:00:00Z"}
        ]
    )
    assert judged(broken, end_of_life=True).status == "inconclusive"  # whatever its words, it is an error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no findings",
        b"[]",
        b"{}",
        b"null",
        json.dumps(trivy()).encode()[:-9],
        json.dumps(trivy(SchemaVersion=1)).encode(),
        json.dumps(trivy(SchemaVersion=3)).encode(),
        json.dumps(trivy(SchemaVersion="2")).encode(),
        json.dumps([{"Target": "x", "Vulnerabilities": None}]).encode(),
        json.dumps(trivy(Results={})).encode()[:-1],
        json.dumps(trivy(Results={"a": 1})).encode(),
        json.dumps(trivy({"VulnerabilityID": "", "PkgName": "x"})).encode(),
        json.dumps(trivy("x")).encode(),
        json.dumps({"ok": False, "error": "Could not detect supported target files", "path": "/app"}).encode(),
        json.dumps([snyk(), {"ok": False, "error": "timeout", "path": "x"}]).encode(),
        json.dumps(snyk(dependencyCount="14")).encode(),
        json.dumps(sarif() | {"version": "2.0.0"}).encode(),
        json.dumps({"version": "2.1.0", "runs": None}).encode(),
        json.dumps({"version": "2.1.0", "runs": [{"tool": {}}]}).encode(),
        json.dumps(trivy()).encode().replace(b'"SchemaVersion": 2', b'"SchemaVersion": 2, "SchemaVersion": 2'),
    ],
    ids=range(21),
)
def test_what_is_no_report_of_a_scanner_is_refused(content):
    """Whatever cannot be read has no findings."""
    with pytest.raises(Unproven):
        read(content, "scan.json")


@pytest.mark.parametrize(
    "rules",
    [
        {"most": {"high": 0}},
        {"most": {"critical": -1}},
        {"most": {"critical": 0, "severe": 1}},
        {"most": {"critical": "0"}},
        {"max_age": "soon"},
        {"grace": {"critical": "x"}},
        {"image": "app:latest"},
        {"mots": {}},
    ],
    ids=range(8),
)
def test_limits_that_limit_nothing_are_refused(rules):
    """A limit that is misspelt is no limit, and a tag names another image every week."""
    with pytest.raises(PolicyError):
        limits(rules)


def test_no_scan_is_no_pass():
    """The loop over no files that asserts nothing."""
    assert judge([], limits({}), NOW).status == "inconclusive"


@pytest.mark.skipif(not REAL.is_dir(), reason="the reports of the real tools are not beside the check-out")
@pytest.mark.parametrize(
    ("name", "status", "counts"),
    [
        ("trivy-two-critical.json", "fail", {"critical": 2}),
        ("trivy-nothing-scanned.json", "inconclusive", {}),
        ("trivy-distroless.json", "pass", {"medium": 1}),
        ("snyk-apk-array.json", "inconclusive", {"low": 1}),
        ("snyk-container.sarif", "inconclusive", {"medium": 1}),
        ("suppressions.sarif", "inconclusive", {"medium": 6}),
    ],
)
def test_the_reports_of_the_real_tools(name, status, counts):
    """Samples that were written by hand have the shape that their writer expected."""
    scan = read((REAL / name).read_bytes(), name)
    at = datetime(2021, 8, 25, 13, tzinfo=UTC)
    found = judge([(name, scan)], limits({}), at)
    assert (found.status, {key: value for key, value in found.counts.items() if value}) == (status, counts)


def test_a_hundred_thousand_findings_are_judged_while_somebody_waits():
    """A monorepo's log has as many, and the judge that times out is skipped."""
    many = [result(ruleId=f"R{n % 50}", level="note", message={"text": "x" * 20}) for n in range(100_000)]
    rules = [{"id": f"R{n}", "properties": {"security-severity": "3.1"}} for n in range(50)]
    content = json.dumps(sarif(*many, rules=rules)).encode()
    start = time.process_time()
    found = judge([("x", read(content, "x"))], limits({}), NOW)
    assert (found.status, found.counts["low"]) == ("pass", 100_000)
    assert time.process_time() - start < 10


def test_the_command_answers_and_writes(tmp_path):
    """Exit code, report and terminal must say the same."""
    path, out = tmp_path / "trivy.json", tmp_path / "reports" / "scan.json"
    fresh = {"CreatedAt": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()}
    path.write_text(json.dumps(trivy(vulnerability("HIGH"), **fresh)))
    done = CliRunner().invoke(main, ["scan-check", str(path), "--out", str(out)])
    assert done.exit_code == 2
    assert "high: CVE-2026-1 in musl 1.2.5, fixed in 1.2.6" in done.stdout
    assert json.loads(out.read_text())["counts"]["high"] == 1
    assert CliRunner().invoke(main, ["scan-check", str(path), "--most", "high=1", "--image", IMAGE]).exit_code == 0
    assert CliRunner().invoke(main, ["scan-check", str(path), "--most", "high=1", "--max-age", "1m"]).exit_code == 3
    for wrong in (["--most", "high"], ["--most", "severe=1"], ["--image", "app:1"], ["--grace", "high=x"]):
        assert CliRunner().invoke(main, ["scan-check", str(path), *wrong]).exit_code == 4
    path.write_text("{}")
    assert CliRunner().invoke(main, ["scan-check", str(path)]).exit_code == 3
    assert CliRunner().invoke(main, ["scan-check", str(tmp_path / "gone.json")]).exit_code == 3


def test_a_report_without_a_date_can_be_given_one_that_stays_visible(tmp_path):
    """Snyk never says when; whoever says it instead is on record, and never overrules a scanner that does."""
    path = tmp_path / "snyk.json"
    path.write_text(json.dumps(snyk()))
    now = datetime.now(UTC).isoformat()
    done = CliRunner().invoke(main, ["scan-check", str(path), "--scanned-at", now, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["scans"][0]["created_by"]) == (0, "declaration")
    path.write_text(json.dumps(trivy(CreatedAt="2020-01-01T00:00:00Z")))
    assert CliRunner().invoke(main, ["scan-check", str(path), "--scanned-at", now]).exit_code == 3
    assert CliRunner().invoke(main, ["scan-check", str(path), "--scanned-at", "yesterday"]).exit_code == 3


def test_reading_leaves_the_document_alone():
    """Evidence is judged and kept; a reader that edits it keeps something else."""
    document = trivy(vulnerability())
    before = copy.deepcopy(document)
    judged(document)
    assert document == before


@pytest.mark.parametrize(
    ("found", "severity"),
    [
        ({"ruleId": "R9", "rule": {"id": "R9", "index": 0, "toolComponent": {"index": 0}}}, "critical"),
        ({"ruleId": "R9", "rule": {"index": 0, "toolComponent": {"index": 0}}}, "critical"),
        ({"rule": {"id": "R9"}}, "critical"),
        ({"ruleId": "R9"}, "critical"),
        ({"ruleId": "R9/2"}, "critical"),
        ({"ruleId": "R9/2/x"}, "critical"),
        ({"ruleId": "R8", "rule": {"index": 1, "toolComponent": {"index": 1}}}, "low"),
        ({"ruleId": "R1", "ruleIndex": 0}, "medium"),
        ({"ruleId": "R1", "ruleIndex": -1}, "medium"),
        ({"ruleId": "none/of/these", "level": "error"}, "high"),
    ],
)
def test_rules_of_extensions_count(found, severity):
    """CodeQL has all of its rules there: with three critical findings a scan once passed."""
    document = sarif(
        {"message": {"text": "x"}, **found}, rules=[{"id": "R1", "properties": {"security-severity": "5"}}]
    )
    document["runs"][0]["tool"]["extensions"] = [
        {"name": "a", "rules": [{"id": "R9", "properties": {"security-severity": "9.8"}}]},
        {"name": "b", "rules": [{"id": "R7"}, {"id": "R8", "properties": {"security-severity": "1.0"}}]},
    ]
    [finding] = read(json.dumps(document).encode(), "x.sarif").findings
    assert finding.severity == severity


@pytest.mark.parametrize(
    "pointer", [{"index": 3, "toolComponent": {"index": 0}}, {"index": 0, "toolComponent": {"index": 5}}, {"index": 9}]
)
def test_a_rule_that_is_pointed_at_has_to_be_there(pointer):
    """A severity that cannot be found is not the default one."""
    document = sarif({"ruleId": "R9", "message": {"text": "x"}, "rule": pointer})
    document["runs"][0]["tool"]["extensions"] = [{"name": "a", "rules": [{"id": "R9"}]}]
    [finding] = read(json.dumps(document).encode(), "x.sarif").findings
    assert finding.severity == "unknown"
    assert judged(document).status == "fail"
