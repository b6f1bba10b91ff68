"""`promotion protection`: is what a policy demands of a branch enforced on GitHub?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json, say_lines

if TYPE_CHECKING:
    from pytest_promotion.suites.deployment.protection.github import Repository
    from pytest_promotion.suites.deployment.protection.wanted import Wanted


@click.group()
def protection() -> None:
    """Branch protection on GitHub: classic protection and rulesets."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        [
            click.argument("repository", metavar="OWNER/NAME"),
            click.option(
                "--policy",
                type=click.Path(path_type=Path, dir_okay=False),
                default=Path("protection.yaml"),
                show_default=True,
                help="File that says what has to be enforced on the branch.",
            ),
            click.option("--branch", multiple=True, metavar="NAME", help="Only this branch of the policy; repeatable."),
            click.option(
                "--api",
                default="https://api.github.com",
                show_default=True,
                help="Base URL of the GitHub API, for a server of your own.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON."),
        ]
    ):
        command = option(command)
    return command


@protection.command(epilog="Example: GITHUB_TOKEN=… promotion protection check octo/shop --policy protection.yaml")
@_options
@click.option("--commit", metavar="SHA", help="Demand too that this commit has every required check, ended in success.")
def check(commit: str | None, as_json: bool, **given: Any) -> int:
    """
    Ask whether GitHub enforces what the policy demands. The token is read from GITHUB_TOKEN.

    Exit code 0 it does, 2 something is not enforced, or the commit lacks a check, 3 GitHub could not be asked.
    """
    from pytest_promotion.suites.deployment.protection.commit import lacking

    def ask(repository: Repository, branches: dict[str, Wanted]) -> int:
        found: dict[str, list[str]] = {}
        for name, wanted in branches.items():
            found[name] = _gaps(repository, name, wanted)
            if commit is not None:
                runs, statuses = repository.check_runs(commit), repository.statuses(commit)
                found[name] += lacking(wanted, runs, statuses, commit)
        if as_json:
            say_json({"enforced": not any(found.values()), "branches": found}, indent=2)
        for name, missing in found.items():
            if not as_json:
                say(f"{name}: {'enforced' if not missing else 'NOT enforced'}")
                for line in missing:
                    say(f"  {line}")
        return 2 if any(found.values()) else 0

    return _with(given, ask)


@protection.command(epilog="Example: GITHUB_TOKEN=… promotion protection apply octo/shop --yes")
@_options
@click.option("--yes", is_flag=True, help="Do it. Without it the difference is printed and nothing is changed.")
@click.option("--weaken", is_flag=True, help="Lower what is stricter than the policy, too, to what it asks for.")
def apply(yes: bool, weaken: bool, as_json: bool, **given: Any) -> int:
    """
    Print how the protection would change, and with --yes change it, then ask again.

    Classic protection is changed; where a branch is protected by rulesets alone, a ruleset of its own.

    Everything that GitHub answered stays, and so does what is stricter than the policy, unless --weaken is given. Exit
    code 0 it is enforced now, 2 it is not, or would have to be changed, 3 GitHub could not be asked, or refused.
    """

    def ask(repository: Repository, branches: dict[str, Wanted]) -> int:
        told: dict[str, Any] = {}
        for name, wanted in branches.items():
            change = _change(repository, name, wanted, weaken=weaken)
            if not as_json:
                for text in filter(None, [change.difference, *_stricter(name, change.lowers, weaken=weaken)]):
                    say_lines(text)
            if change.difference and yes:
                change.send()
            told[name] = {
                "difference": change.difference,
                "applied": bool(change.difference and yes),
                "stricter_than_policy": change.lowers,
                "not_enforced": _gaps(repository, name, wanted),
            }
        if as_json:
            say_json(told, indent=2)
        waiting = any(one["difference"] and not one["applied"] for one in told.values())
        left_over = [line for one in told.values() for line in one["not_enforced"]]
        if waiting:
            say("nothing was changed: --yes does it", err=True)
        elif not as_json:
            say_lines("\n".join(left_over) if left_over else "enforced")
        return 2 if left_over or waiting else 0

    return _with(given, ask)


class _Change(NamedTuple):
    """What applying would change, what the policy asks less of, and what does it."""

    difference: str
    lowers: list[str]
    send: Callable[[], None]


def _change(repository: Repository, name: str, wanted: Wanted, *, weaken: bool) -> _Change:
    """A ruleset, where the branch is protected by rulesets alone; else classic protection."""
    from pytest_promotion.suites.deployment.protection import applying, ruleset
    from pytest_promotion.suites.deployment.protection.enforced import enforced

    classic = repository.protection(name)
    if classic is None and repository.rules(name):
        existing = repository.ruleset(ruleset.name_of(name))
        new = ruleset.ruleset(wanted, name, existing, weaken=weaken)
        found = enforced(None, (existing or {}).get("rules") or ())
        lowers = list(applying.weaker(wanted, found)) if existing else []
        return _Change(ruleset.difference(existing, new), lowers, lambda: repository.put_ruleset(existing, new))
    new = applying.body(wanted, classic, weaken=weaken)
    lowers = list(applying.weaker(wanted, enforced(classic, ()))) if classic else []
    return _Change(applying.difference(name, classic, new), lowers, lambda: repository.protect(name, new))


def _gaps(repository: Repository, name: str, wanted: Wanted) -> list[str]:
    from pytest_promotion.suites.deployment.protection.enforced import gaps_of

    rules = repository.rules(name)
    bypassed = repository.bypassed(rules) if wanted.admins else {}
    return gaps_of(wanted, repository.protection(name), rules, bypassed)


def _stricter(name: str, sentences: list[str], *, weaken: bool) -> list[str]:
    does = "is lowered" if weaken else "stays, since --weaken is not given"
    return [f"{name}: {sentence}: {does}" for sentence in sentences]


def _with(given: dict[str, Any], ask: Callable[[Repository, dict[str, Wanted]], int]) -> int:
    from pytest_promotion.errors import Unproven
    from pytest_promotion.suites.deployment.protection.github import Repository
    from pytest_promotion.suites.deployment.protection.wanted import load

    with command_errors():
        branches = load(given["policy"])
    unknown = set(given["branch"]) - set(branches)
    if unknown:
        raise click.UsageError(f"{given['policy']} has no branch {', '.join(sorted(unknown))}")
    if given["repository"].count("/") != 1:
        raise click.UsageError(f"{given['repository']!r} is not OWNER/NAME")
    chosen = {name: one for name, one in branches.items() if not given["branch"] or name in given["branch"]}
    with command_errors():
        try:
            return ask(Repository(given["repository"], os.environ.get("GITHUB_TOKEN"), given["api"]), chosen)
        except ImportError:
            raise Unproven("this needs PyGithub: pip install 'pytest-promotion[github]'") from None
