"""
Taking a decision again, from nothing but what its vault holds.

The workspace is rebuilt in a temporary folder, file by file, each checked against its digest
as it is written; the gates of this checkout judge it as of the decision's own clock. The same
evidence must give the same outcomes and the same bundle id, or one of the two was wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pytest_promotion import atomic
from pytest_promotion.clock import BadTimestamp, parse_moment
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import kill_group
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.text import listed
from pytest_promotion.trust.required_gates import assignment
from pytest_promotion.trust.stored import StoredArtifact, StoredDecision, parse, read_content

TIMEOUT_S: Final = 600.0
_STEP: Final = 2**20
# What a surrounding pytest run, or somebody's habits, would add to the options; and what opens a key.
_FOREIGN: Final = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST", "PYTEST_CURRENT", "COV_", "PROMOTION_KEY")
RECORDED_INPUTS: Final = "PROMOTION_RECORDED_INPUTS"  # read by sessions that decide as of another moment
_TOLD: Final = 400  # characters of what pytest said


def differences(
    decision: StoredDecision, vault: Vault, project: Path, gates: str = "gates", timeout: float = TIMEOUT_S
) -> tuple[str, ...]:
    """
    What came out otherwise when the gates of *project* judged the same evidence again; nothing where all agrees.

    Args:
        project: the folder that pytest is started in.
        gates: the path of the gates in it.
        timeout: seconds, after which the run is killed.

    Raises:
        Unproven: where the evidence cannot be rebuilt or the run gave no decision.
    """
    with tempfile.TemporaryDirectory(prefix="promotion-rerun-") as name:
        place = Path(name)
        root, reports = place / "workspace", place / "reports"
        root.mkdir()
        rebuild(decision, vault, root, project)
        recorded = place / "inputs.json"
        recorded.write_text(json.dumps(_inputs(decision)), encoding="utf-8")
        words = [*_options(decision, _policy(decision, vault, place / "policy")), f"--promotion-root={root}"]
        found = _run([gates, *words, f"--promotion-reports={reports}"], project, reports, timeout, recorded)
    return tuple(_compared(decision, found))


def rebuild(decision: StoredDecision, vault: Vault, root: Path, project: Path) -> None:
    """
    Writes every file that was judged below *root*, dated as it was judged.

    What was recorded by its digest only is taken from below *project*, if it begins with the bytes of that digest.

    Raises:
        Unproven: for a file that is neither kept nor there.
    """
    files = {one.path: one for one in decision.evidence_bundle.artifacts if one.exists}
    manifest = decision.release_manifest_ref
    if manifest is not None and manifest.exists:
        files[manifest.path] = manifest
    dated = {
        item.path: item.timestamp for check in decision.checks for item in check.freshness if item.source == "mtime"
    }
    secret = [path for path, one in files.items() if one.secret]
    if secret:
        raise Unproven(f"the evidence cannot be rebuilt: {listed(secret)} is secret and kept by digest only")
    for path, one in files.items():
        place = root / path_below(path)
        if one.kept:
            restore_file(one, vault, place)
        else:
            _copy_unkept(one, project / path_below(path), place)
        if path in dated:
            try:
                moment = parse_moment(dated[path]).timestamp()
            except BadTimestamp as problem:
                raise Unproven(f"{path} cannot be dated again: {problem}") from None
            os.utime(place, (moment, moment))


def _copy_unkept(one: StoredArtifact, source: Path, place: Path) -> None:
    """Copies the beginning of *source* that was judged. Raises `Unproven` where it is another file by now."""
    missing = f"{one.path} cannot be judged again: it was recorded by its digest only, and {source}"
    running, left = sha256(), one.size_bytes
    try:
        if not source.is_file():
            raise Unproven(f"{missing} is not there")
        place.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as known, atomic.writing(place, durable=False, overwrite=False) as target:
            while left and (part := known.read(min(_STEP, left))):
                running.update(part)
                left -= len(part)
                target.write(part)
            if left or running.hexdigest() != one.sha256:
                raise Unproven(f"{missing} is another file by now")
    except OSError as problem:
        raise Unproven(f"{missing} cannot be copied: {(problem.strerror or 'failed').lower()}") from None


def path_below(path: str) -> PurePosixPath:
    """The *path* of an artifact, which stays below the folder it is put in. Raises `Unproven`."""
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts or "\0" in path or "\\" in path:
        raise Unproven(f"{path!r} leads out of the workspace")
    return found


def restore_file(one: StoredArtifact, vault: Vault, place: Path) -> None:
    """Puts the kept bytes of *one* at *place*, whole and as they were judged, over nothing. Raises `Unproven`."""
    running, size = sha256(), 0
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with vault.open(one.sha256) as source, atomic.writing(place, durable=False, overwrite=False) as target:
            while size <= one.size_bytes and (part := source.read(_STEP)):
                running.update(part)
                size += len(part)
                target.write(part)
            if running.hexdigest() != one.sha256 or size != one.size_bytes:
                raise Unproven(f"{one.path} was changed in the vault")
    except OSError as problem:
        raise Unproven(f"{one.path} cannot be restored: {(problem.strerror or 'failed').lower()}") from None


def _policy(decision: StoredDecision, vault: Vault, folder: Path) -> Path | None:
    """The policy files as they lay to each other: a path that climbs does so inside of *folder*."""
    named = decision.policy.path
    if named is None:
        return None
    paths = [PurePosixPath(one.path) for one in decision.policy.files]
    if any(path.is_absolute() for path in paths):
        raise Unproven("a policy file of the decision has an absolute path")
    climbs = max((path.parts.count("..") for path in paths), default=0)
    base = folder.joinpath(*(["below"] * climbs))
    places = {one.path: Path(os.path.normpath(base / one.path)) for one in decision.policy.files}
    for one in decision.policy.files:
        if not places[one.path].is_relative_to(folder):
            raise Unproven(f"{one.path!r} leads out of the folder of policies")
        if not places[one.path].exists():
            restore_file(one, vault, places[one.path])
    if named not in places:
        raise Unproven(f"the policy {named} is not among the policy files of the decision")
    return places[named]


def _options(decision: StoredDecision, policy: Path | None) -> Iterator[str]:
    if policy is not None:
        yield f"--promotion-policy={policy}"
    if decision.stage:
        yield f"--promotion-stage={decision.stage}"
    else:
        yield f"--promotion-profile={decision.profile}"
    yield f"--promotion-as-of={decision.clock.now_utc}"
    if decision.subject is not None and "=" not in decision.subject.name:
        # A waiver is for one candidate, and the rebuilt workspace has no commit of its own.
        kind, text = next(iter(decision.subject.digest.items()))
        yield f"--promotion-subject={decision.subject.name}={kind}:{text}"
    for key, value in decision.overrides.items():
        yield f"--promotion-set={assignment(key, value)}"
    if decision.scope == "critical":
        yield "-mcritical"


def _inputs(decision: StoredDecision) -> dict[str, str]:
    """The inputs of producers by the digests that the decision recorded: the vault has no copy of them."""
    return {
        one.name: one.sha256 for check in decision.checks for artifact in check.provenance for one in artifact.inputs
    }


def _run(words: list[str], project: Path, reports: Path, timeout: float, recorded: Path) -> StoredDecision:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
                RECORDED_INPUTS: str(recorded),
            },
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Unproven(f"the gates did not end within {timeout:g} s") from None
        finally:
            kill_group(process)
        places = sorted((reports / "promotion_gates").glob("replay_*.json"))
        if len(places) != 1:
            output.seek(0)
            told = output.read().decode("utf-8", "replace").strip()[-_TOLD:]
            raise Unproven(f"the gates gave no decision (exit code {code}): {told}")
    return parse(read_content(places[0]), "the decision that was taken again")


def _compared(before: StoredDecision, after: StoredDecision) -> Iterator[str]:
    then, now = (_outcomes(one) for one in (before, after))
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            yield f"{name} was {then.get(name, 'not there')}, and is {now.get(name, 'not there')}"
    ids = [one.evidence_bundle.evidence_bundle_id for one in (before, after)]
    if ids[0] != ids[1]:
        yield f"the evidence bundle was {ids[0][:12]}, and is {ids[1][:12]}"
    if before.status != after.status:
        yield f"it said {before.status}, and says {after.status}: {json.dumps(after.reasons, ensure_ascii=False)}"


def _outcomes(decision: StoredDecision) -> dict[str, Any]:
    return {check.name: check.outcome.value for check in decision.checks}
