"""May this version of the library be released? Each test is one gate."""

import re
import sys

import pytest

from pytest_promotion.readers import junit


@pytest.mark.critical(owner="maintainers", fix="fix the tests that fail")
def test_tests(artifact, freshness, measure, policy):
    """The tests ran on what is here, and none failed."""
    report = artifact(policy["report"])
    freshness(report)
    counts = junit.read(report.text, report.path)
    measure.equals("failed tests", counts.failed, 0)
    measure.at_least("passed tests", counts.passed, policy["min_passed"])


@pytest.mark.critical(owner="maintainers", fix="test what is not covered, or lower min_percent in promotion.yaml")
def test_coverage(artifact, freshness, measure, policy):
    """Enough of the code is covered by the tests."""
    report = artifact(policy["report"])
    freshness(report)
    assert isinstance(report["files"], dict), f"{report.path} lists no files"
    measure.at_least("files", len(report["files"]), 1)
    foreign = [path for path in report["files"] if "site-packages" in path or path.startswith(("..", "/"))]
    assert not foreign, f"the tests ran on an installed copy, not on what is here: {foreign[0]}; pip install -e ."
    totals = report["totals"]
    measure.at_least(
        "coverage", totals["percent_covered"], policy["min_percent"], min_samples=1, samples=totals["num_statements"]
    )


@pytest.mark.critical(owner="maintainers", fix="describe the changes below a heading with the version")
def test_changelog(artifact, freshness, measure, policy):
    """The changelog has an entry for the version that was built."""
    report = artifact("reports/release/wheel.json")
    freshness(report)
    version = report["version"]
    changelog = artifact(policy["file"], max_age="none", because="part of the tree that is released").text
    heading = re.search(rf"^#+[^\n]*(?<![\w.]){re.escape(version)}(?![\w.])[^\n]*$", changelog, flags=re.MULTILINE)
    assert heading, f"{policy['file']} has no heading with {version}"
    entry = re.split(r"^#{1,2} ", changelog[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    measure.at_least("words about the changes", len(entry.split()), 3)


@pytest.mark.critical(owner="maintainers", fix="python gates/build_wheel.py, and look at what it prints")
def test_wheel(artifact, command, freshness, measure, tmp_path, workspace):
    """The wheel installs without its source, and its packages can be imported."""
    report = artifact("reports/release/wheel.json")
    freshness(report)
    wheel = artifact(report["wheel"], max_age="none", because="bound by digest to its report")
    measure.equals("digest of the wheel", wheel.sha256, report["sha256"])
    measure.at_least("packages in the wheel", len(report["packages"]), 1)
    place = str(tmp_path / "site")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", place]
    measure.equals("exit code of pip", command([*install, str(workspace / wheel.path)], timeout=600).exit_code, 0)
    code = "import sys, importlib; sys.path.insert(0, sys.argv[1]); [importlib.import_module(n) for n in sys.argv[2:]]"
    done = command([sys.executable, "-I", "-c", code, place, *report["packages"]], timeout=600)
    measure.equals("exit code of the import", done.exit_code, 0)


@pytest.mark.critical(owner="maintainers", fix="remove the secret, and revoke it; it needs pytest-promotion[scan]")
def test_secrets(command, measure, policy):
    """No secret is in documents, configuration, reports or logs."""
    scan = [sys.executable, "-m", "pytest_promotion.cli", "secrets", "scan", policy["path"], "--json"]
    done = command(scan, timeout=policy["timeout_s"])
    assert done.exit_code in (0, 2), f"the scan did not run: {done.output.strip()[-200:]}"
    measure.equals("exit code of the scan", done.exit_code, 0)


@pytest.mark.critical(owner="maintainers", fix="pytest benchmarks --benchmark-json=reports/release/benchmark.json")
def test_benchmarks(artifact, freshness, measure, policy):
    """No benchmark is slower than in the last release, beyond what is tolerated."""
    now = artifact(policy["report"], timestamps="datetime")
    freshness(now)
    last = artifact(policy["last_release"], max_age="none", because="of the last release")
    before = {one["name"]: one["stats"]["median"] for one in last["benchmarks"]}
    after = {one["name"]: one["stats"]["median"] for one in now["benchmarks"]}
    measure.at_least("benchmarks of the last release", len(before), 1)
    missing = sorted(set(before) - set(after))
    assert not missing, f"{policy['report']} lacks {', '.join(missing)}"
    for name, median in before.items():
        measure.at_least(f"{name}, before, in seconds", median, 0)
        measure.at_most(f"{name}, seconds", after[name], median * policy["max_ratio"])
