"""
The policy: which gates are required, how fresh is fresh, and what each gate's thresholds are.

`promotion.yaml` is read strictly: an unknown key, a key that stands twice, a wrong type or a
number that is none ends the session with the line and the nearest known key, because a
setting that is misspelt is a gate that is not there.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml

from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError
from pytest_promotion.model import Severity

Span = Annotated[str | float, msgspec.Meta(description="A length of time: 90s, 20m, 24h, 7d, or a number of seconds.")]
Threshold = None | bool | int | float | str | list[Any]


class Timestamps(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How timestamps are judged."""

    max_report_age_min: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    future_skew: Span = "2m"
    mtime: Literal["allow", "forbid"] = "allow"


class GateRules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the policy says of one gate."""

    severity: Severity | None = None
    max_age: Span | None = None
    timestamps: list[str] | None = None
    source: Literal["inputs", "report"] = "inputs"
    thresholds: dict[str, Threshold] = {}


class Producer(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A command that writes evidence afresh, and the files it must have written."""

    command: Annotated[list[str], msgspec.Meta(min_length=1)]
    writes: Annotated[list[str], msgspec.Meta(min_length=1)]
    timeout: Span = "60s"


class Rules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a profile may change, resolved."""

    required: list[str] | None = None
    gates: dict[str, GateRules] = {}
    timestamps: Timestamps = Timestamps()
    release_manifest: str | None = None
    waivers: str | None = None
    evidence: Literal["required", "optional"] = "optional"
    partial: Literal["refuse", "allow"] = "refuse"
    refresh: list[str] = []


class _Partial(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    max_report_age_min: Annotated[float, msgspec.Meta(gt=0)] | msgspec.UnsetType = msgspec.UNSET
    future_skew: Span | msgspec.UnsetType = msgspec.UNSET
    mtime: Literal["allow", "forbid"] | msgspec.UnsetType = msgspec.UNSET


class Profile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Differences from the profile it extends, or from the policy itself."""

    extends: str | None = None
    required: list[str] | None = None
    gates: dict[str, GateRules] = {}
    timestamps: _Partial = _Partial()
    release_manifest: str | None = None
    waivers: str | None = None
    evidence: Literal["required", "optional"] | None = None
    partial: Literal["refuse", "allow"] | None = None
    refresh: list[str] | None = None


class PolicyFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`promotion.yaml` as it is written."""

    version: Literal[1]
    include: list[str] = []
    required: list[str] | None = None
    profiles: dict[str, Profile] = {}
    gates: dict[str, GateRules] = {}
    timestamps: Timestamps = Timestamps()
    release_manifest: str | None = None
    waivers: str | None = None
    evidence: Literal["required", "optional"] = "optional"
    partial: Literal["refuse", "allow"] = "refuse"
    producers: dict[str, Producer] = {}
    refresh: list[str] = []


DEFAULT_PROFILE: Final = "default"
_RULES: Final = tuple(Rules.__struct_fields__)


@dataclass(frozen=True, slots=True)
class PolicySource:
    """One file the policy was read from, as it was read."""

    path: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one run: one profile, resolved, with the overrides applied."""

    rules: Rules
    profile: str = DEFAULT_PROFILE
    producers: dict[str, Producer] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    weakened: tuple[str, ...] = ()
    sources: tuple[PolicySource, ...] = ()

    @property
    def resolved_sha256(self) -> str:
        """SHA-256 of the RFC 8785 form of the resolved rules: equal digests, equal rules."""
        return digest({"profile": self.profile, "rules": msgspec.to_builtins(self.rules)})

    def gate(self, gate_id: str) -> GateRules:
        """The rules of a gate; those of `name` serve every `name[parameter]` that has none of its own."""
        gates = self.rules.gates
        return gates.get(gate_id) or gates.get(gate_id.partition("[")[0]) or GateRules()


def load(path: Path | None, profile: str | None, assignments: Sequence[str] = ()) -> Policy:
    """
    Reads the policy at *path*, or the built-in one where that is None.

    Args:
        profile: its name; None for `default`.
        assignments: `KEY=VALUE` overrides. A key is a dotted path, or the last part of one
            where only one setting ends in it.

    Raises:
        PolicyError: with the line and the nearest known key.
    """
    document, sources = _Document.read(path) if path else (_Document("", {"version": 1}, {}), [])
    name = profile or DEFAULT_PROFILE
    base = {key: value for key, value in document.data.items() if key in _RULES}
    merged = base
    for step in reversed(_lineage(document, name, asked=profile is not None)):
        merged = _merge(merged, {key: value for key, value in step.items() if key != "extends"})
    _check_overlay(document)
    before = _convert(merged, Rules, (), document)
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, value = _assign(merged, before, assignment)
        overrides[key] = value
    after = _convert(merged, Rules, (), document)
    _check(after, document)
    return Policy(
        rules=after,
        profile=name,
        producers=msgspec.convert(document.data.get("producers", {}), dict[str, Producer]),
        overrides=overrides,
        weakened=tuple(_weakened(before, after)),
        sources=tuple(sources),
    )


