"""Work on a loop of its own ends as it would on this one."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kata.load.apart import apart


async def test_work_is_done_on_another_loop_and_its_result_handed_back():
    async def work() -> tuple[object, str]:
        return asyncio.get_running_loop(), threading.current_thread().name

    loop, thread = await apart(work)
    assert loop is not asyncio.get_running_loop()
    assert thread != threading.current_thread().name


async def test_what_it_raises_is_raised_here():
    async def work() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await apart(work)


async def test_whoever_is_cancelled_waits_until_the_work_has_cleaned_up():
    begun, cleaned = threading.Event(), threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    task = asyncio.create_task(apart(work))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()
