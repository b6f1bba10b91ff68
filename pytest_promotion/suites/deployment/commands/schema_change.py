"""`promotion schema-change`: who has approved a change of the trace schema, on GitHub or by signature."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.cli.signing import one_key, signed_by
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file

_GIT_S = 60.0


@click.group(
    "schema-change", epilog="Example: promotion schema-change approve --ssh-key ~/.ssh/id_ed25519 --as ben-light"
)
def schema_change() -> None:
    """Who approves a change of the trace schema: by reviews on GitHub, or by signatures."""


@schema_change.command(
    epilog="Example: promotion schema-change approve --base origin/main --ssh-key ~/.ssh/id_ed25519 --as ben-light"
)
@click.option("--base", default="origin/main", show_default=True, help="What the branch is compared with.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The folder in the repository (default: here).",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("reports/reviews/signatures.json"),
    show_default=True,
    help="The file of approvals that it is added to, below the root.",
)
@signed_by
@click.option("--json", "as_json", is_flag=True, help="Print what was signed as JSON.")
def approve(base: str, root: Path, file: Path, key: Path | None, ssh_key: Path | None, by: str, as_json: bool) -> int:
    """
    Sign everything between BASE and HEAD, and add the signature to the file of approvals. Exit 0, or 3.

    What is signed are the two commits: one more commit on the branch, and it has to be signed again.
    """
    from filelock import FileLock, Timeout

    from pytest_promotion.json_files import write
    from pytest_promotion.suites.deployment.schema_change import changes, signed
    from pytest_promotion.trust import approvals

    one_key(key, ssh_key)
    place = root / file
    with command_errors():
        found = changes.branch(lambda argv: _git(argv, root), base)
        approval = approvals.approve(signed.matter_of(found.fork, found.head), by, key, ssh_key)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(place.with_name(f".{place.name}.lock"), timeout=30):
                before = read_file(place) if place.exists() else b""
                write(place, signed.added(before, place.name, approval).decode())
        except Timeout:
            raise Unproven(f"somebody else is writing {place}") from None
    if as_json:
        say_json({"file": str(place), "base": found.fork, "head": found.head, "by": by})
    else:
        say(f"{by} approves {found.head[:12]}, {len(found.changes)} files changed since {found.fork[:12]}")
    return 0


@schema_change.command(
    epilog="Example: GITHUB_TOKEN=… promotion schema-change reviews octo/shop 12 --out reports/reviews/latest.json"
)
@click.argument("repository", metavar="OWNER/NAME")
@click.argument("pull", metavar="NUMBER", type=click.IntRange(min=1))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("reports/reviews/latest.json"),
    show_default=True,
    help="File that the reviews are written to, for the gate to read.",
)
@click.option(
    "--api",
    default="https://api.github.com",
    show_default=True,
    help="Base URL of the GitHub API, for a server of your own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def reviews(repository: str, pull: int, out: Path, api: str, as_json: bool) -> int:
    """
    Write down what GitHub says of a pull request, its commits and its reviews. The token is read from GITHUB_TOKEN.

    Whether they are enough is for the gate to say. Exit 0, or 3 where GitHub could not be asked.
    """
    from pytest_promotion.clock import iso
    from pytest_promotion.evidence.documents import parse_json
    from pytest_promotion.json_files import write_json
    from pytest_promotion.suites.deployment.protection.github import Repository
    from pytest_promotion.suites.deployment.schema_change.reviews import read

    asked = iso(datetime.now(UTC))  # before, so that what is said is never younger than it says
    with command_errors():
        server = Repository(repository, os.environ.get("GITHUB_TOKEN"), api)
        said: dict[str, Any] = {"ts_utc": asked, "pull": server.pull(pull)}
        for part, items in (("commits", server.pull_commits(pull)), ("reviews", server.pull_reviews(pull))):
            said[part] = [items, []]  # the empty page says that there is none after it
        found = read(parse_json(json.dumps(said).encode(), str(out)), str(out))
        write_json(out, said)
    if as_json:
        say_json({"file": str(out), "head": found.head, "reviewed_by": [one.by for one in found.reviews]})
    else:
        say(f"{out}: pull request {pull}, reviewed by {', '.join(one.by for one in found.reviews) or 'nobody'}")
    return 0


def _git(argv: list[str], root: Path) -> str:
    from pytest_promotion.evidence import commands
    from pytest_promotion.evidence.evidence_log import Notebook
    from pytest_promotion.evidence.provenance import for_git

    done = commands.run(argv, _GIT_S, root, Notebook(), None, for_git(os.environ))
    if done.exit_code != 0:
        raise Unproven(f"git ended with exit code {done.exit_code}: {(done.output.splitlines() or ['nothing'])[0]}")
    return done.output
