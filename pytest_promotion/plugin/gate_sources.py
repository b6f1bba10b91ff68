"""The source files of a gate: its module, the conftest files above it, and the local modules that these import."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pytest_promotion

_OWN = os.path.dirname(os.path.realpath(pytest_promotion.__file__)) + os.sep  # known by its version
_INSTALLED = ("site-packages", "dist-packages")


class GateSources:
    """The digests of sources, each file read once in a session."""

    def __init__(self, config: pytest.Config, folders: list[Path]) -> None:
        self._root = config.rootpath
        self._local = tuple(os.path.realpath(folder) + os.sep for folder in (config.rootpath, *folders))
        self._digests: dict[str, str] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._conftests: dict[Path, tuple[str, ...]] = {}
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        self._modules: dict[str, ModuleType] = {}

    def of(self, item: pytest.Item) -> dict[str, str]:
        """The digest of each file that *item* consists of, by its path relative to pytest's root directory."""
        function = getattr(item, "function", None)
        defined = getattr(sys.modules.get(getattr(function, "__module__", "")), "__file__", None)
        key = str(item.path), str(defined or item.path)
        if key not in self._known:
            self._known[key] = self._closure([*key, *self._conftests_above(item.path.parent)])
        return self._known[key]

    def _closure(self, files: list[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        ahead = [os.path.realpath(file) for file in files]
        while ahead:
            file = ahead.pop()
            name = os.path.relpath(file, self._root).replace(os.sep, "/")
            if name not in found:
                found[name] = self._digest(file)
                ahead += self._imports[file]
        return dict(sorted(found.items()))

    def _digest(self, file: str) -> str:
        if file not in self._digests:
            try:
                content = Path(file).read_bytes()
            except OSError:
                content = b""
            self._digests[file] = sha256(content).hexdigest()
            self._imports[file] = tuple(self._imported(file, content))
        return self._digests[file]

    def _imported(self, file: str, content: bytes) -> Iterator[str]:
        """The local files that *file* imports, wherever in it, as far as they are loaded."""
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(file, node)
                names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
            else:
                continue
            for name in names:
                yield from self._files_of(name)

    def _absolute(self, file: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package: Any = getattr(self._module_at(file), "__package__", "") or ""
        parts = package.split(".")[: len(package.split(".")) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def _files_of(self, name: str) -> Iterator[str]:
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            origin = getattr(sys.modules.get(".".join(parts[:length])), "__file__", None)
            if origin:
                path = os.path.realpath(origin)
                if (
                    path.startswith(self._local)
                    and not path.startswith(_OWN)
                    and not any(part in path for part in _INSTALLED)
                ):
                    yield path

    def _module_at(self, file: str) -> ModuleType | None:
        if file not in self._modules:
            for module in list(sys.modules.values()):
                origin = getattr(module, "__file__", None)
                if origin:
                    self._modules[os.path.realpath(origin)] = module
        return self._modules.get(file)

    def _conftests_above(self, folder: Path) -> tuple[str, ...]:
        if folder not in self._conftests:
            own = folder / "conftest.py"
            above = () if folder in (self._root, folder.parent) else self._conftests_above(folder.parent)
            self._conftests[folder] = (*above, *([str(own)] if own.is_file() else []))
        return self._conftests[folder]
