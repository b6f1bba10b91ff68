"""The options of commands that act on a decision: what is demanded of it, and what is done without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from pytest_promotion.custody.acting import Acting

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_WITHOUT: Final = {
    "any_profile": ("profile", "Whatever profile it was judged by, and without the gates of a stage."),
    "any_policy": ("policy", "Whatever policy it was judged by."),
    "any_subject": ("subject", "Whatever it is about."),
    "allow_unsigned": ("signature", "Also without a signature."),
    "allow_dirty": ("clean", "Also from a tree that differs from its commit, or lies in one now."),
    "allow_superseded": ("newest", "Also if a newer decision is about the same subject, or this is not known."),
}


subject_option = click.option(
    "--subject",
    default="",
    metavar="[NAME=]sha256:HEX",
    help="What is about to be promoted (default: what lies in --project).",
)
vault_option = click.option(
    "--vault", metavar="URL", help="Where the evidence is kept: a folder or a URL (default: beside FILE)."
)
project_option = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The folder with what is to be promoted, and for --rerun with the gates (default: here).",
)
gates_option = click.option(
    "--gates", default="gates", show_default=True, help="For --rerun: the path of the gates in it."
)


def acting_options(command: _Command, *, signing: bool = False) -> _Command:
    """Adds the options, whose values `acting_of` takes; who signs demands no signature, and has no option for it."""
    for name, (demand, text) in reversed(_WITHOUT.items()):
        if signing and demand == "signature":
            continue
        command = click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=text)(command)
    anchors = "Where the head of the history is anchored, which it has to agree with (repeatable)."
    command = click.option("--anchor", "anchors", multiple=True, metavar="TARGET", help=anchors)(command)
    history = "Where the history lies (default: beside the decision)."
    command = click.option("--history", type=_FOLDER, metavar="DIR", help=history)(command)
    policy = "The policy by whose rules for the profile it has to be judged (default: a promotion.yaml, by its name)."
    command = click.option("--policy", type=_FILE, metavar="FILE", help=policy)(command)
    stage = "The stage that it has to be about; the profile is then the one of the stage."
    command = click.option("--stage", default="", metavar="NAME", help=stage)(command)
    return click.option("--profile", default="", metavar="NAME", help="The profile that it has to be of.")(command)


def acting_of(
    given: Mapping[str, Any], folder: Path | None, *, archived: bool = False, signing: bool = False
) -> Acting:
    """Who acts, by the values of the options; *folder* has what is promoted where no subject is named."""
    from pytest_promotion.custody.acting import Acting

    without = frozenset(demand for name, (demand, _) in _WITHOUT.items() if given.get(name))
    return Acting(
        profile=given["profile"],
        stage=given.get("stage", ""),
        policy=given["policy"],
        without=without,
        folder=folder,
        archived=archived,
        history=given["history"],
        anchors=given.get("anchors", ()),
        signing=signing,
    )
