"""Which retriever a text names, and the programs and files by which a report can tell it again."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.knowledge.cases import Question
from pytest_promotion.suites.release.knowledge.retrievers.answers import NamedDocument
from pytest_promotion.suites.release.knowledge.retrievers.endpoint import EndpointRetriever
from pytest_promotion.suites.release.knowledge.retrievers.processes import CommandRetriever, LinesRetriever
from pytest_promotion.text import legible

TIMEOUT_S: Final = 30.0
_WORKER: Final = "pytest_promotion.suites.release.knowledge.retrievers.function_worker"
_FUNCTION: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_LARGEST: Final = 64 << 20  # bytes of a program that is still hashed


class Retriever(Protocol):
    """What answers questions with names of documents."""

    kind: str
    version: str | None

    def names(self, questions: Sequence[Question]) -> list[list[NamedDocument]]:
        """The names of the documents found, best first, for each of *questions*. Raises `Unproven`."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """
    How the search of an application is asked.

    Attributes:
        given: an http or https URL with `{query}`; `MODULE:FUNCTION`; a command with `{query}`, which is run for each
            question; or any other command, which is asked in JSON lines.
        ids, body: JSONPath of the names and JSON to post, for a URL.
        version: what the report calls it; else what it says of itself.
    """

    given: str
    ids: str = ""
    body: str = ""
    version: str = ""
    timeout_s: float = TIMEOUT_S

    def opened(self, root: Path) -> Retriever:
        """The retriever, not asked yet. Raises `PolicyError` where *given* names none."""
        if re.match(r"https?://", self.given):
            return EndpointRetriever(self.given, self.ids, self.body, os.environ, self.timeout_s)
        if self.ids or self.body:
            raise PolicyError("a JSONPath and a body are for retrievers with a URL")
        if _FUNCTION.fullmatch(self.given):
            words = [sys.executable, "-m", _WORKER, self.given]
            return LinesRetriever(words, root, self.timeout_s, "function")
        words = self._words()
        if any("{query}" in word for word in words):
            return CommandRetriever(words, root, self.timeout_s)
        return LinesRetriever(words, root, self.timeout_s)

    def _words(self) -> list[str]:
        try:
            words = shlex.split(self.given)
        except ValueError as problem:
            raise PolicyError(f"the retriever's command cannot be split into words: {problem}") from None
        if not words:
            raise PolicyError("the retriever is blank")
        return words

    def identity(self, retriever: Retriever, root: Path) -> dict[str, Any]:
        """What a report says of it: kind, what was given, version, and the digests of the files that it names."""
        files: dict[str, str] = {}
        if retriever.kind == "function":
            files = _digests([self.given.partition(":")[0].replace(".", "/") + ".py"], root)
        elif retriever.kind != "http":
            files = _digests(self._words(), root)
        return {
            "kind": retriever.kind,
            "given": legible(self.given),
            "version": legible(self.version) if self.version else retriever.version and legible(retriever.version),
            "files": files,
        }


def _digests(words: Sequence[str], root: Path) -> dict[str, str]:
    """The SHA-256 of the program, which is the first of *words*, and of every other word that is a file."""
    found = {}
    for place, word in enumerate(words):
        path = root / word
        if not path.is_file() and place == 0:
            path = Path(shutil.which(word) or path)
        if path.is_file() and path.stat().st_size <= _LARGEST:
            name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
