"""What a session was asked for: options, ini values and the policy, resolved once on the controller."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_promotion import policy as policies
from pytest_promotion.clock import BadTimestamp, Clock, iso, parse_moment
from pytest_promotion.decision.shards import Share, check_run_id, parse_share
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.freshness import Window
from pytest_promotion.evidence.provenance import named_subject
from pytest_promotion.evidence.reading import Root
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.plugin.selection import project
from pytest_promotion.policy.applicability import not_applicable

_INPUT: Final = "promotion"
GITHUB: Final = ("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """The same on the controller and on every worker of a session."""

    run_id: str
    started: datetime
    root: Path
    reports: Path
    policy: policies.Policy
    policy_path: Path | None
    clock: Clock
    subject: str
    not_applicable: dict[str, str] = field(default_factory=dict)  # gates that do not apply, by id, and why
    prove: bool = False  # sabotage the evidence in memory, and decide nothing
    share: Share | None = None  # of a run on several machines
    sarif: Path | None = None  # where the decision is written to in other forms; known to the controller only
    ctrf: Path | None = None
    junit: Path | None = None
    github: str = "auto"
    vault_place: str = ""  # a path or a URL; "" beside the decisions
    sign: Path | None = None  # the private key that signs the decision; known to the controller only

    @property
    def folder(self) -> Path:
        """Where the decisions of this session lie."""
        return self.reports / "promotion_gates"

    @property
    def rules_as_of(self) -> datetime:
        """The moment whose thresholds hold throughout the session: its start, or that of a replay."""
        return self.clock.stopped_at or self.started

    def vault(self) -> Vault:
        """The vault that was named, else the one beside the decisions."""
        if not self.vault_place:
            return Vault(self.folder / "evidence")
        from pytest_promotion.evidence.remote_vault import vault_at

        return vault_at(self.vault_place)

    def evidence_root(self) -> Root:
        """The promotion root as evidence is read below it, with what the policy lets be recorded by digest only."""
        return Root(self.root, [pattern for one in self.policy.rules.by_digest for pattern in one.artifacts])

    @property
    def checkpoints(self) -> Path:
        """Where it is kept what event stores amounted to in earlier sessions."""
        return self.folder / "event_stores"

    def window(self) -> Window:
        """How timestamps are judged under this profile."""
        rules = self.policy.rules.timestamps
        ageless = tuple((pattern, one.because) for one in rules.ageless for pattern in one.artifacts)
        calendar = rules.calendar.made() if rules.calendar is not None else None
        return Window(
            rules.max_age,
            rules.skew,
            mtime=rules.mtime == "allow",
            calendar=calendar,
            own_times=self.policy.rules.evidence == "required",
            ageless=ageless,
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a session before its policy is read: enough to say FAIL until it has decided."""

    run_id: str
    started: datetime
    root: Path
    reports: Path
    profile: str | None
    as_of: str | None
    share: str | None
    stage: str | None = None

    @property
    def folder(self) -> Path:
        """Where the decisions of this session lie."""
        return self.reports / "promotion_gates"


def opening(config: pytest.Config) -> Opening:
    """The start of a session that a controller, or a process without workers, leads."""
    base = project(config) or config.rootpath
    return Opening(
        run_id=_text(config, "run_id") or str(uuid.uuid4()),
        started=datetime.now(UTC),
        root=(_path(config, "root") or base).absolute(),
        reports=(_path(config, "reports") or base / "reports").absolute(),
        profile=_text(config, "profile"),
        as_of=_text(config, "as_of"),
        share=_text(config, "shard"),
        stage=_text(config, "stage"),
    )


def resolve(config: pytest.Config, start: Opening) -> Settings:
    """
    The settings of the session that starts so.

    Raises:
        pytest.UsageError: where an option or the policy cannot be used; pytest then exits with 4.
    """
    try:
        if not start.root.is_dir():
            raise PolicyError(f"the promotion root {start.root} is not a folder")
        policy_path = _path(config, "policy")
        if policy_path is None and (start.root / "promotion.yaml").is_file():
            policy_path = start.root / "promotion.yaml"
        if policy_path is None:
            _refuse_misplaced_policy(config, start.root)
        assignments = config.getini("promotion_set") + (config.getoption("promotion_set") or [])
        policy = policies.load(policy_path, start.profile, assignments, stage=start.stage or "")
        clock = Clock(parse_moment(start.as_of) if start.as_of else None)
        subject = _text(config, "subject") or ""
        if subject:
            named_subject(subject)
        sign = _signing_key(config, start)
        sarif, ctrf, junit = (_form(config, start, name) for name in ("sarif", "ctrf", "junit"))
        github = _github(config)
        share = _share(config, start)
        vault_place = _vault_place(config)
    except BadTimestamp as problem:
        raise pytest.UsageError(f"--promotion-as-of: {problem}") from None
    except PolicyError as problem:
        raise pytest.UsageError(str(problem)) from None
    return Settings(
        run_id=start.run_id,
        started=start.started,
        root=start.root,
        reports=start.reports,
        policy=policy,
        policy_path=policy_path,
        clock=clock,
        subject=subject,
        not_applicable=not_applicable(policy.rules, policy.profile, start.root),
        prove=proves(config),
        share=share,
        sarif=sarif,
        ctrf=ctrf,
        junit=junit,
        github=github,
        vault_place=vault_place,
        sign=sign,
    )


