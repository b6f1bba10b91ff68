"""`promotion health`: is a service still doing its work?"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.files import read_given

if TYPE_CHECKING:
    from pytest_promotion.suites.trading.health.services import Service
    from pytest_promotion.suites.trading.health.state import Health

_CODES: Final = {"healthy": 0, "unknown": 3, "unhealthy": 2}  # of several services the last of these that occurs


@click.command(epilog="Example: promotion health reconciliation-service --root /workspace/company")
@click.argument("service", required=False)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The folder that the services write below (default: here).",
)
@click.option(
    "--services",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A YAML file with services of the company's own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
def health(service: str | None, root: Path, services: Path | None, as_json: bool) -> int:
    """
    Say whether SERVICE is healthy, or each service there is.

    A file counts by the time inside it, never by its modification time. Exit 0 healthy, 2 unhealthy,
    3 where that could not be judged, 4 for a variable or a file of services that cannot be used.
    """
    from pytest_promotion.suites.trading.health.state import judge, once

    ask, now = once(), datetime.now(UTC)
    with command_errors():
        chosen = _chosen(service, _known(services))
        if not root.is_dir():
            raise click.ClickException(f"the root {root} is not a folder: nothing can be judged")
        found = [judge(name, one, root.absolute(), os.environ, now, ask) for name, one in chosen.items()]
    if as_json:
        documents = [one.document() for one in found]
        say_json(documents[0] if service else {"services": documents}, indent=2)
    else:
        for one in found:
            say(_line(one))
    states = {one.state for one in found}
    return next(code for state, code in reversed(_CODES.items()) if state in states)


def _known(path: Path | None) -> dict[str, Service]:
    from pytest_promotion.suites.trading.health.services import known

    if path is None:
        return known()
    from pytest_promotion.evidence.documents import parse_yaml

    try:
        return known(parse_yaml(read_given(path, refusal=PolicyError), str(path)), str(path))
    except Unproven as problem:
        raise PolicyError(str(problem)) from None


def _chosen(name: str | None, services: dict[str, Service]) -> dict[str, Service]:
    if name is None:
        return services
    if name in services:
        return {name: services[name]}
    import difflib

    near = difflib.get_close_matches(name, services, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(services)}"
    raise PolicyError(f"no service is called {name}; {hint}")


def _line(found: Health) -> str:
    return f"{found.service}: {found.state}, " + "; ".join(finding.said for finding in found.findings)
