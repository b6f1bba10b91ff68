"""`promotion policy`: is a policy right, and is it weaker than another?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json, say_lines

if TYPE_CHECKING:
    from pytest_promotion.policy import Policy


@click.group()
def policy() -> None:
    """Check a policy, or hold one against another."""


@policy.command(epilog="Example: promotion policy check promotion.yaml --profile ci")
@click.argument("file", type=click.Path(path_type=Path), default=Path("promotion.yaml"))
@click.option("--profile", metavar="NAME", help="Print the rules of this profile (default: the policy itself).")
@click.option(
    "--gates",
    "folders",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder whose sources define the gates (default: gates beside FILE, if it is there; repeatable).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the rules as JSON.")
def check(file: Path, profile: str | None, folders: tuple[Path, ...], as_json: bool) -> int:
    """
    Read the policy in FILE strictly and print the rules it resolves to. Exit 0 right, 2 a gate in it does not exist,
    4 with the line that is wrong.

    Every profile is resolved, also those that are not printed. The gates are found by reading their sources.
    """
    import msgspec
    import yaml

    from pytest_promotion import policy as policies

    with command_errors():
        every = [policies.load(file, name) for name in policies.profiles(file)]
        found = policies.load(file, profile)
        stages = [policies.load(file, None, stage=name) for name in found.stages]
    unknown = _unknown(every, folders or _beside(file))
    shown = {
        "profile": found.profile,
        "resolved_sha256": found.resolved_sha256,
        "rules": msgspec.to_builtins(found.rules),
        "producers": msgspec.to_builtins(found.producers),
        **({"stages": {one.stage: _stage(one) for one in stages}} if stages else {}),
        **({"unknown": unknown} if unknown else {}),
    }
    if as_json:
        say_json(shown)
    else:
        say_lines(yaml.safe_dump(shown, sort_keys=False, width=120).rstrip())
    if unknown is None:
        say("the names of gates were not checked: there is no folder gates beside the policy; use --gates", err=True)
    for sentence in unknown or ():
        say(sentence, err=True)
    return 2 if unknown else 0


def _stage(policy: Policy) -> dict[str, Any]:
    import msgspec

    rules: dict[str, Any] = msgspec.to_builtins(policy.stages[policy.stage])
    return rules | {"profile": policy.profile, "resolved_sha256": policy.resolved_sha256}


def _beside(file: Path) -> list[Path]:
    return [folder for folder in [file.parent / "gates"] if folder.is_dir()]


def _unknown(every: Sequence[Policy], folders: Sequence[Path]) -> list[str] | None:
    """A sentence for each gate that the policy speaks of and no source defines; None where there are no sources."""
    from pytest_promotion import suites
    from pytest_promotion.decision.declared_gates import written_in
    from pytest_promotion.decision.policy_names import not_written

    if not folders:
        return None
    imported = {suite.gates: suite.folder for name in every[0].suites for suite in [suites.find(name)]}
    written = {gate.id for folder in folders for gate in written_in(folder, folder, imported)}
    return list(not_written(every, written))


@policy.command(epilog="Example: promotion policy diff main/promotion.yaml promotion.yaml")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--profile", metavar="NAME", help="Compare this profile only (default: every profile of either).")
@click.option("--allow-incomparable", is_flag=True, help="Say yes to changes of which nobody can tell.")
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def diff(old: Path, new: Path, profile: str | None, allow_incomparable: bool, as_json: bool) -> int:
    """
    Ask whether the policy in NEW asks for as much as the one in OLD. Exit 0 yes, 2 no, 4 one of them is wrong.

    Weaker is what lets evidence pass that failed before. A change of which that cannot be told is
    incomparable, and a no unless it is allowed.
    """
    from pytest_promotion import policy as policies
    from pytest_promotion.policy.strictness import Strictness

    with command_errors():
        there = {file: policies.profiles(file) for file in (old, new)}
        names = [profile] if profile else dict.fromkeys((*there[old], *there[new]))
        found = {}
        for name in names:
            # A profile that was asked for by name has to be in both.
            both = (policies.load(file, name) if profile or name in there[file] else None for file in (old, new))
            found[name] = _compared(*both)
    said = {change["strictness"] for one in found.values() for change in one["changes"]}
    refused = {Strictness.WEAKER.value} | (set() if allow_incomparable else {Strictness.INCOMPARABLE.value})
    yes = not said & refused
    if as_json:
        say_json({"as_strong": yes, "profiles": found})
    else:
        _tell(found)
        say("as strong as before" if yes else "not known to be as strong as before")
    return 0 if yes else 2


def _compared(old: Policy | None, new: Policy | None) -> dict[str, Any]:
    from pytest_promotion.policy.comparing import between
    from pytest_promotion.policy.strictness import Strictness

    found = between(old, new)
    order = list(Strictness)
    gates: dict[str, str] = {}
    for change in sorted(found, key=lambda one: order.index(one.strictness), reverse=True):
        gates[change.gate or "*"] = change.strictness.value  # the most alarming has the last word
    return {
        "gates": gates,
        "changes": [
            {
                "setting": ".".join(change.place),
                "gate": change.gate,
                "before": change.before,
                "after": change.after,
                "strictness": change.strictness.value,
            }
            for change in found
        ],
    }


def _tell(found: dict[str, dict[str, Any]]) -> None:
    profiles: dict[str, list[str]] = {}
    for name, one in found.items():
        for change in one["changes"]:
            line = f"{change['strictness']}: {change['setting']}: {change['before']} to {change['after']}"
            profiles.setdefault(line, []).append(name)
    for line, names in profiles.items():
        say(f"{line} ({'every profile' if len(names) == len(found) else ', '.join(names)})")
