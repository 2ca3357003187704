"""The chat page as people meet it: `chainlit run` of a package, in a process of its own, and somebody in front of it.

A visitor does what Chainlit's page does in a browser: it keeps a socket.io connection, posts what is uploaded, and
sends messages that refer to it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import socketio
from socketio.exceptions import DisconnectedError

from kata.instruments.held_file import HeldFile

_LIMIT = 120.0  # seconds that a server may take to start, or an answer to come, before somebody gives up
_POLL = 0.1

_SILENT = logging.getLogger(f"{__name__}.connection")
_SILENT.setLevel(logging.CRITICAL)  # a connection that breaks is told to whoever waits for an answer


def kept_in(folder: Path | str) -> dict[str, str]:
    """The environment variables with which the companion and Chainlit keep in a folder whatever they keep."""
    return {
        "CHAINLIT_APP_ROOT": str(folder),
        "IMAGE_FOLDER": str(Path(folder, "pictures")),
        "SHORT_TERM_MEMORY_DB_PATH": str(Path(folder, "memory.db")),
    }


@dataclass
class Exchange:
    """A message and its answer. Times are seconds of `time.perf_counter`; `answered` is None until it is."""

    words: str
    arrived: float
    answered: float | None = None
    status: int | None = None
    answer: str = ""


class Visitor:
    """Somebody in front of the page.

    Attributes:
        exchanges: What was said and answered so far.
    """

    def __init__(self, page: ChatPage) -> None:
        self.exchanges: list[Exchange] = []
        self._page = page
        self._session = str(uuid4())
        self._answers: asyncio.Queue[str | None] = asyncio.Queue()
        self._client = socketio.AsyncClient(reconnection=False, engineio_logger=_SILENT)
        self._client.on("new_message", self._shown)
        self._client.on("disconnect", self._closed)

    async def arrives(self) -> None:
        """Open the page.

        Raises:
            socketio.exceptions.ConnectionError: If it cannot be opened.
        """
        auth = {"clientType": "webapp", "sessionId": self._session}
        await self._client.connect(
            self._page.base_url,
            socketio_path="/ws/socket.io",
            auth=auth,
            transports=["websocket"],
            wait_timeout=_LIMIT,
        )
        await self._client.emit("connection_successful")

    async def leaves(self) -> None:
        """Close the page."""
        await self._client.disconnect()

    async def asks(self, words: str, *uploads: str) -> str:
        """Send a message, with what was uploaded before, and wait for its answer.

        Raises:
            socketio.exceptions.DisconnectedError: If the page is closed before it comes, by whichever side.
            TimeoutError: If none comes.
        """
        exchange = Exchange(words, time.perf_counter())
        self.exchanges.append(exchange)
        message = {"id": str(uuid4()), "type": "user_message", "name": "User", "output": words, "createdAt": None}
        references = [{"id": upload} for upload in uploads]
        await self._client.emit("client_message", {"message": message, "fileReferences": references})
        async with asyncio.timeout(_LIMIT):
            answer = await self._answers.get()
        if answer is None:
            raise DisconnectedError("the page was closed before the answer came")
        exchange.answer, exchange.answered = answer, time.perf_counter()
        return answer

    async def uploads(self, picture: bytes) -> str:
        """Upload a PNG picture; returns the id with which a message refers to it.

        Raises:
            httpx.HTTPError: If it is not taken.
        """
        # kata: allow client-per-request because a visitor uploads one picture
        async with httpx.AsyncClient(base_url=self._page.base_url, timeout=_LIMIT) as client:
            answer = await client.post(
                "/project/file",
                params={"session_id": self._session},
                files={"file": ("photo.png", picture, "image/png")},
            )
        return answer.raise_for_status().json()["id"]

    async def uploads_to_a_slow_disk(self, picture: bytes) -> tuple[str, HeldFile]:
        """Upload a PNG picture to a disk that has stalled: whoever reads it waits until the file delivers.

        Returns:
            The id with which a message refers to it, and the file.

        Raises:
            httpx.HTTPError: If it is not taken.
        """
        upload = await self.uploads(picture)
        (file,) = self._page.folder.glob(f".files/{self._session}/{upload}.*")
        file.unlink()
        return upload, HeldFile(file, picture)

    async def _shown(self, step: Mapping[str, Any]) -> None:
        if step["type"] == "assistant_message":
            self._answers.put_nowait(step["output"])

    async def _closed(self, _: str) -> None:
        self._answers.put_nowait(None)


class ChatPage:
    """A package's chat page, served.

    Attributes:
        base_url: Where a browser finds it.
        folder: Where Chainlit and the companion keep their files.
    """

    def __init__(self, base_url: str, folder: Path) -> None:
        self.base_url, self.folder = base_url, folder

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[Visitor]:
        """Somebody who opens the page, and closes it in the end."""
        visitor = Visitor(self)
        await visitor.arrives()
        try:
            yield visitor
        finally:
            await visitor.leaves()


@asynccontextmanager
async def chat_pages(packages: Mapping[str, Path], settings: Mapping[str, str]) -> AsyncIterator[dict[str, ChatPage]]:
    """Serve packages' chat pages on loopback, all started at once, until the end.

    Args:
        packages: The packages' folders, by the names under which the pages are given.
        settings: The environment variables with which they reach the providers.

    Raises:
        RuntimeError: If one does not start; the message says what it printed.
    """
    async with AsyncExitStack() as stack:
        servers = {name: stack.enter_context(_Server(folder, settings)) for name, folder in packages.items()}
        yield {name: ChatPage(await server.until_it_listens(), server.folder) for name, server in servers.items()}


def port_of(pid: int) -> int | None:
    """The free port that a process has chosen to listen on, or None as long as it does not."""
    with suppress(psutil.Error):
        for connection in psutil.Process(pid).net_connections("tcp4"):
            if connection.status == psutil.CONN_LISTEN:
                return connection.laddr.port
    return None


class _Server:
    """`chainlit run`, as a process."""

    def __init__(self, package: Path, settings: Mapping[str, str]) -> None:
        self._package, self._settings = package, settings

    def __enter__(self) -> _Server:
        self._scratch = tempfile.TemporaryDirectory(prefix="kata-chat-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        self._log = (self.folder / "server.log").open("wb")
        page = self._package / "interfaces" / "chainlit" / "run.py"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chainlit", "run", str(page), "--headless", "--host", "127.0.0.1", "--port", "0"],
            cwd=self.folder,  # so that it does not read the .env of whoever takes the course
            env={**os.environ, **kept_in(self.folder), **self._settings},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()  # it may stand still, and it keeps nothing that anybody needs
        self._process.wait()
        self._log.close()
        self._scratch.cleanup()

    async def until_it_listens(self) -> str:
        """Wait until the page can be opened; returns its address.

        Raises:
            RuntimeError: If the process ends, or takes too long.
        """
        deadline = time.monotonic() + _LIMIT
        while self._process.poll() is None and time.monotonic() < deadline:
            if port := port_of(self._process.pid):
                return f"http://127.0.0.1:{port}"
            await asyncio.sleep(_POLL)
        said = (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"the chat page of {self._package.name} did not start:\n{said}")
