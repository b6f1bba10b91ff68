"""
The `run_results.json` and `sources.json` of dbt.

Every command of dbt writes `run_results.json` over that of the one before: after `dbt test`, `dbt docs generate` leaves
one in which everything is a success and nothing was tested.
"""

from __future__ import annotations

from typing import Any, Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.kinds import a_list, an_object, an_optional_object, named
from pytest_promotion.readers.checks import FAILED, PASSED, SKIPPED, WARNED, Check, Checks, some
from pytest_promotion.readers.encodings import parse_json
from pytest_promotion.readers.findings import text

_OUTCOMES: Final = {
    **dict.fromkeys(("success", "pass", "reused"), PASSED),
    "warn": WARNED,
    **dict.fromkeys(("skipped", "no-op"), SKIPPED),
    # Whatever else it says, such as error, fail, runtime error and partial success, is a failure.
}
_LIMITS: Final = ("select", "exclude", "selector", "models", "sample")
_LIMITS_BY_TYPE: Final = ("resource_types", "resource_type", "exclude_resource_types", "exclude_resource_type")
_EVERY_TYPE: Final[tuple[Any, ...]] = (None, "", "all", [], ["all"])
_RUN_NOTHING: Final = ("compile", "docs", "docs generate", "generate", "parse", "list", "ls", "show", "debug", "deps")


def read(content: bytes, origin: str, *, limited: bool = False) -> Checks:
    """
    How each node ended; a run of a part of the project, or of a sample of its data, is incomplete, as is one that does
    not say it, unless it may be *limited*.

    Raises:
        Unproven: for what is no artifact of dbt, and where the command ran nothing.
    """
    document = parse_json(content, origin)
    if not isinstance(document, dict):
        raise Unproven(f"{origin} is {named(document)}: neither run_results.json nor sources.json of dbt")
    metadata = an_object(document.get("metadata"), f"{origin}: metadata")
    schema = str(metadata.get("dbt_schema_version"))
    form = next((name for name in ("run-results", "sources") if f"/{name}/" in schema), "")
    if not form:
        raise Unproven(f"{origin} has dbt_schema_version {schema!r}: neither run_results.json nor sources.json of dbt")
    arguments = an_optional_object(document.get("args"), f"{origin}: args")
    command = str(arguments.get("which") or "")
    if command in _RUN_NOTHING or arguments.get("empty") is True:
        raise Unproven(f"{origin} is of dbt {command or 'with --empty'}, which runs and tests nothing")
    results = a_list(document.get("results"), f"{origin}: results")
    version, made = metadata.get("dbt_version"), metadata.get("generated_at")
    limits = [f"{name} {arguments[name]}" for name in _LIMITS if arguments.get(name)]
    limits += [f"{name} {arguments[name]}" for name in _LIMITS_BY_TYPE if arguments.get(name) not in _EVERY_TYPE]
    limits += ["dbt retry"] if command == "retry" else []
    selected = "; ".join(limits)
    incomplete = f"it ran a part of the project: {selected}" if selected else ""
    if not arguments:
        incomplete = "it does not say whether it ran all of the project: it has no args"
    return Checks(
        form=f"dbt {form.replace('-', '_')}.json",
        tool=f"dbt {version if isinstance(version, str) else 'of unknown version'}",
        every=some((_check(one, f"{origin}: results[{at}]") for at, one in enumerate(results)), origin),
        created=made if isinstance(made, str) else None,
        incomplete=(incomplete,) if incomplete and not limited else (),
        selected=selected,
    )


def _check(result: Any, place: str) -> Check:
    fields = an_object(result, place)
    name = text(fields.get("unique_id"), f"{place}.unique_id")
    status = text(fields.get("status"), f"{place}.status")
    kind = name.partition(".")[0]
    message = fields.get("message") or fields.get("error") or ""
    return Check(name, "test" if kind == "unit_test" else kind, _OUTCOMES.get(status, FAILED), f"{status}: {message}")