def unpacked(text: str | bytes) -> Policy:
    """A policy as `packed` wrote it: how the controller gives its own to the workers."""
    return msgspec.json.decode(text, type=Policy)


def packed(policy: Policy) -> str:
    """The policy as one JSON string, without the files it came from."""
    return msgspec.json.encode(dataclasses.replace(policy, sources=())).decode()


# --- reading ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Document:
    """A policy file with its includes merged in, and the line of every key."""

    path: str
    data: dict[str, Any]
    lines: dict[tuple[str, ...], str]  # where a key stands: "promotion.yaml line 7"

    @classmethod
    def read(cls, path: Path, including: tuple[Path, ...] = ()) -> tuple[_Document, list[PolicySource]]:
        if path.resolve() in including:
            raise PolicyError(f"{path} includes itself")
        try:
            content = path.read_bytes()
        except OSError as problem:
            raise PolicyError(f"{path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
        sources = [PolicySource(path.as_posix(), content)]
        own = cls._parse(path, content)
        _validate(own)
        merged: dict[str, Any] = {}
        lines: dict[tuple[str, ...], str] = {}
        for name in own.data.get("include", []):
            part, more = cls.read(path.parent / name, (*including, path.resolve()))
            sources += more
            _refuse_conflicts(merged, part)
            merged = _merge(merged, part.data, join=True)
            lines |= part.lines
        data = _merge(merged, own.data, join=True)
        return cls(path.name, data, lines | own.lines), sources

    @classmethod
    def _parse(cls, path: Path, content: bytes) -> _Document:
        base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            loader = base(content.decode("utf-8"))
            node = loader.get_single_node()
            lines: dict[tuple[str, ...], str] = {}
            _index(node, (), path.name, lines)
            data = loader.construct_document(node) if node is not None else None
        except UnicodeDecodeError:
            raise PolicyError(f"{path} is not UTF-8") from None
        except yaml.YAMLError as problem:
            mark = getattr(problem, "problem_mark", None)
            where = f" line {mark.line + 1}" if mark else ""
            raise PolicyError(f"{path}{where}: {getattr(problem, 'problem', None) or problem}") from None
        except (ValueError, RecursionError) as problem:
            raise PolicyError(f"{path}: {problem}") from None
        if not isinstance(data, dict):
            raise PolicyError(f"{path} is not a policy: expected a mapping that starts with `version: 1`")
        return cls(path.name, data, lines)

    def where(self, path: Sequence[str]) -> str:
        """The nearest place known for a path into the data."""
        for length in range(len(path), 0, -1):
            place = self.lines.get(tuple(path[:length]))
            if place:
                return place
        return self.path or "the policy"


def _index(node: Any, path: tuple[str, ...], name: str, lines: dict[tuple[str, ...], str]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[(*path, str(number))] = f"{name} line {item.start_mark.line + 1}"
            _index(item, (*path, str(number)), name, lines)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            place = f"{name} line {key.start_mark.line + 1}"
            text = str(key.value)
            if text in seen:
                raise PolicyError(f"{place}: the key {text!r} stands twice")
            if text == "<<":
                raise PolicyError(f"{place}: merge keys are not read in a policy; let a profile `extends` another")
            if key.tag != "tag:yaml.org,2002:str":
                raise PolicyError(f"{place}: the key {text} is not a text; put it in quotes")
            seen.add(text)
            lines[(*path, text)] = place
            _index(value, (*path, text), name, lines)
    elif node is not None and node.tag == "tag:yaml.org,2002:float" and not _finite(node.value):
        raise PolicyError(f"{name} line {node.start_mark.line + 1}: {node.value} is not a finite number")


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace("_", "").lstrip("+-").replace(".inf", "inf").replace(".nan", "nan")))
    except ValueError:
        return True  # something YAML reads in its own way, such as 1:30; its type is checked later


def _validate(document: _Document) -> None:
    """Checks the file piece by piece, so that an error can name the gate or the profile it is in."""
    named: dict[str, Any] = {"gates": GateRules, "profiles": Profile, "producers": Producer}
    _piecewise(document.data, PolicyFile, named, (), document)


