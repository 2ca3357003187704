"""Work on an event loop of its own, in a thread beside a loop that has other things to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def apart(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Await work on another loop than the running one. If this is cancelled, so is the work, and its end awaited.

    A notebook's loop draws and answers meanwhile, and on Windows it cannot start processes.
    """
    begun: asyncio.Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = asyncio.Future()
    here = asyncio.get_running_loop()

    async def watched() -> T:
        task = asyncio.current_task()
        here.call_soon_threadsafe(begun.set_result, (asyncio.get_running_loop(), task))
        return await work()

    thread = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(watched())))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        there, task = await begun
        there.call_soon_threadsafe(task.cancel)
        await asyncio.wait({thread})
        raise
