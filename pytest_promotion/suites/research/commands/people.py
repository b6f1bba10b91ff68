"""`promotion candidates observe|approve|adopt`: what people add to a candidate after it was created."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.output import say
from pytest_promotion.cli.signing import one_key
from pytest_promotion.suites.research.commands.candidates import based, files_by_kind, opened, stored

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Example: promotion candidates observe prom_0123456789abcdef reports/csv/paper.csv --kind paper")
@click.argument("candidate_id")
@click.argument("series", type=_FILE)
@stored
@click.option(
    "--kind",
    type=click.Choice(["out-of-sample", "paper"]),
    default="out-of-sample",
    show_default=True,
    help="Where the data come from: the same measurement on later data, or paper trading.",
)
@based
def observe(candidate_id: str, series: Path, db: str, kind: str, evidence_base_path: Path) -> int:
    """
    Name data that did not exist when the candidate was created: a CSV of moments and information coefficients.

    Each further file is another look at later data, for which the evaluation corrects. Exit code 0 it is named, 3 it
    could not be: no such file or candidate, a moment before the creation or in the future.
    """
    with opened(db) as connection:
        from pytest_promotion.suites.research import observations

        event = observations.observe(connection, candidate_id, series, kind, evidence_base_path)
    say(f"event {event}")
    return 0


@click.command(epilog="Example: promotion candidates approve prom_0123456789abcdef --reason 'the thesis holds'")
@click.argument("candidate_id")
@stored
@click.option("--reason", required=True, help="Why: it stays in the record.")
@click.option("--key", type=_FILE, help="Sign with this private key in PEM form.")
@click.option("--ssh-key", type=_FILE, help="Sign with ssh-keygen and this key; a .pub asks the agent.")
@click.option("--as", "name", metavar="NAME", help="Who signs, by the name in the signers file.")
def approve(candidate_id: str, db: str, reason: str, key: Path | None, ssh_key: Path | None, name: str | None) -> int:
    """
    Approve a candidate as it is now: its evidence, its unseen data, and the policy of its last evaluation.

    Not for who created or evaluated it. Without a key the name is that of git or of the operating system, which is
    enough unless the policy asks for signatures. Exit code 0 it is approved, 3 there is nothing to approve, 4 you may
    not.
    """
    if (name is None) != (key is None and ssh_key is None):
        raise click.UsageError("a signature needs --as and one of --key and --ssh-key")
    if name is not None:
        one_key(key, ssh_key)
    with opened(db) as connection:
        from pytest_promotion.suites.research import approvals, approving, store
        from pytest_promotion.trust.approvals import approve as sign

        signature, seen = None, None
        if name is not None:
            record = store.whole(connection, candidate_id)
            matter = approvals.signed_matter(approvals.matter_of(record, record["events"]))
            signature, seen = sign(matter, name, key, ssh_key), record["events"][-1]["event_id"]
        event = approving.approve(connection, candidate_id, reason, approval=signature, seen=seen)
    say(f"event {event}")
    return 0


@click.command(epilog="Example: promotion candidates adopt prom_0123456789abcdef --bundle-path reports/csv/bundle.json")
@click.argument("candidate_id")
@stored
@click.option("--bundle-path", type=_FILE, required=True, help="The validation bundle that its evidence means.")
@click.option("--rc-summary-path", type=_FILE, help="The reality check that its evidence means.")
@click.option("--sweep-panel-path", type=_FILE, help="Everything that was tried.")
@click.option("--execution-evidence-path", type=_FILE, help="File with the evidence that the signal could be traded.")
@based
def adopt(
    candidate_id: str,
    db: str,
    bundle_path: Path,
    rc_summary_path: Path | None,
    sweep_panel_path: Path | None,
    execution_evidence_path: Path | None,
    evidence_base_path: Path,
) -> int:
    """
    Give a candidate of another tool, whose evidence has no digests, evidence that can be judged.

    An event keeps the files with their digests; the row stays as it is. Exit code 0 it is adopted, 3 a file is not
    there or is about another candidate, 4 its evidence has digests already.
    """
    files = files_by_kind(bundle_path, rc_summary_path, sweep_panel_path, execution_evidence_path)
    with opened(db) as connection:
        from pytest_promotion.suites.research import evidence, store

        named = evidence.named(files, evidence_base_path)
        row = store.whole(connection, candidate_id)
        evidence.demand_match(evidence.read_case(named), row)
        event = store.adopt(connection, candidate_id, named)
    say(f"event {event}")
    return 0
