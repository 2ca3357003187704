"""An ASGI application served on loopback by uvicorn's HTTP protocol, in a thread of its own.

uvicorn's `Server` is left out on purpose: it ticks every 100 ms, so that stopping takes up to 300 ms, and it captures
signals. Its protocol needs nothing but a loop and a socket.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from typing import Any

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_HOST = "127.0.0.1"
_BACKLOG = 2048
_NEVER = 24 * 3600  # seconds: an idle connection is the client's to close, or connections could not be counted
_ACCEPTING = 3  # turns of asyncio's loop from accepting a connection until its protocol knows it
_GRACE = 1.0  # seconds for interrupted calls to be noted at the end

_silent = logging.getLogger("kata.instruments.standins.uvicorn")
_silent.setLevel(logging.CRITICAL + 1)  # what a client does wrong shows in the journal, not on the learner's screen


class Loopback:
    """A server on a port of its own on 127.0.0.1.

    The application finds the `connection`, by its number, and its `transport` in `scope["state"]`.
    """

    def __init__(self, app: ASGI3Application, *, name: str, tls: ssl.SSLContext | None = None) -> None:
        self._app = app
        self._name = name
        self._tls = tls
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._port: int | None = None
        self._state = ServerState()
        self.accepted = 0

    @property
    def open(self) -> int:
        """How many connections are open right now."""
        return len(self._state.connections)

    def hang_up(self) -> None:
        """Close every connection, those with a call in progress when it is answered."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._shut_down_connections)

    def _shut_down_connections(self) -> None:
        for connection in tuple(self._state.connections):
            connection.shutdown()

    @property
    def port(self) -> int | None:
        """The port that is listened on, None when stopped."""
        return self._port if self._thread else None

    def start(self, limit: float = 10.0) -> None:
        """Listen. Raises RuntimeError if the address cannot be had or the thread is not up within `limit` seconds."""
        if self._thread:
            raise RuntimeError(f"{self._name} is already running on port {self._port}: stop it first.")
        try:
            listener = self._listen()
        except OSError as error:
            raise RuntimeError(f"{self._name} cannot listen on {_HOST}: {error}. Is loopback allowed here?") from error
        self.accepted = 0
        self._failure = None
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(listener, ready), name=self._name, daemon=True)
        thread.start()
        if not ready.wait(limit) or self._failure:
            listener.close()
            reason = self._failure or f"its thread was not up within {limit:g} s"
            raise RuntimeError(f"{self._name} did not start: {reason}.") from self._failure
        self._thread = thread

    def stop(self, limit: float = 10.0) -> None:
        """Close the port and every connection, and join the thread; nothing happens when stopped already."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        self._thread = None
        loop.call_soon_threadsafe(stopping.set)
        thread.join(limit)
        if thread.is_alive():
            raise RuntimeError(f"{self._name} did not stop within {limit:g} s: something blocks its thread.")

    def _listen(self) -> socket.socket:
        """A socket on a port that is not the last one, so that a client of the last one is refused."""
        listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        if listener.getsockname()[1] == self._port:
            with listener:
                listener = socket.create_server((_HOST, 0), backlog=_BACKLOG)
        self._port = listener.getsockname()[1]
        return listener

    def _run(self, listener: socket.socket, ready: threading.Event) -> None:
        try:
            # The plain loop, whatever policy the process has: uvloop would be the patient's, not the instrument's.
            with asyncio.Runner(debug=False, loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(listener, ready))
        except BaseException as failure:
            self._failure = failure
            if ready.is_set():  # before, it is `start` that raises
                raise
        finally:
            ready.set()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        config = Config(
            self._app,
            loop="asyncio",
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=_NEVER,
        )
        config.load()
        self._state = state = ServerState()
        loop = asyncio.get_running_loop()
        self._loop, self._stopping = loop, asyncio.Event()
        server = await loop.create_server(
            lambda: _Connection(self, config, state), sock=listener, backlog=_BACKLOG, ssl=self._tls
        )
        ready.set()
        await self._stopping.wait()
        loop.remove_reader(listener)  # nobody new; whoever is being accepted would break on a closed server
        for _ in range(_ACCEPTING):
            await asyncio.sleep(0)
        server.close()
        for connection in tuple(state.connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=_GRACE)


class _Connection(H11Protocol):
    """One TCP connection, counted."""

    def __init__(self, loopback: Loopback, config: Config, state: ServerState) -> None:
        super().__init__(config, state, {})
        self._loopback = loopback
        self.logger = _silent
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        # asyncio does this only for sockets that were made with the protocol's number. Without it, the body of an
        # answer waits up to 40 ms for the client's acknowledgement of its head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loopback.accepted += 1
        self.app_state = {"connection": self._loopback.accepted, "transport": transport}
        super().connection_made(transport)
