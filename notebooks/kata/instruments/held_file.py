"""A file that is slow to read: its reader waits for the bytes, as on a network mount that has stalled.

It is a named pipe, so nothing is patched: whoever reads it waits in the operating system's own `read`, by whatever
library. Windows has none.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kata.instruments.standins.gates import Hold
from kata.instruments.standins.heart import Heart

_POLL = 0.002  # seconds between two looks whether somebody reads


class HeldFile:
    """A file that hands out its bytes when it is told to, to one reader.

    Args:
        path: Where it is made; nothing may be there yet.
        data: Its bytes.

    Raises:
        FileExistsError: If something is there.
        NotImplementedError: On Windows.

    Attributes:
        held_out: Its reader's loop did not beat, and it delivered all the same.
    """

    answer = "read() of a slow file"

    def __init__(self, path: Path, data: bytes) -> None:
        self._path, self._data = path, data
        self._writer: int | None = None
        self.held_out = False
        if not hasattr(os, "mkfifo"):
            raise NotImplementedError("Windows has no named pipes in its folders: run this in WSL, or read along")
        os.mkfifo(path)

    def is_open(self) -> bool:
        """Whether somebody has opened it for reading."""
        if self._writer is None:
            with suppress(OSError):  # ENXIO: a pipe that nobody reads cannot be opened for writing
                self._writer = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        return self._writer is not None

    async def until_open(self, limit: float = 30.0) -> None:
        """Wait until somebody has opened it.

        Raises:
            TimeoutError: After `limit` seconds.
        """
        async with asyncio.timeout(limit):
            while not self.is_open():  # noqa: ASYNC110 - the reader is in another process, which sets no event
                await asyncio.sleep(_POLL)

    def deliver(self) -> None:
        """Hand out the bytes to whoever has opened it, who may have gone."""
        if self._writer is None:
            return
        os.set_blocking(self._writer, True)
        with suppress(BrokenPipeError), os.fdopen(self._writer, "wb") as writer:
            self._writer = None
            writer.write(self._data)


@contextmanager
def held_file(path: Path, data: bytes, pulse: Heart, *, beats: int = 2, limit: float = 1.0) -> Iterator[HeldFile]:
    """A file that delivers once the pulse has beaten `beats` times after it was opened.

    After `limit` seconds without, the pulse is asked whether the loop stands still. If so, or after ten limits, the
    bytes are delivered all the same, and the file is `held_out`.
    """
    file, ended = HeldFile(path, data), threading.Event()

    def serve() -> None:
        while not file.is_open():
            if ended.wait(_POLL):
                return
        asyncio.run(Hold(pulse, beats, limit).let_through(file))
        file.deliver()

    server = threading.Thread(target=serve, name="held file", daemon=True)
    server.start()
    try:
        yield file
    finally:
        ended.set()
        server.join()
        file.deliver()
