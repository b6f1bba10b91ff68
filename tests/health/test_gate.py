"""The gate `service_health`: a compose file that watches nothing, or too late, is not promoted in silence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fixtures.company_build import build
from fixtures.files import read_json, write_json
from pytest_promotion.errors import GateFailed, PolicyError, Unproven
from pytest_promotion.policy import load
from pytest_promotion.suites.trading.health.compose import asks_of, healthcheck, seconds
from pytest_promotion.suites.trading.health.services import Setting
from tests.sessions import environment

from .conftest import NOW, free_port

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = "compose/docker-compose.yml"
RECON = "reconciliation-service"


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """The healthy company as of `NOW`."""
    return build(tmp_path_factory.mktemp("standing") / "company", NOW)


@pytest.fixture
def company(standing, tmp_path):
    """A copy of it, to be broken."""
    return shutil.copytree(standing, tmp_path / "company")


def gate(root, *words, **environ):
    """What the gate says of a company, asked alone."""
    reports = root.parent / "decisions"
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "gates/trading/test_service_health.py", "-q", "-p", "no:cacheprovider"),
            *("--promotion-set", "required=service_health"),
            *(f"--promotion-root={root}", f"--promotion-reports={reports}", f"--promotion-as-of={NOW.isoformat()}"),
            *words,
        ],
        cwd=REPOSITORY,
        env=environment("REDIS_URL") | environ,
        capture_output=True,
        check=False,
    )
    [path] = (reports / "promotion_gates").glob("replay_*.json")
    checks = json.loads(path.read_text())["checks"]
    return next(check for check in checks if check["name"] == "service_health")


def edited(root, change):
    """Changes the compose file of a company, parsed and written again."""
    path = root / COMPOSE
    document = yaml.safe_load(path.read_text())
    change(document["services"])
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def set_test(test, name=RECON):
    return lambda services: services[name]["healthcheck"].update(test=test)


def set_variable(line):
    """Puts a line in place of the one for the same variable."""

    def change(services):
        lines = services[RECON]["environment"]
        lines[:] = [line if old.partition("=")[0] == line.partition("=")[0] else old for old in lines]

    return change


def test_the_healthy_company_passes_and_says_what_was_not_asked(company):
    """A pass that leaves out a question without saying so is taken for an answer to it."""
    found = gate(company)
    assert found["outcome"] == "PASS", found["reason"]
    assert "was not asked, by policy" in found["reason"]
    assert "signal-service, risk-service, coordination-service" in found["reason"]
    assert {COMPOSE, "compose/services.yml", "reports/parity/latest.json"} <= set(found["evidence_paths"])
    assert len(found["freshness"]) == 14
    assert found["severity"] == "warning"


@pytest.mark.parametrize("profile", ["recorded", "recorded_strict"])
def test_a_replay_of_the_record_calls_the_gates_of_that_time(profile):
    """A gate that did not exist when a decision was taken would change what was decided."""
    policy = REPOSITORY / "gates" / "trading" / "promotion.yaml"
    now, then = (load(policy, name).rules.required for name in ("default", profile))
    assert then == [name for name in now if name != "service_health"]
    assert len(then) == 21


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda services: services[RECON].pop("healthcheck"), "has no healthcheck"),
        (lambda services: services["redis"].pop("healthcheck"), "redis has no healthcheck"),
        (lambda services: services[RECON].update(healthcheck={"disable": True}), "has no healthcheck"),
        (set_test(["NONE"]), "has no healthcheck"),
        (set_test(f"promotion health {RECON} || true"), "its healthcheck is"),
        (set_test("promotion health soak-monitor || exit 1"), "its healthcheck is"),
        (set_test("promotion health bot1 || exit 1", "bot4"), "its healthcheck is"),
        (lambda services: services.pop(RECON), f"does not start {RECON}"),
        (lambda services: services.pop("bot3"), "does not start bot3"),
        (set_variable("RECON_HEALTH_MAX_SEC=599"), "expected between 600"),
        (set_variable("RECON_HEALTH_MAX_SEC=86400"), "and 3600"),
        (set_variable("RECON_INTERVAL_SEC=${RECON_INTERVAL_SEC:-451}"), "expected between 902"),
        (set_variable("RECON_HEALTH_MAX_SEC=${RECON_HEALTH_MAX_SEC}"), "has no default"),
        (set_variable("RECON_HEALTH_MAX_SEC=${RECON_HEALTH_MAX_SEC:-soon}"), "is 'soon'"),
        (lambda services: services[RECON].pop("environment"), ""),
    ],
    ids=[
        *("gone", "of-redis", "disabled", "none", "always-true", "of-another", "of-another-bot", "not-started"),
        *("bot-not-started", "too-short", "too-long", "rarer-than-it-seems", "no-default", "no-number", "by-default"),
    ],
)
def test_a_service_that_is_badly_watched_is_found(company, change, said):
    """Each of these leaves a service unwatched, or watched in a way that never or always complains."""
    edited(company, change)
    found = gate(company)
    assert (found["outcome"] == "PASS") is (not said), found["reason"]
    assert said in found["reason"]


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("reports/parity/latest.json", "FAIL"),
        ("reports/event_store/source_compare_20260520T143011Z.json", "FAIL"),
    ],
    ids=["parity", "monitor"],
)
def test_a_service_that_fell_silent_is_found(company, path, outcome):
    """The healthchecks are for the containers; this is for whoever decides."""
    report = read_json(company / path)
    write_json(company / path, report | {"ts_utc": "2026-05-20T12:00:00+00:00"})
    found = gate(company)
    assert (found["outcome"], path in found["reason"]) == (outcome, True)


def test_a_page_from_the_future_is_found(company):
    """The gate must not be kinder than the command."""
    [page] = (company / "docs/ops").glob("daily_ops_report_*.md")
    page.write_text(page.read_text().replace("T14:30", "T15:30"))
    assert "in the future" in gate(company)["reason"]


def test_services_that_were_declared_and_are_gone_are_missed(company):
    """A file that disappears would otherwise take its services out of the watch with it."""
    (company / "compose/services.yml").unlink()
    found = gate(company)
    assert (found["outcome"], "compose/services.yml is missing" in found["reason"]) == ("INCONCLUSIVE", True)


def test_redis_is_asked_where_the_policy_says_so(company, redis_port):
    """Whether the bus answers is worth knowing before, not after."""
    wanted = ("--promotion-set", "service_health.thresholds.redis=ask")
    found = gate(company, *wanted, REDIS_URL=f"redis://127.0.0.1:{redis_port}/0")
    assert found["outcome"] == "PASS", found["reason"]
    assert any(one["name"] == "Redis PING" for one in found["measurements"])


@pytest.mark.parametrize(
    ("setting", "environ"),
    [("ask", {}), ("ask", {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}), ("perhaps", {})],
    ids=["no-url", "gone", "another-word"],
)
def test_a_redis_that_cannot_be_asked_is_no_pass(company, setting, environ):
    """Asked for and not answered is not the same as not asked for."""
    found = gate(company, "--promotion-set", f"service_health.thresholds.redis={setting}", **environ)
    assert found["outcome"] in ("FAIL", "INCONCLUSIVE"), found["reason"]


@pytest.mark.parametrize(
    ("test", "command"),
    [
        (["CMD", "promotion", "health", "a"], "promotion health a"),
        (["CMD-SHELL", "promotion health a || exit 1"], "promotion health a || exit 1"),
        (" promotion health a ", "promotion health a"),
    ],
    ids=["words", "shell", "text"],
)
def test_each_form_of_a_healthcheck_is_read(test, command):
    """A form that is not read is a service called unwatched, and a gate that is switched off."""
    assert healthcheck("a", {"healthcheck": {"test": test}}) == command
    assert asks_of("a", command)


@pytest.mark.parametrize(
    "check", [None, {}, {"test": None}, {"test": []}, {"test": ["CMD"]}, {"test": ""}, "yes", []], ids=str
)
def test_a_healthcheck_that_asks_nothing_is_none(check):
    """Compose accepts some of these, and runs nothing."""
    with pytest.raises(GateFailed, match="has no healthcheck"):
        healthcheck("a", {"healthcheck": check})


@pytest.mark.parametrize(
    "command",
    [
        "promotion health ab",
        "promotion health",
        "echo promotion health a",
        "promotion health a || true",
        "promotion health a; exit 0",
        "promotion health a --help",
        "promotion health a | tail",
        "promotion health a --root x; true",
        "promotion health a || exit 0",
    ],
)
def test_a_healthcheck_that_asks_something_else_is_told_apart(command):
    """Each of them is green whatever the service does, or looks at another one."""
    assert not asks_of("a", command)


def test_a_variable_is_read_as_compose_reads_it():
    """A default that is read wrongly is a limit that was never set."""
    setting = Setting("X", 7)
    for variables, found in (
        (None, 7),
        ({}, 7),
        ({"X": 5}, 5),
        (["Y=1", "X=${X:-6}"], 6),
        (["X=${ANY-60}"], 60),
        (["X=1${ANY:-5}"], 15),
    ):
        assert seconds("a", {"environment": variables}, setting) == found
    for variables in (["X=$X"], ["X=${X}"], ["X=${X:?say it}"], {"X": None}, ["X"], ["X=${X:-}"]):
        with pytest.raises((Unproven, PolicyError)):
            seconds("a", {"environment": variables}, setting)
