"""
Imports the modules of gates with their source instrumented, so that what they judge is counted.

The finder stands before pytest's own and takes over what that would rewrite below the folders of gates and
the root directory, and every other module below the folders of gates. Code is kept in `__pycache__` under
a name of its own, by the digest of the source and of what made it.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import os
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from pytest_promotion import atomic
from pytest_promotion.assertions import expressions, inserted, instrument, judging, operands, sources, syntax

_FOLDERS: list[str] = []  # of suites, whose gates are imported by name


def also_below(folder: Path) -> None:
    """The modules below *folder* are gates as well."""
    place = _within(folder)
    if place not in _FOLDERS:
        _FOLDERS.append(place)


def install(config: pytest.Config, folders: Sequence[Path]) -> None:
    """Instruments what *config*'s session imports of *folders* from here on."""
    finder = _Finder(config, [_within(folder) for folder in folders])
    sys.meta_path.insert(0, finder)
    config.add_cleanup(lambda: sys.meta_path.remove(finder))


@cache
def _within(folder: str | Path) -> str:
    return os.path.realpath(folder) + os.sep


class _Finder:
    """Finds the modules that are instrumented."""

    def __init__(self, config: pytest.Config, folders: list[str]) -> None:
        self._config = config
        self._folders = folders
        self._root = _within(config.rootpath)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        rewritten = self._rewritten_by_pytest(name, path, target)
        if rewritten is not None:
            found = rewritten if self._is_gate_code(rewritten) else None
        else:
            found = self._beside_gates(name, path)
        if found is None or found.origin is None:
            return None
        loader = _Loader(name, found.origin, self._config, rewritten=rewritten is not None)
        return importlib.util.spec_from_file_location(
            name, found.origin, loader=loader, submodule_search_locations=found.submodule_search_locations
        )

    def _rewritten_by_pytest(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> Any:
        for finder in sys.meta_path:
            if type(finder).__name__ == "AssertionRewritingHook":
                return finder.find_spec(name, path, target)
        return None  # --assert=plain

    def _is_gate_code(self, spec: ModuleSpec) -> bool:
        file = os.path.realpath(spec.origin or "")
        own = file.startswith(self._root) and "site-packages" not in file
        return own or file.startswith((*self._folders, *_FOLDERS))

    def _beside_gates(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """A helper of gates, which pytest does not rewrite."""
        folders = (*self._folders, *_FOLDERS)
        near = [place for place in (sys.path if path is None else path) if _within(place).startswith(folders)]
        spec = PathFinder.find_spec(name, near) if near else None
        return spec if spec is not None and isinstance(spec.loader, SourceFileLoader) else None


class _Loader(SourceFileLoader):
    """Loads one instrumented module."""

    def __init__(self, name: str, path: str, config: pytest.Config, *, rewritten: bool) -> None:
        super().__init__(name, path)
        self._config = config
        self._rewritten = rewritten

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the name of the protocol
        path = Path(self.path)
        source = path.read_bytes()
        kept = _kept_at(path)
        key = self._key(source)
        code = _read(kept, key)
        if code is None:
            code = self._compiled(source)
            _keep(kept, key, code)
        return code

    def _key(self, source: bytes) -> bytes:
        mode = f"{self.path} {self._rewritten} {self._config.getini('enable_assertion_pass_hook')}"
        return blake2b(source, key=_fingerprint(), person=b"promotion", salt=_short(mode)).digest()

    def _compiled(self, source: bytes) -> CodeType:
        tree = ast.parse(source, self.path)
        plan = instrument.Plan(tree)
        if self._rewritten:
            from _pytest.assertion.rewrite import rewrite_asserts

            rewrite_asserts(tree, source, self.path, self._config)
        shown = os.path.relpath(self.path, self._config.rootpath)
        instrument.instrument(tree, plan, Path(self.path).name if shown.startswith("..") else shown)
        code: CodeType = compile(tree, self.path, "exec", dont_inherit=True)
        return code


def _kept_at(path: Path) -> Path:
    plain = Path(importlib.util.cache_from_source(str(path)))
    return plain.with_name(f"{path.stem}.{sys.implementation.cache_tag}-promotion-pytest-{pytest.__version__}.pyc")


def _read(kept: Path, key: bytes) -> CodeType | None:
    try:
        content = kept.read_bytes()
        code = marshal.loads(content[len(key) :]) if content[: len(key)] == key else None  # noqa: S302 - as Python's own
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None


def _keep(kept: Path, key: bytes, code: CodeType) -> None:
    if sys.dont_write_bytecode:
        return
    try:
        kept.parent.mkdir(exist_ok=True)
        atomic.write(kept, key + marshal.dumps(code), durable=False)
    except OSError:
        return  # a read-only folder: compiled again the next time


@cache
def _fingerprint() -> bytes:
    """Of what instruments: code that another version made is not run."""
    modules = (syntax, sources, judging, inserted, operands, expressions, instrument)
    made_by = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    return blake2b(made_by, digest_size=32).digest()


def _short(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
