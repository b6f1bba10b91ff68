"""
The reports of a replay: one of a single window, one of several.

`latest.json` says fail from the moment a replay starts until it has passed, so that one
that crashes leaves no earlier success behind.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import iso, stamp
from pytest_promotion.errors import Unproven
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.trading.replay.regression import cycle, refused
from pytest_promotion.suites.trading.replay.runner import TIMEOUT_S, Replayer
from pytest_promotion.suites.trading.replay.windows import (
    STORE,
    StoreFile,
    Window,
    pin,
    relative,
    state_of,
    store_files,
    store_reference,
)
from pytest_promotion.text import listed

CYCLE: Final = "replay_regression"
WINDOWS: Final = "replay_regression_multi_window"
SIZES: Final = (500, 1_000, 2_000)

Report = dict[str, Any]
Progress = Callable[[str], None]


def replay_cycle(
    root: Path,
    reports: Path,
    replayer: Replayer,
    now: datetime,
    *,
    min_events: int = 1_000,
    repeat: int = 2,
    store: str = STORE,
    timeout: float = TIMEOUT_S,
    cwd: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """
    Replays the last *min_events* events and writes `<reports>/replay_regression/`.

    Returns:
        the report. Raises `OSError` where it cannot be written.
    """
    folder, began = _begin(reports / CYCLE, now, {"repeat_runs": repeat})
    [found], files = _replay(root, replayer, [min_events], repeat, store, timeout, cwd, progress)
    report = began | _single(found, root) | {"replayer": replayer.name, "store": store_reference(files, root)}
    return _publish(folder, CYCLE, report, now, _markdown(f"Replay of {min_events} events", report, [found]))


def replay_windows(
    root: Path,
    reports: Path,
    replayer: Replayer,
    now: datetime,
    *,
    sizes: Sequence[int] = SIZES,
    repeat: int = 2,
    store: str = STORE,
    timeout: float = TIMEOUT_S,
    cwd: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """
    Replays every window of *sizes* and writes `<reports>/replay_regression_multi_window/`.

    Each window's own report goes to `<reports>/replay_regression/`, where the last one
    stays as `latest.json`.

    Returns:
        the report. Raises `OSError` where it cannot be written.
    """
    several, began = _begin(reports / WINDOWS, now, {"repeat": repeat, "windows_requested": list(sizes)})
    single, one = _begin(reports / CYCLE, now, {"repeat_runs": repeat})
    found, files = _replay(root, replayer, sizes, repeat, store, timeout, cwd, progress)
    windows = []
    for window in found:
        title = f"Replay of {window['min_events']} events"
        own = one | _single(window, root) | {"replayer": replayer.name, "store": store_reference(files, root)}
        place = _publish(single, CYCLE, own, now, _markdown(title, own, [window]))["report_path"]
        windows.append({**{k: v for k, v in window.items() if k not in ("runs", "sources")}, "report_path": place})
    failed = [f"window_{window['min_events']}" for window in windows if window["status"] != "pass"]
    report = began | {
        "status": "fail" if failed or not windows else "pass",
        "blockers": [f"{name}_failed" for name in failed],
        "failed_windows": failed,
        "windows": windows,
        "replayer": replayer.name,
        "store": store_reference(files, root),
        "evidence_paths": {"source_event_files": [relative(one.path, root) for one in files]},
    }
    return _publish(several, WINDOWS, report, now, _markdown("Replay of several windows", report, found))


def _begin(place: Path, now: datetime, more: Report) -> tuple[ReportFolder, Report]:
    folder = ReportFolder(place)
    began: Report = {
        "ts_utc": iso(now),
        "status": "fail",
        "run_id": uuid.uuid4().hex,
        "blockers": ["not_finished"],
        **more,
    }
    folder.begin(began)
    return folder, began


def _replay(
    root: Path,
    replayer: Replayer,
    sizes: Sequence[int],
    repeat: int,
    store: str,
    timeout: float,
    cwd: Path | None,
    progress: Progress | None,
) -> tuple[list[Report], list[StoreFile]]:
    try:
        paths = store_files(root, store)
        files = state_of(paths)
        windows: list[Window] = pin(paths, sizes, files)
    except Unproven as refusal:
        return refused(sizes, str(refusal)), []
    found = [
        cycle(window, replayer, repeat, timeout=timeout, cwd=cwd, progress=progress) | {"sources": window.sources}
        for window in windows
    ]
    return found, files


def _single(window: Report, root: Path) -> Report:
    told = {key: value for key, value in window.items() if key not in ("sources", "rc", "runner_output_tail")}
    sources = [relative(path, root) for path in window.get("sources", ())]
    return told | {"evidence_paths": {"source_event_files": sources}}


def _publish(folder: ReportFolder, stem: str, report: Report, now: datetime, markdown: str) -> Report:
    place = folder.publish(f"{stem}_{stamp(now)}", report, markdown, latest=True)
    return report | {"report_path": f"{place.parent.name}/{place.name}"}


def _markdown(title: str, report: Report, windows: Sequence[Report]) -> str:
    return "\n".join(_lines(title, report, windows)) + "\n"


def _lines(title: str, report: Report, windows: Sequence[Report]) -> Iterator[str]:
    yield f"# {title}: {report['status']}"
    yield ""
    yield f"- Replayed: {report['ts_utc']} by `{report['replayer']}`, store `{report['store']['sha256'][:16]}`"
    yield ""
    yield "| events | status | repeats agree | window sha256 | states |"
    yield "|---|---|---|---|---|"
    for window in windows:
        base = window["signature_baseline"]
        cells = (base.get("regression_fingerprint", "")[:16], base.get("state_sha256", "")[:16])
        agree = "yes" if window["deterministic_repeat_pass"] else "no"
        yield f"| {window['min_events']} | {window['status']} | {agree} | `{cells[0]}` | `{cells[1]}` |"
    for window in windows:
        for blocker in window["blockers"]:
            yield f"- {window['min_events']}: {blocker}"
        first = window["first_divergence"]
        if first:
            keys = listed([f"`{each['key']}`" for each in first["differing_keys"]], 20)
            where = f"event {first['index']} (`{first['event_id']}`)"
            yield f"- {window['min_events']}: first divergence after {where}, in {keys}"
