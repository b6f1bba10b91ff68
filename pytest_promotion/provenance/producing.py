"""
Recording what a command does: its inputs before and after, its outputs, and how it ended.

The statements of an earlier run are removed before the command starts, so that a run that is killed leaves none.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from pytest_promotion import atomic
from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.interrupts import kill_group
from pytest_promotion.provenance.digest_cache import DigestCache, cache_at
from pytest_promotion.provenance.inputs import Input, Scanner, differences, is_image, normal
from pytest_promotion.provenance.listing import Head
from pytest_promotion.provenance.output_lock import locked
from pytest_promotion.provenance.statement import (
    LISTING,
    SUFFIX,
    Statement,
    environment_of,
    listing_of,
    names_of,
    written,
)
from pytest_promotion.text import words

_STEP: Final = 2**20
_KEPT: Final = 20  # changes of inputs that a statement names


@dataclass(frozen=True, slots=True)
class Order:
    """A command that is to be recorded."""

    name: str
    command: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    accepted: tuple[int, ...] = (0,)
    environment: tuple[str, ...] = ()  # names of variables whose values are recorded
    tools: tuple[tuple[str, str], ...] = ()  # names and versions

    @classmethod
    def of(cls, name: str, command: Sequence[str], inputs: Sequence[str], outputs: Sequence[str]) -> Order:
        """
        An order with its paths in the form in which they are recorded.

        Raises:
            PolicyError: where something is missing or named twice, or an output is no path below the root.
        """
        if not command or not name.strip():
            raise PolicyError("a producer has a name and a command")
        try:
            given = tuple(map(normal, inputs))
            made = tuple(map(normal, outputs))
        except Unproven as problem:
            raise PolicyError(str(problem)) from None
        for what, paths in (("input", given), ("output", made)):
            if not paths:
                raise PolicyError(f"the producer {name} has no {what}: name at least one")
            if len(set(paths)) < len(paths):
                twice = next(path for path in paths if paths.count(path) > 1)
                raise PolicyError(f"the producer {name} names the {what} {twice} twice")
        for path in made:
            if is_image(path) or path == "." or path.endswith((SUFFIX, LISTING)):
                raise PolicyError(f"the output {path} of the producer {name} cannot be one")
            if path in given:
                raise PolicyError(f"{path} is both an input and an output of the producer {name}")
        return cls(name, tuple(command), given, made)


@dataclass(slots=True)
class Recording:
    """One run of a command while it is recorded. `problems` says what is wrong with it, a sentence each."""

    order: Order
    root: str
    scanner: Scanner
    before: list[Input]
    cache: DigestCache
    sign: Callable[[bytes], bytes] | None
    states: dict[str, tuple[int, int, int, int] | None]
    started: datetime
    begun: float
    environ: Mapping[str, str]
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    invocation: str
    commit: str = ""
    problems: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)  # those about inputs that changed

    def finish(self, exit_code: int) -> list[str]:
        """
        Writes the statement of the run beside each of its outputs, once the command has ended with *exit_code*.

        Returns:
            the paths of the statements; none where an output was not written.

        Raises:
            Unproven: where an output or a statement cannot be read or written.
        """
        elapsed, finished = self.elapsed() - self.begun, self.now()
        order = self.order
        if exit_code not in order.accepted:
            self.problems.append(f"the producer {order.name} ended with exit code {exit_code}")
        unwritten = [path for path, before in self.states.items() if _state(f"{self.root}/{path}") in (None, before)]
        self.problems += [f"the producer {order.name} did not write {path}" for path in unwritten]
        if unwritten:
            return []
        changed = self._changed()
        self.moved += [f"an input changed while the producer {order.name} ran: {one}" for one in changed[:1]]
        self.problems += self.moved
        listing, name = listing_of(self.before), f"{order.outputs[0]}{LISTING}"
        statement = Statement(
            name=order.name,
            command=tuple(words(order.command)),
            accepted=order.accepted,
            exit_code=exit_code,
            started=self.started,
            finished=finished,
            outputs=tuple((path, _digest(self.root, path)) for path in order.outputs),
            inputs=tuple(self.before),
            changed=tuple(changed[:_KEPT]),
            elapsed_s=round(elapsed, 3),
            invocation=self.invocation,
            environment=environment_of(order.environment, self.environ),
            tools=order.tools,
            commit=self.commit,
            listing=(name, sha256(listing).hexdigest()) if listing is not None else None,
        )
        content = written(statement)
        content = content + b"\n" if self.sign is None else self.sign(content)
        with _writing():
            if listing is not None:
                atomic.write(f"{self.root}/{name}", listing, durable=False)
            for path in order.outputs:
                atomic.write(f"{self.root}/{path}{SUFFIX}", content, durable=False)
        self.cache.save()
        return [f"{path}{SUFFIX}" for path in order.outputs]

    def _changed(self) -> list[str]:
        try:
            after = self.scanner.scan()
        except Unproven as problem:
            return [str(problem)]
        return [one for pair in zip(self.before, after, strict=True) for one in differences(*pair)]


def _elapsed() -> float:
    """Seconds by a clock that cannot be set, and that goes on while the machine sleeps where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@contextmanager
