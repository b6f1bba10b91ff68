"""`promotion parity`: is it the same everywhere?"""

from __future__ import annotations

import json
from pathlib import Path

import click


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
    from pytest_promotion.determinism.traces import rooted
    from pytest_promotion.errors import Unproven

    try:
        trace = rooted(file.read_bytes(), str(file))
    except OSError as problem:
        raise click.ClickException(f"{file} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    except Unproven as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        told = {"version": trace.version, "root_hash": trace.root, "declared": trace.declared, "holds": trace.holds}
        click.echo(json.dumps(told | {"steps": len(trace.steps), "not_covered": trace.uncovered}, indent=2))
    else:
        click.echo(trace.root)
    if trace.declared is None:
        click.echo(f"{file} declares no root hash: nothing to compare", err=True)
        return 3
    if not trace.holds:
        click.echo(f"{file} declares {trace.declared}", err=True)
        return 2
    return 0


@parity.command("python-js", epilog="Example: promotion parity python-js fixtures/traces/*.trace.json --values 5000")
@click.argument("traces", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--values", type=click.IntRange(0), default=2000, show_default=True, help="How many values to make.")
@click.option("--seed", type=int, default=1, show_default=True, help="What they are made from.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), default=Path("reports"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def python_js(traces: tuple[Path, ...], values: int, seed: int, reports: Path, as_json: bool) -> int:
    """
    Let Python and JavaScript compute the same things from the same bytes, and compare.

    The root hash of each of TRACES, and the canonical form of values made from a seed, broken ones among them, which
    both have to refuse. The report goes to <reports>/determinism/. Exit code 0 they agree, 2 they do not, 3 Node is not
    there or cannot answer.
    """
    from pytest_promotion.clock import Clock, stamp
    from pytest_promotion.determinism.parity import report
    from pytest_promotion.operations.files import write_json

    now = Clock().now()
    found = report(traces, values, seed, now)
    try:
        for name in (f"python_js_{stamp(now)}.json", "latest.json"):
            write_json(reports / "determinism" / name, found)
    except OSError as problem:
        raise click.ClickException(f"the report cannot be written: {(problem.strerror or 'failed').lower()}") from None
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        counts = f"{found['values_compared']} values and {found['traces_compared']} traces compared"
        click.echo(f"{found['status']}: {counts}, {found['disagreements']} disagreements")
        for line in found["problems"]:
            click.echo(f"  {line}")
    return {"pass": 0, "fail": 2}.get(found["status"], 3)
