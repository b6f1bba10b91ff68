"""`promotion event-store`: what an event store holds, counted whole, also where it is too large for one process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_promotion.cli.errors import command_errors
from pytest_promotion.cli.output import say, say_json
from pytest_promotion.clock import FUTURE_SKEW, iso
from pytest_promotion.errors import Unproven
from pytest_promotion.text import legible

if TYPE_CHECKING:
    from pytest_promotion.evidence.event_store.count import Progress
    from pytest_promotion.evidence.event_store.scan import StoreFacts

_DAYS: Final = "events_*.jsonl"  # what is counted of a folder
_QUIET_S: Final = 1.0  # what is counted sooner needs no bar


@click.group("event-store")
def event_store() -> None:
    """Count the rows of an event store."""


@event_store.command(epilog="Example: promotion event-store count 's3://company/events/events_*.jsonl' --workers 8")
@click.argument("places", nargs=-1, required=True, metavar="PATH|URL...")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes of this machine.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="The scheduler of a Dask cluster, whose workers count instead of processes."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was counted as JSON.")
def count(places: tuple[str, ...], workers: int, scheduler: str | None, as_json: bool) -> int:
    """
    Count each PATH: a file, a folder with a file a day (events_*.jsonl), a glob of such files, or a URL of either.

    Every row is decoded, and the digest is that of the bytes that were counted. Exits with 0 where the
    stores are whole, 2 where event ids stand twice, rows are from the future or days are missing, 3 where one cannot be
    read or has a line that is no event.
    """
    if scheduler and workers > 1:
        raise click.UsageError("--workers are of this machine, --scheduler has its own: give one of them")
    with command_errors(), _executor(workers, scheduler) as executor:
        stores = [_counted(place, executor, whole_names=bool(scheduler)) for place in places]
    problems = [problem for store in stores for problem in store["problems"]]
    if as_json:
        status = "incomplete" if problems else "whole"
        say_json({"schema_version": 1, "kind": "event store count", "status": status, "stores": stores}, indent=2)
    else:
        for store in stores:
            _tell(store)
    return 2 if problems else 0


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    if scheduler is None:
        if workers == 1:
            yield None
            return
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(workers) as executor:
            yield executor
        return
    try:
        from distributed import Client
    except ImportError:
        raise Unproven("--scheduler needs the package distributed, in the version of the cluster") from None
    try:
        client: Any = Client(scheduler, timeout="10s")  # type: ignore[no-untyped-call]  # it has no types
    except (OSError, ValueError) as problem:
        raise Unproven(f"the scheduler {scheduler} does not answer: {problem or type(problem).__name__}") from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise Unproven(f"the scheduler {scheduler} has no workers")
        # Not by what the call is: a store that has changed since is another one under the same name.
        yield client.get_executor(pure=False)


def _counted(place: str, executor: Executor | None, *, whole_names: bool) -> dict[str, Any]:
    """What was counted of one place, and what is wrong with it."""
    from pytest_promotion.evidence.event_store.days import scan_days
    from pytest_promotion.evidence.event_store.scan import scan

    if "://" not in place and whole_names:
        place = os.path.abspath(place)  # the workers are elsewhere
    if "://" not in place and Path(place).is_dir():
        place = f"{place.rstrip('/')}/{_DAYS}"
    latest = datetime.now(UTC) + FUTURE_SKEW
    lost: tuple[str, ...] = ()
    with _progress(place) as progress:
        if any(sign in place for sign in "*?[") and not Path(place).is_file():
            days = scan_days(place, now=latest, executor=executor, duplicates="count", progress=progress)
            files, lost = list(days.days.values()), days.problems
        else:
            files = [scan(place, now=latest, executor=executor, duplicates="count", progress=progress)]
    return {
        "place": place,
        "rows": sum(one.rows for one in files),
        "bytes": sum(one.bytes for one in files),
        "problems": [*(problem for one in files for problem in _problems(one)), *lost],
        "files": [_document(one) for one in files],
    }


def _problems(facts: StoreFacts) -> Iterator[str]:
    if facts.duplicate_ids:
        yield f"{facts.name}: {facts.duplicate_ids:,} rows have an event id that another row has"
    if facts.future:
        yield f"{facts.name}: {facts.future:,} rows are from the future, the newest of {iso(facts.newest_ingest)}"


def _document(facts: StoreFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "sha256": facts.sha256,
        "bytes": facts.bytes,
        "rows": facts.rows,
        "rows_by_stream": facts.by_stream,
        "oldest_ingest": iso(facts.oldest_ingest),
        "newest_ingest": iso(facts.newest_ingest),
        "newest_by_stream": {stream: iso(moment) for stream, moment in facts.newest_by_stream.items()},
        "missing_correlation": facts.missing_correlation,
        "duplicate_ids": facts.duplicate_ids,
        "out_of_order": facts.out_of_order,
        "future": facts.future,
    }


def _tell(store: dict[str, Any]) -> None:
    for one in store["files"]:
        say(f"{one['name']}: {one['rows']:,} rows, {one['bytes']:,} bytes, sha256 {one['sha256']}")
        say(f"  {one['oldest_ingest']} to {one['newest_ingest']}")
        for stream, rows in one["rows_by_stream"].items():
            say(f"  {stream}: {rows:,}, the newest of {one['newest_by_stream'][stream]}")
        say(f"  without correlation {one['missing_correlation']:,}, out of order {one['out_of_order']:,}")
    for problem in store["problems"]:
        say(f"  problem: {problem}")


@contextmanager
def _progress(place: str) -> Iterator[Progress | None]:
    """A bar on a terminal, of the file whose turn it is; a pipe hears nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    bar: Any = None
    started = time.monotonic()

    def tell(done: int, size: int) -> None:
        nonlocal bar
        if time.monotonic() - started < _QUIET_S:
            return
        if bar is None or done < bar.pos or bar.length != size:
            if bar is not None:
                bar.render_finish()
            bar = click.progressbar(length=size, label=legible(place)[-40:], file=sys.stderr)
        bar.update(done - bar.pos)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.render_finish()
