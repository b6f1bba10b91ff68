"""Reports of tests, coverage, benchmarks, data checks and models: what each of them can leave out and still look good."""

from __future__ import annotations

import json

import pytest

from pytest_promotion.errors import Unproven
from pytest_promotion.readers import benchmark, coverage, dbt, junit, metrics, validation

MOMENT = "2026-11-21T11:00:00Z"


def encoded(document):
    return document if isinstance(document, bytes) else json.dumps(document).encode()


# --- JUnit ---


def suite(*cases, **attributes):
    words = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<testsuites><testsuite {words}>{''.join(cases)}</testsuite></testsuites>".encode()


PASSED, FAILED, SKIPPED = '<testcase name="a"/>', '<testcase name="b"><failure/></testcase>', '<testcase name="c"><skipped/></testcase>'  # fmt: skip


def test_tests_are_counted_one_by_one():
    """The attributes of a suite are what a runner says of itself."""
    found = junit.read_file(suite(PASSED, FAILED, SKIPPED, tests=3, failures=1), "j.xml")
    assert (found.passed, found.failed, found.skipped, found.total) == (1, 1, 1, 3)


@pytest.mark.parametrize(
    ("content", "failed"),
    [
        (suite(PASSED, tests=2, errors=1), 1),  # an error while the test was torn down
        (suite(PASSED, tests=1, errors="many"), 1),
        (suite(errors=1, tests=1), 1),
        (suite(PASSED, failures=3), 3),
    ],
)
def test_a_suite_that_could_not_be_loaded_failed(content, failed):
    """It has no test case, so nothing failed in it."""
    assert junit.read_file(content, "j.xml").failed == failed


@pytest.mark.parametrize(
    "content",
    [
        b"<testsuites/>",
        suite(tests=0),
        suite(PASSED, tests=5),
        suite(PASSED, tests=5, errors=1),
        suite(PASSED)[:-12],
        b"<html/>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><testsuites/>",
        b"",
    ],
    ids=range(8),
)
def test_half_a_junit_file_is_refused(content):
    """No failure is listed in any of these."""
    with pytest.raises(Unproven):
        junit.read_file(content, "j.xml")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ('<testcase status="notrun" result="suppressed"/>', (0, 0, 1)),
        ('<testcase status="run" result="skipped"/>', (0, 0, 1)),
        ('<testcase status="DISABLED"/>', (0, 0, 1)),
        ('<testcase status="run" result="completed"/>', (1, 0, 0)),
        ('<testcase status="Failed"/>', (0, 1, 0)),
        ('<testcase result="failure"/>', (0, 1, 0)),
        ('<testcase result="ERROR"><skipped/></testcase>', (0, 1, 0)),
        ('<testcase status="notrun"><failure/></testcase>', (0, 1, 0)),
        ("<testcase><Failure/></testcase>", (0, 1, 0)),
        ("<TestCase><ERROR/></TestCase>", (0, 1, 0)),
        ('<testcase xmlns:x="urn:x"><x:failure/></testcase>', (0, 1, 0)),
        ("<testcase/><error>boom</error>", (1, 1, 0)),
        ("<Failure/><testcase/>", (1, 1, 0)),
    ],
)
def test_a_test_that_an_attribute_or_its_suite_says_did_not_pass(case, expected):
    """GoogleTest writes no element for a test that is disabled, and some runners none for one that failed."""
    found = junit.read_file(suite(case), "j.xml")
    assert (found.passed, found.failed, found.skipped) == expected


@pytest.mark.parametrize(
    ("timestamp", "created"),
    [
        ("2026-11-21T11:00:00+00:00", "2026-11-21T11:00:00.000000+00:00"),
        ("2026-11-21T11:00:00", None),
        ("yesterday", None),
    ],
)
def test_a_time_without_a_zone_dates_nothing(timestamp, created):
    """It means another moment on each machine."""
    assert junit.read_file(suite(PASSED, timestamp=timestamp), "j.xml").created == created
    two = (
        suite(PASSED, timestamp=timestamp).replace(b"</testsuites>", b"")
        + b"<testsuite><testcase/></testsuite></testsuites>"
    )
    assert junit.read_file(two, "j.xml").created is None


# --- coverage ---


def covered(lines=10, ran=8, branches=0, taken=0):
    return {"num_statements": lines, "covered_lines": ran, "num_branches": branches, "covered_branches": taken}


