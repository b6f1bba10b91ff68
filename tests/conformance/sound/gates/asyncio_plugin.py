import asyncio

import pytest

pytestmark = [pytest.mark.critical, pytest.mark.asyncio]


async def test_asyncio_awaited():
    await asyncio.sleep(0)
    assert 0.93 >= float("0.9")


async def test_asyncio_task():
    task = asyncio.create_task(asyncio.sleep(0, result=3))
    assert await task == 3
