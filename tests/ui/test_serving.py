"""`promotion ui`, started as somebody starts it, and used with a real browser."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pytest_promotion.suites.research import store
from pytest_promotion.suites.research.ui.serving import Served

pytestmark = pytest.mark.slow

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
NOTE = '<img src="https://evil.test/a.png"> ![x](https://evil.test/b.png) [go](https://evil.test)'
WAIT_S = 120


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def start(served, tmp_path):
    """Starts `promotion ui`; the process and where its pages are."""
    started = []

    def begin(*words, **environment):
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_promotion.cli", "ui", "--headless", "--port", str(port), *words],
            cwd=tmp_path,
            env=os.environ | {"HOME": str(tmp_path)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            assert process.poll() is None, process.stdout.read()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
            except OSError:
                time.sleep(0.1)
            else:
                return process, f"http://127.0.0.1:{port}/"
        pytest.fail(f"it does not answer within {WAIT_S} s")

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def browser():
    """A real Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="not installed: playwright")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("not installed: chromium")
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=program, args=FLAGS)
        yield found
        found.close()


def test_the_main_path_in_a_browser(start, browser, served, conn, candidate, tmp_path):
    """What is drawn by a program is seen by nobody until a browser draws it."""
    from playwright.sync_api import TimeoutError, expect  # noqa: A004 - playwright's own

    expect.set_options(timeout=WAIT_S * 1000)
    identity, other = candidate(notes=NOTE), candidate()
    store.update_status(conn, other, "rejected", NOTE)
    _, where = start("--db", served.db, "--reports", str(served.reports))
    page = browser.new_page(viewport={"width": 1280, "height": 1600})

    def seen(words):
        """Waits until that is shown and the page is drawn to its end: what is drawn again closes an open list."""
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(where)
    seen("Choose a candidate first.")
    expect(page.get_by_role("link", name="Promotion")).to_be_visible()  # the sidebar names the page
    page.get_by_role("combobox", name="Status").click()
    page.get_by_role("option", name="exploratory").click()
    page.get_by_role("combobox", name="Candidate").click()
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("option", name=re.compile(identity)).click()
    button = page.get_by_role("button", name="Evaluate")
    button.dblclick()  # which is one evaluation
    seen("Candidate: every rule is met")
    button.click()
    seen("Could not be judged: still candidate")  # nobody has seen later data, nor approved it
    page.screenshot(path=tmp_path / "judged.png")
    page.get_by_text("Change the status by hand").click()
    for _ in range(WAIT_S):  # the form unfolds, and a list that is opened meanwhile closes
        page.get_by_role("combobox", name="New status").click()
        with contextlib.suppress(TimeoutError):
            page.get_by_role("option", name="rejected").click(timeout=1000)
            break
    page.get_by_role("textbox", name="Reason").fill("it was traded by nobody")
    page.get_by_role("button", name="Change the status").click()
    seen("Rejected: it was candidate")
    page.screenshot(path=tmp_path / "rejected.png")
    assert store.get_candidate(conn, identity)["status"] == "rejected"
    assert store.get_events(conn, identity)[-1]["payload"]["reason"] == "it was traded by nobody"
    assert page.locator("img[src*='evil.test'], a[href*='evil.test']").count() == 0
    # Fonts, scripts, everything: a page about unpublished research asks nobody else.
    assert {url.split("/")[2] for url in asked if not url.startswith(("data:", "blob:"))} == {where.split("/")[2]}
    assert (tmp_path / "judged.png").stat().st_size > 10_000


def test_a_password_is_in_no_process_list(start, served):
    """Everybody on the machine reads the arguments of every process."""
    secret = "postgresql://promotion:hunter2@127.0.0.1:1/none"
    process, _ = start("--reports", str(served.reports), CRYPTO_ANALYZER_DB_PATH=secret)
    proc = Path("/proc")
    if not proc.is_dir():
        pytest.skip("no /proc to read the process list from")
    lists = []
    for path in proc.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            lists.append(path.read_bytes())
    assert any(str(served.reports).encode() in words for words in lists)
    assert not any(b"hunter2" in words for words in lists)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=WAIT_S)[0]
    assert process.returncode == 0
    assert "hunter2" not in said


def test_only_this_machine_reaches_it(start):
    """Nobody signs in: whoever reaches the page decides."""
    process, where = start()
    port = int(where.rstrip("/").rpartition(":")[2])
    proc = Path(f"/proc/{process.pid}/net/tcp")
    if not proc.exists():
        pytest.skip("no /proc to read the open ports from")
    rows = [line.split() for path in (proc, proc.with_name("tcp6")) for line in path.read_text().splitlines()[1:]]
    listening = {
        row[1].partition(":")[0] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port
    }
    assert listening == {"0100007F"}  # 127.0.0.1, and neither 0.0.0.0 nor ::


def test_a_taken_port_is_said(tmp_path):
    """A second server that ends with 0 looks as if it had been stopped."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "pytest_promotion.cli", "ui", "--headless", "--port", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
        )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "is the port taken?" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_handed_over_arrives(tmp_path):
    """Pages on another store than was asked for show the wrong candidates as accepted."""
    for told in (Served(), Served("postgresql://u:p@h/d", tmp_path, tmp_path / "moved")):
        assert Served.of(told.environment) == told
    assert Served.of({}) == Served()
