"""
Nulls that were drawn before, so that the same question is not drawn twice.

A folder of `<key>.npz` and one `manifest.json`, {key: {path, sha256, size_bytes}}, which any program can read. The
manifest changes under a lock and by rename, so that of many writers none loses what another wrote, and an entry is
there before the manifest names it. The folder may be deleted at any time.

An entry that is not what the manifest says is drawn anew, and that is said. An entry that was exchanged together with
its digest cannot be told from a true one: whoever can write into the folder can choose the null. So a summary says
whether its null was drawn or kept, and what has to be certain is drawn, with the cache off.
"""

from __future__ import annotations

import io
import os
import re
from concurrent.futures import Executor
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from filelock import FileLock

from pytest_promotion import atomic
from pytest_promotion.canonical import digest
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence.documents import an_object, parse_json
from pytest_promotion.evidence.reading import Root, read
from pytest_promotion.suites.research.bootstrap import VERSION
from pytest_promotion.suites.research.panel import Panel
from pytest_promotion.suites.research.reality import Config, Draw, Found, Null, Origin, arithmetic, reality_check

SWITCH: Final = "CRYPTO_ANALYZER_NO_CACHE"  # the name that research groups have in their scripts
_FORMAT: Final = "null-1"  # of an entry: another one has other keys
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_LOCK_S: Final = 30.0  # how long to wait for other writers, each of which is done in milliseconds


class Outcome(msgspec.Struct, frozen=True):
    """
    How a null was come by, for the summary.

    `hit` it was kept; `computed` there was none, or it could not be kept; `mended` what was kept was not usable and is
    replaced; `off` nothing was read or written.
    """

    key: str
    outcome: Literal["hit", "computed", "mended", "off"]
    because: str


class NullCache:
    """The nulls in one folder, which need not be there yet."""

    __slots__ = ("folder",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str, replicates: int, hypotheses: int) -> Null | None:
        """
        What is kept under *key*, None where nothing is.

        Raises:
            Unproven: where what is kept, or the manifest, cannot be used, with the reason.
        """
        row = self.manifest().get(key)
        if row is None:
            return None
        name = f"{key}.npz"
        if row["path"] != name:
            raise Unproven(f"the manifest has {row['path']!r} for it, expected {name}")
        content = self._content(name)
        if content is None:
            raise Unproven(f"{name} is in the manifest and not there")
        if (row["sha256"], row["size_bytes"]) != (sha256(content).hexdigest(), len(content)):
            raise Unproven(f"{name} is not what the manifest says: {len(content)} bytes with another digest")
        return _unpacked(content, key, replicates, hypotheses)

    def keep(self, key: str, null: Null) -> None:
        """Keeps *null*; a manifest that cannot be used begins anew. Raises `OSError`, also after 30 s of waiting."""
        content = _packed(key, null)
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.write(self.folder / f"{key}.npz", content)
        row = {"path": f"{key}.npz", "sha256": sha256(content).hexdigest(), "size_bytes": len(content)}
        with FileLock(self.folder / ".lock", timeout=_LOCK_S):
            try:
                known = self.manifest()
            except Unproven:
                known = {}
            told = msgspec.json.encode(known | {key: row}, order="sorted")
            atomic.write(self.folder / "manifest.json", msgspec.json.format(told) + b"\n")

    def manifest(self) -> dict[str, Any]:
        """From keys to rows of `path`, `sha256` and `size_bytes` (bytes). Raises `Unproven` where it is damaged."""
        content = self._content("manifest.json")
        if content is None:
            return {}
        found = an_object(parse_json(content, "manifest.json"), "manifest.json")
        for key, row in found.items():
            an_object(row, f"manifest.json: {key}")
            kinds = {name: type(value) for name, value in row.items()}
            if not _KEY.fullmatch(key) or kinds != {"path": str, "sha256": str, "size_bytes": int}:
                raise Unproven(f"manifest.json: {key} is no row of path, sha256 and size_bytes")
        return found

    def _content(self, name: str) -> bytes | None:
        if os.path.islink(self.folder / name):
            raise Unproven(f"{name} is a link; only files are read here")
        try:
            return read(Root(self.folder), name).content or b""
        except FileNotFoundError:
            return None


