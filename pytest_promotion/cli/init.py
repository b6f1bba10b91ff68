"""`promotion init`: gates for a project, new or there already."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pytest_promotion import atomic, suites
from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.scaffold import adopting, edits, files, project
from pytest_promotion.scaffold.edits import Edit
from pytest_promotion.suites import Adoption, Suite, registry
from pytest_promotion.text import listed

_REPORTS = "/reports/promotion_gates/"


@click.command(epilog="Example: promotion init --suite trading && pytest gates")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--suite", "names", multiple=True, metavar="NAME", help="Use the gates of this suite (repeatable).")
@click.option(
    "--template",
    type=click.Choice(files.templates()),
    help=f"Start from gates for a common use (default without --suite: {files.DEFAULT}).",
)
@click.option(
    "--gates", metavar="DIR", default="gates", show_default=True, help="Folder that the gates are written to."
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The promotion root that the suites look at: what it has is put into the policy (default: FOLDER).",
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "jenkins"]),
    help="Also write the workflows of the suites for this CI system; alone, where the gates are there already.",
)
@click.option("--write", is_flag=True, help="Also put the lines that are printed into the files they are for.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def init(
    folder: Path,
    names: tuple[str, ...],
    template: str | None,
    gates: str,
    root: Path | None,
    ci: str | None,
    write: bool,
    as_json: bool,
) -> int:
    """
    Add gates and their policy to the project in FOLDER (default: here).

    How the project's own tests run is not changed: only the gates folder, promotion.yaml and .gitignore are written,
    and other lines are printed. Nothing is overwritten: where one of the files exists, none is written, and the exit
    code is 2.
    """
    _refuse_misplaced_name(folder)
    if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", gates):
        raise click.UsageError(f"--gates {gates}: expected a folder below the project, such as release_gates")
    used = [suites.find(name) for name in dict.fromkeys(names)]
    if root is not None and not used:
        raise click.UsageError("--root is looked at by suites: name one with --suite")
    workflows = _workflows(used, ci, root or folder, gates) if ci else []
    adopted_before = bool(ci) and all(os.path.lexists(folder / files.gates_file(suite, gates)) for suite in used)
    wanted = files.of_template(template or files.DEFAULT, gates) if template or not used else {}
    changes = list(_edits(folder, gates)) if not adopted_before else []
    notes: list[str] = []
    found_ignored: list[str] = []
    new_files: dict[str, bytes] = {}
    if used and not adopted_before:
        adoptions = adopting.adopted(used, root or folder)
        of_suites = files.of_suites(used, gates, adopting.as_yaml(adoptions))
        changes += adopting.edits(adoptions, root or folder)
        notes = [note for adoption in adoptions for note in adoption.notes]
        found_ignored = [line for adoption in adoptions for line in adoption.ignored]
        new_files = {name: content for adoption in adoptions for name, content in adoption.files.items()}
        policy = of_suites.pop("promotion.yaml")
        wanted = of_suites | wanted
        if "promotion.yaml" in wanted:
            wanted["promotion.yaml"] = _with_suites(wanted["promotion.yaml"], [suite.name for suite in used])
        elif os.path.lexists(folder / "promotion.yaml"):
            edit = edits.suites(folder / "promotion.yaml", [suite.name for suite in used])
            changes += [edit] if edit else []
            settings = adopting.as_yaml(adoptions)
            changes += [Edit(folder / "promotion.yaml", settings.strip(), None)] if settings else []
        else:
            wanted["promotion.yaml"] = policy
    notes += [note for adoption in workflows for note in adoption.notes]
    new_files |= {name: content for adoption in workflows for name, content in adoption.files.items()}
    there = sorted(name for name in wanted if os.path.lexists(folder / name))
    there += sorted(name for name in new_files if os.path.lexists((root or folder) / name))
    if there:
        say(f"not written: {listed(there)} {'exists' if len(there) == 1 else 'exist'} already", err=True)
        return 2
    with command_errors():
        for name, content in wanted.items():
            # Not over a file that was created just now.
            atomic.write(folder / name, content, durable=False, overwrite=False)
        for name, content in new_files.items():
            atomic.write((root or folder) / name, content, durable=False, overwrite=False)
        lines = [_REPORTS, *files.IGNORED.get(template or "", ()), *(line for suite in used for line in suite.ignored)]
        lines += found_ignored
        ignored = _ignore(folder, lines)
        written = [edit for edit in changes if write and edit.content is not None]
        for edit in written:
            atomic.write(edit.path, (edit.content or "").encode())
    left = [edit for edit in changes if edit not in written]
    _report(folder, sorted([*wanted, *new_files]), ignored, written, left, _next(folder, gates, root), notes, as_json)
    return 0


def _workflows(used: Sequence[Suite], ci: str, root: Path, gates: str) -> list[Adoption]:
    """What the suites have for *ci*. Raises `UsageError` where that is nothing, or CI would not find it."""
    if not any(ci in suite.ci for suite in used):
        names = listed([suite.name for suite in used]) or "no suite"
        raise click.UsageError(f"--ci {ci}: {names} has no workflows for it; --suite release has")
    top = project.top_of_git(root)
    if top is not None and top != root.resolve():
        raise click.UsageError(f"--ci {ci}: workflows are read from the top folder of the repository, {top}")
    return adopting.workflows(used, root, ci, gates)


def _next(folder: Path, gates: str, root: Path | None) -> str:
    words = f"pytest {gates}"
    if root is not None and root.resolve() != folder.resolve():
        words += f" --promotion-root={shlex.quote(str(root.resolve()))}"
    return words if str(folder) == "." else f"cd {shlex.quote(str(folder))} && {words}"


def _refuse_misplaced_name(folder: Path) -> None:
    """`promotion init trading` would make a folder of that name, which is not what was meant."""
    name = str(folder)
    if folder.exists():
        return
    for option, known in (("--suite", registry.names()), ("--template", files.templates())):
        if name in known:
            raise click.UsageError(f"{name} is no folder here; did you mean `promotion init {option} {name}`?")


def _edits(folder: Path, gates: str) -> Iterator[Edit]:
    edit = edits.dependency(folder)
    if edit is not None:
        yield edit
    if gates != "gates":
        yield edits.gates_path(folder, gates)


def _with_suites(policy: bytes, names: list[str]) -> bytes:
    return policy.replace(b"version: 1\n", f"version: 1\nsuites: [{', '.join(names)}]\n".encode(), 1)


def _ignore(folder: Path, lines: Sequence[str]) -> list[str]:
    """Adds *lines* to `.gitignore` where there is git and it does not ignore those places yet; gives what was added."""
    if not project.in_git(folder):
        return []
    new = [line for line in dict.fromkeys(lines) if not project.is_ignored(folder, f"{line.strip('/')}/file")]
    if new:
        path = folder / ".gitignore"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        gap = "" if not before or before.endswith("\n") else "\n"
        added = "".join(f"{line}\n" for line in new)
        atomic.write(path, f"{before}{gap}{added}".encode())
    return new


def _report(
    folder: Path,
    names: list[str],
    ignored: list[str],
    written: list[Edit],
    left: list[Edit],
    command: str,
    notes: list[str],
    as_json: bool,
) -> None:
    if as_json:
        document = {
            "folder": str(folder),
            "files": names,
            "ignored": ignored,
            "changed": [str(edit.path) for edit in written],
            "to_add": [{"path": str(edit.path), "lines": edit.lines} for edit in left],
            "notes": notes,
            "next": command,
        }
        say_json(document, indent=2)
        return
    for name in names:
        say(f"wrote {folder / name}")
    for line in ignored:
        say(f"added {line} to {folder / '.gitignore'}")
    for edit in written:
        say(f"changed {edit.path}")
    for edit in left:
        hint = "" if edit.content is None else " (--write does this)"
        say(f"add to {edit.path}{hint}:")
        for line in edit.lines.splitlines():
            say(f"    {line}")
    for note in notes:
        say(f"note: {note}")
    say(f"next: {command}")
