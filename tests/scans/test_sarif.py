"""SARIF as tools write it: results elsewhere, rules by pointers, overrides, runs of different age, encodings."""

from __future__ import annotations

import codecs
import json

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.readers.scan_file import read
from pytest_promotion.suites.deployment.scan_rules import judge, limits
from tests.scans.test_scans import IMAGE, NOW, judged, result, sarif

OLD = {"executionSuccessful": True, "endTimeUtc": "2026-11-01T11:00:00Z"}
NEW = {"executionSuccessful": True, "endTimeUtc": "2026-11-21T11:00:00Z"}


def scanned(document):
    return read(json.dumps(document).encode(), "x.sarif")


def severities(*results, **run):
    return [one.severity for one in scanned(sarif(*results, **run)).findings]


@pytest.mark.parametrize("part", ["results", "driver", "extensions", "invocations"])
def test_what_is_in_another_file_is_not_nothing(part):
    """An empty list beside a reference means that the results are elsewhere, and it passed."""
    reference = {part: [{"location": {"uri": "more.json"}, "itemCount": 12}]}
    found = judged(sarif(externalPropertyFileReferences=reference))
    assert found.status == "inconclusive"
    assert any(f"its {part} are in another file" in reason for reason in found.reasons)


def test_results_outside_of_the_runs_are_not_nothing():
    """The log may carry the results of a run beside the run."""
    document = sarif() | {"inlineExternalProperties": [{"runGuid": "x", "results": [result()]}]}
    assert judged(document).status == "inconclusive"


def test_the_oldest_of_several_runs_dates_the_log():
    """A log that was merged from a scan of today and one of last month is not of today."""
    document = sarif(invocations=[NEW])
    document["runs"].append(sarif(invocations=[OLD])["runs"][0])
    assert judged(document).status == "inconclusive"
    document["runs"][1]["invocations"] = [{"executionSuccessful": True}]
    assert scanned(document).created is None
    document["runs"][1]["invocations"] = [NEW]
    assert judged(document).status == "pass"


def test_one_run_that_did_not_finish_is_enough():
    """Of two tools in a log one crashed, and the other one found nothing."""
    document = sarif()
    document["runs"].append(sarif(invocations=[{"executionSuccessful": False}])["runs"][0])
    assert judged(document).status == "inconclusive"
    document["runs"][1] = sarif(results=None)["runs"][0]
    assert judged(document).status == "inconclusive"


@pytest.mark.parametrize(
    ("found", "rules", "severity"),
    [
        ({"message": {"text": "key"}}, [], "medium"),
        ({"message": {"text": "key"}}, [{"id": "R1"}], "unknown"),
        ({"message": {"text": "key"}, "level": "error"}, [{"id": "R1"}], "high"),
        ({"ruleId": "R2"}, [{"id": "R1"}], "unknown"),
        ({"ruleId": "R2", "level": "note"}, [{"id": "R1"}], "low"),
        ({"ruleId": "R1", "ruleIndex": 4, "level": "note"}, [{"id": "R1"}], "low"),
        ({"ruleId": "R9", "ruleIndex": 4, "level": "note"}, [{"id": "R1"}], "unknown"),
        ({"ruleId": "R9", "ruleIndex": 0, "level": "note"}, [{"id": "R1"}], "unknown"),
        ({"ruleId": "R1", "ruleIndex": 1}, [{"id": "R1", "properties": {"security-severity": "9"}}, {"id": "R2"}], "critical"),
        ({"ruleId": "R1", "properties": {"security-severity": "High"}}, [{"id": "R1"}], "high"),
        ({"rule": {"guid": "AB"}}, [{"id": "R1", "guid": "ab", "properties": {"security-severity": "9.1"}}], "critical"),
        ({"rule": {"guid": "CD"}, "level": "note"}, [{"id": "R1", "guid": "ab"}], "unknown"),
        ({"ruleId": "R1", "properties": {"security-severity": "11"}}, [{"id": "R1"}], "unknown"),
        ({"ruleId": "R1", "properties": {"security-severity": "NaN"}}, [{"id": "R1"}], "unknown"),
        ({"ruleId": "R1", "properties": {"security-severity": 0}}, [{"id": "R1"}], "low"),
        ({"ruleId": "R1", "level": "loud"}, [{"id": "R1"}], "unknown"),
    ],
)  # fmt: skip
def test_a_rule_that_is_not_there_has_no_severity(found, rules, severity):
    """The usual level stands for a rule that was read, and not for one that nobody has."""
    assert severities(found, rules=rules) == [severity]


