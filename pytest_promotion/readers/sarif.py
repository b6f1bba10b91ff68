"""
SARIF 2.1.0 of any scanner.

`level` is how loud a result is and not how bad: where a rule has a `security-severity`, a CVSS score as text, that
counts. `results` that is null means that nothing was run, an empty list that nothing was found. A suppression counts
where it is accepted, or has no status, and none beside it is rejected or under review (SARIF 3.27.23, 3.35).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import Finding, Scan, text

VERSION: Final = "2.1.0"
# CVSS 3.1, qualitative severity rating scale: from which score on.
_SCORES: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.0, "low"))
_LEVELS: Final = {"error": "high", "warning": "medium", "note": "low", "none": "low"}
_NO_FINDING: Final = ("pass", "notApplicable", "informational")


def read(document: dict[str, Any], origin: str) -> Scan:
    """The scan in a SARIF *document*. Raises `Unproven`."""
    if document.get("version") != VERSION:
        raise Unproven(f"{origin} is SARIF {document.get('version')!r}; {VERSION} is known")
    runs = a_list(document["runs"], f"{origin}: runs")
    found: list[Finding] = []
    incomplete: list[str] = []
    tools, looked_at, ended = [], 0, ""
    for number, one in enumerate(runs):
        place = f"{origin}: runs[{number}]"
        run = an_object(one, place)
        driver = an_object(an_object(run.get("tool"), f"{place}.tool").get("driver"), f"{place}.tool.driver")
        tools.append(text(driver.get("name"), f"{place}.tool.driver.name"))
        if run.get("results") is None:
            incomplete.append(f"{tools[-1]} has no results, not even none: it was not run")
            continue
        looked_at += 1
        incomplete += _failures(run, place, tools[-1])
        extensions = an_optional_list(an_object(run["tool"], place).get("extensions"), f"{place}.tool.extensions")
        rules = _Rules([driver, *(an_object(one, f"{place}.tool.extensions") for one in extensions)], place)
        results = a_list(run["results"], f"{place}.results")
        found += [one for spot, result in enumerate(results) for one in _of(result, rules, f"{place}.results[{spot}]")]
        ended = max([ended, *(str(call.get("endTimeUtc") or "") for call in _calls(run, place))])
    return Scan(
        f"SARIF {VERSION}", ", ".join(tools), tuple(found), looked_at, ended or None, incomplete=tuple(incomplete)
    )


def _calls(run: dict[str, Any], place: str) -> list[dict[str, Any]]:
    calls = an_optional_list(run.get("invocations"), f"{place}.invocations")
    return [an_object(call, f"{place}.invocations") for call in calls]


def _failures(run: dict[str, Any], place: str, tool: str) -> Iterator[str]:
    for call in _calls(run, place):
        if call.get("executionSuccessful") is not True:
            yield f"{tool} says that it did not run to its end"
        for name in ("toolExecutionNotifications", "toolConfigurationNotifications"):
            for note in an_optional_list(call.get(name), f"{place}.{name}"):
                if an_object(note, f"{place}.{name}").get("level") == "error":
                    said = an_optional_object(note.get("message"), f"{place}.{name}").get("text", "no reason is given")
                    yield f"{tool} reports an error: {said}"


class _Rules:
    """
    The rules of a run, by their place and by their id.

    A result points at one of the driver, or of an extension by `rule.toolComponent` (SARIF 3.52, 3.54): CodeQL has all
    of its rules there.
    """

    def __init__(self, components: list[dict[str, Any]], place: str) -> None:
        self._at = [
            [an_object(rule, f"{place}: rules") for rule in an_optional_list(one.get("rules"), f"{place}: rules")]
            for one in components
        ]
        every = [rule for rules in self._at for rule in rules]
        self._by_id = {text(rule.get("id"), f"{place}: id of a rule"): rule for rule in reversed(every)}

    def of(self, said: dict[str, Any], place: str) -> dict[str, Any]:
        """The rule of a result, {} where it has none."""
        pointer = an_optional_object(said.get("rule"), f"{place}.rule")
        component = an_optional_object(pointer.get("toolComponent"), f"{place}.rule.toolComponent")
        number = _index(component.get("index"))
        rules = self._at[0] if number is None else self._pointed(self._at[1:], number, f"{place}.rule.toolComponent")
        index = _index(pointer.get("index", said.get("ruleIndex")))
        if index is not None:
            found: dict[str, Any] = self._pointed(rules, index, f"{place}: ruleIndex")
            return found
        name = self.name(said)
        if not isinstance(name, str):
            return {}
        # A hierarchical id is of the rule that it begins with: CA2101/1 of CA2101 (3.52.4).
        while name and name not in self._by_id and "/" in name:
            name = name.rpartition("/")[0]
        by_id: dict[str, Any] = self._by_id.get(name, {})
        return by_id

    @staticmethod
    def name(said: dict[str, Any]) -> Any:
        """The id of the rule that a result names."""
        pointer = said.get("rule")
        return said.get("ruleId") or (pointer.get("id") if isinstance(pointer, dict) else None)

    @staticmethod
    def _pointed(items: list[Any], index: int, place: str) -> Any:
        if index >= len(items):
            raise Unproven(f"{place} {index} points at no rule")
        return items[index]


def _index(value: Any) -> int | None:
    """An index into an array; None where there is none, which SARIF also writes as -1."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _of(result: Any, rules: _Rules, place: str) -> Iterator[Finding]:
    said = an_object(result, place)
    if said.get("kind", "fail") in _NO_FINDING or said.get("baselineState") == "absent":
        return
    rule = rules.of(said, place)
    name = rules.name(said) or rule.get("id")
    yield Finding(
        id=text(name, f"{place}.ruleId"),
        severity=_severity(said, rule, place),
        part=_part(said, place),
        suppressed=_suppressed(said, place),
    )


def _severity(said: dict[str, Any], rule: dict[str, Any], place: str) -> str:
    score = None
    for source in (said, rule):
        score = score or an_optional_object(source.get("properties"), f"{place}.properties").get("security-severity")
    if score is not None:
        try:
            value = float(score)
        except (TypeError, ValueError):
            return "unknown"
        return next((word for least, word in _SCORES if value >= least), "unknown")
    usual = an_optional_object(rule.get("defaultConfiguration"), f"{place}: defaultConfiguration").get(
        "level", "warning"
    )
    return _LEVELS.get(str(said.get("level", usual)), "unknown")


def _part(said: dict[str, Any], place: str) -> str:
    for one in an_optional_list(said.get("locations"), f"{place}.locations"):
        where = an_optional_object(an_object(one, place).get("physicalLocation"), place)
        uri = an_optional_object(where.get("artifactLocation"), place).get("uri")
        if isinstance(uri, str) and uri:
            line = an_optional_object(where.get("region"), place).get("startLine")
            return f"{uri}:{line}" if line else uri
    return "no place is given"


def _suppressed(said: dict[str, Any], place: str) -> str:
    every = [
        an_object(one, f"{place}.suppressions")
        for one in an_optional_list(said.get("suppressions"), f"{place}.suppressions")
    ]
    if not every or any(one.get("status", "accepted") != "accepted" for one in every):
        return ""
    why = "; ".join(str(one["justification"]) for one in every if one.get("justification"))
    return why or f"suppressed ({', '.join(str(one.get('kind', '?')) for one in every)})"