def _refuse_misplaced_policy(config: pytest.Config, root: Path) -> None:
    """A policy that is there and not read is taken for one that holds. Raises `PolicyError`."""
    folders = [root, config.rootpath, *(config.rootpath / name for name in config.getini("promotion_gates"))]
    for folder in dict.fromkeys(folders):
        for name in ("promotion.yaml", "promotion.yml"):
            if (folder / name).is_file():
                place = os.path.relpath(folder / name, config.invocation_params.dir)
                raise PolicyError(
                    f"{place} is not read: the policy is promotion.yaml in the promotion root, or what "
                    f"--promotion-policy names; rename it, or say --promotion-policy={place}"
                )


def proves(config: pytest.Config) -> bool:
    """Whether the session proves gates instead of deciding by them."""
    return bool(config.getoption("promotion_prove") or config.getini("promotion_prove"))


def _share(config: pytest.Config, start: Opening) -> Share | None:
    check_run_id(start.run_id)
    if start.share is None:
        return None
    if start.as_of:
        raise PolicyError("--promotion-shard with --promotion-as-of: a replay is no decision")
    return parse_share(start.share, _text(config, "run_id") or "")


def _form(config: pytest.Config, start: Opening, name: str) -> Path | None:
    path = _path(config, name)
    if path is not None and start.share:
        raise PolicyError(f"--promotion-{name} with --promotion-shard: a shard decides nothing; render the merge")
    return path


def _github(config: pytest.Config) -> str:
    word = _text(config, "github") or "auto"
    if word not in GITHUB:
        raise PolicyError(f"--promotion-github {word}: expected one of {', '.join(GITHUB)}")
    return word


def _vault_place(config: pytest.Config) -> str:
    """The vault as it was named, tried before anything runs. Raises `PolicyError`."""
    text = _text(config, "vault")
    if not text:
        return ""
    if "://" not in text:
        return str(_path(config, "vault"))
    from pytest_promotion.evidence.remote_vault import vault_at

    vault_at(text)
    return text


def _signing_key(config: pytest.Config, start: Opening) -> Path | None:
    """The key, tried before anything runs: a decision that cannot be signed in the end was hours for nothing."""
    path = _path(config, "sign")
    if path is None:
        return None
    if start.as_of:
        raise PolicyError("--promotion-sign with --promotion-as-of: a replay is no decision, and is never signed")
    from pytest_promotion.trust.keys import read_private

    try:
        read_private(path)
    except Unproven as problem:
        raise PolicyError(f"--promotion-sign: {problem}") from None
    return path


def to_worker(settings: Settings) -> dict[str, str]:
    """The settings as the transport to a worker can carry them: texts only."""
    return {
        _INPUT + "_run_id": settings.run_id,
        _INPUT + "_started": iso(settings.started),
        _INPUT + "_root": str(settings.root),
        _INPUT + "_reports": str(settings.reports),
        _INPUT + "_policy": policies.packed(settings.policy),
        _INPUT + "_not_applicable": json.dumps(settings.not_applicable),
        _INPUT + "_prove": "1" if settings.prove else "",
        _INPUT + "_vault": settings.vault_place,
        _INPUT + "_shard": str(settings.share or ""),
        _INPUT + "_as_of": iso(settings.clock.stopped_at) if settings.clock.stopped_at else "",
    }


def from_controller(given: dict[str, Any]) -> Settings | None:
    """The settings as the controller gave them; None where it leads no gates."""
    if _INPUT + "_policy" not in given:
        return None
    as_of, share = given[_INPUT + "_as_of"], given[_INPUT + "_shard"]
    return Settings(
        run_id=given[_INPUT + "_run_id"],
        started=parse_moment(given[_INPUT + "_started"]),
        root=Path(given[_INPUT + "_root"]),
        reports=Path(given[_INPUT + "_reports"]),
        policy=policies.unpacked(given[_INPUT + "_policy"]),
        policy_path=None,
        clock=Clock(parse_moment(as_of) if as_of else None),
        subject="",
        not_applicable=json.loads(given[_INPUT + "_not_applicable"]),
        prove=bool(given[_INPUT + "_prove"]),
        vault_place=given[_INPUT + "_vault"],
        share=parse_share(share, given[_INPUT + "_run_id"]) if share else None,
    )


def _text(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(f"promotion_{name}")
    return value if value is not None else config.getini(f"promotion_{name}") or None


def _path(config: pytest.Config, name: str) -> Path | None:
    """An option is relative to where pytest was called, an ini value to the file it stands in."""
    value = config.getoption(f"promotion_{name}")
    if value is not None:
        return Path(os.path.abspath(config.invocation_params.dir / value))
    value = config.getini(f"promotion_{name}")
    base = config.inipath.parent if config.inipath else config.rootpath
    return Path(os.path.abspath(base / value)) if value else None
