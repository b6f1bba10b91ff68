"""What is released was tested, linted and built, here and now, from these files."""

import os

import pytest

from pytest_promotion import GateFailed, Unproven
from pytest_promotion.readers import junit
from pytest_promotion.readers.compose import engine
from pytest_promotion.suites.release import javascript
from pytest_promotion.suites.release.configuration import compose_files, keep, resolved
from pytest_promotion.suites.release.tools import INSTALL


@pytest.mark.critical(owner="backend", fix="promotion tests run --config CONFIG, and mend what fails")
def test_backend_tests(artifact, freshness, measure, policy, reason):
    """The backend's own suites ran just now, and passed with the coverage they owe."""
    report = artifact(policy["report"])
    freshness(report)
    measure.equals("status", report["status"], "pass")
    measure.equals("finished", report["finished"], True)
    groups = report["groups"]
    assert groups, "no group of tests ran"
    for name in groups:
        measure.at_least(f"{name} passed", groups[name]["passed"], 1)
        measure.equals(f"{name} failed", groups[name]["failed"], 0)
    measure.at_least("coverage_percent", report["coverage_percent"], policy["least_coverage_percent"])
    reason(f"{', '.join(groups)} ran and passed, {report['coverage_percent']:.1f} % covered")


@pytest.fixture
def script_of(artifact, measure, policy, tool, workspace):
    """`script_of(name)`: runs a script of the frontend's package.json, which must succeed."""

    def run(script, arguments=(), environment=None):
        folder, manager = policy["folder"], javascript.manager_called(policy["package_manager"])
        scripts = artifact(f"{folder}/package.json")["scripts"]
        measure.text(f"the script {script}", scripts[script])
        variables = {**os.environ, "CI": "1", "NO_COLOR": "1", **(environment or {})}
        done = tool(manager.run(folder, script, arguments), policy["timeout_s"], variables)
        if done.exit_code != 0:  # no assertion: pytest would lay out what was printed, and reports keep that
            there = any((place / "node_modules").is_dir() for place in _up_to(workspace, folder))
            install = " ".join(manager.installing[:2])
            lacking = "" if there else f"; run `{install}` in {folder} first"
            raise GateFailed(f"{manager.name} run {script} ended with exit code {done.exit_code}{lacking}")

    return run


def _up_to(workspace, folder):
    """The folder and those above it, the workspace included: a lock file of a workspace is above its packages."""
    place = workspace / folder
    return [place, *(above for above in place.parents if above.is_relative_to(workspace))]


@pytest.mark.critical(owner="frontend", fix="npm ci && npm run lint", timeout=1900)
def test_frontend_lint(policy, reason, script_of):
    """The frontend is free of what the linter finds."""
    script_of(policy["script"])
    reason("the linter finds nothing")


@pytest.mark.critical(owner="frontend", fix="npm ci && npm run test:unit", timeout=1900)
def test_frontend_unit(artifact, measure, policy, reason, script_of, state, workspace):
    """The frontend's unit tests ran just now, there are some, and none failed."""
    path = policy["results"]
    before = state(path)
    (workspace / path).parent.mkdir(parents=True, exist_ok=True)  # not every runner makes it
    script_of(policy["script"], *javascript.reporting(policy["reporter"], workspace / path))
    assert state(path) not in (None, before), f"the script {policy['script']} did not write {path}"
    counts = junit.read(artifact(path).text, path)
    measure.equals("failed", counts.failed, 0)
    measure.at_least("passed", counts.passed, policy["min_passed"])
    reason(f"{counts.passed} passed, {counts.skipped} skipped")


@pytest.mark.critical(owner="frontend", fix="npm ci && npm run build", timeout=1900)
def test_frontend_build(artifact, measure, policy, reason, script_of, state):
    """The frontend builds, and the build wrote what is shipped."""
    paths = policy["writes"]
    assert paths, "the policy names no file that a build writes"
    before = {path: state(path) for path in paths}
    script_of(policy["script"])
    for path in paths:
        assert state(path) not in (None, before[path]), f"the script {policy['script']} did not write {path}"
        measure.at_least(f"bytes of {path}", artifact(path).size_bytes, 1)
    reason(f"the build wrote {', '.join(paths)}")


@pytest.fixture
def compose(artifact, policy, tool, workspace):
    """`compose(word)`: asks Compose about the compose file; gives its services and what it printed."""

    def run(*words):
        files = compose_files(policy["compose"])
        services = {}
        for file in files:
            found = artifact(file)["services"]
            assert found, f"{file} has no services"
            services |= found
        try:
            there = engine.find(workspace)
        except Unproven as lacking:
            raise GateFailed(f"{lacking}; {INSTALL['docker compose']}") from None
        values = policy["env_file"]
        given = ["--env-file", values] if values and (workspace / values).is_file() else []
        options = [word for file in files for word in ("-f", file)]
        done = tool([*there.words, *given, *options, *words], policy["timeout_s"])
        if done.exit_code != 0:
            raise GateFailed(f"compose {' '.join(words)} ended with exit code {done.exit_code}")
        return services, done.output

    return run


@pytest.mark.critical(owner="ops", fix="docker compose config, and fix what it names")
def test_compose_config(artifact, compose, measure, policy, reason, workspace):
    """Compose accepts the files that will be deployed, and every variable in them has a value."""
    services, _ = compose("config", "-q")
    files = compose_files(policy["compose"])
    found = resolved(workspace, files, policy["env_file"], policy["project"], policy["timeout_s"])
    assert not found.unset, f"Compose takes nothing for {', '.join(found.unset)}, which have no value"
    keep(found, workspace / policy["resolved"])
    recorded = artifact(policy["resolved"])
    assert recorded.data == found.evidence(), f"{policy['resolved']} was replaced while it was read"
    measure.equals("compose_configuration_sha256", recorded["compose_configuration_sha256"], found.sha256)
    reason(f"Compose accepts {len(services)} services, {len(found.evidence()['keys'])} keys of them recorded")


@pytest.mark.critical(owner="ops", fix="docker compose build, and mend what it names", timeout=3700)
def test_image_build(compose, reason):
    """Every image that is built here can be built."""
    services, _ = compose("build")
    built = sorted(name for name in services if "build" in services[name])
    assert built, "no service is built from a folder: nothing was built"
    reason(f"built {', '.join(built)}")
