"""The report of the suites: `latest` and a dated copy, as JSON and Markdown, which say fail until they are finished."""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from pytest_promotion.clock import Clock, iso, stamp
from pytest_promotion.reporting.publishing import ReportFolder
from pytest_promotion.suites.trading.target_tests.groups import Suites
from pytest_promotion.suites.trading.target_tests.run import Coverage, GroupRun, combine, run_group

PASSED: Final = 0
FAILED: Final = 2
NOT_RUN: Final = 3
_TAIL: Final = 4000  # characters
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")

Tell = Callable[[str, float], None]


def check(
    root: Path,
    suites: Suites,
    *,
    reports: Path | None = None,
    clock: Clock | None = None,
    at_once: int = 1,
    tell: Tell | None = None,
) -> tuple[dict[str, Any], int]:
    """
    Runs every group of *suites* in *root* and, with *reports*, writes `latest` and `test_run_<time>` there.

    *at_once* is how many groups run side by side; *tell* hears which group has run for how many seconds.

    Returns:
        the report, and the exit code: 0 all passed with the coverage they owe, 2 they did not, 3 they could not be run.

    Raises:
        OSError: where the report cannot be written.
    """
    root = root.resolve()
    now = (clock or Clock()).now()
    base = {
        "ts_utc": iso(now),
        "status": "fail",
        "rc": NOT_RUN,
        "groups": {},
        "selected_tests": [],
        "cov_fail_under": suites.cov_fail_under,
        "coverage_percent": None,
        "run_id": uuid.uuid4().hex,
        "finished": False,
        "reasons": ["the run did not finish"],
        "output_tail": "",
    }
    folder = None
    if reports is not None:
        folder = ReportFolder(reports)
        folder.begin(base)
    with tempfile.TemporaryDirectory(prefix="promotion-tests-", ignore_cleanup_errors=True) as scratch:
        runs, coverage = _run(root, suites, Path(scratch).resolve(), at_once, tell)
        output = "".join(run.output for run in runs.values())
        for place, name in ((str(Path(scratch).resolve()), "<scratch>"), (scratch, "<scratch>"), (str(root), ".")):
            output = output.replace(place, name)
    document, code = _judged(base, suites, runs, coverage, output)
    if folder is not None:
        folder.publish(f"test_run_{stamp(now)}", document, markdown(document), latest=True)
    return document, code


def _run(
    root: Path, suites: Suites, scratch: Path, at_once: int, tell: Tell | None
) -> tuple[dict[str, GroupRun], Coverage]:
    def one(name: str) -> GroupRun:
        return run_group(
            root,
            name,
            suites.groups[name],
            cov=suites.cov,
            plugins=suites.plugins,
            timeout=suites.timeout,
            scratch=scratch,
            tell=tell,
        )

    if at_once > 1:
        with ThreadPoolExecutor(at_once) as pool:
            runs = dict(zip(suites.groups, pool.map(one, suites.groups), strict=True))
    else:
        runs = {name: one(name) for name in suites.groups}
    return runs, combine(root, suites.cov, scratch, suites.timeout)


def _judged(
    base: dict[str, Any], suites: Suites, runs: dict[str, GroupRun], coverage: Coverage, output: str
) -> tuple[dict[str, Any], int]:
    broken = [run.broken for run in runs.values() if run.broken]
    said_no = [run.said_no for run in runs.values() if run.said_no]
    if coverage.percent is None:
        # Of a group that did not run to its end, nobody knows what it would have covered.
        broken.append("coverage was not measured" if broken else coverage.broken)
    elif not coverage.percent >= suites.cov_fail_under:  # so that NaN is below
        said_no.append(f"coverage is {coverage.percent:.4f} %, expected at least {suites.cov_fail_under:g} %")
    code = FAILED if said_no else NOT_RUN if broken else PASSED
    document = base | {
        "status": "pass" if code == PASSED else "fail",
        "rc": next((run.rc for run in runs.values() if run.rc), code),
        "groups": {
            name: {
                "selected": len(run.files),
                "collected": run.collected,
                "passed": run.passed,
                "failed": run.failed,
                "skipped": run.skipped,
                "rc": run.rc,
                "duration_s": round(run.duration_s, 3),
            }
            for name, run in runs.items()
        },
        "selected_tests": sorted({file for run in runs.values() for file in run.files}),
        "coverage_percent": coverage.percent,
        "coverage_statements": coverage.statements,
        "finished": True,
        "reasons": [*said_no, *broken],
        "runtime_used": "host",
        "fallback_reason": "",
        "output_tail": plain(output)[-_TAIL:],
    }
    return document, code


def plain(text: str) -> str:
    """*text* without colours and control characters; line ends stay."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter if letter == "\n" or letter.isprintable() else " " for letter in text)


def markdown(document: dict[str, Any]) -> str:
    """The report for people."""
    covered = document["coverage_percent"]
    shown = "not measured" if covered is None else f"{covered:.2f} %"
    lines = [
        f"# Tests: {document['status']}",
        "",
        f"{document['ts_utc']}: coverage {shown}, at least {document['cov_fail_under']:g} % wanted",
        "",
        "| group | files | tests | passed | failed | skipped |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | "
            + " | ".join(str(one[count]) for count in ("selected", "collected", "passed", "failed", "skipped"))
            + " |"
            for name, one in document["groups"].items()
        ),
    ]
    if document["reasons"]:
        lines += ["", *(f"- {reason}" for reason in document["reasons"])]
    return "\n".join([*lines, ""])
