"""Single keys from the terminal, without Enter, while the event loop turns."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator

END = ""
"""What comes when the terminal has gone."""


async def keys() -> AsyncIterator[str]:
    """Keys as they are pressed; ends when the terminal has gone. The terminal is as before afterwards."""
    loop, pressed = asyncio.get_running_loop(), asyncio.Queue[str]()
    with _reading(loop, pressed):
        while (key := await pressed.get()) != END:
            yield key


@contextlib.contextmanager
def _reading(loop: asyncio.AbstractEventLoop, pressed: asyncio.Queue[str]) -> Iterator[None]:
    if sys.platform == "win32":
        import msvcrt

        def read() -> None:
            while True:
                loop.call_soon_threadsafe(pressed.put_nowait, msvcrt.getwch())

        threading.Thread(target=read, daemon=True).start()
        yield
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def take() -> None:
        try:
            typed = os.read(terminal, 64)
        except OSError:
            typed = b""
        for key in typed.decode(errors="ignore") or [END]:
            pressed.put_nowait(key)

    try:
        tty.setcbreak(terminal, termios.TCSANOW)  # keys pressed already are not thrown away
        loop.add_reader(terminal, take)
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