def test_a_component_is_found_by_its_name_or_guid():
    """A result may name the extension that has its rule, instead of counting it."""
    document = sarif(
        {"ruleId": "Q", "rule": {"index": 0, "toolComponent": {"name": "pack"}}},
        {"ruleId": "Q", "rule": {"index": 0, "toolComponent": {"guid": "g1"}}},
        {"ruleId": "Q", "rule": {"index": 0, "toolComponent": {"name": "gone"}}},
        rules=[{"id": "R1", "properties": {"security-severity": "1"}}],
    )
    critical = {"name": "pack", "guid": "g1", "rules": [{"id": "Q", "properties": {"security-severity": "9"}}]}
    document["runs"][0]["tool"]["extensions"] = [critical]
    assert [one.severity for one in scanned(document).findings] == ["critical", "critical", "unknown"]


def test_a_level_that_was_overridden_for_the_run_counts():
    """Whoever raises a rule to an error for this run means it."""
    override = {"descriptor": {"id": "R1", "index": 0}, "configuration": {"level": "error"}}
    calls = [NEW | {"ruleConfigurationOverrides": [override]}]
    rules = [{"id": "R1", "defaultConfiguration": {"level": "note"}}, {"id": "R2"}]
    found = severities(
        {"ruleId": "R1"}, {"ruleId": "R2"}, {"ruleId": "R1", "level": "note"}, rules=rules, invocations=calls
    )
    assert found == ["high", "medium", "low"]


@pytest.mark.parametrize(
    ("suppression", "status"),
    [
        ({"kind": "inSource"}, "pass"),
        ({"kind": "external", "state": "underReview"}, "fail"),
        ({"kind": "external", "status": "accepted", "properties": {"expiryUtc": "2027-01-01T00:00:00Z"}}, "pass"),
        ({"kind": "external", "status": "accepted", "properties": {"expiryUtc": "2026-01-01T00:00:00Z"}}, "fail"),
        ({"kind": "external", "status": "accepted", "properties": {"expires": "not-a-date"}}, "fail"),
        ({"kind": "external", "status": "accepted", "properties": {"expirationDate": "2027-01-01"}}, "fail"),
    ],
    ids=range(6),
)
def test_a_suppression_ends_with_its_date(suppression, status):
    """What was suppressed for a month hides a critical result for years."""
    found = judged(sarif(result(suppressions=[suppression])))
    assert found.status == status
    assert len(found.excuses) == (1 if status == "pass" else 0)


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
)
def test_what_tools_on_windows_write_is_read(encoded):
    """A log that cannot be read stops every release of whoever scans on Windows."""
    assert len(read(encoded(json.dumps(sarif(result()))), "x.sarif").findings) == 1


@pytest.mark.parametrize("content", [codecs.BOM_UTF16_LE + b'{"a', b"\xff\xfe", codecs.BOM_UTF8, b"{\x00}\x00"])
def test_half_of_such_a_file_is_refused(content):
    """An odd byte at its end is half a character."""
    with pytest.raises(Unproven):
        read(content, "x.sarif")


def test_the_image_is_known_where_trivy_names_it():
    """A log without a digest can be of any image."""
    document = sarif(properties={"imageName": "app:1", "imageID": IMAGE, "repoDigests": [f"r/app@{IMAGE}"]})
    assert scanned(document).digests == {IMAGE}
    assert judged(document, image=IMAGE).status == "pass"


def test_what_snyk_code_could_not_parse_was_not_looked_at():
    """Every file failed to parse, and nothing was found in them."""
    covered = [{"files": 8, "isSupported": True, "lang": "PHP", "type": "FAILED_PARSING"}]
    found = judged(sarif(properties={"coverage": covered}))
    assert found.status == "inconclusive"
    assert any("8 files of PHP" in reason for reason in found.reasons)
    covered.append({"files": 3, "isSupported": True, "lang": "Python", "type": "SUPPORTED"})
    assert len(judged(sarif(properties={"coverage": covered})).reasons) == 1


@pytest.mark.parametrize(
    ("tool", "rules", "kinds"),
    [
        ("CodeQL", [], {"code"}),
        ("Grype", [], {"vulnerabilities"}),
        ("Trivy", [], set()),
        ("Trivy", [{"id": "a", "name": "OsPackageVulnerability"}], {"vulnerabilities"}),
        ("Trivy", [{"id": "a", "name": "Secret"}, {"id": "b", "name": "Misconfiguration"}], {"secrets", "misconfigurations"}),
        ("gitleaks", [], {"secrets"}),
        ("a tool of ours", [], set()),
    ],
)  # fmt: skip
def test_a_scan_that_did_not_look_for_it_does_not_show_that_it_is_not_there(tool, rules, kinds):
    """A scan for secrets alone was taken for the scan of an image."""
    document = sarif(rules=rules)
    document["runs"][0]["tool"]["driver"]["name"] = tool
    scan = scanned(document)
    assert scan.kinds == kinds
    for required in ("vulnerabilities", "secrets"):
        found = judge([("x", scan)], limits({"require": [required]}), NOW)
        assert (found.status == "pass") is (required in kinds)
