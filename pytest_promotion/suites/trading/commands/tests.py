"""`promotion tests`: the target's own suites, run and reported."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pytest_promotion.cli.output import say, say_json, say_lines
from pytest_promotion.errors import PolicyError
from pytest_promotion.text import legible

_QUIET_S = 1.0  # what is done sooner needs no progress line


@click.group()
def tests() -> None:
    """Run the target's own test suites."""


@tests.command(
    epilog="Example: promotion tests run --group unit=tests/unit --group api=tests/api --cov quay --cov-fail-under 80"
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Folder of the project whose tests are run.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="A YAML file with groups, cov, cov_fail_under, timeout, plugins."
)
@click.option("--group", multiple=True, metavar="NAME=PATHS", help="A group: its paths and other words for pytest.")
@click.option(
    "--cov", multiple=True, metavar="PACKAGE", help="Package or folder whose coverage is measured (repeatable)."
)
@click.option("--cov-fail-under", type=float, metavar="PERCENT", help="How much of it, by all groups together.")
@click.option(
    "--timeout",
    type=float,
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Timeout of each group, in seconds.",
)
@click.option(
    "--plugin", multiple=True, metavar="NAME", help="A pytest plugin that the suites need; no other is loaded."
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where latest.* and dated copies are written.  [default: ROOT/reports/tests]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report.")
def run(
    root: Path,
    config: Path | None,
    group: tuple[str, ...],
    cov: tuple[str, ...],
    cov_fail_under: float | None,
    timeout: float,
    plugin: tuple[str, ...],
    report: Path | None,
    as_json: bool,
) -> int:
    """Run every group in a process of its own. Says 0 for passed, 2 for not, 3 where it could not be run."""
    from pytest_promotion.suites.trading.target_tests import groups
    from pytest_promotion.suites.trading.target_tests.report import NOT_RUN, check

    if (config is None) == (not group):
        raise click.UsageError("name the groups either by --group or by --config")
    if config is not None and (cov or cov_fail_under is not None or plugin):
        raise click.UsageError("with --config, what is covered and which plugins are loaded stand in that file")
    place = report or root / "reports" / "tests"
    try:
        suites = groups.read(config) if config else groups.parse(group, cov, cov_fail_under, timeout, plugin)
        document, code = check(root, suites, reports=place, tell=_tell if sys.stderr.isatty() else None)
    except PolicyError as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as problem:
        say(f"the report cannot be written to {place}: {(problem.strerror or 'failed').lower()}", err=True)
        return NOT_RUN
    finally:
        if sys.stderr.isatty():
            click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        say_json(document, indent=2)
        return code
    counts = ", ".join(f"{name} {one['passed']}/{one['collected']}" for name, one in document["groups"].items())
    covered = document["coverage_percent"]
    shown = "not measured" if covered is None else f"{covered:.2f} %"
    say_lines(
        [f"tests: {document['status']}, {counts}, coverage {shown}", *(f"  {one}" for one in document["reasons"])]
    )
    return code


def _tell(name: str, seconds: float) -> None:
    if seconds >= _QUIET_S:
        click.echo(f"\r\033[K{legible(name)}: {seconds:.0f} s", nl=False, err=True)
