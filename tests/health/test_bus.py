"""Redis, really asked: what answers, what refuses, what hangs, and what only pretends."""

from __future__ import annotations

import sys
import time

import pytest

from pytest_promotion.errors import PolicyError, Unproven
from pytest_promotion.suites.trading.health import state as state_module
from pytest_promotion.suites.trading.health.bus import TIMEOUT_S, NoAnswer, ping, redis_url
from pytest_promotion.suites.trading.health.services import BUILT_IN
from pytest_promotion.suites.trading.health.state import judge, once

from .conftest import NOW, free_port, running

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


@pytest.mark.parametrize(
    ("environ", "answer"),
    [
        ({}, "healthy"),
        ({"REDIS_DB": "3", "REDIS_PASSWORD": ""}, "healthy"),
        ({"REDIS_DB": "9999"}, "unhealthy"),
        ({"REDIS_HOST": "nowhere.invalid"}, "unhealthy"),
        ({"REDIS_HOST": ""}, "unknown"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "unhealthy"),
    ],
    ids=["host-and-port", "database", "no-such-database", "no-such-host", "no-host", "url-first"],
)
def test_a_redis_is_found_by_host_and_port(lane, redis_port, environ, answer):
    """A compose file that has no URL left the bus unasked, and the service unknown for ever."""
    found = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis_port)} | environ
    assert judge("risk-service", BUILT_IN["risk-service"], lane.path, found, NOW, once()).state == answer


@pytest.mark.parametrize(("password", "answer"), [("northsea", "healthy"), ("south", "unhealthy"), ("", "unhealthy")])
def test_a_redis_wants_its_password(lane, locked_port, password, answer):
    """A password that is dropped on the way makes a locked bus unhealthy, and one that is ignored makes any bus healthy."""
    found = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(locked_port), "REDIS_PASSWORD": password}
    health = judge("risk-service", BUILT_IN["risk-service"], lane.path, found, NOW, once())
    assert health.state == answer
    assert not password or password not in str(health.document())


@pytest.mark.parametrize("password", ["a/b@c:d#e?f", "100%20", "é ü", "[::1]"])
def test_a_password_may_have_any_characters(tmp_path, password):
    """Half of a password before its `@` signs in nowhere, and the other half is asked as a host."""
    with running(tmp_path, "--requirepass", password) as port:
        assert (
            ping(redis_url({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port), "REDIS_PASSWORD": password})) == "PONG"
        )


@pytest.mark.parametrize(
    "environ",
    [
        {"REDIS_HOST": "bus/0"},
        {"REDIS_HOST": "user:secret@bus"},
        {"REDIS_HOST": "bus", "REDIS_PORT": "0"},
        {"REDIS_HOST": "bus", "REDIS_PORT": "70000"},
        {"REDIS_HOST": "bus", "REDIS_PORT": "redis"},
        {"REDIS_HOST": "bus", "REDIS_DB": "-1"},
    ],
)
def test_what_names_no_redis_is_wrong_usage(environ):
    """A port in words is a mistake of the file that starts the service, and no verdict on it."""
    with pytest.raises(PolicyError, match="REDIS_") as refusal:
        redis_url(environ)
    assert "secret" not in str(refusal.value)


def test_an_address_of_version_six_is_an_address():
    """Without brackets, its last group was the port."""
    assert redis_url({"REDIS_HOST": "::1"}) == "redis://[::1]:6379/0"


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