def coverage_json(totals=None, timestamp="2026-11-21T12:00:00", **files):
    document = {"meta": {"version": "7.11.0", "timestamp": timestamp}, "files": {}, "totals": totals or covered()}
    document["files"] = {name: {"summary": one} for name, one in (files or {"a.py": covered()}).items()}
    return document


NO_NUMBERS = ("", "NaN", "inf", "-1", "many", "None")
CLASS = '<class filename="a.py"><lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class>'


def cobertura(body=CLASS, **attributes):
    words = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    doctype = '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">'
    return f'<?xml version="1.0" ?>{doctype}<coverage {words}><packages><package><classes>{body}</classes></package></packages></coverage>'.encode()


def test_coverage_is_the_sum_of_its_files():
    """A total that was typed in covers everything."""
    two = coverage_json(covered(30, 18, 4, 1), **{"a/a.py": covered(), "b/b.py": covered(20, 10, 4, 1)})
    found = coverage.read(encoded(two), "c.json")
    assert found.percent == pytest.approx(100 * 19 / 34)
    assert found.total.line_percent == 60
    assert found.below("a").percent == 80
    assert coverage.read(cobertura(lines_valid=2, lines_covered=1), "c.xml").percent == 50
    half = '<class filename="a.py"><lines><line number="1" hits="1" branch="true" condition-coverage="50% (1/2)"/></lines></class>'
    assert coverage.read(cobertura(half), "c.xml").total == coverage.Covered(1, 1, 2, 1)


def test_a_line_that_two_classes_have_is_one_line():
    """In Java and C# a file has several classes."""
    other = '<class filename="a.py"><lines><line number="2" hits="7"/></lines></class>'
    assert coverage.read(cobertura(CLASS + other), "c.xml").percent == 100
    for valid, covered_lines in ((2, 2), (3, 2), (2.0, "2.0")):  # of files, or of classes
        found = coverage.read(cobertura(CLASS + other, lines_valid=valid, lines_covered=covered_lines), "c.xml")
        assert found.total == coverage.Covered(2, 2)
    for valid in (1, 4):
        with pytest.raises(Unproven, match="and 3 are listed"):
            coverage.read(cobertura(CLASS + other, lines_valid=valid), "c.xml")


@pytest.mark.parametrize(
    ("zone", "created"),
    [
        (None, None),
        ("UTC", "2026-11-21T12:00:00.000000+00:00"),
        ("Europe/Berlin", "2026-11-21T11:00:00.000000+00:00"),
    ],
)
def test_the_time_of_coverage_needs_a_zone(zone, created):
    """A report of an hour ago in one zone is of the future in another."""
    assert coverage.read(encoded(coverage_json()), "c.json", zone).created == created


def test_a_zone_that_is_none_and_times_of_cobertura():
    """A misspelt zone dates nothing."""
    with pytest.raises(Unproven):
        coverage.read(encoded(coverage_json()), "c.json", "Middle/Earth")
    assert coverage.read(cobertura(timestamp="1763722800"), "c.xml").created == "2025-11-21T11:00:00.000000+00:00"
    assert coverage.read(cobertura(timestamp="1763722800000"), "c.xml").created == "2025-11-21T11:00:00.000000+00:00"
    assert coverage.read(cobertura(timestamp="0"), "c.xml").created is None


@pytest.mark.parametrize(
    "document",
    [
        coverage_json(covered(10, 10)),
        coverage_json(covered(20, 16)),
        coverage_json() | {"files": {}},
        coverage_json() | {"files": None},
        coverage_json(covered(8, 10), **{"a.py": covered(8, 10)}),
        coverage_json(covered(10, True)),
        {"totals": covered(), "files": {}},
        cobertura(""),
        cobertura(lines_valid=9),
        cobertura(lines_covered=2),
        cobertura(lines_covered=0),
        cobertura(lines_valid=1),
        *(cobertura(**{name: word}) for name in ("lines_valid", "lines_covered") for word in NO_NUMBERS),
        *(cobertura(timestamp=word) for word in (*NO_NUMBERS, "1e300")),
        cobertura('<class filename="a.py"><lines><line number="1" hits="-1"/></lines></class>'),
        cobertura('<class><lines><line number="1" hits="1"/></lines></class>'),
        cobertura()[:-9],
        b"<report/>",
        b"[]",
    ],
    ids=range(36),
)
def test_coverage_that_is_not_whole_is_refused(document):
    """Nothing measured, more than there is, and totals of other files."""
    with pytest.raises(Unproven):
        coverage.read(encoded(document), "c.json")


