"""`promotion gates`: `pytest gates` with the flags of the seed contract and of release governance."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

# pytest says 1 for FAIL; a command of this project says 2 for no, and 3 where nothing was judged.
_CODES: Final = {0: 0, 1: 2, 4: 4}

# What each flag sets in the policy; a flag that takes a value sets that.
_SETTINGS: Final = {
    "require_day2_go": "require_day2_go=true",
    "refresh_parity_once": "refresh=parity",
    "skip_replay_cycle": "skip_replay_cycle=true",
    "max_report_age_min": "max_report_age_min",
    "allow_dirty_git": "gates.git_clean.thresholds.allow_dirty_git=true",
    "skip_docker": "gates.compose_config.thresholds.skip_docker=true",
    "docker_build": "gates.image_build.thresholds.require_image_build=true",
    "kb_policy": "gates.threshold_change_governance.thresholds.policy",
    "kb_cases": "gates.kb_benchmark.thresholds.cases",
    "kb_min_precision": "gates.kb_benchmark.thresholds.min_precision",
    "kb_min_recall": "gates.kb_benchmark.thresholds.min_recall",
}
_KB: Final = "gates.kb_benchmark"
_KB_MODES: Final = {
    "auto": (),  # what the profile says
    "off": (f"{_KB}.thresholds.skip_kb_benchmark=true",),
    "optional": (f"{_KB}.thresholds.require_kb_benchmark=true", f"{_KB}.severity=warning"),
    "required": (f"{_KB}.thresholds.require_kb_benchmark=true", f"{_KB}.severity=critical"),
}


def _share(_context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise click.BadParameter(f"{value} is no number from 0 to 1", param=parameter)
    return value


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
@click.option("--allow-dirty-git", is_flag=True, help="Accept a tree that differs from its commit; told as weakened.")
@click.option("--skip-docker", is_flag=True, help="Leave Compose out: the gate is NOT_RUN, the decision FAIL.")
@click.option("--docker-build", is_flag=True, help="Build the images as well.")
@click.option(
    "--kb-benchmark-mode",
    type=click.Choice(list(_KB_MODES)),
    default="auto",
    help="Whether the knowledge base benchmark counts; auto: as the profile says.",
)
@click.option("--kb-policy", metavar="FILE", help="Policy file of the knowledge-base benchmark.")
@click.option("--kb-cases", metavar="FILE", help="File with the cases of the knowledge-base benchmark.")
@click.option(
    "--kb-min-precision",
    type=float,
    callback=_share,
    metavar="X",
    help="Least average precision that the benchmark has to reach, from 0 to 1.",
)
@click.option(
    "--kb-min-recall",
    type=float,
    callback=_share,
    metavar="X",
    help="Least average recall that the benchmark has to reach, from 0 to 1.",
)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def gates(ci: bool, profile: str | None, pytest_args: tuple[str, ...], **flags: Any) -> int:
    """
    Run the gates and decide. Whatever else is given goes to pytest.

    Without a path among it, the gates path `gates` is run. A flag wins over the profile, and what it
    weakens is named in the decision.
    """
    if flags["skip_docker"] and flags["docker_build"]:
        raise click.UsageError("--docker-build with --skip-docker: say one of them")
    words = list(pytest_args)
    if not any(map(_is_path, ["", *words], words)):
        words.insert(0, "gates")
    if profile or ci:
        words.append(f"--promotion-profile={profile or 'ci'}")
    words += [f"--promotion-set={setting}" for setting in _settings(flags)]
    # In a process of its own: pytest rewrites assertions of what it imports first.
    done = subprocess.run([sys.executable, "-m", "pytest", *words], check=False)
    return _CODES.get(done.returncode, 3)


def _settings(flags: dict[str, Any]) -> Iterator[str]:
    yield from _KB_MODES[flags["kb_benchmark_mode"]]
    for flag, setting in _SETTINGS.items():
        value = flags[flag]
        if value is True:
            yield setting
        elif value is not None and value is not False:
            yield f"{setting}={value}"


def _is_path(before: str, word: str) -> bool:
    """Whether *word* is a path to run: not an option, nor the value that belongs to one such as `-k gates`."""
    takes_value = before.startswith("-") and "=" not in before
    return not word.startswith("-") and not takes_value and Path(word.partition("::")[0]).exists()
