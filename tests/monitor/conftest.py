"""A real Prometheus that scrapes real services, one for each thing that can be wrong; and people who are told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Request, Response

from fixtures.northlight import REQUEST, Northlight, serving
from pytest_promotion.errors import Unproven
from pytest_promotion.http_client import Peer
from pytest_promotion.suites.deployment.determinism.e2e import exchange, request_of
from pytest_promotion.suites.deployment.monitor.prometheus import Prometheus
from tests.rollout.site import free_port

JOBS = ("whole", "mismatching", "redis-down", "idle", "restarted", "down", "no-metrics")
MAX_AGE_S = 4  # of a sample: eight scrapes, so that a busy machine is not taken for a service that is down
_START_S = 120.0


def requests(url: str, count: int = 30) -> None:
    """Some traffic."""
    for _ in range(count):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/healthz", timeout=60).close()


def replay(url: str) -> None:
    """One run and its replay, which differ where the service has that fault."""
    exchange(Peer(url), request_of(json.dumps(REQUEST).encode(), "request"), 5, 0.02)


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URL, once it has seen each service whole, then broken."""
    if shutil.which("prometheus") is None:
        pytest.skip("not installed: prometheus")
    place = tmp_path_factory.mktemp("prometheus")
    broken = {"mismatching": ["replay-differs"], "redis-down": ["redis-down"], "restarted": ["replay-differs"]}
    with ExitStack() as stack:
        ports = {job: free_port() for job in JOBS}
        going = {job: stack.enter_context(ExitStack()) for job in JOBS}
        services = {job: Northlight(broken.get(job, ())) for job in JOBS}
        urls = {job: going[job].enter_context(serving(services[job], ports[job])) for job in JOBS}
        url = stack.enter_context(_server(place, ports))
        _until_scraped(url, 2)
        requests(urls["whole"])
        for job in ("mismatching", "restarted", "restarted"):
            replay(urls[job])
        services["no-metrics"].faults.add("no-metrics")
        _until_scraped(url, 2)
        for job in ("down", "restarted"):
            going[job].close()
        stale = time.monotonic() + MAX_AGE_S + 1
        going["restarted"].enter_context(serving(Northlight(["replay-differs"]), ports["restarted"]))
        replay(urls["restarted"])
        _until_scraped(url, 3)
        time.sleep(max(0.0, stale - time.monotonic()))
        yield url


class _server(ExitStack):  # noqa: N801 - a context manager
    """Prometheus in *place*, scraping each port as a job of its name each half second."""

    def __init__(self, place: Path, ports: dict[str, int]) -> None:
        super().__init__()
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in ports.items()
        ]
        config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "400ms"}, "scrape_configs": jobs}
        (place / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        self.port = free_port()
        words = ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data"]
        words.append(f"--web.listen-address=127.0.0.1:{self.port}")
        log = self.enter_context((place / "log").open("wb"))
        self.process = subprocess.Popen(words, stdout=log, stderr=log)
        self.callback(self._end)

    def __enter__(self) -> str:
        super().__enter__()
        url, until = f"http://127.0.0.1:{self.port}", time.monotonic() + _START_S
        try:
            while not _ready(url):
                assert self.process.poll() is None, "Prometheus does not start"
                assert time.monotonic() < until, "Prometheus does not get ready"
                time.sleep(0.05)
        except BaseException:
            self.close()  # __exit__ is not called where __enter__ raised: process and log would be left
            raise
        return url

    def _end(self) -> None:
        self.process.terminate()
        self.process.wait(120)


def _ready(url: str) -> bool:
    try:
        return Peer(url).ask("GET", "/-/ready").good
    except Unproven:
        return False


def _until_scraped(url: str, times: int) -> None:
    """Waits until every job was scraped so often from now on, well or not."""
    start, until = time.time(), time.monotonic() + _START_S
    while time.monotonic() < until:
        found = Prometheus(Peer(url), time.time()).samples("up", 60)
        counts = [sum(1 for at, _ in one.samples if at > start) for one in found]
        if len(counts) == len(JOBS) and min(counts) >= times:
            return
        time.sleep(0.1)
    raise AssertionError("Prometheus does not scrape")


class People:
    """Slack and GitHub on loopback: what they were told, and how they answer."""

    def __init__(self, server: Any) -> None:
        self.url = server.url_for("").rstrip("/")
        self.chat: dict[str, list[str]] = {}
        self.issues: list[dict[str, Any]] = []
        self.comments: list[tuple[int, str]] = []
        self.tokens: set[str | None] = set()
        self.broken: set[str] = set()
        server.expect_request(re.compile("/slack/.*")).respond_with_handler(self._slack)
        server.expect_request(re.compile("/repos/.*")).respond_with_handler(self._github)

    @property
    def environment(self) -> dict[str, str]:
        """What leads the monitor to them."""
        chats = {
            f"PROMOTION_SLACK_{name.upper()}": f"{self.url}/slack/{name}" for name in ("oncall", "platform", "sre")
        }
        return {**chats, "GITHUB_TOKEN": "token-of-github"}

    def _slack(self, request: Request) -> Response:
        if "slack" in self.broken:
            return Response("no_service", 503)
        self.chat.setdefault(request.path.rpartition("/")[2], []).append(request.get_json()["text"])
        return Response("ok")

    def _github(self, request: Request) -> Response:
        self.tokens.add(request.headers.get("Authorization"))
        if "github" in self.broken:
            return _json({"message": "Bad credentials"}, 401)
        place = request.path.removeprefix("/repos/octo/shop")
        if place == "/issues" and request.method == "GET":
            wanted = request.args.get("labels", "")
            found = [one for one in self.issues if one["state"] == request.args.get("state")]
            return _json([one for one in found if wanted in [label["name"] for label in one["labels"]]])
        if place == "/issues":
            said = request.get_json()
            number = len(self.issues) + 1
            labels = [{"name": name, "url": f"{self.url}/labels/x"} for name in said["labels"]]
            place = f"{self.url}/repos/octo/shop/issues/{number}"
            self.issues.append({**said, "number": number, "labels": labels, "state": "open", "url": place})
            return _json(self.issues[-1], 201)
        if match := re.fullmatch(r"/issues/(\d+)", place):
            return _json(self.issues[int(match[1]) - 1])
        if match := re.fullmatch(r"/issues/(\d+)/comments", place):
            self.comments.append((int(match[1]), request.get_json()["body"]))
            return _json({"id": 1, "body": "x"}, 201)
        return _json({"message": "Not Found"}, 404)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@pytest.fixture
def people(httpserver: Any, monkeypatch: pytest.MonkeyPatch) -> People:
    """Those who are told, and the variables that lead to them."""
    found = People(httpserver)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found
