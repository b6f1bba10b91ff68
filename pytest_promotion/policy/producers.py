"""
Producers: commands that write evidence afresh before the gates read it.

A refresh is part of the run. A producer that fails, or that leaves a file as it was, fails
the decision; and what it writes is judged like any other evidence, by the time of the data
in it, so that a refresh cannot make old data fresh.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from pytest_promotion.durations import parse_duration
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.evidence import commands
from pytest_promotion.evidence.evidence_log import Notebook
from pytest_promotion.evidence.vault import Vault
from pytest_promotion.model import CommandRun
from pytest_promotion.policy import Producer
from pytest_promotion.policy.shape import Rules

_THRESHOLD: Final = re.compile(r"\{(\w+)\.(\w+)\}")

Sign = Callable[[bytes], bytes]  # a statement in a signed envelope


@dataclass(frozen=True, slots=True)
class Refresh:
    """One producer that was run, and what is wrong with how it went, a sentence each."""

    name: str
    run: CommandRun | None
    problems: tuple[str, ...]


def refresh(
    names: Sequence[str],
    producers: Mapping[str, Producer],
    root: Path,
    cwd: Path,
    vault: Vault | None = None,
    sign: Sign | None = None,
    rules: Rules | None = None,
) -> Iterator[Refresh]:
    """
    Runs the named producers, one after the other, in *cwd*.

    In a command and its environment, `{python}` stands for this interpreter, `{root}` for the promotion root, and
    `{GATE.THRESHOLD}` for what *rules* give: what is written is about what the gate asks for. Null is nothing.

    A producer with inputs leaves a statement beside what it writes, as `promotion run` does, signed by *sign* where
    that is given.
    """
    for name in names:
        producer = _with_thresholds(producers[name], rules)
        words = [_filled(word, root) for word in producer.command]
        book = Notebook()
        problems = _recorded(name, producer, words, root, cwd, vault, book, sign)
        yield Refresh(name, book.commands[-1] if book.commands else None, tuple(problems))


def _recorded(
    name: str,
    producer: Producer,
    words: list[str],
    root: Path,
    cwd: Path,
    vault: Vault | None,
    book: Notebook,
    sign: Sign | None,
) -> list[str]:
    environ = environment() | {key: _filled(value, root) for key, value in producer.environment.items()}
    if not producer.inputs:
        return _run(name, producer, words, root, cwd, vault, book, environ)
    from pytest_promotion.provenance.producing import Order, recording

    problems: list[str] = []
    try:
        order = Order.of(name, words, producer.inputs, producer.writes)
        with recording(order, root, sign=sign, environ=environ) as recorded:
            problems += _run(name, producer, words, root, cwd, vault, book, environ)
            code = book.commands[-1].exit_code if book.commands else None
            if code is not None:
                recorded.finish(code)
        problems += recorded.moved
    except (Unproven, PolicyError) as refusal:
        problems.append(f"the producer {name} was not recorded: {refusal}")
    return problems


def _run(
    name: str,
    producer: Producer,
    words: list[str],
    root: Path,
    cwd: Path,
    vault: Vault | None,
    book: Notebook,
    environ: dict[str, str],
) -> list[str]:
    """Runs a producer. Returns what is wrong with how it went, a sentence each."""
    before = {path: _state(root / path) for path in producer.writes}
    try:
        done = commands.run(words, parse_duration(producer.timeout).total_seconds(), cwd, book, vault, environ)
    except Unproven as refusal:
        return [f"the producer {name} did not run: {refusal}"]
    problems = []
    if done.exit_code != 0:
        said = done.output.strip().splitlines()
        last = f": {said[-1]}" if said else ""
        problems.append(f"the producer {name} ended with exit code {done.exit_code}{last}")
    for path, earlier in before.items():
        if _state(root / path) in (None, earlier):
            problems.append(f"the producer {name} did not write {path}")
    return problems


def _with_thresholds(producer: Producer, rules: Rules | None) -> Producer:
    """*producer* with the values of thresholds in its command."""
    if rules is None:
        return producer

    def value(match: re.Match[str]) -> str:
        thresholds = rules.gates[match[1]].thresholds if match[1] in rules.gates else {}
        found = thresholds.get(match[2], match[0])
        return "" if found is None else str(found)

    return msgspec.structs.replace(producer, command=[_THRESHOLD.sub(value, word) for word in producer.command])


def _filled(text: str, root: Path) -> str:
    return text.replace("{python}", sys.executable).replace("{root}", str(root))


def environment() -> dict[str, str]:
    """This process's environment without pytest's own: options of this session must not reach a producer's tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "_PYTEST"))}


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
