"""Redis, really asked: what answers, what refuses, what hangs, and what only pretends."""

from __future__ import annotations

import sys
import time

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.trading.health import state as state_module
from pytest_promotion.suites.trading.health.bus import TIMEOUT_S, NoAnswer, ping
from pytest_promotion.suites.trading.health.services import BUILT_IN
from pytest_promotion.suites.trading.health.state import judge, once

from .conftest import NOW, free_port

pytestmark = pytest.mark.slow

BUS = [name for name, service in BUILT_IN.items() if service.redis]


def state(lane, name, url):
    """The state of one service whose Redis is at *url*."""
    environ = {} if url is None else {"REDIS_URL": url}
    return judge(name, BUILT_IN[name], lane.path, environ, NOW, once()).state


def at(port, signed=""):
    return f"redis://{signed}127.0.0.1:{port}/0"


@pytest.mark.parametrize("name", BUS)
def test_a_redis_that_answers_is_healthy(lane, redis_port, name):
    """A check that refuses a living bus stops every service on it."""
    lane.text("reports/coordination/latest.json", f'{{"ts_utc": "{NOW.isoformat()}"}}')
    assert state(lane, name, at(redis_port)) == "healthy"


@pytest.mark.parametrize("name", BUS)
def test_a_redis_that_is_gone_is_unhealthy(lane, name):
    """A service without its bus does nothing, however busy its process is."""
    lane.text("reports/coordination/latest.json", f'{{"ts_utc": "{NOW.isoformat()}"}}')
    assert state(lane, name, at(free_port())) == "unhealthy"


@pytest.mark.parametrize("name", BUS)
@pytest.mark.parametrize("url", [None, ""], ids=["unset", "empty"])
def test_nobody_asked_is_neither_healthy_nor_unhealthy(lane, name, url):
    """A question that was never put has no answer, least of all yes."""
    lane.text("reports/coordination/latest.json", f'{{"ts_utc": "{NOW.isoformat()}"}}')
    assert state(lane, name, url) == "unknown"


def test_coordination_needs_its_file_and_its_bus(lane, redis_port):
    """A bus that answers says nothing of a service that stopped an hour ago."""
    assert state(lane, "coordination-service", at(redis_port)) == "unhealthy"
    assert state(lane, "coordination-service", None) == "unhealthy"


def test_a_redis_that_hangs_is_given_two_seconds(listener):
    """A check that waits for ever is killed without a word, or is not run again."""
    started = time.monotonic()
    with pytest.raises(NoAnswer, match="said nothing within 2 s"):
        ping(at(listener(b"")))
    assert TIMEOUT_S <= time.monotonic() - started < 60


def test_three_services_on_one_redis_wait_for_it_once(lane, listener, monkeypatch):
    """Thirteen checks that each wait their turn take longer than the interval between them."""
    ask, environ = once(), {"REDIS_URL": at(listener(b""))}
    pinged = []
    monkeypatch.setattr(state_module, "ping", lambda url: pinged.append(url) or ping(url))
    for name in BUS:
        assert judge(name, BUILT_IN[name], lane.path, environ, NOW, ask).state == "unhealthy"
    assert len(pinged) == 1 < len(BUS)


@pytest.mark.parametrize(
    "answer",
    [
        b"+OK\r\n",
        b"$4\r\nPING\r\n",
        b":1\r\n",
        b"*1\r\n$4\r\nPONG\r\n",
        b"$-1\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"-ERR unknown command\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\xff\xfe\r\n",
        b"+\xff\xfe\r\n",
        b"$99999999999999\r\n",
        b"$abc\r\n",
        b"*-7\r\n",
    ],
    ids=[
        *("ok", "echo", "number", "list", "nothing", "loading", "masterdown", "error", "http", "binary", "no-text"),
        *("endless", "no-length", "negative"),
    ],
)
def test_another_answer_than_pong_is_no_answer(listener, answer):
    """A web server on the port of Redis accepts connections all day long."""
    with pytest.raises(NoAnswer):
        ping(at(listener(answer)))


def test_a_password_is_asked_for_and_given(locked_port):
    """A bus behind a password is the usual one, and no PING without it says anything."""
    assert ping(at(locked_port, ":northsea@")) == "PONG"
    for signed in ("", ":southbank@", "harbour:northsea@"):
        with pytest.raises(NoAnswer, match="user or password") as refused:
            ping(at(locked_port, signed))
        assert "southbank" not in str(refused.value)
        assert "northsea" not in str(refused.value)


@pytest.mark.parametrize("url", ["abc", "http://127.0.0.1", "redis://:s3cret@127.0.0.1:port/0", "127.0.0.1:6379"])
def test_an_url_that_is_none_of_redis_is_refused_without_repeating_it(url):
    """What a tool prints of its configuration ends in a log, with the password in it."""
    with pytest.raises(PolicyError) as refused:
        ping(url)
    assert "s3cret" not in str(refused.value)


def test_a_host_that_nobody_knows_is_no_answer():
    """A container that was renamed is gone for those who ask for its old name."""
    with pytest.raises(NoAnswer):
        ping("redis://no-such-host.invalid:6379/0")


def test_without_the_client_nothing_was_asked(monkeypatch):
    """An extra that was not installed must not read as a bus that is down, nor as one that is up."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(Unproven, match=r"pytest-promotion\[health\]"):
        ping("redis://127.0.0.1:6379/0")
