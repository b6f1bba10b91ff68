"""The images that services run, compared with the one that the decision is about."""

from __future__ import annotations

import re
from typing import Final

from pytest_promotion.readers.compose.images import BadReference, parse
from pytest_promotion.suites.release.rollout.decided import Decided
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.run import Failed, Run

_ID: Final = re.compile(r"(sha256:)?[0-9a-f]{64}")


def name_of(run: Run, service: str) -> str:
    """The name of the image that *service* is to run; Compose makes one up for what is built and has none."""
    separator = "_" if run.composing.compose.version.startswith("1.") else "-"
    return str(run.resolved.services[service].get("image") or f"{run.plan.project}{separator}{service}")


def by_tag(run: Run) -> list[str]:
    """A sentence for each service whose image neither commit nor decision determines; none without a decision."""
    if run.decided is None:
        return []
    return [
        f"{service} runs {image} by its tag, which may be another image tomorrow: write name@sha256:…"
        for service, body in run.resolved.services.items()
        if "build" not in body and _by_tag(image := str(body.get("image", "")))
        if not run.image_wanted or _repository(image) != _repository(run.decided.name)
    ]


def compare(run: Run) -> None:
    """Raises `Refused` where the decision is about an image, and the services would not run it."""
    if not run.image_wanted or run.decided is None:
        return
    with run.step("candidate-image") as step:
        services = run.resolved.services
        found = {service: run.engine.digests(name_of(run, service)) for service in services}
        wrong = _wrong(run, run.decided, found)
        if wrong:
            raise Refused(wrong)
        step.details = f"the services run {run.decided}"


def compare_running(run: Run) -> None:
    """Raises `Failed` where what runs by now is not the image that the decision is about."""
    if run.image_wanted and run.decided is not None:
        services = run.resolved.services
        running = [one for one in run.engine.containers() if one.service in services]
        found = {one.service: run.engine.digests(one.image) for one in running}
        if wrong := _wrong(run, run.decided, found):
            raise Failed(wrong)


def _wrong(run: Run, decided: Decided, found: dict[str, frozenset[str]]) -> str:
    """Why *found*, the digests of the image of each service, are not those that were decided; empty where they are."""
    if others := [
        service
        for service, digests in found.items()
        if decided.sha256 not in digests and _repository(name_of(run, service)) == _repository(decided.name)
    ]:
        return f"{', '.join(sorted(others))}: another image than the one that the decision is about, {decided}"
    if not any(decided.sha256 in digests for digests in found.values()):
        return (
            f"the decision is about {decided}: there is no such file in {run.plan.root}, and no service runs such an "
            "image; pull or build it first, or deploy what lies in the folder with --allow-dirty"
        )
    return ""


def _by_tag(image: str) -> bool:
    """Whether *image* has neither a digest nor is one; not for a service without an image."""
    if not image or _ID.fullmatch(image):
        return False
    try:
        return not parse(image).digest
    except BadReference:
        return True


def _repository(name: str) -> str:
    try:
        return parse(name).name
    except BadReference:
        return name
