"""Alerts of the watcher: people hear of a change once, and of one that could not be delivered again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_promotion.errors import PolicyError
from pytest_promotion.suites.trading.cycle import Cycle
from pytest_promotion.suites.trading.decisions import Verified
from pytest_promotion.suites.trading.watch import Watch, watch
from pytest_promotion.suites.trading.watch_alerts import Alerts, channel_of

# Apprise imports a module of the standard library that is on its way out.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")]

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


class People:
    """A server that takes what is posted to it, or refuses it while `down`."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.down = False
        people = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if not people.down:
                    people.heard.append((self.path, text))
                self.send_response(503 if people.down else 200)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def people():
    """The server, until the test ends."""
    found = People()
    yield found
    found.server.shutdown()
    found.server.server_close()


def cycle(status, *failures):
    """A cycle that came to *status*."""
    return Cycle(NOW, 0, Verified(status, f"it said {status}", "run-7", critical_failures=failures), "")


def watched(reports: Path, statuses, *addresses, restart=False):
    """Cycles of these statuses, by one watcher or by one each; gives the complaints."""
    complaints: list[str] = []
    groups = [[status] for status in statuses] if restart else [list(statuses)]
    for group in groups:
        rest = iter(group)
        place = Watch(reports, alerts=Alerts(addresses))
        watch(place, lambda: cycle(next(rest), "parity"), 0, len(group), complain=complaints.append)  # noqa: B023
    return complaints


@pytest.mark.parametrize("restart", [False, True], ids=["one-watcher", "restarted"])
@pytest.mark.parametrize("scheme", ["http", "json"], ids=["webhook", "apprise"])
def test_each_change_is_told_once(people, tmp_path, scheme, restart):
    """A channel that hears every five minutes that all is still red is muted, and so is the next alert."""
    statuses = ["PASS", "FAIL", "FAIL", "FAIL", "PASS", "PASS", "UNKNOWN"]
    assert watched(tmp_path, statuses, f"{scheme}://{people.host}/hook", restart=restart) == []
    titles = ["PASS to FAIL", "FAIL to PASS", "PASS to UNKNOWN"]
    assert len(people.heard) == len(titles)
    for (path, text), title in zip(people.heard, titles, strict=True):
        assert (path, f"strict cycle: {title}" in text) == ("/hook", True)
    assert "critical: parity" in people.heard[0][1]


def test_a_first_status_is_told_unless_it_is_pass(people, tmp_path):
    """A watcher that starts on a red system and says nothing is taken for a green one."""
    for status in ("FAIL", "UNKNOWN", "PASS"):
        watched(tmp_path / status, [status, status], f"http://{people.host}/{status}")
    assert [path for path, _ in people.heard] == ["/FAIL", "/UNKNOWN"]


def test_a_channel_that_is_new_is_told_what_stands(people, tmp_path):
    """Whoever is added on the second day of an outage has to hear of it, too."""
    watched(tmp_path, ["FAIL"])
    watched(tmp_path, ["FAIL", "FAIL"], f"http://{people.host}/new")
    assert [path for path, _ in people.heard] == ["/new"]


def test_a_first_fail_that_was_not_delivered_is_tried_again(people, tmp_path):
    """The first alert is sent while the network is still coming up."""
    people.down = True
    assert len(watched(tmp_path, ["UNKNOWN", "UNKNOWN"], f"http://{people.host}/hook")) == 2
    people.down = False
    assert watched(tmp_path, ["UNKNOWN"], f"http://{people.host}/hook") == []
    assert len(people.heard) == 1


def test_what_was_not_delivered_is_tried_again(people, tmp_path):
    """An alert that was lost with the network that it was about is the one that was needed."""
    address = f"http://{people.host}/hook"
    people.down = True
    complaints = watched(tmp_path, ["PASS", "FAIL"], address)
    assert complaints == [f"the alert to {channel_of(address)} was not delivered: it answered 503"]
    people.down = False
    assert watched(tmp_path, ["FAIL", "FAIL"], address) == []
    assert len(people.heard) == 1
    assert "PASS to FAIL" in people.heard[0][1]


def test_one_channel_that_is_down_does_not_keep_the_other_waiting(people, tmp_path):
    """The first in the list is down for good, and nobody hears of anything."""
    gone = "http://127.0.0.1:9/hook"
    assert len(watched(tmp_path, ["FAIL", "FAIL"], gone, f"http://{people.host}/hook")) == 2
    assert len(people.heard) == 1


def test_the_state_holds_no_address(people, tmp_path):
    """The state is read by dashboards, and a webhook's path is its password."""
    address = f"http://{people.host}/services/T0/B0/s3cr3t-of-the-hook"
    watched(tmp_path, ["FAIL"], address)
    state = (tmp_path / "promotion_gates/strict_watch_state.json").read_text()
    assert json.loads(state)["alerted"] == {channel_of(address): "FAIL"}
    assert "s3cr3t" not in state


@pytest.mark.parametrize("told", [None, [], {"http:0000": "GREEN"}, {"http:0000": 5}], ids=str)
def test_a_state_of_another_kind_is_no_reason_to_stop(people, tmp_path, told):
    """A watcher that does not start watches nothing."""
    place = tmp_path / "promotion_gates"
    place.mkdir()
    (place / "strict_watch_state.json").write_text(json.dumps({"last_status": "PASS", "alerted": told}))
    watched(tmp_path, ["FAIL"], f"http://{people.host}/hook")
    assert len(people.heard) == 1


@pytest.mark.parametrize("address", ["nonsense", "nosuchscheme://x", "http://", ""])
def test_an_address_that_nothing_can_be_sent_to_is_wrong_usage(tmp_path, address):
    """It is found out when the first alert is lost."""
    with pytest.raises(PolicyError, match="alert address 1"):
        Alerts([address]).check()
    main = "from pytest_promotion.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "cycle", "watch", "--max-runs", "1", "--alert-to", address],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, list(tmp_path.iterdir())) == (4, [])


def test_the_command_tells_people(people, tmp_path):
    """All of it, as an operator starts it: a folder without gates is no PASS."""
    main = "from pytest_promotion.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "cycle", "watch", "--max-runs", "1", "--json", "--alert-to", f"http://{people.host}/h"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (2, 3), done.stderr
    assert json.loads(done.stdout)["from_status"] == "UNKNOWN"
    assert json.loads(done.stdout)["strict_gate_status"] != "PASS"
    assert len(people.heard) == 1
