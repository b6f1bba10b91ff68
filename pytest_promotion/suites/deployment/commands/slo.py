"""`promotion slo` and `promotion load`: what a load test measured, and a small one to measure with."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.evidence.files import read_file
from pytest_promotion.text import clean


@click.command(epilog="Example: promotion slo summary.json --targets slo.yaml")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--targets", type=click.Path(path_type=Path, dir_okay=False), help="A targets file. [p95 500 ms, p99 1 s, 1 %]"
)
@click.option(
    "--headroom",
    type=click.FloatRange(0, 10),
    default=0.2,
    show_default=True,
    help="Share by which suggested targets exceed what was measured; 0.2 is 20 percent.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here too.")
@click.option(
    "--masked",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the summary here, without the setup_data of its script, in which secrets may be.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def slo(file: Path, targets: Path | None, headroom: float, out: Path | None, masked: Path | None, as_json: bool) -> int:
    """
    Hold the output of k6 in FILE against service level objectives, and suggest targets from it.

    Exit code 0 all critical ones are met, 2 one is not, or k6 itself says so; 3 one was not measured, or FILE is none
    of k6's four formats.
    """
    from pytest_promotion.clock import Clock
    from pytest_promotion.json_files import write_json
    from pytest_promotion.readers.k6 import without_setup_data
    from pytest_promotion.suites.deployment.slo.report import report
    from pytest_promotion.suites.deployment.slo.targets import USUAL, load

    with command_errors():
        wanted = load(targets) if targets else USUAL
        content = read_file(file)
        found = report(content, str(file), wanted, Clock().now(), headroom)
        if masked is not None:
            write_json(masked, without_setup_data(content, str(file)))
        if out is not None:
            write_json(out, clean(found))
    if as_json:
        say_json(found, indent=2)
    else:
        say(f"{found['status']}: {found['requests']} requests, {found['format']}")
        for one in found["objectives"]:
            word = {True: "met", False: "MISSED", None: "not measured"}[one["passed"]]
            value = "" if one["value"] is None else f"{one['value']:g} "
            say(f"  {one['name']} ({one['severity']}): {value}{one['operator']} {one['limit']:g} {one['unit']}: {word}")
        for line in found["reasons"]:
            say(f"  why not: {line}")
        for name, target in found["suggestion"]["targets"].items():
            say(f"  suggested: {name} at most {target['at_most']:g} {target['unit']}")
    return {"pass": 0, "fail": 2}.get(found["status"], 3)


@click.command(
    epilog="Example: promotion load http://127.0.0.1:8000/simulate --users 10 --duration 60 --out summary.json"
)
@click.argument("url")
@click.option(
    "--users",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Number of users that send requests at the same time.",
)
@click.option(
    "--duration",
    type=click.FloatRange(0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Length of the load test, such as 30s or 5m.",
)
@click.option(
    "--method",
    type=click.Choice(["GET", "POST"]),
    default="GET",
    show_default=True,
    help="HTTP method of each request.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File that the summary of the load test is written to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def load(url: str, users: int, duration: float, method: str, out: Path, as_json: bool) -> int:
    """
    Put a small load on URL, for where k6 is not installed, and write what k6's handleSummary would get.

    Whether it was good enough is asked by `promotion slo`. Exit code 0 the summary is written, 3 nothing was answered.
    """
    import asyncio

    from pytest_promotion.errors import Unanswered, Unproven
    from pytest_promotion.json_files import write_json

    with command_errors(f"{out} cannot be written"):
        try:
            from pytest_promotion.suites.deployment.slo.load import run

            found = asyncio.run(run(url, users, duration, method))
        except ImportError:
            raise Unproven("this needs httpx: pip install 'pytest-promotion[load]'") from None
        except (OSError, ValueError) as problem:
            raise Unanswered(f"{url}: {problem}") from None
        write_json(out, found)
    metrics = found["metrics"]
    answered = metrics["http_req_failed"]["values"]["fails"]
    if as_json:
        say_json(found, indent=2)
    else:
        p95 = metrics["http_req_duration"]["values"]["p(95)"]
        say(f"{metrics['http_reqs']['values']['count']} requests, {answered} answered well, p95 {p95:.1f} ms: {out}")
    return 0 if answered else 3