def _piecewise(data: Any, wanted: Any, named: dict[str, Any], path: tuple[str, ...], document: _Document) -> None:
    mapping = data if isinstance(data, dict) else {}
    shallow = {key: {} if key in named and isinstance(value, dict) else value for key, value in mapping.items()}
    _convert(shallow if isinstance(data, dict) else data, wanted, path, document)
    for key, kind in named.items():
        for name, body in (mapping.get(key) or {}).items():
            inner = {"gates": GateRules} if kind is Profile else {}
            _piecewise(body, kind, inner, (*path, key, name), document)


def _convert(data: Any, wanted: Any, prefix: tuple[str, ...], document: _Document) -> Any:
    try:
        return msgspec.convert(data, wanted)
    except msgspec.ValidationError as problem:
        message, _, tail = str(problem).partition(" - at `$")
        steps = [*prefix, *(step for step in tail.rstrip("`").replace("[", ".").replace("]", "").split(".") if step)]
        if "unknown field" in message:
            name = message.split("`")[1]
            steps.append(name)
            raise PolicyError(f"{document.where(steps)}: unknown key {name!r}{_nearest(name, steps)}") from None
        where = ".".join(steps) or "the policy"
        raise PolicyError(f"{document.where(steps)}: {where}: {message[:1].lower()}{message[1:]}") from None


def _nearest(name: str, steps: Sequence[str]) -> str:
    known = _known(steps[:-1])
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(sorted(known))}"


def _known(steps: Sequence[str]) -> tuple[str, ...]:
    if "gates" in steps:
        return GateRules.__struct_fields__
    if "producers" in steps:
        return Producer.__struct_fields__
    if steps and steps[-1] == "timestamps":
        return Timestamps.__struct_fields__
    return (Profile if steps else PolicyFile).__struct_fields__


# --- resolving -------------------------------------------------------------------------------


def _lineage(document: _Document, name: str, *, asked: bool) -> list[dict[str, Any]]:
    """The profile and those it extends, nearest first."""
    profiles = document.data.get("profiles", {})
    if name not in profiles:
        if not asked:
            return []  # a policy need not have profiles; `default` is then the policy itself
        near = difflib.get_close_matches(name, profiles, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(profiles)) or 'none'}"
        raise PolicyError(f"{document.path or 'the built-in policy'} has no profile {name!r}{hint}")
    steps: list[dict[str, Any]] = []
    passed: list[str] = []
    while True:
        if name in passed:
            raise PolicyError(f"{document.where(('profiles', name))}: profiles extend in a circle: {' > '.join(passed)}")
        passed.append(name)
        step = profiles[name]
        steps.append(step)
        parent = step.get("extends")
        if parent is None:
            return steps
        if parent not in profiles:
            where = document.where(("profiles", name, "extends"))
            near = difflib.get_close_matches(parent, profiles, n=1, cutoff=0.5)
            raise PolicyError(f"{where}: no profile {parent!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        name = parent


def _merge(under: Mapping[str, Any], over: Mapping[str, Any], *, join: bool = False) -> dict[str, Any]:
    """*over* laid on *under*, mappings key by key. With *join*, `required` grows instead of being replaced."""
    merged = dict(under)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        elif join and key == "required" and merged.get(key):
            merged[key] = [*merged[key], *(item for item in value or [] if item not in merged[key])]
        else:
            merged[key] = value
    return merged


def _refuse_conflicts(merged: Mapping[str, Any], part: _Document, path: tuple[str, ...] = ()) -> None:
    """Two included policies may not disagree: nobody could tell which one holds."""
    data: Any = part.data
    for step in path:
        data = data[step]
    for key, value in data.items():
        if key not in merged or (not path and key in ("required", "include", "version")):
            continue
        if isinstance(value, dict) and isinstance(merged[key], dict):
            _refuse_conflicts(merged[key], part, (*path, key))
        elif merged[key] != value:
            where = part.where((*path, key))
            raise PolicyError(f"{where}: {'.'.join((*path, key))} is set differently by another included policy")


def _check_overlay(document: _Document) -> None:
    """A profile may change a gate's thresholds, not invent them: a new name there is a misspelt one."""
    gates = document.data.get("gates", {})
    for name, profile in document.data.get("profiles", {}).items():
        for gate, rules in profile.get("gates", {}).items():
            known = gates.get(gate, {}).get("thresholds", {})
            for key in rules.get("thresholds", {}):
                if key not in known:
                    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                    hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known)) or 'none'}"
                    where = document.where(("profiles", name, "gates", gate, "thresholds", key))
                    raise PolicyError(f"{where}: the policy gives {gate} no threshold {key!r}{hint}")


