"""Do Python and JavaScript say the same of the same bytes? Each computes from the data; nothing stored is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import iso
from pytest_promotion.errors import Unproven
from pytest_promotion.evidence.files import read_file
from pytest_promotion.suites.deployment.determinism import node
from pytest_promotion.suites.deployment.determinism.documents import canonical_bytes
from pytest_promotion.suites.deployment.determinism.node import Answer, Question
from pytest_promotion.suites.deployment.determinism.samples import questions
from pytest_promotion.suites.deployment.determinism.traces import rooted

SHOWN: Final = 20  # disagreements that are told; the count is of all


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One text of which the two runtimes do not say the same."""

    name: str
    python: Answer
    node: Answer

    def sentence(self) -> str:
        """For people: who says what."""
        return f"{self.name}: python {_told(self.python)}, node {_told(self.node)}"


def _told(answer: Answer) -> str:
    return f"refuses it ({answer.refused})" if answer.refused else f"says {answer.digest[:16]}…"


def python(question: Question) -> Answer:
    """The answer of this side."""
    try:
        if question.kind == "root":
            return Answer(root=rooted(question.content, question.name).root)
        return Answer(sha256=sha256(canonical_bytes(question.content, question.name)).hexdigest())
    except Unproven as refusal:
        return Answer(refused=str(refusal))


def compare(asked: Sequence[Question]) -> list[Disagreement]:
    """
    Where the two runtimes differ: in a digest, or in whether they refuse.

    Raises:
        Unproven: where Node cannot answer.
    """
    found = []
    for question, theirs in zip(asked, node.ask(asked), strict=True):
        ours = python(question)
        if ours.digest != theirs.digest:
            found.append(Disagreement(question.name, ours, theirs))
    return found


def report(traces: Sequence[Path], count: int, seed: int, now: datetime) -> dict[str, Any]:
    """
    Compares the root hashes of *traces* and the canonical forms of *count* values made from *seed*.

    Returns:
        a report with `status` pass only where something was compared and everything agrees, and where every trace
        declares the hash that its data has. Without Node it is `inconclusive`, and says how to get it.
    """
    problems = []
    asked = list(questions(count, seed))
    roots: dict[str, str] = {}
    for path in traces:
        try:
            content = read_file(path)
            trace = rooted(content, path.name)
        except OSError as problem:
            problems.append(f"{path} cannot be read: {(problem.strerror or 'failed').lower()}")
        except Unproven as refusal:
            problems.append(str(refusal))
        else:
            roots[path.name] = trace.root
            asked.append(Question(path.name, "root", content))
            if not trace.holds:
                problems.append(f"{path.name} declares {trace.declared}, and its data has {trace.root}")
    said: dict[str, Any] = {
        "schema_version": 1,
        "ts_utc": iso(now),
        "status": "inconclusive",
        "values_compared": 0,
        "traces_compared": 0,
        "disagreements": None,
        "seed": seed,
        "root_hashes": roots,
        "problems": problems,
    }
    try:
        said["node"] = node.version()
        found = compare(asked)
    except Unproven as refusal:
        problems.append(str(refusal))
        return said
    problems += [one.sentence() for one in found[:SHOWN]]
    if not asked:
        problems.append("nothing was compared")
    return said | {
        "status": "fail" if problems else "pass",
        "values_compared": count,
        "traces_compared": len(roots),
        "disagreements": len(found),
    }
