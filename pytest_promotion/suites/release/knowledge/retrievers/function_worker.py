"""
Runs a function of the user's own code as a retriever, in a process of its own: it may print, hang and crash there.

    python -m pytest_promotion.suites.release.knowledge.retrievers.function_worker MODULE:FUNCTION
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any


def main(spec: str) -> int:
    """Answers the questions on standard input by the function that *spec* names. Returns the exit code."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the function prints is no answer
    module_name, _, name = spec.partition(":")
    sys.path.insert(0, os.getcwd())
    module = importlib.import_module(module_name)
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part)
    version = getattr(module, "__version__", None)
    if version is not None:
        print(json.dumps({"version": str(version)}), file=answers, flush=True)
    _answer(function, sys.stdin.buffer, answers)
    return 0


def _answer(function: Callable[[str, int], Iterable[Any]], questions: IO[bytes], answers: IO[str]) -> None:
    for line in questions:
        question = json.loads(line)
        answer = {"id": question["id"]} | _hits(function(question["query"], question["k"]))
        print(json.dumps(answer), file=answers, flush=True)


def _hits(found: Any) -> dict[str, Any]:
    if isinstance(found, Mapping):
        return dict(found)
    rows = [
        {"id": row[0], "score": _score(row[1])} if isinstance(row, tuple) and len(row) == 2 else row for row in found
    ]
    return {"hits": [row if isinstance(row, Mapping) else {"id": row} for row in rows]}


def _score(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value  # numpy's numbers are none of JSON's


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