def checked(
    panel: Panel,
    config: Config,
    origin: Origin,
    cache: NullCache | None = None,
    executor: Executor | None = None,
) -> tuple[Found, Outcome]:
    """
    The reality check of *panel*, its null from *cache* where it is known: the same answer, bit for bit, as without.

    None, and the environment variable CRYPTO_ANALYZER_NO_CACHE, mean that nothing is read or written. A cache that
    cannot be read or written costs time and never the answer.

    Raises:
        PolicyError, Unproven: as `reality_check` does, never for what is in the cache.
    """
    outcome: Outcome

    def kept(data_sha256: str, draw: Draw) -> Null:
        nonlocal outcome
        key = key_of(config, origin, data_sha256)
        null, outcome = _through(cache, key, config.replicates, len(panel.names), draw)
        return null

    found = reality_check(panel, config, executor, kept)
    return found, outcome


def key_of(config: Config, origin: Origin, data_sha256: str) -> str:
    """
    The SHA-256, in hex, of all that a null depends on and all that it is of.

    *data_sha256* is `Panel.sha256`, which covers the names of the hypotheses. What rounds is in it too: elsewhere the
    last digits may be others.

    Raises:
        PolicyError: for a text in *origin* that is not Unicode.
    """
    question = {
        "family_id": origin.family_id,
        "rc_metric": origin.rc_metric,
        "rc_horizon": origin.rc_horizon,
        "rc_n_sim": config.replicates,
        "rc_seed": config.seed,
        "rc_method": config.method,
        "rc_avg_block_length": float(config.block),
        "dataset_id": origin.dataset_id,
        "git_commit": origin.git_commit,
        "data_sha256": data_sha256,
        "statistic": config.statistic,
        "centre": config.centre,
        "algorithm": [VERSION, _FORMAT, *arithmetic()],
    }
    try:
        return digest(question)
    except ValueError:
        raise PolicyError(f"{origin} cannot be written as JSON") from None


def _through(cache: NullCache | None, key: str, replicates: int, hypotheses: int, draw: Draw) -> tuple[Null, Outcome]:
    said = os.environ.get(SWITCH, "")
    if cache is None or said not in {"", "0"}:
        return draw(), Outcome(key, "off", f"{SWITCH}={said}" if cache is not None else "no cache was asked for")
    kept, because, had = None, "it was not kept yet", False
    try:
        kept = cache.find(key, replicates, hypotheses)
    except Unproven as problem:
        because, had = str(problem), True
    except OSError as problem:
        because = f"the cache cannot be read: {(problem.strerror or 'failed').lower()}"
    if kept is not None:
        return kept, Outcome(key, "hit", "it was drawn before")
    null = draw()
    try:
        cache.keep(key, null)
    except (OSError, NotImplementedError) as problem:  # the latter where a file system knows no locks
        failed = (getattr(problem, "strerror", None) or str(problem) or "failed").lower()
        return null, Outcome(key, "computed", f"{because}; nor could it be kept: {failed}")
    return null, Outcome(key, "mended" if had else "computed", because)


def _packed(key: str, null: Null) -> bytes:
    import numpy as np

    file = io.BytesIO()  # no moment is in it: the same null is the same bytes, whoever writes it
    np.savez(file, key=np.array(key), null_max=null.maxima, reached=null.reached)
    return file.getvalue()


def _unpacked(content: bytes, key: str, replicates: int, hypotheses: int) -> Null:
    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            named, maxima, reached = str(file["key"]), file["null_max"], file["reached"]
    except Exception as problem:  # noqa: BLE001 - zipfile, zlib and numpy raise whatever they like for foreign bytes
        raise Unproven(f"{key}.npz cannot be read: {type(problem).__name__}") from None
    if named != key:
        raise Unproven(f"{key}.npz is the null of another question, {named[:64]}")
    if (maxima.shape, maxima.dtype, reached.shape, reached.dtype) != (
        *((replicates,), np.dtype(np.float64)),
        *((hypotheses,), np.dtype(np.int64)),
    ):
        raise Unproven(f"{key}.npz holds {maxima.dtype}{maxima.shape} and {reached.dtype}{reached.shape}")
    if not np.isfinite(maxima).all() or ((reached < 0) | (reached > replicates)).any():
        raise Unproven(f"{key}.npz holds values that are no statistics or no counts")
    return Null(maxima, reached)
