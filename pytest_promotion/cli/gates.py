"""`promotion gates`: `pytest gates` with the flags of the seed contract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import click

# pytest says 1 for FAIL; a command of this project says 2 for no, and 3 where nothing was judged.
_CODES: Final = {0: 0, 1: 2, 4: 4}


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="Example: promotion gates --ci --require-day2-go -n auto",
)
@click.option("--ci", is_flag=True, help="Profile ci: a window of 15 minutes and no modification times.")
@click.option("--profile", metavar="NAME", help="Profile of the policy; wins over --ci.")
@click.option("--require-day2-go", is_flag=True, help="Demand that the day-2 evaluation says GO.")
@click.option("--refresh-parity-once", is_flag=True, help="Let the parity producer write afresh first.")
@click.option("--skip-replay-cycle", is_flag=True, help="Leave the replay out: the gate is NOT_RUN, the decision FAIL.")
@click.option("--max-report-age-min", type=float, metavar="N", help="The window, whatever the profile says.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def gates(
    ci: bool,
    profile: str | None,
    require_day2_go: bool,
    refresh_parity_once: bool,
    skip_replay_cycle: bool,
    max_report_age_min: float | None,
    pytest_args: tuple[str, ...],
) -> int:
    """
    Run the gates and decide. Whatever else is given goes to pytest.

    Without a path among it, the gates path `gates` is run.
    """
    words = list(pytest_args)
    if not any(map(_is_path, ["", *words], words)):
        words.insert(0, "gates")
    if profile or ci:
        words.append(f"--promotion-profile={profile or 'ci'}")
    settings = {
        "require_day2_go=true": require_day2_go,
        "refresh=parity": refresh_parity_once,
        "skip_replay_cycle=true": skip_replay_cycle,
        f"max_report_age_min={max_report_age_min}": max_report_age_min is not None,
    }
    words += [f"--promotion-set={setting}" for setting, wanted in settings.items() if wanted]
    # In a process of its own: pytest rewrites assertions of what it imports first.
    done = subprocess.run([sys.executable, "-m", "pytest", *words], check=False)
    return _CODES.get(done.returncode, 3)


def _is_path(before: str, word: str) -> bool:
    """Whether *word* is a path to run: not an option, nor the value that belongs to one such as `-k gates`."""
    takes_value = before.startswith("-") and "=" not in before
    return not word.startswith("-") and not takes_value and Path(word.partition("::")[0]).exists()
