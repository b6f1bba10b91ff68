"""`promotion health` as a container runs it: exit codes, words, and what it may cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from fixtures.company_build import build

pytestmark = pytest.mark.slow

MAIN = "from pytest_promotion.cli import main; main()"


def health(root, *words, code=MAIN, **environ):
    """The command on a root, with nothing of this environment but what is given."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_SEC") and key != "REDIS_URL"}
    done = subprocess.run(
        [sys.executable, "-c", code, "health", *words],
        cwd=root,
        env=kept | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The healthy company, built now."""
    return build(tmp_path_factory.mktemp("health") / "company", datetime.now(UTC))


@pytest.fixture
def parity(lane):
    """A root where the parity service has just written."""
    lane.text("reports/parity/latest.json", json.dumps({"ts_utc": datetime.now(UTC).isoformat()}))
    return lane.path


def test_healthy_is_zero(parity):
    """The one code that keeps a container in service."""
    done = health(parity, "shadow-parity-service")
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "shadow-parity-service: healthy")


def test_unhealthy_is_two_and_says_why(parity):
    """Whoever is woken by it reads one line."""
    done = health(parity, "soak-monitor")
    assert (done.returncode, done.stdout) == (
        2,
        "soak-monitor: unhealthy, reports/soak/latest.json is missing\n",
    )


@pytest.mark.parametrize("root", ["nowhere", "reports/parity/latest.json"], ids=["absent", "a-file"])
def test_a_root_that_is_not_there_is_three(parity, root):
    """A volume that was not mounted says nothing about the service."""
    assert health(parity, "shadow-parity-service", "--root", root).returncode == 3


def test_a_bus_that_nobody_named_is_three(parity):
    """Neither yes nor no may come of a question that was not put."""
    assert health(parity, "signal-service").returncode == 3


def test_an_unknown_service_is_four_with_the_nearest_name(parity):
    """A misspelt name in a compose file would be unhealthy for ever, or healthy."""
    done = health(parity, "shadow-parity-servise")
    assert (done.returncode, "did you mean shadow-parity-service?" in done.stderr) == (4, True)


@pytest.mark.parametrize(
    "environ",
    [{"PARITY_HEALTH_MAX_SEC": "abc"}, {"PARITY_HEALTH_MAX_SEC": "nan"}, {"PARITY_HEALTH_MAX_SEC": "0"}],
    ids=str,
)
def test_a_variable_that_cannot_be_used_is_four(parity, environ):
    """A limit in words is a mistake of whoever started the service, and not a verdict on it."""
    done = health(parity, "shadow-parity-service", **environ)
    assert (done.returncode, "PARITY_HEALTH_MAX_SEC" in done.stderr) == (4, True)


def test_a_redis_url_that_is_none_is_four(parity):
    """The same for the bus."""
    assert health(parity, "risk-service", REDIS_URL="bus:6379").returncode == 4


@pytest.mark.parametrize(
    "text", [None, "", "version: 1\nservices: [a]\n", "version: 1\nservices: {a: {redis: true}, a: {redis: true}}\n"]
)
def test_a_file_of_services_that_cannot_be_used_is_four(parity, text):
    """Services that were declared and not read are services that nobody watches."""
    if text is not None:
        (parity / "own.yml").write_text(text)
    done = health(parity, "shadow-parity-service", "--services", "own.yml")
    assert (done.returncode, "own.yml" in done.stderr) == (4, True)


def test_the_whole_company_is_listed(company, redis_port):
    """A list with a gap shows everything in order."""
    own = ("--services", "compose/services.yml")
    done = health(company, *own, "--json", REDIS_URL=f"redis://127.0.0.1:{redis_port}/0")
    found = {one["service"]: one["state"] for one in json.loads(done.stdout)["services"]}
    assert (done.returncode, set(found.values()), len(found)) == (0, {"healthy"}, 16), done.stdout


def test_one_that_is_unhealthy_outweighs_those_that_are_unknown(company):
    """Exit code 3 reads as a problem of the check, and is passed over."""
    assert health(company).returncode == 3
    assert health(company, SOAK_MONITOR_HEALTH_MAX_SEC="0.001").returncode == 2


def test_the_json_has_age_and_limit(parity):
    """A dashboard draws how near the limit is, before it is passed."""
    found = json.loads(health(parity, "shadow-parity-service", "--json").stdout)
    [finding] = found["findings"]
    assert (found["state"], finding["ok"], finding["max_age_s"]) == ("healthy", True, 900)
    assert 0 <= finding["age_s"] < 60


@pytest.mark.parametrize("service", ["shadow-parity-service", "event-store-service"])
def test_a_file_is_judged_without_loading_what_only_others_need(parity, service):
    """The check runs every thirty seconds in every container: what it imports is paid all day."""
    code = f"import sys, atexit; atexit.register(lambda: print(*sys.modules)); {MAIN}"
    loaded = set(health(parity, service, code=code).stdout.split())
    assert not loaded & {"redis", "yaml", "pytest", "_pytest", "asyncio", "filelock", "rfc8785"}
