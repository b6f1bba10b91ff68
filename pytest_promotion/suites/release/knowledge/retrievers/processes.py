"""Programs that search: one process for each question, or one that is asked all of them in JSON lines."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pytest_promotion.errors import Unproven
from pytest_promotion.interrupts import kill_group
from pytest_promotion.suites.release.knowledge.cases import Question
from pytest_promotion.suites.release.knowledge.retrievers import answers
from pytest_promotion.text import legible

_LAST_WORDS = 400  # bytes of standard error that an error repeats


class CommandRetriever:
    """A program that is run once for each question, with `{query}` and `{k}` filled into its words."""

    kind = "command"

    def __init__(self, words: Sequence[str], root: Path, timeout_s: float) -> None:
        self.words = list(words)
        self.version: str | None = None
        self._root, self._timeout_s = root, timeout_s

    def names(self, questions: Sequence[Question]) -> list[list[answers.NamedDocument]]:
        """The answers in the order of *questions*. Raises `Unproven` with what the program said."""
        return [self._names(question) for question in questions]

    def _names(self, question: Question) -> list[answers.NamedDocument]:
        words = [word.replace("{k}", str(question.k)).replace("{query}", question.query) for word in self.words]
        with _started(words, self._root, stdin=False) as (process, errors):
            try:
                content, _ = process.communicate(timeout=self._timeout_s)
            except subprocess.TimeoutExpired:
                raise Unproven(f"the retriever did not answer {question.id} within {self._timeout_s:g} s") from None
            if process.returncode != 0:
                raise Unproven(
                    f"the retriever ended with exit code {process.returncode} at {question.id}{_last_words(errors)}"
                )
            if not content.strip():
                raise Unproven(
                    f"the retriever answered {question.id} with nothing; no hits are []{_last_words(errors)}"
                )
        return answers.names(answers.parsed(content, question), question)


class LinesRetriever:
    """
    A program that reads `{"id", "query", "k"}`, a line for each question, and writes `{"id", "ids"}` for each.

    Answers may come in any order; the first line may be `{"version": …}` instead of one.
    """

    def __init__(self, words: Sequence[str], root: Path, timeout_s: float, kind: str = "json-lines") -> None:
        self.kind = kind
        self.words = list(words)
        self.version: str | None = None
        self._root, self._timeout_s = root, timeout_s

    def names(self, questions: Sequence[Question]) -> list[list[answers.NamedDocument]]:
        """The answers in the order of *questions*. Raises `Unproven` with what the program said."""
        waiting = {question.id: question for question in questions}
        found: dict[str, list[answers.NamedDocument]] = {}
        with _started(self.words, self._root, stdin=True) as (process, errors):
            lines = _conversation(process, questions)
            while (line := self._next(lines, len(found), len(questions), errors)) is not None:
                answer = answers.parsed(line, Question("the next question", "", 1))
                if not isinstance(answer, dict):
                    raise Unproven(f"the retriever wrote a line that is no object: {legible(answer)[:80]!r}")
                if not found and "id" not in answer and isinstance(answer.get("version"), str):
                    self.version = answer["version"]
                    continue
                question = waiting.pop(str(answer.get("id")), None)
                if question is None:
                    raise Unproven(f"the retriever answered {legible(answer.get('id'))[:80]!r}, which is not waiting")
                if "error" in answer:
                    raise Unproven(f"the retriever failed at {question.id}: {legible(answer['error'])[:300]}")
                found[question.id] = answers.names(answer, question)
            self._ended(process, errors, len(found), len(questions))
        if waiting:
            raise Unproven(f"the retriever ended without an answer to {', '.join(list(waiting)[:5])}")
        return [found[question.id] for question in questions]

    def _next(self, lines: queue.Queue[bytes | None], done: int, of: int, errors: IO[bytes]) -> bytes | None:
        try:
            line = lines.get(timeout=self._timeout_s)
        except queue.Empty:
            message = f"the retriever was silent for {self._timeout_s:g} s after {done} of {of} answers"
            raise Unproven(f"{message}{_last_words(errors)}") from None
        if line is not None and not line.strip():
            raise Unproven("the retriever wrote an empty line")
        return line

    def _ended(self, process: subprocess.Popen[bytes], errors: IO[bytes], done: int, of: int) -> None:
        try:
            code = process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            raise Unproven(f"the retriever closed its output and did not end in {self._timeout_s:g} s") from None
        if code != 0:
            raise Unproven(
                f"the retriever ended with exit code {code} after {done} of {of} answers{_last_words(errors)}"
            )


@contextmanager
def _started(words: Sequence[str], root: Path, *, stdin: bool) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The running program and the file of its standard error; afterwards both are gone, with all that it started."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                list(words),
                cwd=root,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            why = (getattr(problem, "strerror", None) or str(problem)).lower()
            raise Unproven(f"the retriever {words[0]} cannot be run: {why}") from None
        try:
            yield process, errors
        finally:
            kill_group(process)


def _conversation(process: subprocess.Popen[bytes], questions: Sequence[Question]) -> queue.Queue[bytes | None]:
    """The lines of *process*, which is asked meanwhile; None after the last one."""
    lines: queue.Queue[bytes | None] = queue.Queue()

    def ask(into: IO[bytes]) -> None:
        try:
            for question in questions:
                row: dict[str, Any] = {"id": question.id, "query": question.query, "k": question.k}
                into.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                into.flush()
            into.close()
        except (OSError, ValueError):
            return  # it ended, or was ended: what it wrote until then says why

    def listen(out: IO[bytes]) -> None:
        try:
            while line := out.readline(answers.LARGEST + 1):
                lines.put(line)
        except (OSError, ValueError):
            pass  # closed meanwhile
        lines.put(None)

    for work, pipe in ((ask, process.stdin), (listen, process.stdout)):
        threading.Thread(target=work, args=(pipe,), daemon=True).start()
    return lines


def _last_words(errors: IO[bytes]) -> str:
    time.sleep(0.01)  # standard error of a process that has just ended
    size = errors.seek(0, 2)
    errors.seek(max(0, size - _LAST_WORDS))
    words = legible(errors.read().decode("utf-8", "replace").strip())
    return f"; it said: {words}" if words else ""
