"""
What of a plan may be kept: everything that is judged, and no value.

A plan holds the values of all variables and attributes, passwords among them; what Terraform marks as sensitive is in
it in the clear. So what is kept is chosen by name, and what is not chosen is left out, whatever later versions add.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from pytest_promotion.readers.terraform import parse, plan_of

_KEPT: Final = ("format_version", "terraform_version", "timestamp", "errored", "complete", "applyable")
_OF_RESOURCE: Final = (
    "address",
    "previous_address",
    "module_address",
    "mode",
    "type",
    "name",
    "provider_name",
    "deposed",
    "action_reason",
)


def masked(content: bytes, origin: str) -> dict[str, Any]:
    """
    The plan in *content* without any value, and with the digest of what it was made from.

    Raises:
        Unproven: where it is no plan that could be judged.
    """
    document = parse(content, origin)
    plan_of(document, origin)  # what cannot be judged is not kept either
    found: dict[str, Any] = {name: document[name] for name in _KEPT if name in document}
    for name in ("resource_changes", "resource_drift"):
        found[name] = [_resource(one) for one in document.get(name) or ()]
    outputs = document.get("output_changes")
    found["output_changes"] = {
        name: {"actions": one.get("actions")} for name, one in (outputs or {}).items() if isinstance(one, dict)
    }
    found["checks"] = [
        {"address": {"to_display": one["address"]["to_display"]}, "status": one["status"]}
        for one in document.get("checks") or ()
    ]
    if document.get("action_invocations"):
        found["action_invocations"] = [{"address": one.get("address")} for one in document["action_invocations"]]
    return found | {"masked_from": {"sha256": sha256(content).hexdigest(), "size_bytes": len(content)}}


def _resource(said: dict[str, Any]) -> dict[str, Any]:
    kept = {name: said[name] for name in _OF_RESOURCE if name in said}
    return kept | {"change": {"actions": said["change"]["actions"]}}
