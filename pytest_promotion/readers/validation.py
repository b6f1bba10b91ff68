"""
The results of Great Expectations and of Soda, recounted from each expectation and each check.

A declared `success` is compared with what is listed. An expectation that raised an exception, and a check that was not
evaluated, did not pass, whatever the whole says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object, named
from pytest_promotion.readers.checks import FAILED, PASSED, SKIPPED, WARNED, Check, Checks, some
from pytest_promotion.readers.encodings import parse_json
from pytest_promotion.readers.findings import a_count, text

_SODA: Final = {"pass": PASSED, "fail": FAILED, "warn": WARNED}
_STATISTICS: Final = ("evaluated_expectations", "successful_expectations", "unsuccessful_expectations")


def read(content: bytes, origin: str) -> Checks:
    """How each expectation or check ended. Raises `Unproven` for what neither tool writes."""
    document = parse_json(content, origin)
    if not isinstance(document, dict):
        raise Unproven(f"{origin} is {named(document)}: no result of Great Expectations or of Soda")
    if "hasFailures" in document and "checks" in document:
        return _soda(document, origin)
    if "success" in document and ("results" in document or "expectations" in document):
        return _expectations([document], origin)
    for name in ("run_results", "validation_results"):
        if "success" in document and name in document:
            return _expectations(_of_checkpoint(document, name, origin), origin, document)
    raise Unproven(f"{origin} is no result of Great Expectations or of Soda")


# --- Great Expectations ---


def _of_checkpoint(document: dict[str, Any], name: str, origin: str) -> list[dict[str, Any]]:
    listed = document[name]
    if isinstance(listed, dict):  # by the identifier of the run
        listed = list(listed.values())
    every = [an_object(one, f"{origin}: {name}") for one in a_list(listed, f"{origin}: {name}")]
    return [an_object(one.get("validation_result", one), f"{origin}: {name}") for one in every]


def _expectations(results: list[dict[str, Any]], origin: str, whole: dict[str, Any] | None = None) -> Checks:
    every: list[Check] = []
    incomplete: list[str] = []
    times, versions = [], set()
    for at, result in enumerate(results):
        place = f"{origin}: validation {at + 1}"
        name = "results" if "results" in result else "expectations"
        checks = [
            _expectation(an_object(one, f"{place}.{name}[{number}]"), f"{place}.{name}[{number}]")
            for number, one in enumerate(a_list(result.get(name), f"{place}.{name}"))
        ]
        if not checks:
            incomplete.append(f"validation {at + 1} evaluated nothing")
        incomplete += [f"{one.name}: {one.message}" for one in checks if one.outcome == SKIPPED]
        incomplete += _contradictions(result, checks, f"validation {at + 1}", place)
        every += checks
        meta = an_optional_object(result.get("meta"), f"{place}.meta")
        run = an_optional_object(meta.get("run_id"), f"{place}.meta.run_id")
        times.append(run.get("run_time"))
        versions |= {str(meta["great_expectations_version"])} if meta.get("great_expectations_version") else set()
    if whole is not None and whole.get("success") is not True and not any(one.outcome == FAILED for one in every):
        incomplete.append("the checkpoint did not succeed, and no expectation that is listed failed")
    known = [one for one in times if isinstance(one, str)]
    return Checks(
        form="Great Expectations result",
        tool=f"Great Expectations {', '.join(sorted(versions)) or 'of unknown version'}",
        every=some(every, origin),
        created=min(known) if known and len(known) == len(times) else None,
        incomplete=tuple(incomplete),
    )


def _expectation(fields: dict[str, Any], place: str) -> Check:
    config = an_optional_object(fields.get("expectation_config"), f"{place}.expectation_config")
    name = text(
        config.get("expectation_type") or config.get("type") or fields.get("expectation_type"),
        f"{place}: type of the expectation",
    )
    arguments = an_optional_object(config.get("kwargs") or fields.get("kwargs"), f"{place}.kwargs")
    column = arguments.get("column")
    raised = _raised(fields.get("exception_info"), f"{place}.exception_info")
    found = an_optional_object(fields.get("result"), f"{place}.result")
    nothing = "element_count" in found and not a_count(found["element_count"], f"{place}.result.element_count")
    passed = fields.get("success") is True and not raised
    return Check(
        f"{name}({column})" if isinstance(column, str) else name,
        "expectation",
        FAILED if not passed else SKIPPED if nothing else PASSED,
        "it raised an exception" if raised else "it looked at no element" if nothing else "",
    )


def _raised(info: Any, place: str) -> bool:
    """
    Whether an exception was raised; newer versions keep one entry for each metric.

    Raises:
        Unproven: where it does not say it by a boolean.
    """
    fields = an_optional_object(info, place)
    raised = fields.get("raised_exception", False)
    if not isinstance(raised, bool):
        raise Unproven(f"{place}.raised_exception is {raised!r}, expected true or false")
    return raised or any(_raised(one, place) for one in fields.values() if isinstance(one, dict))


def _contradictions(result: dict[str, Any], checks: list[Check], name: str, place: str) -> Iterator[str]:
    failed = sum(1 for one in checks if one.outcome == FAILED)
    counted = dict(zip(_STATISTICS, (len(checks), len(checks) - failed, failed), strict=True))
    statistics = an_optional_object(result.get("statistics"), f"{place}.statistics")
    for key, count in counted.items():
        # A result format that lists less than was evaluated leaves out successes or failures.
        if statistics.get(key) not in (None, count):
            yield f"{name} has {key} {statistics[key]}, and {count} are listed"
    if result.get("success") is not True and not failed:
        yield f"{name} did not succeed, and no expectation that is listed failed"


# --- Soda ---


def _soda(document: dict[str, Any], origin: str) -> Checks:
    every = []
    incomplete = []
    for at, one in enumerate(a_list(document["checks"], f"{origin}: checks")):
        place = f"{origin}: checks[{at}]"
        check = an_object(one, place)
        name = text(check.get("name"), f"{place}.name")
        outcome = check.get("outcome")
        if outcome is None:
            incomplete.append(f"the check {name} was not evaluated")
        every.append(Check(name, "check", _SODA.get(str(outcome), FAILED), str(check.get("definition") or "")))
    if document.get("hasErrors") is not False:
        logs = an_optional_list(document.get("logs"), f"{origin}: logs")
        errors = [str(one.get("message")) for one in logs if isinstance(one, dict) and one.get("level") == "ERROR"]
        incomplete.append(f"the scan had errors: {errors[0] if errors else 'which it does not name'}")
    if document["hasFailures"] is not False and not any(one.outcome == FAILED for one in every):
        incomplete.append("the scan had failures, and no check that is listed failed")
    ended = document.get("scanEndTimestamp")
    version = document.get("sodaCoreVersion") or document.get("version")
    return Checks(
        form="Soda scan",
        tool=f"Soda {version if isinstance(version, str) else 'of unknown version'}",
        every=some(every, origin),
        created=ended if isinstance(ended, str) else None,
        incomplete=tuple(incomplete),
    )
