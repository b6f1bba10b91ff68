"""A plan as `terraform show -json` or `tofu show -json` prints it, version 1 of the format, as far as it is judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.documents import a_list, an_object, parse_json

# Every combination that the format knows. One that is not here does something that nobody has thought about.
ACTIONS: Final = {
    ("no-op",): "keep",
    ("create",): "create",
    ("read",): "read",
    ("open",): "open",  # an ephemeral resource, of OpenTofu
    ("update",): "update",
    ("delete",): "destroy",
    ("forget",): "forget",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace and forget",
}
_SAYS_COMPLETE: Final = (1, 8)  # the first version of Terraform in which a plan says whether it is complete
CHECKS: Final = ("pass", "fail", "error", "unknown")


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource."""

    address: str
    kind: str  # its type, such as aws_db_instance
    action: str  # a value of ACTIONS
    reason: str = ""

    @property
    def loses(self) -> bool:
        """Whether what is there now is not there, or not looked after, any more."""
        return self.action in ("destroy", "replace", "forget", "replace and forget")


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. `errored` and `complete` are None where this version of Terraform does not say."""

    version: str
    made: str | None  # ISO 8601
    errored: bool | None
    complete: bool | None
    changes: tuple[Change, ...]
    drift: tuple[Change, ...]
    checks: tuple[tuple[str, str], ...]  # what is checked, and its status
    values: bool  # whether it holds values, among which secrets may be
    invoked: tuple[str, ...] = ()  # the actions that it would invoke, from Terraform 1.14 on
    is_opentofu: bool = False  # which counts its own versions, and never says whether a plan is complete
    terraform: str = ""  # the version that made it, "" where it does not say

    @property
    def created(self) -> str | None:
        """When the plan was made."""
        return self.made


def parse(content: bytes, origin: str) -> dict[str, Any]:
    """The plan document in *content*. Raises `Unproven` for what is none, and for another major version."""
    document = an_object(parse_json(content, origin), origin)
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise Unproven(f"{origin} has format_version {version!r}; 1.x is known")
    return document


def read(content: bytes, origin: str) -> Plan:
    """The plan in *content*. Raises `Unproven`, as `parse` and `plan_of` do."""
    return plan_of(parse(content, origin), origin)


def plan_of(document: dict[str, Any], origin: str) -> Plan:
    """
    The plan in a *document* that was parsed.

    Raises:
        Unproven: for what is no plan, and for actions that nobody has heard of.
    """
    if "resource_changes" not in document and "planned_values" not in document:
        raise Unproven(f"{origin} has no resource_changes: it is a state, or half a plan")
    made = document.get("timestamp")
    return Plan(
        version=document["format_version"],
        made=made if isinstance(made, str) else None,
        errored=_errored(document, origin),
        complete=_flag(document, "complete", origin),
        changes=_changes(document, "resource_changes", origin),
        drift=_changes(document, "resource_drift", origin),
        checks=tuple(
            _check(one, f"{origin}: checks[{at}]") for at, one in enumerate(_list(document, "checks", origin))
        ),
        values=_has_values(document),
        invoked=tuple(
            str(an_object(one, f"{origin}: action_invocations[{at}]").get("address"))
            for at, one in enumerate(_list(document, "action_invocations", origin))
        ),
        is_opentofu=_is_opentofu(document),
        terraform=str(document.get("terraform_version") or ""),
    )


def _changes(document: dict[str, Any], name: str, origin: str) -> tuple[Change, ...]:
    return tuple(_change(one, f"{origin}: {name}[{at}]") for at, one in enumerate(_list(document, name, origin)))


def _change(said: Any, place: str) -> Change:
    fields = an_object(said, place)
    address, kind = fields.get("address"), fields.get("type")
    if not isinstance(address, str) or not isinstance(kind, str):
        raise Unproven(f"{place} has no address or no type")
    actions = an_object(fields.get("change"), f"{place}.change").get("actions")
    found = (
        ACTIONS.get(tuple(actions)) if isinstance(actions, list) and all(isinstance(x, str) for x in actions) else None
    )
    if found is None:
        raise Unproven(f"{place}: the actions {actions!r} on {address} are not known")
    return Change(address, kind, found, str(fields.get("action_reason") or ""))


def _check(said: Any, place: str) -> tuple[str, str]:
    fields = an_object(said, place)
    name = an_object(fields.get("address"), f"{place}.address").get("to_display")
    status = fields.get("status")
    if not isinstance(name, str) or status not in CHECKS:
        raise Unproven(f"{place} is {name!r} with the status {status!r}")
    return name, status


def _flag(document: dict[str, Any], name: str, origin: str) -> bool | None:
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise Unproven(f"{origin}: {name} is {value!r}, no boolean")
    return value


def _errored(document: dict[str, Any], origin: str) -> bool | None:
    # Since Terraform 1.15 only what is true is written, and a plan that failed is not complete.
    if "errored" not in document and "applyable" not in document and document.get("complete") is True:
        return False
    return _flag(document, "errored", origin)


def says_whole(version: str) -> bool:
    """Whether that *version* of Terraform or OpenTofu is one whose plans say whether they are whole."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= _SAYS_COMPLETE


def _list(document: dict[str, Any], name: str, origin: str) -> list[Any]:
    value = document.get(name)
    return [] if value is None else a_list(value, f"{origin}: {name}")


def _has_values(document: dict[str, Any]) -> bool:
    if any(document.get(name) for name in ("variables", "planned_values", "prior_state", "configuration")):
        return True
    changes = [*_list(document, "resource_changes", ""), *_list(document, "resource_drift", "")]
    outputs = document.get("output_changes")
    changes += [{"change": one} for one in outputs.values()] if isinstance(outputs, dict) else []
    return any(isinstance(one, dict) and _shows_values(one.get("change")) for one in changes)


def _shows_values(change: Any) -> bool:
    return isinstance(change, dict) and ("before" in change or "after" in change)


def _is_opentofu(document: dict[str, Any]) -> bool:
    """Whether it says that planning went through and not whether it is whole, where Terraform would say both."""
    newer = says_whole(str(document.get("terraform_version")))
    return newer and "complete" not in document and "applyable" not in document and "errored" in document
