"""
The benchmark's policy: for each profile whether it counts, which cases are asked, and how good is good enough.

What a flag says wins over the policy, the policy over what is built in. Where each setting is
from is told, so that nobody mistakes a built-in threshold for one that was decided on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import msgspec

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge import strict_json
from pytest_promotion.suites.release.knowledge.retrievers.choice import Connection

Mode = Literal["off", "optional", "required"]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

FOLDER: Final = "backend/config"
POLICY: Final = f"{FOLDER}/kb_benchmark_policy.json"
CORPUS: Final = f"{FOLDER}/kb_benchmark_corpus"
SAMPLE: Final = f"{FOLDER}/kb_benchmark_cases.sample.json"
PRODUCTION: Final = f"{FOLDER}/kb_benchmark_cases.prod.json"
THRESHOLD: Final = 0.45
FIGURES: Final = ("precision", "recall", "content_recall", "ndcg", "recall_at_k", "mrr")
MODES: Final[dict[str, Mode]] = {"dev": "off", "staging": "optional", "prod": "required"}


class ProfileRules(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the policy says of one profile; what it leaves out is built in."""

    mode: Mode | None = None
    cases: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    min_precision: Share | None = None
    min_recall: Share | None = None
    min_content_recall: Share | None = None  # what min_recall is, where nothing says it
    min_ndcg: Share | None = None
    min_recall_at_k: Share | None = None
    min_mrr: Share | None = None
    min_queries: Annotated[int, msgspec.Meta(ge=1)] | None = None
    retriever: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    retriever_ids: str | None = None
    retriever_body: str | None = None
    retriever_version: str | None = None
    retriever_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run of the benchmark goes by. Paths are absolute, thresholds between 0 and 1."""

    profile: str
    mode: Mode
    cases: Path
    corpus: Path
    minimums: dict[str, float]  # the least average, by the name of the figure
    min_queries: int
    connection: Connection | None  # None for the built-in index
    policy: Path | None
    policy_sha256: str
    sources: dict[str, str]  # of each setting that there is: "flag", "policy" or "built-in"
    root: Path

    @property
    def min_precision(self) -> float:
        """The least average precision."""
        return self.minimums["precision"]

    @property
    def min_recall(self) -> float:
        """The least average recall."""
        return self.minimums["recall"]

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
    **flags: Any,
) -> Settings:
    """
    What the benchmark of *profile* goes by. All paths are below *root* unless absolute.

    Args:
        policy: "" goes without one.
        mode: "auto" leaves it to the policy.
        flags: other fields of `ProfileRules`, which win over the policy where they are not None.

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
    flags |= {"mode": None if mode == "auto" else mode, "cases": cases or None}
    given: ProfileRules = strict_json.convert(
        {name: value for name, value in flags.items() if value is not None}, ProfileRules, "the settings"
    )
    built_in = _built_in(root, profile)
    found: dict[str, Any] = {}
    sources = {}
    for name in ProfileRules.__struct_fields__:
        for source, value in (
            ("flag", getattr(given, name)),
            ("policy", getattr(rules, name)),
            ("built-in", built_in.get(name)),
        ):
            if value is not None:
                found[name], sources[name] = value, source
                break
    if "mode" not in found:
        known = ", ".join(MODES)
        raise PolicyError(f"nothing says the mode of profile {profile!r}; without a policy there are {known}")
    found.setdefault("min_content_recall", found["min_recall"])
    return Settings(
        profile=profile,
        mode=found["mode"],
        cases=_there(root / found["cases"], "the cases"),
        corpus=_there(root / corpus, "the corpus", folder=True),
        minimums={name: float(found[f"min_{name}"]) for name in FIGURES if f"min_{name}" in found},
        min_queries=found.get("min_queries", 1),
        connection=_connection(found),
        policy=path,
        policy_sha256=sha256,
        sources=sources,
        root=root,
    )


def _connection(found: dict[str, Any]) -> Connection | None:
    details = {name.removeprefix("retriever_"): value for name, value in found.items() if name.startswith("retriever_")}
    if "retriever" not in found:
        if details:
            raise PolicyError(f"retriever_{next(iter(details))} is set, and no retriever")
        return None
    return Connection(found["retriever"], **details)


def named(profile: str) -> None:
    """Refuses a name that is no folder's: reports lie below it. Raises `PolicyError`."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", profile):
        raise PolicyError(f"{profile!r} is no name of a profile")


def _built_in(root: Path, profile: str) -> dict[str, Any]:
    # The sample has two cases. Production is not judged by it where there is something better.
    cases = PRODUCTION if profile == "prod" and (root / PRODUCTION).is_file() else SAMPLE
    return {"mode": MODES.get(profile), "cases": cases, "min_precision": THRESHOLD, "min_recall": THRESHOLD}


def _there(path: Path, what: str, *, folder: bool = False) -> Path:
    if not (path.is_dir() if folder else path.is_file()):
        raise PolicyError(f"{what} {path}: there is no such {'folder' if folder else 'file'}")
    return path