def test_nothing_of_nothing_is_no_coverage():
    """A package of empty files is covered whole."""
    found = coverage.read(encoded(coverage_json(covered(0, 0), **{"a.py": covered(0, 0)})), "c.json")
    with pytest.raises(Unproven, match="0 of 0"):
        found.percent  # noqa: B018 - asked for its refusal
    with pytest.raises(Unproven, match="no file below src"):
        found.below("src")


# --- pytest-benchmark ---


def benchmarks(*every, **more):
    listed = every or ({"fullname": "t.py::a", "stats": {"median": 0.1, "min": 0.05, "rounds": 5}},)
    return {
        "machine_info": {"node": "ci"},
        "commit_info": {"id": "ab", "dirty": True},
        "datetime": MOMENT,
        "benchmarks": list(listed),
    } | more


def test_benchmarks_by_name():
    """A gate asks for one of them."""
    found = benchmark.read(encoded(benchmarks()), "b.json")
    assert (found.value("t.py::a"), found.value("t.py::a", "min"), found.commit, found.dirty) == (0.1, 0.05, "ab", True)
    for name, stat in (("t.py::b", "median"), ("t.py::a", "p99")):
        with pytest.raises(Unproven):
            found.value(name, stat)


@pytest.mark.parametrize(
    "document",
    [
        benchmarks(benchmarks=[]),
        benchmarks(benchmarks=None),
        benchmarks({"fullname": "a", "stats": {"median": 0.1, "rounds": 0}}),
        benchmarks({"fullname": "a", "stats": {"median": "0.1", "rounds": 1}}),
        benchmarks({"fullname": "a", "stats": {"median": None, "rounds": 1}}),
        benchmarks({"fullname": "a", "has_error": True, "stats": {"median": 0.1, "rounds": 1}}),
        benchmarks(*[{"fullname": "a", "stats": {"median": 0.1, "rounds": 1}}] * 2),
        b'{"machine_info": {}, "benchmarks": [{"fullname": "a", "stats": {"median": NaN, "rounds": 1}}]}',
        {"benchmarks": []},
        [],
    ],
    ids=range(10),
)
def test_benchmarks_that_did_not_run_are_refused(document):
    """A benchmark of no rounds is the fastest."""
    with pytest.raises(Unproven):
        benchmark.read(encoded(document), "b.json")


# --- dbt ---


def results(*statuses, which="test", kind="test", form="run-results/v6", **arguments):
    return {
        "metadata": {"dbt_schema_version": f"https://schemas.getdbt.com/dbt/{form}.json", "dbt_version": "1.9.0", "generated_at": MOMENT},
        "results": [{"unique_id": f"{kind}.shop.{at}", "status": one} for at, one in enumerate(statuses)],
        "args": {"which": which, **arguments},
    }  # fmt: skip


def test_nodes_of_dbt_end_as_they_say():
    """A word that is not known is no success."""
    found = dbt.read(
        encoded(results("pass", "success", "fail", "error", "partial success", "new", "warn", "skipped")), "r"
    )
    assert [len(one) for one in (found.passed, found.failed, found.warned, found.skipped)] == [2, 4, 1, 1]
    assert found.of("test").failed == found.failed
    with pytest.raises(Unproven, match="has no model"):
        found.of("model")
    fresh = dbt.read(encoded(results("pass", "runtime error", kind="source", form="sources/v3")), "s")
    assert fresh.failed == ("source.shop.1",)


@pytest.mark.parametrize(
    "limit",
    [
        {"select": ["tag:x"]},
        {"exclude": "a"},
        {"selector": "s"},
        {"which": "retry"},
        {"resource_types": ["unit_test"]},
        {"resource_type": "model"},
        {"exclude_resource_types": ["test"]},
        {"exclude_resource_type": "test"},
        {"sample": "3 days"},
        {"sample": {"start": "2026-11-01", "end": "2026-11-02"}},
    ],
    ids=str,
)
def test_a_part_of_a_project_is_not_the_project(limit):
    """`dbt test --select one_test` passes, and leaves its results where those of all tests were."""
    document = encoded(results("pass", **limit))
    with pytest.raises(Unproven, match="it ran a part of the project"):
        dbt.read(document, "r").failed  # noqa: B018 - asked for its refusal
    found = dbt.read(document, "r", limited=True)
    assert (found.failed, bool(found.selected)) == ((), True)


