"""`promotion verify`: may this decision be acted on now?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.cli.acting_options import (
    acting_of,
    acting_options,
    gates_option,
    project_option,
    subject_option,
    vault_option,
)
from pytest_promotion.cli.answers import say_sentences
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.errors import PolicyError, Unproven

if TYPE_CHECKING:
    from pytest_promotion.trust.verify import Answer

OVERRIDDEN: Final = 5  # neither yes nor no: whoever acts on it says so


@click.command(
    epilog="Example: promotion verify reports/promotion_gates/latest.json --subject sha256:HEX --key release.pub"
)
@click.argument("file", type=click.Path(path_type=Path))
@subject_option
@click.option("--key", "keys", multiple=True, type=click.Path(path_type=Path), help="A public key that may sign.")
@click.option(
    "--threshold",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of the keys that must have signed.",
)
@acting_options
@click.option("--at", metavar="ISO-8601", help="Ask as of that moment (default: now).")
@click.option("--policy-sha256", default="", metavar="HEX", help="Digest of the policy it must have been judged by.")
@vault_option
@click.option("--refuse-weakened", is_flag=True, help="Say no to a decision whose profile was weakened by flags.")
@click.option(
    "--signers",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Who may waive and override (default: whom the decision was judged by).",
)
@click.option("--override", type=click.Path(path_type=Path, dir_okay=False), help="Somebody broke the glass: exit 5.")
@click.option("--rerun", is_flag=True, help="Rebuild the evidence and let the gates judge it again.")
@project_option
@gates_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def verify(
    file: Path,
    subject: str,
    keys: tuple[Path, ...],
    threshold: int,
    at: str | None,
    policy_sha256: str,
    vault: str | None,
    refuse_weakened: bool,
    signers: Path | None,
    override: Path | None,
    rerun: bool,
    project: Path,
    gates: str,
    as_json: bool,
    **given: Any,
) -> int:
    """
    Ask whether the decision in FILE, or in a bundle, may be acted on here and now.

    Exit 0 yes, 2 no, 3 could not be told, 5 overridden.

    Yes: it is finished, PASS and no replay; it has not expired; it is of the profile, from a clean tree, about
    the subject, signed by the keys, and the newest of its profile about that subject; every gate that
    its policy requires is in it; and every artifact in its vault has the bytes that were judged. What is neither
    named nor done without by its flag is not known: exit 3. A FAIL that --override overrides is never a yes: exit 5.
    """
    from pytest_promotion.clock import BadTimestamp, parse_moment
    from pytest_promotion.custody.acting import may_act
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.policy import PolicySource
    from pytest_promotion.trust import verify as asked
    from pytest_promotion.trust.bundles import opened
    from pytest_promotion.trust.keys import read_public
    from pytest_promotion.trust.stored import read_content

    if threshold > max(len(keys), 1):
        raise click.UsageError(f"--threshold {threshold} with {len(keys)} keys can never be met")
    try:
        demands = asked.Demands(
            at=parse_moment(at) if at else datetime.now(UTC),
            subject=subject,
            policy_sha256=policy_sha256,
            keys=[read_public(key) for key in keys],
            threshold=threshold,
            refuse_weakened=refuse_weakened,
            signers=PolicySource(str(signers), read_content(signers)) if signers else None,
        )
        with opened(file, vault_at(vault) if vault else None) as case:
            answer = may_act(case, demands, acting_of(given, project))
            if override is not None and not answer.yes:
                answer = asked.overridden(answer, case, demands, read_content(override), override.name)
            if rerun and answer.yes and answer.decision is not None:
                answer = asked.rerun(answer, case.vault, project, gates)
    except (PolicyError, BadTimestamp) as problem:
        raise click.UsageError(str(problem)) from None
    except Unproven as refusal:
        answer = asked.Answer(None, unknown=(str(refusal),))
    if as_json:
        say_json(answer.document())
    else:
        _tell(answer)
    return 0 if answer.yes else OVERRIDDEN if answer.overridden else 2 if answer.against else 3


def _tell(answer: Answer) -> None:
    overridden = f"OVERRIDDEN {answer.overridden}" if answer.overridden else ""
    word = overridden or ("yes" if answer.yes else "no" if answer.against else "cannot be told")
    say(f"may be acted on: {word}")
    say_sentences(answer)
