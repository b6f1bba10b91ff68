"""`promotion threshold-change`: is every change of the benchmark's thresholds recorded and approved?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.errors import asked_at, command_errors
from pytest_promotion.cli.options import DurationIn
from pytest_promotion.cli.output import say, say_json, say_lines
from pytest_promotion.cli.signing import one_key, signed_by
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file

if TYPE_CHECKING:
    from pytest_promotion.evidence.reading import Root
    from pytest_promotion.suites.release.change_check import Answer
    from pytest_promotion.suites.release.change_evidence import Seen
    from pytest_promotion.suites.release.change_record import Written
    from pytest_promotion.suites.release.thresholds import Policy

_POLICY = "backend/config/kb_benchmark_policy.json"
_APPROVED = "backend/config/kb_benchmark_policy.approved.json"
_RECORDS = "docs/Ops/KB_Threshold_Changes"
_SIGNERS = "docs/Ops/signers.yaml"


@click.group("threshold-change")
def threshold_change() -> None:
    """Govern changes of the knowledge base benchmark's thresholds."""


@threshold_change.command(
    epilog="Example: promotion threshold-change check --approved-sha256 6f1c… --signers signers.yaml"
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="What every path is relative to, also those in records; the current folder.",
)
@click.option("--policy", default=_POLICY, show_default=True, metavar="FILE", help="Policy file that is in use.")
@click.option(
    "--approved", default=_APPROVED, show_default=True, metavar="FILE", help="Policy file as it was approved last."
)
@click.option("--approved-sha256", metavar="HEX", help="What the digest of the approved policy has to be.")
@click.option(
    "--records",
    default=_RECORDS,
    show_default=True,
    metavar="DIR",
    help="Folder with the records of threshold changes.",
)
@click.option(
    "--signers",
    type=click.Path(path_type=Path),
    help=f"Who may approve.  [default: {_SIGNERS} below the root, where it exists]",
)
@click.option("--accept-names", is_flag=True, help="Count names that nobody signed for, where there are no signers.")
@click.option(
    "--min-approvals",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Approvals that a change needs which tightens a threshold.",
)
@click.option(
    "--min-loosening-approvals",
    default=2,
    show_default=True,
    type=click.IntRange(2),
    help="Approvals that a change needs which loosens a threshold.",
)
@click.option(
    "--min-monitor-reports",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Monitor reports that each changed profile needs as evidence.",
)
@click.option(
    "--min-trend",
    default=7,
    show_default=True,
    type=DurationIn(timedelta(days=1), whole=True),
    metavar="DAYS",
    help="Shortest time from the first monitor report to the last.",
)
@click.option(
    "--max-evidence-age",
    default=35,
    show_default=True,
    type=DurationIn(timedelta(days=1), whole=True),
    metavar="DAYS",
    help="Greatest age of the evidence when the record was made.",
)
@click.option("--at", metavar="ISO-8601", help="Ask as of that moment (default: now).")
@click.option("--json", "as_json", is_flag=True, help="Print what was found.")
def check(
    root: Path,
    policy: str,
    approved: str,
    approved_sha256: str | None,
    records: str,
    signers: Path | None,
    accept_names: bool,
    min_approvals: int,
    min_loosening_approvals: int,
    min_monitor_reports: int,
    min_trend: timedelta,
    max_evidence_age: timedelta,
    at: str | None,
    as_json: bool,
) -> int:
    """
    Ask whether every step from the approved policy to the one in use is recorded and approved.

    Without --approved-sha256 the approved policy is taken at its word, which the answer says. Exit code 0
    yes, 2 no, 3 it could not be judged.
    """
    from pytest_promotion.evidence.reading import Root
    from pytest_promotion.suites.release import change_check, thresholds
    from pytest_promotion.suites.release.change_evidence import Demands
    from pytest_promotion.trust import signers as people

    now = asked_at(at)
    base = Root(root.absolute())
    if signers is None and not accept_names and (root / _SIGNERS).is_file():
        signers = root / _SIGNERS
    with command_errors(f"{signers} cannot be read", usage=False):
        accepted = _policy(base, approved)
        answer = change_check.check(
            _policy(base, policy),
            accepted,
            (approved_sha256 or thresholds.sha256(accepted)).lower(),
            _records(base, root, records),
            lambda path: _seen(base, path),
            Demands(
                min_approvals=min_approvals,
                min_loosening_approvals=min_loosening_approvals,
                min_monitor_reports=min_monitor_reports,
                min_trend=min_trend,
                max_evidence_age=max_evidence_age,
                signed=not accept_names,
            ),
            None if signers is None else people.read(read_file(signers), signers.name),
            now,
        )
    _tell(answer, pinned=approved_sha256 is not None, as_json=as_json)
    return 2 if answer.problems else 0