def recording(
    order: Order,
    root: Path,
    *,
    sign: Callable[[bytes], bytes] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    elapsed: Callable[[], float] = _elapsed,
    invocation: str = "",
    environ: Mapping[str, str] = os.environ,
    commit: bool = True,
) -> Iterator[Recording]:
    """
    Records a command that is run in the block; `finish` is called with its exit code.

    Args:
        root: the promotion root, which inputs and outputs are relative to.
        sign: makes a signed envelope of a statement.
        now: the present, and *elapsed*, seconds since some moment: clocks that stand still for runs that have to be
            repeated byte for byte.
        invocation: an id of the run, a random one unless given.
        environ: the environment of the command.
        commit: whether the commit that git has checked out is recorded.

    Raises:
        Unproven: where an input cannot be used, or another producer of an output is running.
    """
    real = os.path.realpath(root)
    with locked(real, order.outputs):
        for path in order.outputs:
            _inside(real, path)
            for suffix in (SUFFIX, LISTING):
                with _writing(), suppress(FileNotFoundError):
                    os.unlink(f"{real}/{path}{suffix}")
        head = Head(real) if commit else None
        cache = cache_at(real)
        scanner = Scanner(real, order.inputs, cache, names_of(order.outputs))
        before = scanner.scan()
        yield Recording(
            order=order,
            root=real,
            scanner=scanner,
            before=before,
            cache=cache,
            sign=sign,
            states={path: _state(f"{real}/{path}") for path in order.outputs},
            started=now(),
            begun=elapsed(),
            elapsed=elapsed,
            environ=environ,
            now=now,
            invocation=invocation or os.urandom(16).hex(),
            commit=head.commit() if head is not None else "",
        )


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        name = os.path.basename(str(problem.filename or "a statement"))
        raise Unproven(f"{name} cannot be written: {(problem.strerror or 'failed').lower()}") from None


def _inside(root: str, path: str) -> None:
    folder = os.path.realpath(os.path.dirname(f"{root}/{path}"))
    if folder != root and not folder.startswith(f"{root.rstrip('/')}/"):
        raise Unproven(f"the output {path} lies outside the promotion root")


def _state(path: str) -> tuple[int, int, int, int] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_ctime_ns


def _digest(root: str, path: str) -> str:
    running = sha256()
    try:
        with open(f"{root}/{path}", "rb") as file:
            while part := file.read(_STEP):
                running.update(part)
    except OSError as problem:
        raise Unproven(f"the output {path} cannot be read: {(problem.strerror or 'failed').lower()}") from None
    return running.hexdigest()


def run(command: Sequence[str], timeout: float, environ: Mapping[str, str] | None = None) -> int:
    """
    Runs *command* without a shell and without input; its output goes where that of this process goes.

    Returns:
        its exit code, 128 and the number of the signal where one ended it.

    Raises:
        Unproven: where the program is missing or does not end within *timeout* seconds; then all that it started is
            killed.
    """
    try:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, env=environ and dict(environ), start_new_session=True
        )
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise Unproven(f"{command[0]} cannot be run: {reason.lower()}") from None
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise Unproven(f"{command[0]} did not end within {timeout:g} s") from None
    except BaseException:
        kill_group(process)
        raise
    return 128 - code if code < 0 else code
