"""`promotion secrets`: has a secret been written down where many can read it?"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.cli.output import say, say_json, say_lines
from pytest_promotion.errors import PolicyError
from pytest_promotion.text import clean, listed

if TYPE_CHECKING:
    from pytest_promotion.secrets.scan import Progress

_QUIET_S: Final = 1.0  # what is done sooner needs no progress line
_EVERY_S: Final = 0.2
_SHOWN: Final = 20


@click.group()
def secrets() -> None:
    """Look for secrets in docs, reports, logs and configs."""


@secrets.command(epilog="Example: promotion secrets scan . --env .env --allow secrets-allow.yaml --json")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--env", multiple=True, type=click.Path(path_type=Path), help="A .env file whose values must stand nowhere else."
)
@click.option("--allow", type=click.Path(path_type=Path), help="The allow-list: findings with reason and end.")
@click.option("--include-logs/--no-include-logs", default=True, help="Whether log files are scanned.")
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/security"),
    show_default=True,
    help="Where latest.json and a dated copy are written.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report.")
def scan(path: Path, env: tuple[Path, ...], allow: Path | None, include_logs: bool, report: Path, as_json: bool) -> int:
    """
    Scan the file or folder PATH. Says 0 for clean, 2 for findings, 3 where not everything could be scanned.

    Fingerprints in the allow-list hold under one key: set PROMOTION_SECRETS_KEY to the same secret
    wherever the scan runs.
    """
    from pytest_promotion.suites.trading.secrets_report import NOT_SCANNED, check

    line = _ProgressLine() if sys.stderr.isatty() else None
    try:
        document, code = check(path, env=env, allow=allow, include_logs=include_logs, reports=report, tell=line)
    except PolicyError as problem:
        raise click.UsageError(str(problem)) from None
    except OSError as problem:
        say(f"the report cannot be written to {report}: {(problem.strerror or 'failed').lower()}", err=True)
        return NOT_SCANNED
    finally:
        if line is not None:
            line.clear()
    if as_json:
        say_json(document, indent=2)
    else:
        say_lines(_spoken(clean(document)))
    return code


def _spoken(document: dict[str, Any]) -> str:
    lines = [
        f"secrets: {document['status']}, {document['finding_count']} findings in {document['scanned_files']} files"
    ]
    lines += [
        f"  {one['path']}:{one['line']}  {one['rule']}  {one['match_excerpt']}  {one['fingerprint']}"
        for one in document["findings"]
    ]
    lines += [f"  {problem}" for problem in (*document["errors"], *document.get("allow_list_errors", ()))]
    binary = document.get("binary_files")
    if binary:
        lines.append(f"  not text: {listed(binary, _SHOWN)}")
    skipped = [f"{one['path']} ({one['reason']})" for one in document.get("skipped", ())]
    if skipped:
        lines.append(f"  left out: {listed(skipped, _SHOWN)}")
    return "\n".join(lines)


class _ProgressLine:
    """One line on a terminal, from the second second on."""

    def __init__(self) -> None:
        self._started = self._told = time.monotonic()
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._started < _QUIET_S or now - self._told < _EVERY_S:
            return
        self._told, self._shown = now, True
        rate = progress.bytes / 2**20 / (now - self._started)
        click.echo(f"\r\033[K{progress.files} files, {progress.bytes >> 20} MB, {rate:.0f} MB/s", nl=False, err=True)

    def clear(self) -> None:
        """Leaves the terminal as it was."""
        if self._shown:
            click.echo("\r\033[K", nl=False, err=True)
