import anyio
import pytest

pytestmark = [pytest.mark.critical, pytest.mark.anyio]


async def score():
    await anyio.sleep(0)
    return 0.93


async def test_anyio_awaited():
    assert await score() >= 0.9


async def test_anyio_group():
    found = []

    async def look():
        found.append(await score())

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        group.start_soon(look)
    assert found == [0.93, 0.93]
