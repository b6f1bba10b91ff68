"""`promotion approve`: a person's signature under a candidate's way into a stage."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.cli.signing import one_key, signed_by
from pytest_promotion.errors import PolicyError

if TYPE_CHECKING:
    from pytest_promotion.model import Subject
    from pytest_promotion.policy import Policy

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(epilog="Example: promotion approve prod --ssh-key ~/.ssh/id_ed25519 --as ana")
@click.argument("stage")
@signed_by
@click.option(
    "--subject", default="", metavar="NAME=sha256:HEX", help="What is approved (default: the manifest, or the commit)."
)
@click.option("--policy", type=_FILE, default=Path("promotion.yaml"), show_default=True, help="Policy with the stages.")
@click.option(
    "--reports", type=_FOLDER, default=Path("reports"), show_default=True, help="Folder that decisions are written to."
)
@click.option("--json", "as_json", is_flag=True, help="Print the approval as JSON.")
def approve(
    stage: str,
    key: Path | None,
    ssh_key: Path | None,
    by: str,
    subject: str,
    policy: Path,
    reports: Path,
    as_json: bool,
) -> int:
    """
    Approve that the candidate here may enter STAGE. Exit 0, 3 where that cannot be done, 4 for an unknown stage.

    The approval is for this candidate and this stage only. It is appended to
    `promotion_gates/approvals.jsonl` below the reports; the next session with `--promotion-stage STAGE` reads it there.
    """
    from pytest_promotion import policy as policies
    from pytest_promotion.custody import approvals
    from pytest_promotion.trust import approvals as signatures
    from pytest_promotion.trust.waivers import signers_of

    one_key(key, ssh_key)
    with command_errors():
        rules = policies.load(policy, None, stage=stage)
        if not rules.stages[stage].approvals:
            raise PolicyError(f"the stage {stage} asks for no approvals")
        about = _subject(subject, rules, policy.parent)
        approval = signatures.approve(approvals.matter(stage, about.digest), by, key, ssh_key)
        folder = reports / "promotion_gates"
        approvals.add(folder, stage, about.digest, approval, signers_of(rules), datetime.now(UTC))
    kind, text = next(iter(about.digest.items()))
    if as_json:
        say_json({"stage": stage, "subject": {kind: text}, "by": by})
    else:
        say(f"{by} approves {about.name} ({kind}:{text[:12]}) for {stage}")
    return 0


def _subject(text: str, policy: Policy, folder: Path) -> Subject:
    from pytest_promotion.evidence import provenance
    from pytest_promotion.evidence.files import read_file
    from pytest_promotion.model import Exhibit

    manifest = None
    if not text and (name := policy.rules.release_manifest) is not None:
        content = read_file(folder / name)
        manifest = Exhibit(name, sha256(content).hexdigest(), len(content), exists=True)
    found = provenance.subject_of(text, manifest, provenance.git_state(folder))
    if found is None:
        raise PolicyError("there is no commit here; name the candidate by --subject NAME=sha256:HEX")
    return found
