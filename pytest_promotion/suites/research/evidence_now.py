"""The files of a candidate as they are now, beside what was named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pytest_promotion.canonical import digest
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.suites.research.evidence import named_files, read_relative

_GONE: Final = "gone"
_UNREADABLE: Final = "unreadable"


def states(evidence: Any, base: Path | None = None) -> dict[str, str]:
    """
    Of each file that *evidence* names, by what it is: is it `same`, `changed`, `gone` or `unreadable` by now?

    Raises:
        Unproven: where nothing is named.
    """
    root, artifacts = named_files(evidence, base)
    found = {}
    for kind, artifact in artifacts.items():
        now = _now(root, artifact.path)
        found[kind] = now if now in (_GONE, _UNREADABLE) else "same" if now == artifact.sha256 else "changed"
    return found


def read_named(base: Path, path: str, sha256: str) -> bytes:
    """The bytes of the file at *path* below *base*. Raises `Unproven` where they have another digest than *sha256*."""
    _, content, found = read_relative(Root(base), path)
    if found != sha256:
        raise Unproven(f"{path} changed since it was named: it was {sha256}")
    return content


def present_digest(evidence: Any, base: Path | None = None) -> str:
    """
    SHA-256 of the files as they are now: of each its digest, or that it is gone or unreadable.

    Raises:
        Unproven: where nothing is named.
    """
    root, artifacts = named_files(evidence, base)
    return digest({kind: _now(root, artifact.path) for kind, artifact in artifacts.items()})


def _now(root: Root, path: str) -> str:
    """The digest of the file at *path*, or why it has none."""
    try:
        return read(root, root.relative(path)).sha256
    except FileNotFoundError:
        return _GONE
    except Unproven:
        return _UNREADABLE
