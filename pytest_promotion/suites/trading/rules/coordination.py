"""What the coordination service says of itself, against its policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pytest_promotion.suites.trading.documents.configuration import CoordinationPolicy
from pytest_promotion.suites.trading.documents.reports import CoordinationHealth
from pytest_promotion.suites.trading.rules.composed import COMPOSE

PATH: Final = "config/coordination_policy_v1.json"
REPORT: Final = "reports/coordination/latest.json"
_UNSET: Final = msgspec.UNSET


def wrong_in_service(given: Mapping[str, str], policy: CoordinationPolicy) -> Iterator[str]:
    """The sentence where Compose has the service serve a bot that its policy does not allow."""
    for variable, value in given.items():
        if variable == "HB_INSTANCE_NAME" and value not in policy.allowed_instances:
            allowed = policy.allowed_instances
            yield f"{COMPOSE}: services.coordination-service has {variable}={value}, {PATH} allows {allowed}"


def wrong_in_report(report: CoordinationHealth, policy: CoordinationPolicy) -> Iterator[str]:
    """The sentences where the service runs by another policy than the one of now, or does what it says is off."""
    if report.require_ml_enabled != policy.require_ml_enabled:
        stated, wanted = (str(value).lower() for value in (report.require_ml_enabled, policy.require_ml_enabled))
        yield f"{REPORT}: require_ml_enabled is {stated}, in {PATH} {wanted}"
    if sorted(report.allowed_instances) != sorted(policy.allowed_instances):
        yield f"{REPORT}: allowed_instances is {report.allowed_instances}, in {PATH} {policy.allowed_instances}"
    if report.instance_name not in (_UNSET, *policy.allowed_instances):
        yield f"{REPORT}: instance_name is {report.instance_name!r}, {PATH} allows {policy.allowed_instances}"
    if not report.policy_path.replace("\\", "/").endswith(PATH):
        yield f"{REPORT}: policy_path is {report.policy_path!r}, expected {PATH}"
    yield from _acting(report, policy)


def _acting(report: CoordinationHealth, policy: CoordinationPolicy) -> Iterator[str]:
    """Where it acts and says that it is off, or the other way round."""
    for field, state in (("state", report.state), ("status", report.status)):
        stopped = state is not _UNSET and "disabled" in state
        if report.is_on and stopped:
            yield f"{REPORT}: {report.switch} is true, and {field} is {state!r}"
    says_off = "disabled" in report.status or (report.state is not _UNSET and "disabled" in report.state)
    if not report.is_on and not says_off:
        yield f"{REPORT}: {report.switch} is false, and status is {report.status!r}"
    if report.is_on and policy.require_ml_enabled and report.ml_enabled is False:
        yield f"{REPORT}: {report.switch} is true, ml_enabled false, and {PATH} has require_ml_enabled"
    if report.intents_emitted is not _UNSET and report.decisions_seen is not _UNSET:
        if report.intents_emitted > report.decisions_seen:
            yield f"{REPORT}: intents_emitted is {report.intents_emitted}, of {report.decisions_seen} decisions_seen"
        if report.intents_emitted and not report.is_on:
            yield f"{REPORT}: intents_emitted is {report.intents_emitted}, and {report.switch} is false"
