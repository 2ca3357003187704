"""A bar in the notebook for what takes longer than a moment, while the kernel's event loop turns on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from html import escape
from typing import Any, TypeVar

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

T = TypeVar("T")

AFTER = 1.0
"""Seconds after which something takes longer than a moment."""


async def awaited(work: Coroutine[Any, Any, T], what: str, most: float) -> T:
    """Await something, and show a bar when it takes longer than `AFTER`; the bar goes away at the end.

    It is shown as HTML and nothing else, and is empty when it has gone, so that it adds no words to a cell's output.

    Args:
        work: What to wait for; cancelled if this is.
        what: What goes on, in a few words.
        most: Seconds that it can take at most.
    """
    bar = asyncio.create_task(_bar(what, most))
    try:
        return await work
    finally:
        bar.cancel()
        await asyncio.wait({bar})


async def _bar(what: str, most: float) -> None:
    if getattr(get_ipython(), "kernel", None) is None:
        return
    await asyncio.sleep(AFTER)
    begun = time.monotonic() - AFTER
    handle: DisplayHandle = display(_html(what, AFTER, most), raw=True, display_id=True)
    try:
        while True:
            await asyncio.sleep(AFTER / 2)
            handle.update(_html(what, time.monotonic() - begun, most), raw=True)
    finally:
        handle.update({"text/html": ""}, raw=True)


def _html(what: str, seconds: float, most: float) -> dict[str, str]:
    said = f"{escape(what)}: {seconds:.0f} s, at most {most:.0f}"
    return {
        "text/html": f'<progress value="{seconds:.1f}" max="{most:g}" aria-label="{said}"></progress> '
        f'<span style="color: var(--jp-content-font-color1, inherit)">{said}</span>'
    }
