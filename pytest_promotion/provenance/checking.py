"""
Whether an artifact is about what is there now: its statement fits its bytes, and the inputs are unchanged.

Each answer is one of three: yes, no (`GateFailed`), or that it cannot be told (`Unproven`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from pytest_promotion.clock import iso
from pytest_promotion.durations import format_duration
from pytest_promotion.errors import GateFailed, Unproven
from pytest_promotion.model import GateResult, InputDigest, Provenance
from pytest_promotion.provenance.digest_cache import DigestCache, cache_at
from pytest_promotion.provenance.inputs import Input, below, differences, normal, scan
from pytest_promotion.provenance.statement import (
    SUFFIX,
    Statement,
    names_of,
    parse,
    payload_of,
    with_listing,
)
from pytest_promotion.text import listed

Read = Callable[[str], bytes | None]  # the bytes of a file below the root, None where there is none
Verify = Callable[[bytes, str], bytes]  # the payload of an envelope that an allowed signer has signed
_LONGEST: Final = 240  # characters of a command in a message


class Checker:
    """
    Judges the statements of one session.

    Args:
        root: the promotion root.
        verify: demands a signature; None where unsigned statements are accepted.
        recorded: digests of inputs by name, as a decision recorded them; then nothing is looked at. For a replay of
            that decision where only its evidence is there.
    """

    def __init__(
        self, root: str | os.PathLike[str], verify: Verify | None = None, recorded: Mapping[str, str] | None = None
    ) -> None:
        self._root = os.path.realpath(root)
        self._verify = verify
        self._recorded = recorded
        # Who can sign statements need not be who can write the cache: digests are then taken from the files.
        self._cache = cache_at(self._root) if verify is None else DigestCache(self._root)
        self._seen: dict[tuple[str, tuple[str, ...]], Input] = {}

    def finished(self, path: str, digest: str, read: Read, now: datetime, skew: timedelta) -> datetime | None:
        """When the artifact was made, by its statement; None where it has no statement that fits its bytes."""
        content = read(f"{path}{SUFFIX}")
        if content is None:
            return None
        try:
            statement = self._statement(path, content, read)
            _fit(statement, path, digest)
            _timely(statement, path, now, skew)
        except (GateFailed, Unproven):
            return None
        return statement.finished

    def examine(
        self, path: str, digest: str, read: Read, asked: Sequence[str], now: datetime, skew: timedelta
    ) -> tuple[Provenance | None, GateFailed | Unproven | None]:
        """
        Whether the artifact at *path* with the SHA-256 *digest* is about the inputs *asked*.

        Args:
            read: gets the statement and the list of files beside it.
            asked: names of inputs; all of the statement where there are none.

        Returns:
            what was looked at, None where the statement could not be read, and the refusal, None where it fits.
        """
        seen = None
        try:
            content = read(f"{path}{SUFFIX}")
            if content is None:
                raise Unproven(f"{path} has no statement of what it was made from: {_how(path, asked)}")
            statement = self._statement(path, content, read)
            names = [normal(name) for name in asked] or [one.name for one in statement.inputs]
            seen = Provenance(
                path, sha256(content).hexdigest(), statement.command, iso(statement.finished), outputs=_left(statement)
            )
            _fit(statement, path, digest)
            _timely(statement, path, now, skew)
            _ended_well(statement, path)
            before = [_asked(statement, path, name) for name in names]
            if not before:
                raise Unproven(f"{path}{SUFFIX} names no inputs: {_how(path, asked)}")
            after = self._now(statement, names)
            seen = Provenance(
                path,
                seen.statement_sha256,
                statement.command,
                seen.finished,
                tuple(InputDigest(one.name, one.sha256) for one in after),
                seen.outputs,
            )
            for old, new in zip(before, after, strict=True):
                _unchanged(statement, path, old, new)
        except (GateFailed, Unproven) as refusal:
            return seen, refusal
        return seen, None

    def _statement(self, path: str, content: bytes, read: Read) -> Statement:
        name = f"{path}{SUFFIX}"
        payload = payload_of(content, name) if self._verify is None else self._verify(content, name)
        statement = parse(payload, name)
        if statement.listing is None or not statement.unlisted:
            return statement
        place, digest = statement.listing
        listing = read(place)
        if listing is None or sha256(listing).hexdigest() != digest:
            problem = "is missing" if listing is None else "is not the one that it names"
            raise Unproven(f"{name}: its list of files, {place}, {problem}")
        return with_listing(statement, listing, place)

    def _now(self, statement: Statement, names: Sequence[str]) -> list[Input]:
        """The inputs called *names* as they are now, looked at once a session."""
        if self._recorded is not None:
            return [_as_recorded(name, self._recorded) for name in names]
        without = tuple(names_of(path for path, _ in statement.outputs))
        missing = [name for name in names if (name, without) not in self._seen]
        for one in scan(self._root, missing, self._cache, without):
            self._seen[one.name, without] = one
        self._cache.save()
        return [self._seen[name, without] for name in names]


def changed_inputs(
    results: Iterable[GateResult], root: str | os.PathLike[str], *, cached: bool = True
) -> Iterator[str]:
    """
    A sentence for each input that is no longer what it was when a gate compared it.

    Args:
        cached: whether digests may come from the user's cache.
    """
    real = os.path.realpath(root)
    cache = cache_at(real) if cached else DigestCache(real)
    wanted: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for result in results:
        for one in result.record.provenance:
            for seen in one.inputs:
                wanted.setdefault((seen.name, one.outputs), set()).add(seen.sha256)
    for (name, outputs), digests in wanted.items():
        try:
            now = {scan(real, [name], cache, names_of(outputs))[0].sha256}
        except Unproven as problem:
            yield f"an input changed during the run: {problem}"
            continue
        if digests != now:
            then = " and ".join(sorted(one[:12] for one in digests))
            yield f"the input {name} changed during the run: sha256 {then}, then {next(iter(now))[:12]}"


def _as_recorded(name: str, recorded: Mapping[str, str]) -> Input:
    if name not in recorded:
        raise Unproven(f"the decision did not record the input {name}")
    return Input(name, "recorded", recorded[name])


def _left(statement: Statement) -> tuple[str, ...]:
    return tuple(path for path, _ in statement.outputs)


def _fit(statement: Statement, path: str, digest: str) -> None:
    outputs = dict(statement.outputs)
    if path not in outputs:
        others = listed(sorted(outputs)) or "nothing"
        raise GateFailed(f"{path}{SUFFIX} is about another output, {others}: {_again(statement)}")
    if outputs[path] != digest:
        raise GateFailed(
            f"{path} is not what its command wrote: {path}{SUFFIX} is about sha256 {outputs[path][:12]}, "
            f"the file is {digest[:12]}: {_again(statement)}"
        )


def _timely(statement: Statement, path: str, now: datetime, skew: timedelta) -> None:
    ahead = statement.finished - now
    if ahead > skew:
        by = format_duration(ahead.total_seconds())
        raise Unproven(f"{path}{SUFFIX} is dated {by} in the future ({iso(statement.finished)})")
    passed = statement.finished - statement.started
    moved = abs(passed.total_seconds() - statement.elapsed_s)
    if passed < timedelta() or moved > skew.total_seconds():
        by = format_duration(moved)
        raise Unproven(f"{path}: the clock was moved by {by} while its command ran: {_again(statement)}")


def _ended_well(statement: Statement, path: str) -> None:
    if statement.exit_code not in statement.accepted:
        raise GateFailed(
            f"{path} was written by a command that ended with exit code {statement.exit_code}: {_again(statement)}"
        )
    if statement.changed:
        raise GateFailed(f"{path}: an input changed while its command ran: {statement.changed[0]}: {_again(statement)}")


def _asked(statement: Statement, path: str, name: str) -> Input:
    for one in statement.inputs:
        part = below(one, name)
        if part is not None:
            return part
    known = [one.name for one in statement.inputs]
    have = listed(known) or "nothing"
    raise Unproven(f"{path} is not about {name}: its command ran on {have}: {_how(path, [*known, name])}")


def _unchanged(statement: Statement, path: str, old: Input, new: Input) -> None:
    if old.sha256 == new.sha256 and new.kind in (old.kind, "recorded"):
        return
    found = differences(old, new) if new.kind != "recorded" else []
    more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
    what = f"{found[0]}{more}" if found else f"{old.name} changed"
    raise GateFailed(f"{path} is about another {old.name}: {what} since it was made: {_again(statement)}")


def _again(statement: Statement) -> str:
    words = ["promotion", "run", "--name", statement.name]
    words += [word for one in statement.inputs for word in ("--input", one.name)]
    words += [word for path, _ in statement.outputs for word in ("--output", path)]
    text = shlex.join([*words, "--", *statement.command])
    return f"run it again: {text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…'}"


def _how(path: str, asked: Sequence[str]) -> str:
    inputs = " ".join(f"--input {shlex.quote(name)}" for name in asked) or "--input PATH"
    return f"run its producer by promotion run --name NAME {inputs} --output {shlex.quote(path)} -- COMMAND"
