"""
The benchmark's policy: for each profile whether it counts, which cases are asked, and how good is good enough.

What a flag says wins over the policy, the policy over what is built in. Where each setting is
from is told, so that nobody mistakes a built-in threshold for one that was decided on.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import msgspec

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge import strict_json

Mode = Literal["off", "optional", "required"]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

FOLDER: Final = "backend/config"
POLICY: Final = f"{FOLDER}/kb_benchmark_policy.json"
CORPUS: Final = f"{FOLDER}/kb_benchmark_corpus"
SAMPLE: Final = f"{FOLDER}/kb_benchmark_cases.sample.json"
PRODUCTION: Final = f"{FOLDER}/kb_benchmark_cases.prod.json"
THRESHOLD: Final = 0.45
MODES: Final[dict[str, Mode]] = {"dev": "off", "staging": "optional", "prod": "required"}


class ProfileRules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the policy says of one profile; what it leaves out is built in."""

    mode: Mode | None = None
    cases: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    min_precision: Share | None = None
    min_recall: Share | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run of the benchmark goes by. Paths are absolute, thresholds between 0 and 1."""

    profile: str
    mode: Mode
    cases: Path
    corpus: Path
    min_precision: float
    min_recall: float
    policy: Path | None
    policy_sha256: str
    sources: dict[str, str]  # of mode, cases, min_precision, min_recall: "flag", "policy" or "built-in"
    root: Path

    @property
    def blocking(self) -> bool:
        """Whether what is found stops a promotion."""
        return self.mode == "required"

    def shown(self, path: Path) -> str:
        """*path* as reports name it: below the root where it lies there."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()


def read(path: Path) -> tuple[dict[str, ProfileRules], str]:
    """The profiles of the policy file at *path*, and its SHA-256. Raises `PolicyError`."""
    profiles, sha256 = strict_json.read(
        path, cast("type[dict[str, ProfileRules]]", dict[str, ProfileRules]), "the policy"
    )
    if not profiles:
        raise PolicyError(f"{path} has no profiles")
    return profiles, sha256


def resolve(
    root: Path,
    profile: str,
    *,
    policy: str = POLICY,
    mode: str = "auto",
    cases: str | None = None,
    corpus: str = CORPUS,
    min_precision: float | None = None,
    min_recall: float | None = None,
) -> Settings:
    """
    What the benchmark of *profile* goes by. All paths are below *root* unless absolute.

    Args:
        policy: "" goes without one.
        mode: "auto" leaves it to the policy.
        min_precision, min_recall: between 0 and 1; they win over the policy.

    Raises:
        PolicyError: for a file that is missing, a profile that the policy does not know, and
            whatever else is no setting.
    """
    root = root.absolute()
    named(profile)
    rules, sha256, path = ProfileRules(), "", None
    if policy:
        path = root / policy
        profiles, sha256 = read(path)
        if profile not in profiles:
            raise PolicyError(f"{path} has no profile {profile!r}; known are {', '.join(sorted(profiles))}")
        rules = profiles[profile]
    given: dict[str, Any] = {"mode": None if mode == "auto" else mode, "cases": cases or None}
    given |= {"min_precision": _share("min_precision", min_precision), "min_recall": _share("min_recall", min_recall)}
    found: dict[str, Any] = {}
    sources = {}
    for name, built_in in _built_in(root, profile).items():
        for source, value in (("flag", given[name]), ("policy", getattr(rules, name)), ("built-in", built_in)):
            if value is not None:
                found[name], sources[name] = value, source
                break
        else:
            known = ", ".join(MODES)
            raise PolicyError(f"nothing says the {name} of profile {profile!r}; without a policy there are {known}")
    strict_json.convert(found["mode"], Mode, "the mode")
    return Settings(
        profile=profile,
        mode=found["mode"],
        cases=_there(root / found["cases"], "the cases"),
        corpus=_there(root / corpus, "the corpus", folder=True),
        min_precision=float(found["min_precision"]),
        min_recall=float(found["min_recall"]),
        policy=path,
        policy_sha256=sha256,
        sources=sources,
        root=root,
    )


def named(profile: str) -> None:
    """Refuses a name that is no folder's: reports lie below it. Raises `PolicyError`."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", profile):
        raise PolicyError(f"{profile!r} is no name of a profile")


def _built_in(root: Path, profile: str) -> dict[str, Any]:
    # The sample has two cases. Production is not judged by it where there is something better.
    cases = PRODUCTION if profile == "prod" and (root / PRODUCTION).is_file() else SAMPLE
    return {"mode": MODES.get(profile), "cases": cases, "min_precision": THRESHOLD, "min_recall": THRESHOLD}


def _share(name: str, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise PolicyError(f"{name} is {value}, expected a number from 0 to 1")
    return value


def _there(path: Path, what: str, *, folder: bool = False) -> Path:
    if not (path.is_dir() if folder else path.is_file()):
        raise PolicyError(f"{what} {path}: there is no such {'folder' if folder else 'file'}")
    return path
