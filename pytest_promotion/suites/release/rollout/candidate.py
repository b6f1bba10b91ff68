"""
The files that a deployment is made from: those of the commit that was decided, else those in the working folder.

Variables are no part of a commit: `.env`, `--env-file` and the `env_file` of services are taken from the working folder
where the commit does not have them, each by its digest, and copied beside the files of the commit.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.custody.deployments import ALLOW_DIRTY
from pytest_promotion.evidence import provenance
from pytest_promotion.readers.compose.configuration import Place
from pytest_promotion.readers.compose.document import read
from pytest_promotion.readers.compose.engine import Compose
from pytest_promotion.readers.compose.findings import Refused as Invalid
from pytest_promotion.readers.compose.interpolation import BadTemplate, interpolate
from pytest_promotion.readers.compose.sources import sources
from pytest_promotion.readers.compose.variables import variables
from pytest_promotion.suites.release.rollout.checkout import Checkout, check_out
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.run import Run
from pytest_promotion.suites.release.rollout.services import Composing
from pytest_promotion.text import listed

_ABOUT_NOTHING: Final = (
    "the decision does not say what it is about, so that nothing can be compared with it: "
    "take it with --promotion-subject, or deploy what lies in the folder with --allow-dirty"
)


def find_files(run: Run, compose: Compose) -> None:
    """Sets `composing` and `checkout` of *run*. Raises `Refused` and `Unproven` where the files cannot be had."""
    plan, decided = run.plan, run.decided
    if decided is None or plan.allow_dirty:
        if decided is not None:
            run.allow(ALLOW_DIRTY, f"what lies in {plan.root} is deployed, and was not compared with {decided}")
        _of_the_folder(run, compose)
    elif decided.commit:
        _of_the_commit(run, compose, decided.commit)
    elif not decided.sha256:
        raise Refused(_ABOUT_NOTHING)
    else:
        _of_the_folder(run, compose)
        run.image_wanted = not _is_the_file(run)
        _check_folder(run, decided)


def find_folder(run: Run) -> None:
    """
    Sets `place` of *run*, for a target of programs: the files of the commit, else the working folder.

    Raises:
        Refused, Unproven: as `find_files`.
    """
    plan, decided = run.plan, run.decided
    run.place = plan.root.resolve()
    if decided is None:
        run.head = provenance.git_state(plan.root).commit or ""
    elif plan.allow_dirty:
        run.allow(ALLOW_DIRTY, f"what lies in {plan.root} is deployed, and was not compared with {decided}")
    elif decided.commit:
        with run.step("checkout") as step:
            place = _fresh(run.folder, f"source-{decided.commit[:12]}")
            run.checkout = check_out(plan.root, decided.commit, place, plan.environment)
            run.place = run.checkout.inside(plan.root.resolve())
            step.details = f"the files of the commit {decided.commit[:12]}, in {run.checkout.folder}"
        _check_environments(run, run.checkout)
    elif decided.sha256:
        _is_the_file(run)
        _check_folder(run, decided)
    else:
        raise Refused(_ABOUT_NOTHING)


def places(run: Run) -> list[Place]:
    """Where the files of *run* lie, each with the folder of its first compose file."""
    composing, checkout = run.composing, run.checkout
    if checkout is None:
        return [(run.plan.root.resolve(), composing.folder), (composing.folder, composing.folder)]
    return [(checkout.folder, composing.folder), (checkout.toplevel, composing.home or composing.folder)]


def _of_the_folder(run: Run, compose: Compose) -> None:
    plan = run.plan
    found = sources(plan.root, plan.files, plan.env_file)
    run.composing = Composing(compose, plan.project, found.compose, found.env, dict(plan.environment), run.inherited)
    run.originals = found.compose
    run.original_env = found.env
    if found.env is not None:
        run.environment_files.append({"path": str(found.env), "sha256": found.digests[found.env]})


def _of_the_commit(run: Run, compose: Compose, commit: str) -> None:
    plan = run.plan
    with run.step("checkout") as step:
        checkout = check_out(plan.root, commit, _fresh(run.folder, f"source-{commit[:12]}"), plan.environment)
        step.details = f"the files of the commit {commit[:12]}, in {checkout.folder}"
    _check_environments(run, checkout)
    missing = [str(path) for path in plan.files if not checkout.has(path.absolute())]
    if missing:
        raise Refused(f"{', '.join(missing)}: not in the commit {commit[:12]}, which the decision is about")
    root = checkout.inside(plan.root.resolve())
    given = sources(root, [checkout.inside(path.absolute()) for path in plan.files], None).compose
    if outside := [f"{path.name} is a link to {place}" for path in given if (place := checkout.leads_out(path))]:
        raise Refused(f"{', '.join(outside)}: what is there is not of the commit {commit[:12]}")
    originals = tuple(checkout.original(path) for path in given)
    env = plan.env_file or originals[0].parent / ".env"
    original_env = env if plan.env_file or env.exists() or checkout.has(env) else None
    run.originals, run.original_env, run.checkout = originals, original_env, checkout
    taken = None if original_env is None else _taken(run, checkout, original_env.absolute())
    values = variables(taken, plan.environment) if taken else dict(plan.environment)
    for path in dict.fromkeys(_env_files(given, values)):
        _taken(run, checkout, path)
    run.composing = Composing(
        compose, plan.project, given, taken, dict(plan.environment), run.inherited, originals[0].parent
    )


def _check_environments(run: Run, checkout: Checkout) -> None:
    """Refuses a file of environments that is in the repository, and not as the commit has it: programs are in it."""
    path = run.plan.environments
    if run.plan.drilled is not None:
        return  # a drill runs today's programs on the files of another day
    if path is None or checkout.relative(path.absolute()) is None:
        return
    place = checkout.inside(path.absolute())
    try:
        same = place.read_bytes() == path.read_bytes()
    except OSError:
        same = False
    if not same:
        raise Refused(
            f"{path.name} is not as in the commit {checkout.commit[:12]}, which the decision is about: commit it and "
            "decide again, or keep it outside of the repository"
        )


def _is_the_file(run: Run) -> bool:
    """Whether the decision is about a file that is here. Raises `Refused` where that is another one."""
    decided = run.decided
    assert decided is not None  # noqa: S101 - the caller has looked
    path = run.plan.root / decided.name
    if Path(decided.name).is_absolute() or not path.resolve().is_relative_to(run.plan.root.resolve()):
        return False
    if not path.is_file():
        return False
    found = sha256(path.read_bytes()).hexdigest()
    if found != decided.sha256:
        raise Refused(f"{decided.name} is sha256:{found[:12]}, and the decision is about sha256:{decided.sha256[:12]}")
    return True


def _check_folder(run: Run, decided: Decided) -> None:
    """
    Refuses a folder that is not as the commit has it in which a decision about a file or an image was taken.

    What is deployed beside that file or image, such as what is mounted or built, is in the folder.
    """
    root = run.plan.root
    here = provenance.git_state(root)
    if not decided.taken_in or here.commit is None:
        run.notes.append(
            f"what lies in {root} beside {decided.name} was compared with nothing: there is no commit of it"
        )
        return
    if here.commit != decided.taken_in:
        where = f"the commit {decided.taken_in[:12]}, and {here.commit[:12]} lies here"
        raise Refused(f"the decision was taken in {where}: check it out, or deploy this folder with --allow-dirty")
    if here.dirty is not False:
        changes = listed(here.changes) or "which files is not known"
        what = f"files here differ from the commit in which the decision was taken: {changes}"
        raise Refused(f"{what}; restore them, or deploy this folder with --allow-dirty")


def _taken(run: Run, checkout: Checkout, path: Path) -> Path:
    """Where the file of variables at *path* is read from: the commit has it, or it is copied; its digest is kept."""
    original, place = checkout.original(path), path
    if checkout.relative(path) is not None:
        place = checkout.inside(path)
        if not checkout.has(path) and original.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch(mode=0o600)
            shutil.copyfile(original, place)
    with contextlib.suppress(OSError):  # a missing file is for Compose to refuse, or to do without
        record = {"path": str(original), "sha256": sha256(place.read_bytes()).hexdigest()}
        if record not in run.environment_files:
            run.environment_files.append(record)
    return place


def _env_files(files: Sequence[Path], values: Mapping[str, str]) -> Iterator[Path]:
    """The files that `env_file` names in *files*, and in those that they include or extend."""
    seen: set[Path] = set()
    waiting = [(path, files[0].parent) for path in files]
    while waiting:
        path, folder = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            data = read(path).data
        except (Invalid, OSError):
            continue  # which Compose will refuse, in its own words
        services = data.get("services")
        for body in services.values() if isinstance(services, dict) else ():
            if isinstance(body, dict):
                yield from (folder / name for name in _names(body.get("env_file"), values))
                extends = body.get("extends")
                if isinstance(extends, dict):
                    waiting += [(folder / name, (folder / name).parent) for name in _names(extends.get("file"), values)]
        waiting += [(folder / name, (folder / name).parent) for name in _names(data.get("include"), values)]


def _names(found: Any, values: Mapping[str, str]) -> Iterator[str]:
    for one in found if isinstance(found, list) else [found]:
        text = one.get("path") if isinstance(one, dict) else one
        if isinstance(text, list):
            yield from _names(text, values)
        elif isinstance(text, str):
            with contextlib.suppress(BadTemplate):
                yield interpolate(text, values, lambda _: None)


def _fresh(folder: Path, name: str) -> Path:
    """A folder that is not there yet: a deployment that is resumed may deploy the same commit once more."""
    place, number = folder / name, 1
    while place.exists():
        number += 1
        place = folder / f"{name}-{number}"
    return place
