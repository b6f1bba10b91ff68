"""`promotion gates`: `pytest gates` with names for common settings, and the flags of the suites."""

from __future__ import annotations

import math
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from pytest_promotion import suites
from pytest_promotion.cli.options import AGE_MIN
from pytest_promotion.errors import PolicyError
from pytest_promotion.suites import GatesOption, registry

# pytest says 1 for FAIL; a command of this project says 2 for no, and 3 where nothing was judged.
_CODES: Final = {0: 0, 1: 2, 4: 4}


class _Gates(click.Command):
    """Takes the flags of every installed suite, and shows those of the suites that the policy here names."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, words, help_option = super().get_params(ctx)
        of_suites = [_parameter(option) for suite in suites.installed() for option in suite.options]
        return [*own, *of_suites, words, help_option]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        used = {option.flag for name in _used() for option in suites.find(name).options}
        rows = [
            record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            if not _of_a_suite(parameter) or used.intersection(parameter.opts)
            if (record := parameter.get_help_record(ctx)) is not None
        ]
        with formatter.section("Options"):
            formatter.write_dl(rows)


def _parameter(option: GatesOption) -> click.Option:
    name = option.flag.removeprefix("--").replace("-", "_")
    if option.choices:
        choices = list(option.choices)
        return click.Option([option.flag, name], type=click.Choice(choices), default=choices[0], help=option.help)
    if option.share:
        return click.Option([option.flag, name], type=float, callback=_share, metavar="X", help=option.help)
    if option.metavar:
        return click.Option([option.flag, name], metavar=option.metavar, help=option.help)
    return click.Option([option.flag, name], is_flag=True, help=option.help)


def _of_a_suite(parameter: click.Parameter) -> bool:
    return any(option.flag in parameter.opts for suite in suites.installed() for option in suite.options)


def _used() -> tuple[str, ...]:
    """The suites that the policy in this folder names; none where there is no policy that can be read."""
    from pytest_promotion import policy as policies

    path = Path("promotion.yaml")
    try:
        return policies.load(path, None).suites if path.is_file() else ()
    except PolicyError:
        return ()


def _share(_context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
        raise click.BadParameter(f"{value} is no number from 0 to 1", param=parameter)
    return value


@click.command(
    cls=_Gates,
    context_settings={"ignore_unknown_options": True},
    epilog="Example: promotion gates --ci -n auto",
)
@click.option("--ci", is_flag=True, help="Use the profile ci of the policy.")
@click.option("--profile", metavar="NAME", help="Profile of the policy; wins over --ci.")
@click.option("--stage", metavar="NAME", help="Stage of the policy to decide about, with its profile.")
@click.option(
    "--max-report-age-min", type=AGE_MIN, metavar="N", help="Greatest age of evidence in minutes, in any profile."
)
@click.option(
    "--apart/--together",
    default=None,
    help="Run the gates in a process other than the one that decides and signs (default: with --ci).",
)
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def gates(
    ci: bool,
    profile: str | None,
    stage: str | None,
    max_report_age_min: float | None,
    apart: bool | None,
    pytest_args: tuple[str, ...],
    **flags: Any,
) -> int:
    """
    Run the gates and decide. Whatever else is given goes to pytest.

    Without a path among it, the gates path `gates` is run. A flag wins over the profile, and what it
    weakens is named in the decision. Suites have flags of their own.
    """
    options = [option for suite in suites.installed() for option in suite.options]
    settings = list(_settings(options, flags))
    if max_report_age_min is not None:
        settings.append(f"max_report_age_min={max_report_age_min}")
    words = list(pytest_args)
    if not any(map(_is_path, ["", *words], words)):
        if not Path("gates").is_dir():
            raise click.UsageError(_no_gates())
        words.insert(0, "gates")
    if profile or ci:
        words.append(f"--promotion-profile={profile or 'ci'}")
    if stage:
        words.append(f"--promotion-stage={stage}")
    words += [f"--promotion-set={setting}" for setting in settings]
    words += _workers(words) if (ci if apart is None else apart) else []
    if not any(word.startswith("--promotion-") for word in words):
        # Where the plugin is switched off, pytest does not know this option: plain pytest is no decision.
        words.append(f"--promotion-run-id={uuid.uuid4()}")
    # In a process of its own: pytest rewrites assertions of what it imports first.
    done = subprocess.run([sys.executable, "-m", "pytest", *words], check=False)
    return _CODES.get(done.returncode, 3)


def _no_gates() -> str:
    found = registry.of_layout(Path.cwd())
    if not found:
        return "there is no folder gates here; `promotion init` adds one"
    words = " ".join(f"--suite {name}" for name in found)
    lacks = "folder gates" if Path("promotion.yaml").is_file() else "folder gates and no promotion.yaml"
    return f"there is no {lacks} here; this is a workspace of the {found[0]} suite: `promotion init {words}` adds them"


def _workers(words: Sequence[str]) -> list[str]:
    """One worker, unless there are workers already: the controller of pytest-xdist runs no gate."""
    given = any(word.startswith(("-n", "--numprocesses", "--tx", "--dist", "--pdb", "--trace")) for word in words)
    return [] if given else ["-n1"]


def _settings(options: Sequence[GatesOption], flags: dict[str, Any]) -> Iterator[str]:
    given = {option.flag: flags[option.flag.removeprefix("--").replace("-", "_")] for option in options}
    for option in options:
        value = given[option.flag]
        if value is None or value is False:
            continue
        if option.excludes and given.get(option.excludes):
            raise click.UsageError(f"{option.flag} and {option.excludes} cannot be given together")
        for setting in option.choices[value] if option.choices else option.sets:
            yield setting.format(value=value)


def _is_path(before: str, word: str) -> bool:
    """Whether *word* is a path to run: not an option, nor the value that belongs to one such as `-k gates`."""
    takes_value = before.startswith("-") and "=" not in before
    return not word.startswith("-") and not takes_value and Path(word.partition("::")[0]).exists()
