"""The second runtime: Node, which answers the same questions from the same bytes by its own code."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.commands import kill_group

TIMEOUT_S: Final = 120.0
_MISSING: Final = "node is not installed: install Node.js 18 or newer from nodejs.org or your system's packages"


class Question(msgspec.Struct, frozen=True):
    """What is asked of both runtimes: the canonical form (its digest), or the root hash, of some bytes."""

    name: str
    kind: str  # "canonical" or "root"
    content: bytes


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A digest, or a refusal. The words of a refusal are the runtime's own."""

    sha256: str = ""
    root: str = ""
    refused: str = ""

    @property
    def digest(self) -> str:
        """The digest in 64 hex digits, or "" for a refusal."""
        return self.sha256 or self.root


def version() -> str:
    """What `node --version` says. Raises `Unproven` where there is none."""
    return _run(["--version"], b"").decode(errors="replace").strip()


def ask(questions: Iterable[Question]) -> Iterator[Answer]:
    """
    Node's answer to each question, in order.

    Raises:
        Unproven: where Node is missing, does not end in time, or does not answer every question.
    """
    asked = list(questions)
    lines = [json.dumps({"kind": one.kind, "base64": base64.b64encode(one.content).decode()}) for one in asked]
    program = resources.files("pytest_promotion.suites.deployment.determinism") / "js" / "answer.js"
    with resources.as_file(program) as path:
        said = _run([str(path)], "".join(f"{line}\n" for line in lines).encode(), path.parent)
    answers = said.splitlines()
    if len(answers) != len(asked):
        raise Unproven(f"node answered {len(answers)} of {len(asked)} questions")
    for line in answers:
        try:
            answer = msgspec.json.decode(line, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise Unproven(f"node answered what is no answer: {problem}") from None
        if bool(answer.digest) is bool(answer.refused):
            raise Unproven(f"node answered neither yes nor no: {line[:200].decode(errors='replace')}")
        yield answer


def _run(words: list[str], given: bytes, folder: Path | None = None) -> bytes:
    program = shutil.which("node")
    if program is None:
        raise Unproven(_MISSING)
    process = subprocess.Popen(
        [program, *words],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said, complaint = process.communicate(given, TIMEOUT_S)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise Unproven(f"node did not answer within {TIMEOUT_S:g} s") from None
    if process.returncode:
        last = (complaint.decode(errors="replace").strip().splitlines() or ["no reason"])[-1]
        raise Unproven(f"node ended with {process.returncode}: {last}")
    return said
