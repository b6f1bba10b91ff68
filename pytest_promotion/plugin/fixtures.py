"""
What a gate may ask for.

Each fixture is scoped to one gate and writes into its notebook; what is in the notebook is
the evidence that the decision lists for that gate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_promotion.business_days import BusinessDays, parse_age
from pytest_promotion.clock import Clock
from pytest_promotion.durations import AGELESS, LONGEST
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence import commands
from pytest_promotion.evidence.artifacts import Shelf
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.measures import Measure
from pytest_promotion.evidence.reading import Root
from pytest_promotion.evidence.statements import Statements
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import Gate
from pytest_promotion.plugin.settings import Settings
from pytest_promotion.policy import GateRules, Policy
from pytest_promotion.policy.provenance_rules import demanded
from pytest_promotion.readers.artifact import Artifact

if TYPE_CHECKING:
    from pytest_promotion.evidence.event_store.days import Days

FIXTURES = ("artifact", "clock", "command", "freshness", "measure", "notebook", "policy", "reason", "workspace")
NOTEBOOK = pytest.StashKey[Notebook]()
GATE = pytest.StashKey[Gate]()
SETTINGS = pytest.StashKey[Settings]()
STORES = pytest.StashKey[tuple[Root, Vault]]()
CHECKER = pytest.StashKey[Statements]()  # of what artifacts were made from


class Artifacts:
    """`artifact(path)`: the file below the promotion root, recorded as evidence by being asked for."""

    def __init__(self, shelf: Shelf, rules: GateRules) -> None:
        self._shelf = shelf
        self._rules = rules

    def __call__(
        self,
        path: str | Path,
        max_age: str | float | timedelta | None = None,
        timestamps: str | Iterable[str] | None = None,
        *,
        because: str = "",
        secret: bool = False,
    ) -> Artifact:
        """
        The artifact at *path*.

        Args:
            max_age: demand that it is no older: `"20m"`, seconds, a `timedelta`, or `"1 business day"`; `"none"`
                where its age makes no difference,
            because: and why it does not.
            timestamps: the field or fields that date it, instead of `ts_utc` and
                `last_update_utc`. In JSON lines and CSV, the newest row's counts.
            secret: keep nothing of it but its digest and its size. Files such as `.env` and private keys are
                secret without it.
        """
        artifact = cast("Artifact", self._shelf.get(str(path), timestamps or self._rules.timestamps, secret=secret))
        if max_age == AGELESS:
            self._shelf.ageless(artifact, because)
        elif max_age is not None:
            self._shelf.fresh(artifact, parse_age(max_age))
        return artifact

    def latest(self, pattern: str, timestamps: str | Iterable[str] | None = None) -> Artifact:
        """The newest match of a glob pattern by the time inside it; what it passed over is in the evidence."""
        return cast("Artifact", self._shelf.latest(pattern, timestamps or self._rules.timestamps))

    def days(self, pattern: str, back: int) -> Days:
        """The days of an event store that is a file a day, the youngest and *back* before it: `.problems`, `.days`."""
        return self._shelf.days(pattern, back)

    def exists(self, path: str | Path) -> bool:
        """Whether the file is there; the answer is evidence, also where it is no."""
        return self._shelf.exists(str(path))


class GatePolicy(Mapping[str, Any]):
    """
    The resolved settings of this profile, as this gate sees them: its thresholds by name.

    A threshold that the policy does not give fails the gate instead of taking a default.
    """

    def __init__(self, policy: Policy, gate_id: str, rules_as_of: datetime, read: set[str] | None = None) -> None:
        self._read = set() if read is None else read  # the thresholds that the gate has read or looked for
        self._rules = policy.gate(gate_id)
        self._thresholds = self._rules.thresholds_at(rules_as_of)
        self._id = gate_id
        self.signers = policy.signers
        self.profile = policy.profile
        self.resolved = policy.rules

    @property
    def source(self) -> str:
        """Whether the gate recomputes from `inputs` or judges the `report` of a producer."""
        return self._rules.source

    @property
    def max_age(self) -> timedelta:
        """The gate's window, else the profile's."""
        if self._rules.max_age == AGELESS:
            return LONGEST
        window = self.window
        if not isinstance(window, timedelta):
            raise Unproven(f"{self._id} needs a length of time as max_age, not {window}")
        return window

    @property
    def window(self) -> timedelta | BusinessDays:
        """The same, also where it is given in business days: what `freshness` uses."""
        if self._rules.max_age == AGELESS:
            return LONGEST
        if self._rules.max_age is not None:
            return parse_age(self._rules.max_age)
        return self.resolved.timestamps.max_age

    @property
    def future_skew(self) -> timedelta:
        """How far in the future a timestamp may lie."""
        return self.resolved.timestamps.skew

    def __getitem__(self, name: str) -> Any:
        self._read.add(str(name))
        try:
            return self._thresholds[name]
        except KeyError:
            near = get_close_matches(str(name), self._thresholds, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise Unproven(f"the policy gives no threshold {name!r} for {self._id}{hint}") from None

    def __iter__(self) -> Any:
        self._read.update(self._thresholds)
        return iter(self._thresholds)

    def __len__(self) -> int:
        return len(self._thresholds)

    def __contains__(self, name: object) -> bool:
        self._read.add(str(name))
        return name in self._thresholds


@pytest.fixture(name="notebook")
def _notebook(request: pytest.FixtureRequest) -> Notebook:
    # Not for gates: the others write into it.
    book: Notebook | None = request.node.stash.get(NOTEBOOK, None)
    if book is None:
        pytest.fail("the fixtures of pytest-promotion serve gates: a marked test below the gates path", pytrace=False)
    return book


@pytest.fixture(name="_settings")
def _settings_of_the_session(
    notebook: Notebook,  # whoever asks for settings outside a gate is told so
    request: pytest.FixtureRequest,
) -> Settings:
    settings = request.config.stash[SETTINGS]
    if notebook.lens is not None:
        settings = dataclasses.replace(settings, clock=notebook.lens.clock(settings.clock))
    return settings


@pytest.fixture
def policy(_settings: Settings, notebook: Notebook, request: pytest.FixtureRequest) -> GatePolicy:
    """The resolved settings of this profile: `policy["threshold"]`, `.source`, `.max_age`, `.profile`."""
    moment = request.config.stash[SETTINGS].rules_as_of  # whatever moment the gate's evidence is judged at
    return GatePolicy(_settings.policy, request.node.stash[GATE].id, moment, notebook.settings)


@pytest.fixture(name="_shelf")
def _shelf_of_the_gate(_settings: Settings, notebook: Notebook, request: pytest.FixtureRequest) -> Shelf:
    root, vault = request.config.stash[STORES]
    window, rules = _settings.window(), _settings.policy.gate(request.node.stash[GATE].id)
    if rules.max_age == AGELESS:
        window = dataclasses.replace(window, ageless=(*window.ageless, ("*", rules.because)))
    return Shelf(
        root,
        vault,
        notebook,
        window,
        _settings.clock,
        request.config.stash[CHECKER],
        partial(demanded, _settings.policy.rules, rules),
        _settings.checkpoints,
        Artifact,
    )


@pytest.fixture
def artifact(_shelf: Shelf, policy: GatePolicy) -> Artifacts:
    """`artifact("reports/parity/latest.json")`: a file as it was read, recorded as evidence of this gate."""
    return Artifacts(_shelf, policy._rules)  # noqa: SLF001 - one room


@pytest.fixture
def freshness(_shelf: Shelf, policy: GatePolicy) -> Callable[..., None]:
    """
    `freshness(artifact, max_age=None)`: demands that the artifact is inside the window of the policy, or *max_age*.

    With `timestamp=` and `source=`, what counts is an item inside it, such as its newest row.
    """

    def demand(
        item: Artifact,
        max_age: str | float | timedelta | None = None,
        *,
        timestamp: object = None,
        source: str = "its timestamp",
    ) -> None:
        _shelf.fresh(item, policy.window if max_age is None else parse_age(max_age), timestamp, source)

    return demand


@pytest.fixture
def measure(notebook: Notebook, policy: GatePolicy) -> Measure:
    """`measure.at_least(name, value, threshold)` and its kin: a value held against a threshold, and recorded."""
    return Measure(notebook, policy.resolved.confidence)


@pytest.fixture
def command(_settings: Settings, notebook: Notebook, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`command(argv, timeout=60)`: runs a program below the promotion root; a missing or hanging one fails the gate."""
    _, vault = request.config.stash[STORES]

    def run(
        argv: Sequence[str], timeout: float = commands.TIMEOUT_S, env: Mapping[str, str] | None = None
    ) -> commands.Completed:
        return commands.run(argv, timeout, _settings.root, notebook, vault, env)

    return run


@pytest.fixture
def clock(_settings: Settings) -> Clock:
    """`clock.now()` in aware UTC; `clock.as_of` tells a replay from the present."""
    return _settings.clock


@pytest.fixture
def workspace(_settings: Settings) -> Path:
    """The promotion root. What is read there directly is not evidence: ask `artifact` for it."""
    return _settings.root


@pytest.fixture
def reason(notebook: Notebook) -> Callable[[str], None]:
    """`reason(text)`: the sentence of this gate, should it pass."""

    def say(text: str) -> None:
        notebook.reason = text

    return say
