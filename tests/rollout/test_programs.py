"""Programs that a deployment runs: what is left of one that does not end in time."""

from __future__ import annotations

import gc
import os
import sys
import warnings

import pytest

from pytest_promotion.suites.release.rollout.plan import Limits
from pytest_promotion.suites.release.rollout.programs import run

pytestmark = pytest.mark.slow


def test_a_program_that_is_killed_leaves_no_pipe_open(tmp_path):
    """One leaked pipe for each attempt, until the process has no file descriptors left for the rollback."""
    code = "import sys, time; print('out', flush=True); print('err', file=sys.stderr, flush=True); time.sleep(600)"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ended = run([sys.executable, "-c", code], tmp_path, os.environ, 5)
        gc.collect()
    assert [str(one.message) for one in caught if one.category is ResourceWarning] == []
    assert ended.exit_code is None
    assert "did not end in time" in ended.why


def test_what_a_killed_program_printed_is_kept(tmp_path):
    """Its last words are the only hint at what it waited for."""
    code = "import time; print('waiting for the registry', flush=True); time.sleep(600)"
    ended = run([sys.executable, "-c", code], tmp_path, os.environ, 10)
    assert ended.printed == "waiting for the registry\n"
    assert ended.why.endswith("did not end in time: waiting for the registry")


def test_reading_the_compose_files_is_not_limited_by_health(site):
    """`docker-compose config` of a busy machine took longer than health may, and the deployment was "not done"."""
    document = site.deploy(limits=Limits(health_s=0.001, interval_s=0.001, up_s=300), roll_back=False)
    [config] = [step for step in document["steps"] if step["step"] == "compose-config"]
    assert (config["status"], document["status"]) == ("done", "failed")


def test_a_rollback_waits_for_health_longer_than_the_deployment(site):
    """The version before is healthy, only slow to start: given up too early, its rollback is reported as failed."""
    assert site.deploy()["status"] == "deployed"
    limits = Limits(health_s=0.001, interval_s=0.2, up_s=300)
    document = site.write("2", "exit 1").deploy(limits=limits)
    assert document["status"] == "rolled back", document["reasons"]