@pytest.mark.parametrize("arguments", [None, {}, "gone"])
@pytest.mark.parametrize("form", ["run-results/v6", "sources/v3"])
def test_a_run_that_does_not_say_what_it_was_limited_to_may_have_been(arguments, form):
    """Without its arguments, the file of one test looks like that of all."""
    document = results("pass", form=form) | {"args": arguments}
    if arguments == "gone":
        del document["args"]
    with pytest.raises(Unproven, match="has no args"):
        dbt.read(encoded(document), "r").failed  # noqa: B018 - asked for its refusal
    assert dbt.read(encoded(document), "r", limited=True).failed == ()


@pytest.mark.parametrize("types", [[], None, "all", ["all"]])
def test_every_type_is_no_limit(types):
    """dbt writes its defaults too: a gate that no run can pass is taken out."""
    assert dbt.read(encoded(results("pass", resource_types=types)), "r").failed == ()


@pytest.mark.parametrize(
    "document",
    [
        results(),
        results("success", which="compile"),
        results("success", which="generate"),
        results("success", which="build", empty=True),
        results("pass", form="manifest/v12"),
        results(None),
        results("pass") | {"results": None},
        {"results": []},
        [],
    ],
    ids=range(9),
)
def test_a_run_of_dbt_that_tested_nothing_is_refused(document):
    """`dbt docs generate` writes a file of successes over that of `dbt test`."""
    with pytest.raises(Unproven):
        dbt.read(encoded(document), "run_results.json")


# --- Great Expectations and Soda ---


def expectation(success=True, raised=False, **more):
    return {
        "success": success,
        "expectation_config": {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}},
        "exception_info": {"raised_exception": raised},
    } | more


def validated(*every, success=True, **more):
    failed = sum(1 for one in every if one["success"] is not True)
    return {
        "success": success,
        "results": list(every),
        "statistics": {"evaluated_expectations": len(every), "successful_expectations": len(every) - failed, "unsuccessful_expectations": failed},
        "meta": {"great_expectations_version": "1.3.0", "run_id": {"run_time": MOMENT}},
    } | more  # fmt: skip


def soda(*outcomes, **more):
    return {
        "scanEndTimestamp": MOMENT,
        "hasErrors": False,
        "hasWarnings": False,
        "hasFailures": "fail" in outcomes,
        "checks": [{"name": f"rows {at}", "outcome": one} for at, one in enumerate(outcomes)],
        "logs": [],
    } | more


def test_expectations_and_checks_end_as_they_say():
    """`success` of the whole is what somebody else counted."""
    found = validation.read(encoded(validated(expectation(), expectation(success=False), success=False)), "v.json")
    assert (len(found.passed), found.failed) == (1, ("expect_column_values_to_not_be_null(id)",))
    checkpoint = {"success": True, "run_results": {"x": {"validation_result": validated(expectation())}}}
    assert len(validation.read(encoded(checkpoint), "v.json").passed) == 1
    newer = {
        "success": True,
        "validation_results": [{"success": True, "expectations": [{"expectation_type": "e", "success": True}]}],
    }
    assert validation.read(encoded(newer), "v.json").passed == ("e",)
    assert validation.read(encoded(soda("pass", "warn", "fail")), "s.json").failed == ("rows 2",)


@pytest.mark.parametrize(
    "info",
    [{"raised_exception": True}, {"('metric',)": {"raised_exception": True}}],
)
def test_an_expectation_that_raised_did_not_pass(info):
    """With `catch_exceptions` a column that is gone is a success of the whole."""
    found = validation.read(encoded(validated(expectation(exception_info=info))), "v.json")
    with pytest.raises(Unproven, match="successful_expectations 1, and 0 are listed"):
        found.demand_whole()
    assert [one.outcome for one in found.every] == ["failed"]


@pytest.mark.parametrize("raised", ["true", "false", 1, 0, None, "", [True]])
@pytest.mark.parametrize("by_metric", [False, True])
def test_an_exception_that_is_said_in_another_type_is_refused(raised, by_metric):
    """`"raised_exception": "true"` is no true, and the expectation was not evaluated."""
    info = {"raised_exception": raised}
    document = validated(expectation(exception_info={"('metric',)": info} if by_metric else info))
    with pytest.raises(Unproven, match="raised_exception is"):
        validation.read(encoded(document), "v.json")


@pytest.mark.parametrize("info", ["true", True, [{"raised_exception": True}]])
def test_an_exception_that_is_no_object_is_refused(info):
    """What is not read cannot say that nothing was raised."""
    with pytest.raises(Unproven, match="exception_info"):
        validation.read(encoded(validated(expectation(exception_info=info))), "v.json")


