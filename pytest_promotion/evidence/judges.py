"""Who judged: the sources of gates, conftests and local plugins by their digests, and the suites by their versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from pytest_promotion.model import Exhibit, Judges


def read(files: Iterable[Path], root: Path, suites: Mapping[str, tuple[str, Path]]) -> Judges:
    """
    The judges as they are now.

    Args:
        files: the sources of the project; those that are not there are left out.
        root: the folder that their names are relative to.
        suites: version and folder of the gates of each suite that is in use, by its name.
    """
    sources = {_name(path, root): path for path in files}
    for name, (_, folder) in suites.items():
        sources |= {f"{name}:{path.relative_to(folder).as_posix()}": path for path in python_files(folder)}
    versions = tuple(sorted((name, version) for name, (version, _) in suites.items()))
    return Judges(tuple(_exhibit(name, sources[name]) for name in sorted(sources)), versions)


def python_files(folder: Path) -> Iterator[Path]:
    """The Python files below *folder*."""
    return (path for path in folder.rglob("*.py") if path.is_file())


def changed(before: Judges, after: Judges) -> Iterator[str]:
    """A sentence for each source that is not what it was when the session started."""
    old = {one.path: one.sha256 for one in before.sources}
    new = {one.path: one.sha256 for one in after.sources}
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            yield f"{path} judges, and changed during the run"


def _name(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def _exhibit(name: str, path: Path) -> Exhibit:
    try:
        content = path.read_bytes()
    except OSError:
        return Exhibit(name, "", 0, exists=False)  # importing it fails by itself
    return Exhibit(name, sha256(content).hexdigest(), len(content), exists=True)
