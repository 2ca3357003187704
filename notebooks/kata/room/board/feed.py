"""Who looks at the page hears of every change, and of the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

BEAT = 10.0
"""Seconds after which the page is told the same again: by this it knows that the board is there."""

CALM = 0.2
"""Seconds between two changes that are told: thirty at once are one."""

RETRY = 1500
"""Milliseconds after which a page that has lost the board looks for it again."""


class Feed:
    """Tells what is current to everybody who follows, whenever it has changed. Belongs to one event loop.

    Args:
        current: What to tell, as one line of text.
    """

    def __init__(self, current: Callable[[], Awaitable[str]]) -> None:
        self._current = current
        self._changed = asyncio.Event()
        self.is_over = False
        self.followers = 0

    def change(self) -> None:
        """Something is new."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def end(self) -> None:
        """Nobody is told anything any more, and whoever follows is let go."""
        self.is_over = True
        self.change()

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events: what is current, as a `change` at first and after each one, and as a `beat` between."""
        self.followers += 1
        try:
            yield f"retry: {RETRY}\n\n"
            kind = "change"
            while not self.is_over:
                changed = self._changed
                yield f"event: {kind}\ndata: {await self._current()}\n\n"
                kind = "change" if await _first(changed, BEAT) else "beat"
                if not self.is_over:
                    await asyncio.sleep(CALM)
        finally:
            self.followers -= 1


async def _first(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event comes first, and not the end of the seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