@threshold_change.command(
    epilog="Example: promotion threshold-change new --change-id KB-TC-20260209-01 --requested-by ines --monitor a.json"
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="What every path is relative to; the current folder.",
)
@click.option("--policy", default=_POLICY, show_default=True, metavar="FILE", help="Policy file that is in use.")
@click.option(
    "--approved", default=_APPROVED, show_default=True, metavar="FILE", help="Policy file as it was approved last."
)
@click.option("--records", default=_RECORDS, show_default=True, metavar="DIR", help="Where earlier records are.")
@click.option("--change-id", required=True, metavar="ID", help="What the change is called.")
@click.option("--requested-by", required=True, metavar="NAME", help="Who asks for it; may not approve it.")
@click.option("--monitor", multiple=True, metavar="FILE", help="A monitor report that it rests on (repeatable).")
@click.option("--review", multiple=True, metavar="FILE", help="A weekly review that it rests on (repeatable).")
@click.option("--acceptance", multiple=True, metavar="FILE", help="Its acceptance (repeatable).")
def new(
    root: Path,
    policy: str,
    approved: str,
    records: str,
    change_id: str,
    requested_by: str,
    **evidence: tuple[str, ...],
) -> int:
    """
    Print a record of what has changed since the last record, with WHY and the like to be filled in.

    Exit code 2 where nothing has changed.
    """
    import yaml

    from pytest_promotion.evidence.reading import Root
    from pytest_promotion.suites.release import change_check, change_record

    base = Root(root.absolute())
    with command_errors(usage=False):
        before, after = _policy(base, approved), _policy(base, policy)
        written = _records(base, root, records)
        before = change_check.led_to(before, after, written)
        attached = {
            part: [{"path": path, "sha256": _seen(base, path).sha256} for path in paths]
            for part, paths in evidence.items()
        }
    draft = change_record.draft(before, after, change_id, requested_by, datetime.now(UTC), attached)
    if not draft["changes"]:
        say("the policy in use is the one that was approved last", err=True)
        return 2
    say_lines(yaml.safe_dump(draft, sort_keys=False, allow_unicode=True, width=120).rstrip())
    return 0


@threshold_change.command(
    epilog="Example: promotion threshold-change sign docs/Ops/KB_Threshold_Changes/KB-TC-20260209-01.yaml "
    "--ssh-key ~/.ssh/id_ed25519 --as ines"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@signed_by
def sign(file: Path, key: Path | None, ssh_key: Path | None, by: str) -> int:
    """Print the approval of the record in FILE, to be added to its `approvals`. FILE is left as it is."""
    import msgspec

    from pytest_promotion.suites.release import change_record
    from pytest_promotion.trust.approvals import approve

    one_key(key, ssh_key)
    with command_errors(f"{file} cannot be read", usage=False):
        record = change_record.read(read_file(file), file.name).record
        approval = approve(change_record.matter_of(record), by, key, ssh_key)
    # One line of JSON is an item of a list in YAML as well.
    say(f"- {json.dumps(msgspec.to_builtins(approval))}")
    return 0


def _seen(base: Root, path: str) -> Seen:
    from pytest_promotion.evidence.reading import read
    from pytest_promotion.suites.release.change_evidence import Seen

    try:
        content = read(base, base.relative(path)).content
    except FileNotFoundError:
        raise Unproven(f"{path} is missing") from None
    if content is None:
        raise Unproven(f"{path} is too large to be read")
    return Seen(sha256(content).hexdigest(), content)


def _records(base: Root, root: Path, folder: str) -> list[Written]:
    from pytest_promotion.suites.release import change_record

    paths = [f"{folder}/{name}" for name in change_record.names(root / folder)]
    return [change_record.read(_seen(base, path).content, path) for path in paths]


def _policy(base: Root, path: str) -> Policy:
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.suites.release.thresholds import checked

    return checked(parse_json(_seen(base, path).content, path), path)


def _tell(answer: Answer, *, pinned: bool, as_json: bool) -> None:
    from pytest_promotion.suites.release.thresholds import shown

    document: dict[str, Any] = {
        "covered": not answer.problems,
        "approved_sha256": answer.approved_sha256,
        "approved_is_pinned": pinned,
        "current_sha256": answer.current_sha256,
        "changes": [
            {"field": one.place, "old": shown(one.old), "new": shown(one.new), "loosens": one.loosens}
            for one in answer.changes
        ],
        "covering": list(answer.covering),
        "unused": list(answer.unused),
        "problems": answer.problems,
    }
    if as_json:
        say_json(document)
        return
    say("not covered" if answer.problems else str(answer))
    for problem in answer.problems:
        say(f"  {problem}")
    for one in answer.changes:
        say(f"  {'looser' if one.loosens else 'stricter'}: {one}")
    for name in answer.unused:
        say(f"  not used: {name}")
    if not pinned:
        say(f"  the approved policy is taken at its word: pin it with --approved-sha256 {answer.approved_sha256}")