def _assign(merged: dict[str, Any], rules: Rules, assignment: str) -> tuple[str, Any]:
    """Applies one `KEY=VALUE` to *merged*, in place. Returns the full key and the value."""
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise PolicyError(f"--promotion-set {assignment}: expected KEY=VALUE")
    settings = dict(_settings(msgspec.to_builtins(rules)))
    path = tuple(key.split("."))
    if path not in settings:
        matches = [known for known in settings if known[-len(path) :] == path]
        if not matches:
            names = {known[-1]: known for known in settings} | {".".join(known): known for known in settings}
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PolicyError(f"--promotion-set {assignment}: the policy has no setting {key!r}{hint}")
        if len(matches) > 1:
            choices = ", ".join(".".join(match) for match in matches)
            raise PolicyError(f"--promotion-set {assignment}: {key} may mean {choices}; write it in full")
        path = matches[0]
    value = _value(text, settings[path], path, assignment)
    target = merged
    for step in path[:-1]:
        # A copy on the way down: the profile this came from keeps its own value.
        target[step] = dict(target.get(step) or {})
        target = target[step]
    target[path[-1]] = value
    return ".".join(path), value


def _settings(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _settings(value, (*path, str(key)))
    else:
        yield path, data


def _value(text: str, present: Any, path: tuple[str, ...], assignment: str) -> Any:
    """*text* as the kind of value that stands there now."""
    if path == ("required",) or isinstance(present, list):
        return [item.strip() for item in text.split(",") if item.strip()]
    if isinstance(present, str):
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if isinstance(present, bool) and not isinstance(value, bool):
        raise PolicyError(f"--promotion-set {assignment}: expected true or false")
    if isinstance(present, (int, float)) and not isinstance(present, bool):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise PolicyError(f"--promotion-set {assignment}: expected a finite number")
        return value
    return text if isinstance(value, (dict, list)) or value is None else value


def _check(rules: Rules, policy: _Document) -> None:
    """What types cannot say."""
    from pytest_promotion.evidence.freshness import span

    for path, text in [(("timestamps", "future_skew"), rules.timestamps.future_skew)] + [
        (("gates", name, "max_age"), gate.max_age) for name, gate in rules.gates.items() if gate.max_age is not None
    ]:
        try:
            span(text)
        except PolicyError as problem:
            raise PolicyError(f"{policy.where(path)}: {'.'.join(path)}: {problem}") from None
    if rules.required is not None and not rules.required:
        raise PolicyError(f"{policy.where(('required',))}: `required` is empty: a roll-call without gates decides nothing")
    producers = policy.data.get("producers", {})
    for name in rules.refresh:
        if name not in producers:
            raise PolicyError(f"{policy.where(('refresh',))}: refresh names {name!r}, and no producer is called so")
    if rules.waivers is not None:
        raise PolicyError(f"{policy.where(('waivers',))}: waivers cannot be judged by this version; remove the key")


def _weakened(before: Rules, after: Rules) -> Iterator[str]:
    """What the overrides ask less of than the profile does, in words."""
    if before.required != after.required:
        gone = [name for name in before.required or [] if name not in (after.required or [])]
        yield f"required: narrowed to {', '.join(after.required or [])}" + (f"; without {', '.join(gone)}" if gone else "")
    if after.timestamps.max_report_age_min > before.timestamps.max_report_age_min:
        old, new = before.timestamps.max_report_age_min, after.timestamps.max_report_age_min
        yield f"timestamps.max_report_age_min: {old:g} to {new:g}"
    if before.timestamps.mtime == "forbid" != after.timestamps.mtime:
        yield "timestamps.mtime: modification times are accepted"
    if before.timestamps.future_skew != after.timestamps.future_skew:
        yield f"timestamps.future_skew: {before.timestamps.future_skew} to {after.timestamps.future_skew}"
    if before.evidence == "required" != after.evidence:
        yield "evidence: gates may pass without any"
    if before.partial == "refuse" != after.partial:
        yield "partial: a look at some gates may end with exit code 0"
    for name, gate in after.gates.items():
        earlier = before.gates.get(name, GateRules())
        if gate.severity is Severity.WARNING and earlier.severity is not Severity.WARNING:
            yield f"gates.{name}.severity: warning"
        if gate.source == "report" != earlier.source:
            yield f"gates.{name}.source: judged by its report"
        for key, value in gate.thresholds.items():
            # Of a threshold nobody can tell which way is weaker, but these two words say it.
            if value != earlier.thresholds.get(key) and not (
                (key.startswith("require_") and value is True) or (key.startswith("skip_") and value is False)
            ):
                yield f"gates.{name}.thresholds.{key}: {earlier.thresholds.get(key)} to {value}"


def schema() -> dict[str, Any]:
    """The JSON Schema of `promotion.yaml`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Promotion policy",
        **msgspec.json.schema(PolicyFile),
    }
