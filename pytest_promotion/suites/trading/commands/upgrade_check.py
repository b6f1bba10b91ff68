"""`promotion upgrade-check`: could the services of a compose file run another image?"""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say_json, say_lines
from pytest_promotion.text import clean

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(
    "upgrade-check", epilog="Example: promotion upgrade-check --target-image harbour-lane:2.1.0 --env-file .env"
)
@click.option("--target-image", required=True, metavar="IMAGE", help="Image that the services would be upgraded to.")
@click.option("--compose", "files", multiple=True, type=_FILE, help="A compose file; may be repeated, later ones win.")
@click.option("--env-file", type=_FILE, help="The values of its variables; .env beside the first file unless said.")
@click.option("--service", "services", multiple=True, help="Upgrade this service, whatever it runs; may be repeated.")
@click.option("--allow-downgrade", is_flag=True, help="An older version is a warning.")
@click.option("--without-engine", is_flag=True, help="Do without the verdict of Compose itself; the report says so.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where compose files are looked for; the current folder.",
)
@click.option("--reports", type=_FOLDER, default=None, help="Where reports go; the folder reports below the root.")
@click.option("--json", "as_json", is_flag=True, help="Print the report.")
def upgrade_check(
    target_image: str,
    files: tuple[Path, ...],
    env_file: Path | None,
    services: tuple[str, ...],
    allow_downgrade: bool,
    without_engine: bool,
    root: Path,
    reports: Path | None,
    as_json: bool,
) -> int:
    """Say whether the compose file is valid and its services could run IMAGE. Exit 0 yes, 2 no, 3 could not judge."""
    from pytest_promotion.readers.compose.images import BadReference, parse
    from pytest_promotion.suites.trading.upgrade.check import Wanted
    from pytest_promotion.suites.trading.upgrade.report import check, spoken

    try:
        target = parse(target_image)
    except BadReference as problem:
        raise click.BadParameter(str(problem), param_hint="--target-image") from None
    wanted = Wanted(
        root,
        target,
        files,
        env_file,
        services,
        without_engine=without_engine,
        allow_downgrade=allow_downgrade,
    )
    with command_errors("the report could not be written"):
        document, code = check(wanted, reports=(reports or root / "reports").absolute())
    if as_json:
        say_json(document, indent=2)
    else:
        say_lines(spoken(clean(document)))
    return code