def test_an_expectation_of_no_element_did_not_pass():
    """Of an empty table, every value is in its range."""
    empty, full = {"element_count": 0, "unexpected_count": 0}, {"element_count": 3}
    found = validation.read(encoded(validated(expectation(result=full), expectation(result=empty))), "v.json")
    assert [one.outcome for one in found.every] == ["passed", "skipped"]
    with pytest.raises(Unproven, match="looked at no element"):
        found.failed  # noqa: B018 - asked for its refusal
    assert validation.read(encoded(validated(expectation(result=full))), "v.json").failed == ()
    failed = validated(expectation(success=False, result=empty), success=False)
    assert len(validation.read(encoded(failed), "v.json").failed) == 1
    for count in ("0", -1, 1.5, True, None):
        with pytest.raises(Unproven, match="element_count"):
            validation.read(encoded(validated(expectation(result={"element_count": count}))), "v.json")


@pytest.mark.parametrize(
    "document",
    [
        validated(expectation(), success=False),
        validated(expectation(), statistics={"evaluated_expectations": 4}),
        validated(expectation(), statistics={"evaluated_expectations": 1, "unsuccessful_expectations": 1}),
        {"success": False, "run_results": {"x": {"validation_result": validated(expectation())}}},
        {"success": True, "validation_results": [validated(), validated(expectation())]},
        soda("pass", None),
        soda("pass", hasErrors=True),
        soda("pass", hasErrors=None),
        soda("pass", hasFailures=True),
    ],
    ids=range(9),
)
def test_a_whole_that_its_parts_belie_is_inconclusive(document):
    """Either of the two is wrong, and nobody can tell which."""
    with pytest.raises(Unproven):
        validation.read(encoded(document), "v.json").failed  # noqa: B018 - asked for its refusal


@pytest.mark.parametrize(
    "document",
    [validated(), soda(), {"success": True}, {"results": []}, [], {"success": True, "results": [{}]}],
    ids=range(6),
)
def test_no_expectation_is_no_success(document):
    """All of none were met."""
    with pytest.raises(Unproven):
        validation.read(encoded(document), "v.json")


# --- MLflow ---


def run(*points, status="FINISHED", stage="active"):
    info = {"run_id": "r1", "status": status, "lifecycle_stage": stage}
    listed = [dict(zip(("key", "value", "timestamp", "step"), one, strict=True)) for one in points]
    return {"run": {"info": info, "data": {"metrics": listed}}}


def test_the_last_value_of_a_metric_counts():
    """The best epoch is not the model that is promoted."""
    found = metrics.read(encoded(run(("auc", 0.9, 1763722800000, "1"), ("auc", 0.7, "1763722800000", 2))), "run.json")
    assert (found["auc"], found.created) == (0.7, "2025-11-21T11:00:00.000000+00:00")
    with pytest.raises(Unproven, match="has no metric 'f1'"):
        found["f1"]
    lines = metrics.read(b"1763722800000 0.9 0\n1763722800000 0.7 5\n1763722800000 0.8 2\n", "mlruns/1/r1/metrics/auc")
    assert lines["auc"] == 0.7


@pytest.mark.parametrize(
    "content",
    [
        run(("auc", 1.7976931348623157e308, 1763722800000, 1)),
        run(("auc", -1.7976931348623157e308, 1763722800000, 1)),
        run(("auc", "NaN", 1763722800000, 1)),
        run(("auc", "Infinity", 1763722800000, 1)),
        run(("auc", None, 1763722800000, 1)),
        run(("auc", True, 1763722800000, 1)),
        run(("auc", 0.9, 1763722800000, 1), status="RUNNING"),
        run(("auc", 0.9, 1763722800000, 1), status="FAILED"),
        run(("auc", 0.9, 1763722800000, 1), stage="deleted"),
        run(),
        {"runs": []},
        {"runs": [run()["run"], run()["run"]]},
        [],
        b"",
        b"1763722800000 0.9 0",
        b"1763722800000 1.7976931348623157e+308 0\n",
        b"1763722800000 nan 0\n",
        b"auc 0.9\n",
        b"1763722800000\n",
    ],
    ids=range(19),
)
def test_what_is_no_measurement_is_refused(content):
    """Infinity is above every limit, and MLflow writes it as a number."""
    with pytest.raises(Unproven):
        metrics.read(encoded(content), "mlruns/1/r1/metrics/auc")
