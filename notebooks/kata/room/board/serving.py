"""Serving the board until Ctrl-C: uvicorn, which lets go of pages that look on, and of who says nothing."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kata.room.board.service import Service
from kata.room.board.store import Store

_LISTENING = 5.0
"""Seconds for which a connection may say nothing that is a request."""

_CONNECTIONS = 400
"""Connections at once, more than a room of laptops can use."""

_GRACE = 2
"""Seconds for what is in progress at the end."""


class CannotListen(OSError):
    """The address cannot be had; the message says what to do."""


class BadCertificate(ValueError):
    """Certificate and key are not what TLS needs; the message says why."""


def listener(host: str, port: int) -> socket.socket:
    """A socket on which the board is reached as soon as it serves.

    Raises:
        CannotListen: If the port is taken, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise CannotListen(
            f"{host} port {port} cannot be had ({error}): pass another --port, or a --host that is this machine's"
        ) from None


def checked(certificate: Path, key: Path | None) -> None:
    """See whether TLS can be spoken with these files.

    Raises:
        BadCertificate: If not.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise BadCertificate(f"{certificate} is no certificate to serve with ({error}): pass PEM files") from None


def serve(
    store: Store,
    at: socket.socket,
    *,
    join_line: str,
    names: bool,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve a board until Ctrl-C, or until it is ended; closes its file and the socket."""
    asyncio.run(_serve(store, at, join_line, names, certificate, key))


async def _serve(
    store: Store, at: socket.socket, join_line: str, names: bool, certificate: Path | None, key: Path | None
) -> None:
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    service = Service(store, join_line=join_line, names=names, end=ending.set)
    config = uvicorn.Config(
        service.app,
        loop="asyncio",
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # who looked or sent when is nobody's business
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    server = _Server(config, lambda: loop.call_soon_threadsafe(service.feed.end))
    waiting = loop.create_task(_end(ending, server))
    try:
        with at:
            await server.serve(sockets=[at])
    finally:
        waiting.cancel()
        await asyncio.wait({waiting})
        await asyncio.to_thread(service.close)


async def _end(ending: asyncio.Event, server: _Server) -> None:
    await ending.wait()
    server.stop()


class _Server(uvicorn.Server):
    """uvicorn's, which says when it is about to end, and ends a process in peace that was asked to."""

    def __init__(self, config: uvicorn.Config, ends: Callable[[], object]) -> None:
        super().__init__(config)
        self._ends = ends

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.stop()

    def stop(self) -> None:
        self.should_exit = True
        self._ends()


class _Connection(H11Protocol):
    """A connection that is closed when nothing is asked on it for a while: one that keeps silent keeps a place."""

    def connection_made(self, transport: Any) -> None:
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._look_again()

    def _look_again(self) -> None:
        self._looking = self.loop.call_later(_LISTENING, self._look, self.cycle)

    def _look(self, before: object) -> None:
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.cycle is before:
            self.transport.close()
        else:
            self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        super().connection_lost(exc)
