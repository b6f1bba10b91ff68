"""`promotion merge`: one decision from the shards of a run."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json


@click.command(epilog="Example: promotion merge shards/*/promotion_gates/shard_*.json --key release.key")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SHARD...")
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that the decision is written to.",
)
@click.option("--vault", metavar="URL", help="Where the evidence is kept (default: beside the decision).")
@click.option("--key", type=click.Path(path_type=Path), help="Sign the decision with this private key.")
@click.option(
    "--shard-key",
    "shard_keys",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A public key that may sign shards (default: that of --key).",
)
@click.option("--allow-unsigned-shards", is_flag=True, help="With --key: sign what unsigned shards say.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision as JSON.")
def merge(
    files: tuple[Path, ...],
    reports: Path,
    vault: str | None,
    key: Path | None,
    shard_keys: tuple[Path, ...],
    allow_unsigned_shards: bool,
    as_json: bool,
) -> int:
    """
    Decide from the files that `pytest gates --promotion-shard I/N` wrote. Exit 0 PASS, 2 FAIL, 3 no decision.

    The evidence is looked for in the vault, and in one beside each shard's file. A shard that is missing, was run
    twice, or differs from the others in run id, subject, policy or commit makes the decision FAIL, as does one whose
    measurements do not hold when they are computed again. A decision is signed only where every shard is.
    """
    from pytest_promotion.clock import parse_moment, stamp
    from pytest_promotion.evidence.remote_vault import vault_at
    from pytest_promotion.history.log import History, logged
    from pytest_promotion.reporting import json as as_document
    from pytest_promotion.reporting import markdown as as_markdown
    from pytest_promotion.reporting import terminal as as_lines
    from pytest_promotion.reporting.publishing import ReportFolder
    from pytest_promotion.trust import signing
    from pytest_promotion.trust.keys import read_private, read_public
    from pytest_promotion.trust.merging import merged

    if allow_unsigned_shards and (shard_keys or key is None):
        raise click.UsageError("--allow-unsigned-shards belongs to --key, and excludes --shard-key")
    folder = ReportFolder(reports / "promotion_gates")
    with command_errors("the decision cannot be written"):
        private = read_private(key) if key else None
        kept = vault_at(vault or folder.path / "evidence")
        known = [read_public(one) for one in shard_keys] or ([private.public] if private else [])
        decision = merged(files, kept, () if allow_unsigned_shards else known)
        kept.sync(decision.evidence_digests)
        history = History(folder.path)
        document = as_document.document(decision, history.head().document())
        folder.begin(as_document.provisional(decision.run_id, decision.ts_utc, decision.profile, stage=decision.stage))
        place = folder.publish(
            f"promotion_gates_{stamp(parse_moment(decision.ts_utc))}",
            document,
            as_markdown.markdown(document),
            latest=True,
            sign=(lambda name, content: signing.signed(document, name, content, [private])) if private else None,
            log=lambda name, content: history.append(logged(document, name, content)),
        )
    if as_json:
        say_json(document)
    else:
        for line, _ in as_lines.summary(document):
            say(line)
        say(as_lines.verdict(document, str(place))[0])
    return 0 if decision.verdict.passed else 2
