"""What counts as a healthcheck of a service: what it does is read from the command, and never run."""

from __future__ import annotations

import pytest

from pytest_promotion.suites.trading.health.healthcheck import looks_at
from pytest_promotion.suites.trading.health.services import known

PATH = "/srv/reports/reconciliation/latest.json"
AGE = f"import os,time,sys; from pathlib import Path; p=Path('{PATH}'); sys.exit(0 if p.exists() and (time.time()-p.stat().st_mtime)<=float(os.getenv('RECON_HEALTH_MAX_SEC','900')) else 1)"
PING = "import redis,sys; c=redis.Redis(host='redis',socket_timeout=2); sys.exit(0 if c.ping() else 1)"


def looks(service, test):
    return looks_at(service, {"healthcheck": {"test": test}}, known()[service])


@pytest.mark.parametrize(
    ("service", "test"),
    [
        ("reconciliation-service", ["CMD", "python", "-c", AGE]),
        ("reconciliation-service", ["CMD-SHELL", f'python3 -c "{AGE}"']),
        ("reconciliation-service", f'/usr/bin/python3.11 -c "{AGE}" || exit 1'),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("<=", "<")]),
        ("reconciliation-service", f"find {PATH} -mmin -15 | grep -q ."),
        ("reconciliation-service", ["CMD", "promotion", "health", "reconciliation-service"]),
        ("signal-service", ["CMD-SHELL", f'python -c "{PING}"']),
        ("signal-service", ["CMD", "redis-cli", "-h", "redis", "ping"]),
        ("signal-service", "redis-cli -h redis ping | grep PONG || exit 1"),
        ("coordination-service", ["CMD", "python", "-c", PING]),
    ],
)
def test_what_looks_at_the_output_or_the_bus_is_a_healthcheck(service, test):
    """Thirty services of a running system would be red for good if only our own command counted."""
    assert looks(service, test)


@pytest.mark.parametrize(
    ("service", "test"),
    [
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("<=", ">=")]),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("else 1", "else 0")]),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("0 if", "1 if").replace("else 1", "else 0")]),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("exists() and", "exists() or")]),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("p.stat().st_mtime", "time.time()")]),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("p.stat().st_mtime", "0")]),
        (
            "reconciliation-service",
            ["CMD", "python", "-c", AGE.replace("float(os.getenv", "time.time()+float(os.getenv")],
        ),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("reconciliation/", "parity/")]),
        ("reconciliation-service", ["CMD", "python", "-c", AGE.replace("sys.exit(0 if", "sys.exit(0); sys.exit(0 if")]),
        ("reconciliation-service", ["CMD", "python", "-c", f"try:\n {AGE}\nexcept Exception: pass"]),
        ("reconciliation-service", ["CMD", "python", "-c", "import sys; sys.exit(0)"]),
        ("reconciliation-service", ["CMD", "python", "-c", "pass"]),
        ("reconciliation-service", ["CMD", "python", "-c", "not python ("]),
        ("reconciliation-service", f'python -c "{AGE}" || true'),
        ("reconciliation-service", f'python -c "{AGE}"; exit 0'),
        ("reconciliation-service", f'echo python -c "{AGE}"'),
        ("reconciliation-service", ["CMD-SHELL", "test -f " + PATH]),
        ("reconciliation-service", f"find {PATH} -mmin +15 | grep -q ."),
        ("reconciliation-service", f"find {PATH} -mmin -15"),
        ("reconciliation-service", "find /srv/reports/parity/latest.json -mmin -15 | grep -q ."),
        ("reconciliation-service", ["CMD", "python", "-c", PING]),
        ("reconciliation-service", ["CMD", "redis-cli", "ping"]),
        ("signal-service", ["CMD", "python", "-c", PING.replace("c.ping()", "c")]),
        ("signal-service", ["CMD", "python", "-c", PING.replace("else 1", "else 0")]),
        ("signal-service", ["CMD", "python", "-c", PING.replace("c.ping() else", "c.ping() or True else")]),
        ("signal-service", "redis-cli ping || true"),
        ("signal-service", ["CMD", "python", "-c", AGE]),
    ],
)
def test_what_is_green_whatever_the_service_does_is_none(service, test):
    """A healthcheck that cannot fail, or that looks at another service, is worse than none: it is believed."""
    assert not looks(service, test)
