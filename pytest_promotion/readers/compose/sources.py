"""Which files an upgrade is judged by, and whether they stayed the same while it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_given

# In the order in which Compose looks, and the file that it then lays on top.
_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_FOLDERS: Final = ("", "compose")


@dataclass(frozen=True, slots=True)
class Sources:
    """The compose files in their order, and the `.env` file or None; `digests` are of both, as they were read first."""

    root: Path
    compose: tuple[Path, ...]
    env: Path | None
    digests: dict[Path, str]

    def documents(self) -> list[dict[str, str]]:
        """As the report lists them."""
        return [{"path": shown(path, self.root), "sha256": digest} for path, digest in self.digests.items()]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raises `Unproven` at its end where one of them is no longer what it was."""
        yield
        for path, digest in self.digests.items():
            if _digest(path, self.root) != digest:
                raise Unproven(f"{shown(path, self.root)} changed while it was judged")


def sources(root: Path, compose: Sequence[Path], env: Path | None) -> Sources:
    """
    The files named, or those that Compose would take below *root* or its folder `compose`.

    Raises:
        Unproven: where there is none, or one cannot be read.
    """
    files = tuple(compose) or tuple(_default(root))
    if env is None:
        beside = files[0].resolve().parent / ".env"
        env = beside if beside.exists() else None
    return Sources(root, files, env, {path: _digest(path, root) for path in (*files, *([env] if env else ()))})


def _default(root: Path) -> list[Path]:
    for folder in _FOLDERS:
        for name in _NAMES:
            path = root / folder / name
            if path.exists():
                stem, _, suffix = name.rpartition(".")
                over = [path.with_name(f"{stem}.override.{one}") for one in (suffix, "yaml", "yml")]
                return [path, *[one for one in over if one.exists()][:1]]
    raise Unproven("there is no compose file here; name it with --compose")


def _digest(path: Path, root: Path) -> str:
    return hashlib.sha256(read_given(path, shown(path, root))).hexdigest()


def shown(path: Path, root: Path) -> str:
    """A path as the report names it: below *root* where it lies there."""
    resolved, base = path.resolve(), root.resolve()
    return (resolved.relative_to(base) if resolved.is_relative_to(base) else Path(path.name)).as_posix()
