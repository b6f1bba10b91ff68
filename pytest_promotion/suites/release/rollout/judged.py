"""Is the configuration that is deployed the one that was judged?"""

from __future__ import annotations

from typing import Final

from pytest_promotion.readers.compose.configuration import differing, key_digests
from pytest_promotion.suites.release.rollout.permission import Refused
from pytest_promotion.suites.release.rollout.resolving import Resolution
from pytest_promotion.suites.release.rollout.run import Run
from pytest_promotion.text import listed

FLAG: Final = "--allow-unjudged-configuration"
LENIENT: Final = frozenset({"dev", "development", "local", "test", "testing", "ci", "sandbox"})


def compare(run: Run, found: Resolution) -> None:
    """
    Compares *found* with what the decision of *run* has judged.

    Raises:
        Refused: where a variable has no value, where the configuration is another one, and where none was judged and
            the environment is not one for development. Not for a drill or a dry run without a decision.
    """
    if run.decided is None:
        if found.unset:
            run.notes.append(f"without a value: {', '.join(found.unset)}")
        return
    if found.unset:
        raise Refused(f"Compose takes nothing for {', '.join(found.unset)}, which have no value")
    if not run.decided.configuration:
        _not_judged(run)
    elif run.decided.configuration != found.sha256:
        if run.plan.allow_unjudged_configuration:
            run.allow(FLAG, f"{_differences(run, found)} since it was judged")
        else:
            raise Refused(f"this is not the configuration that was judged: {_differences(run, found)}")


def _not_judged(run: Run) -> None:
    if run.plan.allow_unjudged_configuration:
        run.allow(FLAG, "the decision has judged no Compose configuration")
    elif run.plan.env in LENIENT:
        run.notes.append("the decision has judged no Compose configuration")
    else:
        raise Refused(
            "the decision has judged no Compose configuration: "
            f"require the gate compose_config, or allow it with {FLAG}"
        )


def _differences(run: Run, found: Resolution) -> str:
    decided = run.decided
    assert decided is not None  # noqa: S101 - the caller has looked
    keys = differing(decided.keys, key_digests(found.form)) if decided.keys else []
    reported = f"{listed(keys)} differ{'s' if len(keys) == 1 else ''}" if keys else "its digest differs"
    if decided.compose and decided.compose != found.compose:
        reported += f" (resolved by {found.compose} here, by {decided.compose} when it was judged)"
    return reported
