"""Asking whether what was deployed is well: real servers that answer badly."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.release.rollout.health import Probe, Unhealthy, ask, until_healthy
from tests.rollout.site import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nversion 2"


@pytest.fixture
def server():
    """Starts a server that sends these bytes to each who connects, piece by piece, and hangs up."""
    listening = []

    def start(*pieces, pause=0.0):
        sock = socket.create_server(("127.0.0.1", 0))
        listening.append(sock)

        def serve():
            while True:
                try:
                    peer, _ = sock.accept()
                except OSError:
                    return
                with peer:
                    try:
                        if pieces:
                            peer.recv(4096)
                        for piece in pieces:
                            peer.sendall(piece)
                            time.sleep(pause)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{sock.getsockname()[1]}/health"

    yield start
    for sock in listening:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((), "does not answer"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",), "does not answer"),
        ((b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",), "answers 500"),
        ((b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",), "answers 302"),
        ((b"SSH-2.0-OpenSSH_9.6\r\n",), "does not answer"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nversion 1",), "without 'version 2'"),
        ((b"\xff" * 70000,), "does not answer"),
    ],
    ids=["hangs-up", "half", "500", "redirect", "not-http", "old-version", "bytes"],
)
def test_a_bad_answer_is_unhealthy_and_no_crash(server, answer, why):
    """A reset connection ended the earlier system with a traceback: no rollback, no report."""
    with pytest.raises(Unhealthy, match=why):
        ask(Probe(server(*answer), "version 2"))


def test_nobody_there_is_unhealthy():
    """The usual case, in the second after a container started."""
    with pytest.raises(Unhealthy, match="refused"):
        ask(Probe(f"http://127.0.0.1:{free_port()}/"))


def test_an_answer_without_an_end_is_unhealthy(server):
    """A byte a second keeps every time limit on a socket from running out."""
    url = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n", *[b"."] * 1200, pause=0.1)
    started = time.monotonic()
    with pytest.raises(Unhealthy, match="does not end"):
        ask(Probe(url), answer_s=0.5)
    assert time.monotonic() - started < 60


def test_a_good_answer_is_well(server, monkeypatch):
    """Also where a proxy is set that would be asked instead."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    ask(Probe(server(OK), "version 2"))


@pytest.mark.parametrize(
    "url", ["", "localhost:8001", "ftp://a/b", "http://", "http://a:port/", "file:///etc/passwd", "http://[::1"]
)
def test_what_cannot_be_asked_is_refused_at_once(url):
    """Found out after the change, it is a rollback for a typo."""
    with pytest.raises(PolicyError):
        Probe(url)


class TestRetries:
    """How often is asked."""

    def test_well_is_well_twice(self):
        """A container between two crashes is well for a moment."""
        answers = iter([1, 2, 3, 3])
        until_healthy(lambda: next(answers), 5, 0.01)
        assert list(answers) == []

    def test_unwell_in_between_counts_from_the_start(self):
        """Two good moments of a service that flaps are no health."""
        answers = iter([1, None, 1, 1])

        def look():
            found = next(answers)
            if found is None:
                raise Unhealthy("not now")
            return found

        until_healthy(look, 5, 0.01)
        assert list(answers) == []

    def test_the_last_reason_is_told_when_time_is_over(self):
        """'Timeout' sends somebody looking at the network."""

        def look():
            raise Unhealthy("web is restarting")

        with pytest.raises(Unhealthy, match="restarting"):
            until_healthy(look, 0.2, 0.05)
