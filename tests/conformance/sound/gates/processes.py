import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

pytestmark = pytest.mark.critical
PROGRAM = [sys.executable, "-c", "print('ok')"]


def test_program_checked():
    done = subprocess.run(PROGRAM, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ok"
    assert not done.stderr


def test_program_code():
    done = subprocess.run(PROGRAM, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def output(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def test_program_of_helper():
    assert output(*PROGRAM).strip() == "ok"


def test_check_output():
    assert subprocess.check_output(PROGRAM, text=True).strip() == "ok"


def test_started_and_awaited():
    with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True) as process:
        shown, _ = process.communicate()
    assert process.returncode == 0
    assert shown.strip() == "ok"


def test_executor():
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(pow, 2, number) for number in range(3)]
    assert sorted(future.result() for future in as_completed(futures)) == [1, 2, 4]


def test_executor_map():
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]


def test_thread():
    found = []
    thread = threading.Thread(target=found.append, args=(1,))
    thread.start()
    thread.join()
    assert found == [1]


async def healthy():
    await asyncio.sleep(0)
    return True


def test_asyncio_run():
    assert asyncio.run(healthy())


def test_gathered():
    async def main():
        return await asyncio.gather(healthy(), healthy())

    assert asyncio.run(main()) == [True, True]


def test_forked():
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 3
