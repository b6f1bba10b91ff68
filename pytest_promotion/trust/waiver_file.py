"""
Adding to `waivers.yaml` without touching what others wrote in it.

Text is put in at its place and the file is read again: it has to hold what it held and what was added,
else nothing is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from pytest_promotion.clock import iso
from pytest_promotion.decision.fingerprint import age_of
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.model import Severity
from pytest_promotion.text import listed
from pytest_promotion.trust.approvals import Approval
from pytest_promotion.trust.stored import StoredDecision
from pytest_promotion.trust.waivers import Entry, Written, read

EMPTY: Final = "version: 1\nwaivers:\n"
_BREAKS: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")  # to YAML a new line, or nothing that may stand there


def entry_for(
    decision: StoredDecision,
    failures: dict[str, dict[str, Any]],
    gate: str,
    *,
    reason: str,
    owner: str,
    requested_by: str,
    now: datetime,
    expires: datetime,
    accepted: dict[str, Any],
) -> Entry:
    """
    The waiver, still without approvals, for what went wrong in *gate* when *decision* was taken.

    Args:
        failures: `failure` of each check of the decision, by gate.
        accepted: limits that are not those of the decision, by name. The age of a stale item is accepted up to
            what it will be when the waiver expires, unless said otherwise: it may not be replaced by an older one.

    Raises:
        Unproven: for a gate without a failure that could be waived, and for a decision without a subject.
    """
    check = next((one for one in decision.checks if one.name == gate), None)
    if check is None:
        raise Unproven(f"the decision has no gate {gate!r}")
    failure = failures.get(gate)
    if failure is None or check.passed:
        raise Unproven(f"{gate} is {check.outcome.value}: only FAIL and INCONCLUSIVE can be waived")
    if check.spoiled_by:
        raise Unproven(f"{gate} only rests on {check.spoiled_by[0]}: waive that one")
    if decision.subject is None:
        raise Unproven("the decision does not say what it is about: a waiver is for one candidate")
    limits = dict(failure["limits"])
    for item in check.freshness:
        if age_of(item.path) in limits:
            limits[age_of(item.path)] = round(item.age_s + (expires - now).total_seconds())
    unknown = accepted.keys() - limits.keys()
    if unknown:
        known = listed(sorted(limits)) or "none"
        raise Unproven(f"{gate} has no limit {min(unknown)!r} (it has: {known})")
    return Entry(
        gate=gate,
        severity=Severity(check.severity),
        subjects=[f"{kind}:{text}" for kind, text in sorted(decision.subject.digest.items())][:1],
        fingerprint=failure["fingerprint"],
        limits=limits | accepted,
        reason=reason,
        owner=owner,
        requested_by=requested_by,
        created=iso(now),
        expires=iso(expires),
    )


def with_entry(content: bytes, name: str, entry: Entry) -> tuple[bytes, Written]:
    """
    The file with *entry* at its end, and the entry as it stands there.

    Raises:
        Unproven: where the list is not the last thing in the file.
        PolicyError: where it is no file of waivers.
    """
    before = list(read(content, name))
    text = content.decode("utf-8")
    lines = [*text.splitlines(), *_written(entry, _margin(text))]
    made = ("\n".join(lines) + "\n").encode()
    return made, _demand(made, name, [*before, entry])[-1]


def with_approval(content: bytes, name: str, number: int, approval: Approval) -> tuple[bytes, Written]:
    """
    The file with *approval* added to its entry *number*, counted from 0, and that entry.

    Raises:
        Unproven: where the entry is not written line by line.
        PolicyError: where it is no file of waivers.
    """
    before = list(read(content, name))
    entry = before[number].entry
    if entry is None:
        raise Unproven(before[number].problem)
    if any(one.by == approval.by for one in entry.approvals):
        raise Unproven(f"{approval.by} has approved it already: remove that approval first")
    wanted = msgspec.structs.replace(entry, approvals=[*entry.approvals, approval])
    lines = content.decode("utf-8").splitlines()
    place, margin = _end_of(content, number)
    added = [] if entry.approvals else [f"{margin}approvals:"]
    plain = msgspec.to_builtins(approval)
    added.append(f"{margin}  - {{{', '.join(f'{key}: {json.dumps(value)}' for key, value in plain.items())}}}")
    made = ("\n".join([*lines[:place], *added, *lines[place:]]) + "\n").encode()
    return made, _demand(made, name, [*before[:number], wanted, *before[number + 1 :]])[number]


def number_of(entries: Sequence[Written], text: str) -> int:
    """Which entry *text* means: its number, from 1, or its gate where only one is for that. Raises `Unproven`."""
    if text.isdecimal() and len(text) < 10 and 1 <= int(text) <= len(entries):
        return int(text) - 1
    found = [number for number, one in enumerate(entries) if one.entry is not None and one.entry.gate == text]
    if len(found) == 1:
        return found[0]
    several = f"{len(found)} entries are for {text}: give the number" if found else f"there is no entry {text!r}"
    raise Unproven(f"{several}, 1 to {len(entries)}" if entries else "there are no entries")


def _written(entry: Entry, margin: str) -> Iterator[str]:
    plain = msgspec.to_builtins(entry)
    del plain["approvals"]  # added with the first of them
    start = f"{margin}- "
    for key, value in plain.items():
        # JSON is YAML, and in quotes no gate `9.10` becomes the number 9.1.
        yield f"{start}{key}: {_value(value)}"
        start = f"{margin}  "


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(name)}: {_value(item)}" for name, item in value.items()) + "}"
    text = _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
    # To YAML 1e-05 is a text: a number has a point in it.
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text


def _margin(text: str) -> str:
    """How far the items of the list are indented already."""
    for line in text.splitlines():
        if line.lstrip().startswith("- "):
            return line[: len(line) - len(line.lstrip())]
    return "  "


def _end_of(content: bytes, number: int) -> tuple[int, str]:
    """After which line an entry ends, counted from 1, and how far its keys are indented."""
    import yaml

    root: Any = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    [items] = [value for key, value in root.value if key.value == "waivers"]
    entry = items.value[number]
    if entry.flow_style:
        raise Unproven("the entry stands in braces: write it line by line")
    last = entry
    while getattr(last, "id", "") in ("mapping", "sequence") and not last.flow_style and last.value:
        last = last.value[-1] if last.id == "sequence" else last.value[-1][1]
    mark = last.end_mark
    return mark.line + (1 if mark.column else 0), " " * entry.start_mark.column


def _demand(made: bytes, name: str, wanted: Sequence[Written | Entry]) -> list[Written]:
    """The entries of what was made, which have to be those that are *wanted*."""
    try:
        found = list(read(made, name))
    except PolicyError as problem:
        raise Unproven(f"{name} cannot be added to: {problem}; write it with a list `waivers:` at its end") from None
    plain = [one.entry if isinstance(one, Written) else one for one in wanted]
    if [one.entry for one in found] != plain:
        raise Unproven(f"{name} cannot be added to: write it with a list `waivers:` at its end, one key a line")
    return found
