"""`promotion parity`: is it the same everywhere?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.cli.progress import waiting
from pytest_promotion.evidence.files import read_file


@click.group()
def parity() -> None:
    """Root hashes of traces, and whether two runtimes agree on them."""


@parity.command("root-hash", epilog="Example: promotion parity root-hash runs/7.trace.json")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the hashes and what they leave out as JSON.")
def root_hash(file: Path, as_json: bool) -> int:
    """
    Print the root hash of the trace in FILE, recomputed from its data.

    Exit code 0 where the file declares the same, 2 where it declares another, 3 where it declares none or is no trace.
    """
    from pytest_promotion.suites.deployment.determinism.traces import rooted

    with command_errors(f"{file} cannot be read"):
        trace = rooted(read_file(file), str(file))
    if as_json:
        told = {"version": trace.version, "root_hash": trace.root, "declared": trace.declared, "holds": trace.holds}
        say_json(told | {"steps": len(trace.steps), "not_covered": trace.uncovered}, indent=2)
    else:
        say(trace.root)
    if trace.declared is None:
        say(f"{file} declares no root hash: nothing to compare", err=True)
        return 3
    if not trace.holds:
        say(f"{file} declares {trace.declared}", err=True)
        return 2
    return 0


@parity.command(epilog="Example: promotion parity example > traces/example.trace.json")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a trace instead.")
@click.option("--vectors", is_flag=True, help="Print values and traces with their hashes, for other languages.")
def example(schema: bool, vectors: bool) -> int:
    """
    Print an example of a trace, with its root hash.

    What a service has to write to be compared, and what an implementation in another language can be tested with.
    """
    from pytest_promotion.suites.deployment.determinism import published

    if schema and vectors:
        raise click.UsageError("--schema and --vectors print two documents: ask for one")
    document = published.schema() if schema else published.vectors() if vectors else published.example()
    click.echo(json.dumps(document, indent=2))  # constants, whose control characters are what they are for; in ASCII
    return 0


@parity.command("python-js", epilog="Example: promotion parity python-js fixtures/traces/*.trace.json --values 5000")
@click.argument("traces", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--values",
    type=click.IntRange(0),
    default=2000,
    show_default=True,
    help="Number of values to generate and compare.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed that the values are generated from.")
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that the report is written to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def python_js(traces: tuple[Path, ...], values: int, seed: int, reports: Path, as_json: bool) -> int:
    """
    Let Python and JavaScript compute the same things from the same bytes, and compare.

    The root hash of each of TRACES, and the canonical form of values made from a seed, broken ones among them, which
    both have to refuse. The report goes to <reports>/determinism/. Exit code 0 they agree, 2 they do not, 3 Node is not
    there or cannot answer.
    """
    from pytest_promotion.clock import Clock, stamp
    from pytest_promotion.json_files import write_json
    from pytest_promotion.suites.deployment.determinism.parity import report

    now = Clock().now()
    found = report(traces, values, seed, now)
    with command_errors("the report cannot be written"):
        for name in (f"python_js_{stamp(now)}.json", "latest.json"):
            write_json(reports / "determinism" / name, found)
    if as_json:
        say_json(found, indent=2)
    else:
        counts = f"{found['values_compared']} values and {found['traces_compared']} traces compared"
        say(f"{found['status']}: {counts}, {found['disagreements']} disagreements")
        for line in found["problems"]:
            say(f"  {line}")
    return {"pass": 0, "fail": 2}.get(found["status"], 3)


@parity.command(
    epilog="Example: promotion parity e2e --base-url https://staging.example/api/v1 --plan plan.json --env staging"
)
@click.option("--base-url", required=True, metavar="URL", help="Of the service; its paths are added to it.")
@click.option(
    "--plan",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON: plan, budget_cents, seed and timestamp; paths of the service, where they are others.",
)
@click.option("--env", "environment", required=True, metavar="NAME", help="The environment: staging, prod, …")
@click.option("--image", default="", metavar="sha256:HEX", help="The image that runs there, and has to.")
@click.option(
    "--answer-seconds",
    type=click.FloatRange(0.1),
    default=10,
    show_default=True,
    help="Timeout of each HTTP request, in seconds.",
)
@click.option(
    "--run-seconds",
    type=click.FloatRange(0.1),
    default=60,
    show_default=True,
    help="Timeout of the whole run on the service, in seconds.",
)
@click.option(
    "--poll-seconds",
    type=click.FloatRange(0.01),
    default=1,
    show_default=True,
    help="Polling interval while the run is not finished, in seconds.",
)
@click.option(
    "--token-variable",
    default="PROMOTION_E2E_TOKEN",
    show_default=True,
    metavar="NAME",
    help="Where a bearer token is found.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder that the report is written to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def e2e(
    base_url: str,
    plan: Path,
    environment: str,
    image: str,
    answer_seconds: float,
    run_seconds: float,
    poll_seconds: float,
    token_variable: str,
    reports: Path,
    as_json: bool,
) -> int:
    """
    Let a running service simulate, run and replay one plan, and compare the run with its replay.

    Report and traces go to <reports>/e2e_parity/. Exit code 0 they are the same, recomputed here; 2 they are not, or
    the service did something else than it was asked for; 3 it could not be reached, or showed nothing.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.http_client import Peer
    from pytest_promotion.suites.deployment.determinism.e2e import request_of
    from pytest_promotion.suites.deployment.determinism.e2e_report import Asked, check

    clock = Clock()
    with command_errors():
        peer = Peer(base_url, os.environ.get(token_variable, ""), answer_seconds)
        asked = Asked(peer.url, request_of(read_file(plan), str(plan)), environment, image, clock.now())
        with waiting("parity e2e"):
            found, path = check(peer, asked, reports, run_seconds, poll_seconds, clock)
    if as_json:
        say_json(found, indent=2)
    else:
        say(f"{found['status']}: {found['steps_compared']} steps compared, {found['run_id']} of {environment}")
        for line in found["reasons"]:
            say(f"  {line}")
        say(f"  report: {path}")
    return {"pass": 0, "fail": 2}.get(found["status"], 3)
