"""The rules of a SARIF run: which one a result is of, and how loud it is by its configuration."""

from __future__ import annotations

from typing import Any

from pytest_promotion.evidence.kinds import an_object, an_optional_list, an_optional_object
from pytest_promotion.readers.findings import text


class Rules:
    """
    The rules of a run, by their place, by their id and by their guid.

    A result points at one of the driver, or of an extension by `rule.toolComponent` (SARIF 3.52, 3.54): CodeQL has all
    of its rules there.
    """

    def __init__(self, tool: dict[str, Any], calls: list[dict[str, Any]], place: str) -> None:
        extensions = an_optional_list(tool.get("extensions"), f"{place}.tool.extensions")
        self._components = [an_object(one, f"{place}.tool") for one in (tool["driver"], *extensions)]
        self._at = [
            [an_object(rule, f"{place}: rules") for rule in an_optional_list(one.get("rules"), f"{place}: rules")]
            for one in self._components
        ]
        self.every = [rule for rules in self._at for rule in rules]
        self._by_id = {text(rule.get("id"), f"{place}: id of a rule"): rule for rule in reversed(self.every)}
        self._by_guid = {str(rule["guid"]).lower(): rule for rule in self.every if rule.get("guid")}
        self._overridden = [
            (self._pointed_at(an_object(one.get("descriptor"), f"{place}: ruleConfigurationOverrides"), place), one)
            for call in calls
            for one in (
                an_object(item, f"{place}: ruleConfigurationOverrides")
                for item in an_optional_list(call.get("ruleConfigurationOverrides"), place)
            )
        ]

    def of(self, result: dict[str, Any], place: str) -> dict[str, Any] | None:
        """The rule of a *result*: {} where it names none that is here, None where what it points at is not here."""
        pointer = dict(an_optional_object(result.get("rule"), f"{place}.rule"))
        if _index(pointer.get("index")) is None and _index(result.get("ruleIndex")) is not None:
            pointer["index"] = result["ruleIndex"]
        if not pointer.get("id"):
            pointer["id"] = result.get("ruleId")
        return self._pointed_at(pointer, place)

    def _pointed_at(self, pointer: dict[str, Any], place: str) -> dict[str, Any] | None:
        index = _index(pointer.get("index"))
        if index is not None:
            component = an_optional_object(pointer.get("toolComponent"), f"{place}.toolComponent")
            return self._numbered(self._component(component), index, pointer.get("id"), named_too=not component)
        if pointer.get("guid"):
            return self._by_guid.get(str(pointer["guid"]).lower())
        name = pointer.get("id")
        if not isinstance(name, str):
            return {}
        # A hierarchical id is of the rule that it begins with: CA2101/1 of CA2101 (3.52.4).
        while name and name not in self._by_id and "/" in name:
            name = name.rpartition("/")[0]
        by_id: dict[str, Any] = self._by_id.get(name, {})
        return by_id

    @staticmethod
    def _numbered(rules: Any, index: int, name: Any, *, named_too: bool) -> dict[str, Any] | None:
        """The rule at *index*; that of the id *name* where it has another, or, in the driver, is not there."""
        found: dict[str, Any] | None = rules[index] if rules is not None and index < len(rules) else None
        if found is not None and (not isinstance(name, str) or f"{name}/".startswith(f"{found['id']}/")):
            return found
        if found is None and not named_too:
            return None
        return next((one for one in rules or () if one["id"] == name), None)

    def _component(self, reference: dict[str, Any]) -> list[dict[str, Any]] | None:
        """The rules of the component that is referred to, the driver's where none is; None where it is not here."""
        index = _index(reference.get("index"))
        if index is not None:
            return self._at[index + 1] if index + 1 < len(self._at) else None
        for key in ("guid", "name"):
            wanted = reference.get(key)
            if wanted is not None:
                return next((self._at[at] for at, one in enumerate(self._components) if one.get(key) == wanted), None)
        return self._at[0]

    def level(self, rule: dict[str, Any], place: str) -> str:
        """How loud a result of *rule* is that does not say it itself: as overridden for this run, else as usual."""
        usual = an_optional_object(rule.get("defaultConfiguration"), f"{place}: defaultConfiguration")
        found = usual.get("level", "warning")
        for overridden, one in self._overridden:
            if overridden is rule:
                found = an_object(one.get("configuration"), f"{place}: ruleConfigurationOverrides").get("level", found)
        return str(found)

    @staticmethod
    def name(result: dict[str, Any]) -> Any:
        """The id of the rule that a *result* names."""
        pointer = result.get("rule")
        return result.get("ruleId") or (pointer.get("id") if isinstance(pointer, dict) else None)


def _index(value: Any) -> int | None:
    """An index into an array; None where there is none, which SARIF also writes as -1."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
