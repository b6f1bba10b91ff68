"""`promotion ui`: the pages for research candidates."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.suites.research.commands.candidates import stored

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(epilog="Example: promotion ui --db reports/candidates.db --port 8501")
@stored
@click.option(
    "--reports",
    type=_FOLDER,
    default=Path("reports"),
    show_default=True,
    help="What was judged is kept below it, under <reports>/promotion_gates/evidence.",
)
@click.option("--evidence-base-path", type=_FOLDER, help="Where the files are, if they moved.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Whoever reaches it may decide: nobody signs in.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port that the page is served on."
)
@click.option("--headless", is_flag=True, help="Serve the page without opening a browser.")
def ui(db: str, reports: Path, evidence_base_path: Path | None, host: str, port: int, headless: bool) -> int:
    """
    Serve the pages on which candidates are found, evaluated and decided by hand, until Ctrl-C.

    Exit code 0 it was stopped, 3 it could not start.
    """
    from pytest_promotion.suites.research.ui import serving

    with command_errors():
        try:
            serving.serve(serving.Served(db, reports, evidence_base_path), host=host, port=port, headless=headless)
        except ImportError:
            raise click.ClickException("this needs Streamlit: pip install 'pytest-promotion[ui]'") from None
    return 0
