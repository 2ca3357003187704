"""The stand-in: what every provider's has in common."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .body import Body, decode
from .exchange import Exchange, redacted
from .faults import Cut, Drop, Failure, Fault, Faults, Garble, Redirect
from .gates import Gate, Hold, Rendezvous, Silence
from .heart import Heart
from .journal import Call, Journal
from .loopback import Loopback

_log = logging.getLogger("kata.instruments.standins")
_Gate = TypeVar("_Gate", bound=Gate)


@dataclass(frozen=True)
class Pace:
    """How slow an answer is: seconds before its first piece, and before each of the others."""

    first: float
    between: float = 0.0


class Refusal(Exception):
    """An error answer of the provider: its status, and its body as JSON."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def response(self, retry_after: float | None = None) -> Response:
        """The answer; `retry_after` seconds become the header of that name."""
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        return JSONResponse(self.body, self.status, headers)


class StandIn(ABC):
    """A provider's HTTP service on loopback, in a thread, which the provider's own SDK reaches by `base_url`.

    Use it as a context manager. It answers in the provider's wire format, keeps a journal of what it received, and can
    be told to be slow (`latency`, in seconds before an answer, or before each chunk of a streamed one), to fail, or to
    wait. If `pulse` is set, the journal notes the beats at arrival and answer. With `tls` it speaks HTTPS.

    Attributes:
        paces: How slow it is at some of its paths, by the end of the path, in the place of `latency`.
    """

    name: ClassVar[str]

    def __init__(self, *, latency: float = 0.0, pulse: Heart | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.latency = latency
        self.pulse = pulse
        self.paces: Mapping[str, Pace] = {}
        self._journal = Journal()
        self._faults = Faults()
        self._gates: tuple[Gate, ...] = ()
        self._accepted_before = 0
        self._scheme = "http" if tls is None else "https"
        self._loopback = Loopback(self._serve, name=f"stand-in {self.name}", tls=tls)
        self._router = Router(self.routes(), redirect_slashes=False, default=self._unknown)

    # What a provider fills in

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The endpoints; each finds the decoded request in `body_of(request)` and may raise `Refusal`."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The environment variables with which the companion reaches this stand-in."""

    @abstractmethod
    def refusal(self, status: int) -> Refusal:
        """The provider's error of that status."""

    @abstractmethod
    def admit(self, headers: Mapping[str, str]) -> None:
        """Raise `Refusal` if the request carries no key, or the key `invalid`."""

    def garbled(self, call: Call) -> Response:
        """Status 200 with a malformed body: by default JSON that is cut short."""
        return Response('{"id": "garbled", "data": [{"ind', media_type="application/json")

    # Running it

    @property
    def base_url(self) -> str:
        """Where the SDK finds it, such as `http://127.0.0.1:PORT`. Raises RuntimeError when it is not running."""
        port = self._loopback.port
        if port is None:
            raise RuntimeError(
                f"The {self.name} stand-in is not running: enter it (`with {type(self).__name__}() as …`), or start it."
            )
        return f"{self._scheme}://127.0.0.1:{port}"

    def start(self) -> None:
        """Listen on a fresh port. Raises RuntimeError if that fails, or takes 10 s."""
        self._accepted_before = 0
        self._loopback.start()

    def stop(self) -> None:
        """Close the port and all connections, calls in progress included, and join the thread."""
        self._loopback.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        port = self._loopback.port
        return f"<{type(self).__name__} {f'on port {port}' if port else 'stopped'}, {len(self.journal)} calls>"

    # What it saw

    @property
    def journal(self) -> Sequence[Call]:
        """The calls in order of arrival: a snapshot, safe to take in any thread."""
        return self._journal.calls

    @property
    def connections(self) -> int:
        """TCP connections accepted since the start or the last reset."""
        return self._loopback.accepted - self._accepted_before

    @property
    def open_connections(self) -> int:
        """TCP connections that are open right now, whether a call is on them or not."""
        return self._loopback.open

    async def until_no_connection(self, *, limit: float = 10.0) -> None:
        """Wait on the caller's loop until no connection is open.

        Raises TimeoutError after `limit` seconds, saying how many are.
        """
        deadline = time.monotonic() + limit
        while left := self.open_connections:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {left} connections are still open after {limit:g} s.")
            await asyncio.sleep(0.001)

    @property
    def in_flight(self) -> int:
        """Calls that have arrived and not ended."""
        return self._journal.in_flight

    @property
    def peak_in_flight(self) -> int:
        """The most calls in flight at once since the start or the last reset."""
        return self._journal.peak_in_flight

    async def until_calls(self, n: int, *, answered: bool = False, limit: float = 10.0) -> None:
        """Wait on the caller's loop until n calls arrived, or with `answered` ended.

        Raises TimeoutError after `limit` seconds, saying how many did.
        """
        await self._journal.until(n, answered=answered, limit=limit, name=self.name)

    def reset(self) -> None:
        """Forget journal, counters, faults and slowness. What it was taught it still knows; connections stay open."""
        self._journal.clear()
        self._faults.clear()
        self._accepted_before = self._loopback.accepted
        self.latency = 0.0
        self.paces = {}

    # What it is told to do

    def fail(self, times: int = 1, *, status: int = 500, retry_after: float | None = None) -> None:
        """Let the next calls fail with that status, in the provider's own error body; `retry_after` in seconds."""
        if not 400 <= status <= 599:
            raise ValueError(f"status must be an error, 400 to 599, and is {status}")
        self._faults.add(Failure(status, retry_after), times)

    def drop(self, times: int = 1, *, served: bool = False) -> None:
        """Let the next calls end with a closed connection, unanswered.

        If `served`, what was asked for is done first: only the answer is lost, and the caller cannot know.
        """
        self._faults.add(Drop(served), times)

    def cut(self, times: int = 1) -> None:
        """Let the next calls end with a connection that is closed after the first piece of a streamed answer."""
        self._faults.add(Cut(), times)

    def relent(self) -> None:
        """Forget the faults that no call has shown yet."""
        self._faults.clear()

    def garble(self, times: int = 1) -> None:
        """Answer the next calls with status 200 and a malformed body."""
        self._faults.add(Garble(), times)

    def redirect(self, location: str, times: int = 1) -> None:
        """Answer the next calls with status 302 and an address to ask instead."""
        self._faults.add(Redirect(location), times)

    def hang_up(self) -> None:
        """Close every connection, as servers do with idle ones; those with a call in progress when it is answered."""
        self._loopback.hang_up()

    @contextmanager
    def hold(self, pulse: Heart, *, beats: int = 2, limit: float = 1.0) -> Iterator[None]:
        """Answer each call, and send each chunk of a stream, only once the pulse has beaten `beats` times more.

        After `limit` seconds without, the pulse is asked whether the loop stands still. If so, or after ten limits, the
        answer leaves all the same, and the call is `held_out` in the journal. If so, no later answer is held.
        """
        with self._gate(Hold(pulse, beats, limit)):
            yield

    @contextmanager
    def rendezvous(self, callers: int, *, limit: float = 2.0) -> Iterator[Rendezvous]:
        """Answer nobody until `callers` calls are in flight at once, or `limit` seconds after the first arrived.

        After either, the door stays open; its `met` says which it was.
        """
        with self._gate(Rendezvous(callers, limit, lambda: self.in_flight)) as door:
            yield door

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Answer nobody who calls from now on, until it ends or the client hangs up."""
        with self._gate(Silence()):
            yield

    @contextmanager
    def _gate(self, gate: _Gate) -> Iterator[_Gate]:
        self._gates = (*self._gates, gate)
        try:
            yield gate
        finally:
            self._gates = tuple(other for other in self._gates if other is not gate)
            gate.lift()

    # How a call is served

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw, complete = await _read(receive)
        # We watch for the client's departure ourselves: since ASGI 2.4 a streamed response leaves that to the server.
        request = Request({**scope, "asgi": {**scope["asgi"], "spec_version": "2.4"}})
        request.state.body = body = decode(request.headers.get("content-type", ""), raw)
        # What was arranged for this call is taken before its arrival can be seen: what is arranged later is not for it.
        gates, fault = self._gates, self._faults.take() if complete else None
        pace = next((pace for end, pace in self.paces.items() if request.url.path.endswith(end)), None)
        latency = self.latency if pace is None else pace.first
        pulse = self.pulse or next((gate.pulse for gate in gates if isinstance(gate, Hold)), None)
        entry = self._journal.open(
            method=request.method,
            path=request.url.path,
            size=len(raw),
            connection=request.state.connection,
            arrived=(arrived := time.perf_counter()),
            beats_on_arrival=pulse.beats if pulse else None,
            headers=redacted(request.headers),
            query=redacted(request.query_params),
            fields=body.fields,
            file=body.file,
        )
        exchange = Exchange(
            entry,
            send,
            self.name,
            pulse=pulse,
            gates=gates,
            due=arrived + latency,
            latency=lambda: self.latency if pace is None else pace.between,
        )
        if complete:
            for gate in gates:
                gate.arrive()
            async with asyncio.TaskGroup() as group:
                leaving = group.create_task(_departure(receive))
                answering = group.create_task(self._answer(fault, request, exchange, leaving))
                leaving.add_done_callback(lambda _: answering.cancel())
                answering.add_done_callback(lambda _: leaving.cancel())
        # Not ended by an answer or a drop: the client left, unless it is the stand-in that is being stopped.
        exchange.end(hung_up=self._loopback.port is not None)

    async def _answer(
        self, fault: Fault | None, request: Request, exchange: Exchange, leaving: asyncio.Task[None]
    ) -> None:
        if isinstance(fault, Drop):
            status = await self._effect(request) if fault.served else None
            await exchange.wait()
            await self._break_off(request, exchange, leaving, lost=status)
            return

        async def send(message: Message) -> None:
            if isinstance(fault, Cut) and exchange.call.chunks:
                await self._break_off(request, exchange, leaving)
            await exchange.send(message)

        try:
            await self._responder(fault, request, exchange.call)(request.scope, request.receive, send)
        except Refusal as refusal:
            await refusal.response()(request.scope, request.receive, exchange.send)
        except Exception:
            _log.exception("The %s stand-in could not answer %s %s.", self.name, request.method, request.url.path)
            if exchange.begun:
                request.state.transport.close()
            else:
                broken = Response(f"The {self.name} stand-in is broken: see its log.", 500)
                await broken(request.scope, request.receive, exchange.send)

    async def _break_off(
        self, request: Request, exchange: Exchange, leaving: asyncio.Task[None], lost: int | None = None
    ) -> None:
        exchange.end(lost=lost)
        request.state.transport.close()
        await leaving

    async def _effect(self, request: Request) -> int | None:
        """Serve a request whose answer nobody gets; the answer's status."""
        statuses: list[int] = []

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        try:
            self.admit(request.headers)
            await self._router(request.scope, request.receive, note)
        except Refusal as refusal:
            return refusal.status
        return statuses[0] if statuses else None

    def _responder(self, fault: Fault | None, request: Request, call: Call) -> ASGIApp:
        """The ASGI application that gives the answer. Raises Refusal if the request carries no good key."""
        if isinstance(fault, Failure):
            return self.refusal(fault.status).response(fault.retry_after)
        if isinstance(fault, Garble):
            return self.garbled(call)
        if isinstance(fault, Redirect):
            return Response(status_code=302, headers={"location": fault.location})
        self.admit(request.headers)
        return self._router

    async def _unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise self.refusal(404)


def body_of(request: Request) -> Body:
    """The decoded body of a request that a stand-in serves."""
    return request.state.body


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The bytes of a request's body, and whether they are all of it: the client may hang up meanwhile."""
    raw = bytearray()
    while (message := await receive())["type"] == "http.request":
        raw += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(raw), True
    return bytes(raw), False


async def _departure(receive: Receive) -> None:
    """Return when the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass
