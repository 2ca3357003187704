"""The board's web service: what learners send is let in through a narrow door, and the teacher's page looks on."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import resources
from typing import Any, ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kata.room.board import room
from kata.room.board.feed import Feed
from kata.room.board.message import (
    LIMIT,
    SIGNATURE,
    BadMessage,
    canonical,
    is_signed,
    key_of_learner,
    sign,
)
from kata.room.board.pace import Pace
from kata.room.board.store import MOST, Full, Gone, Old, Standing, Store, Taken
from kata.room.board.wire import Joining, Leaving, Order, Report, read

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a message may take to arrive."""

PAGES = 20
"""Pages that may look on at once: the teacher's, and some that were forgotten in a tab."""

_LATE = 60_000
"""Milliseconds for which an order holds: it comes from the board's own machine."""

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

P = ParamSpec("P")
T = TypeVar("T")


class Refused(Exception):
    """What is asked for is not done; becomes an answer with these words.

    Args:
        status: That of HTTP.
        why: In words, for whoever reads it in a terminal.
        more: What a program can read from it.
    """

    def __init__(self, status: int, why: str, **more: Any) -> None:
        self.status, self.content = status, {"error": why, **more}
        super().__init__(why)


class Service:
    """The web application of one board. Belongs to one event loop.

    Args:
        store: The board's file. The service uses it in a thread of its own: a disk is waited for there.
        join_line: What learners type, shown on the page.
        names: Whether the page is told who stands where.
        end: What to call when the teacher has ended the board.
    """

    def __init__(
        self, store: Store, *, join_line: str = "", names: bool = True, end: Callable[[], object] = lambda: None
    ) -> None:
        self._store, self._join_line, self._names, self._end = store, join_line, names, end
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="the board's file")
        self._paces: dict[str, Pace] = {}
        self._joins = Pace(burst=MOST, rate=2)
        self.feed = Feed(self._seen)
        self.app = Starlette(
            routes=[
                Route("/", partial(_part, "index.html", "text/html")),
                Route("/page.css", partial(_part, "page.css", "text/css")),
                Route("/page.js", partial(_part, "page.js", "text/javascript")),
                Route("/favicon.ico", _nothing),
                Route("/board", self._about),
                Route("/join", self._join, methods=["POST"]),
                Route("/report", self._report, methods=["POST"]),
                Route("/leave", self._leave, methods=["POST"]),
                Route("/order", self._order, methods=["POST"]),
                Route("/open", self._open, methods=["POST"]),
                Route("/open", self._is_open),
                Route("/events", self._events),
            ],
            middleware=[Middleware(_Headers)],
            exception_handlers={
                Refused: _refused,
                BadMessage: _bad_message,
                Gone: _gone,
                Old: _old,
                HTTPException: _http,
                sqlite3.Error: _disk_failed,
            },
        )

    def close(self) -> None:
        """Let go of the thread; the file is closed in it."""
        self._disk.submit(self._store.close)
        self._disk.shutdown()

    async def _kept(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something with the file, in its thread."""
        call = partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._disk, call)

    # What learners send

    async def _about(self, _: Request) -> Response:
        return JSONResponse({"board": self._store.id})

    async def _join(self, request: Request) -> Response:
        body = await _body(request)
        joining = read(Joining, body)
        self._is_for_us(joining.board)
        if not _is_signed(request, self._store.key, body):
            raise Refused(401, "that is not the code of this board: read it once more")
        if not self._joins.allows():
            raise Refused(429, "many join at once: try again in a moment")
        try:
            learner = await self._kept(self._store.join, joining.name, joining.nonce)
        except Taken as error:
            raise Refused(409, str(error), taken=error.name, free=error.free) from None
        except Full:
            raise Refused(403, "the board is full: ask the teacher") from None
        self.feed.change()
        answer = {"kind": "joined", "learner": learner.id, "name": learner.name, "nonce": learner.nonces[1]}
        return _signed(self._store.key, answer)

    async def _report(self, request: Request) -> Response:
        body = await _body(request)
        report = read(Report, body)
        await self._admit(request, body, report)
        verdicts = {id: Standing(status, self._ours(report.now, at)) for id, (status, at) in report.verdicts.items()}
        await self._kept(self._store.report, report.learner, report.count, verdicts)
        self.feed.change()
        return JSONResponse({})

    async def _leave(self, request: Request) -> Response:
        body = await _body(request)
        leaving = read(Leaving, body)
        await self._admit(request, body, leaving)
        await self._kept(self._store.leave, leaving.learner, leaving.count)
        self._paces.pop(leaving.learner, None)
        self.feed.change()
        return JSONResponse({})

    async def _admit(self, request: Request, body: bytes, message: Report | Leaving) -> None:
        """Let in what a learner has signed, and not too often."""
        self._is_for_us(message.board)
        learner = await self._kept(self._store.learner, message.learner)
        if not _is_signed(request, key_of_learner(self._store.key, learner.id, learner.nonces), body):
            raise Refused(401, "the signature is not that learner's")
        if not self._paces.setdefault(learner.id, Pace(burst=20, rate=1)).allows():
            raise Refused(429, "too many messages: they are taken again in a moment")

    def _is_for_us(self, board: str) -> None:
        if board != self._store.id:
            raise Gone

    def _ours(self, sent: int, at: int) -> int:
        """When something was by our clock, told by a clock that may show anything: what counts is how long ago.

        What was before the workshop counts from its beginning.
        """
        return max(self._store.created, _now() - max(0, sent - at))

    # What the teacher's command asks for

    async def _order(self, request: Request) -> Response:
        body = await _body(request)
        order = read(Order, body)
        self._is_for_us(order.board)
        if not _is_signed(request, self._store.token.encode(), body) or abs(_now() - order.now) > _LATE:
            raise Refused(401, "that is not the teacher's")
        found = False
        if order.kind == "forget":
            found = await self._kept(self._store.forget, order.name)
            self.feed.change()
        elif order.kind == "end":
            await self._kept(self._store.delete)
            self._end()
        return _signed(self._store.token.encode(), {"kind": f"done: {order.kind}", "now": order.now, "found": found})

    # What the teacher's page asks for

    async def _open(self, request: Request) -> Response:
        """Exchange the token for a cookie, so that it is in no address, no history and no log."""
        try:
            token = json.loads(await _body(request))["token"]
            is_right = secrets.compare_digest(str(token).strip().encode(), self._store.token.encode())
        except (ValueError, LookupError, TypeError, RecursionError):
            is_right = False
        if not is_right:
            raise Refused(401, "that is not this board's token")
        answer = JSONResponse({})
        answer.set_cookie(
            _cookie(request), self._pass, httponly=True, samesite="strict", secure=request.url.scheme == "https"
        )
        return answer

    async def _is_open(self, request: Request) -> Response:
        """Whether this browser has the cookie."""
        shown = request.cookies.get(_cookie(request), "")
        if not secrets.compare_digest(shown.encode(), self._pass.encode()):
            raise Refused(401, "the page is opened with the teacher's token")
        return JSONResponse({})

    async def _events(self, request: Request) -> Response:
        await self._is_open(request)
        if self.feed.followers >= PAGES:
            raise Refused(503, "too many pages look on: close some")
        return StreamingResponse(self.feed.events(), media_type="text/event-stream")

    @property
    def _pass(self) -> str:
        return sign(self._store.token.encode(), b"the page")

    async def _seen(self) -> str:
        everybody = await self._kept(self._store.room)
        shown = room.seen(everybody, now=_now(), names=self._names)
        return json.dumps({**shown, "join": self._join_line})


async def _body(request: Request) -> bytes:
    """What was sent, if it is no longer than a message may be, and here in time."""
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told[:20]) > LIMIT:
        raise Refused(413, f"a message has at most {LIMIT} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LIMIT:
                    raise Refused(413, f"a message has at most {LIMIT} bytes")
    except TimeoutError:
        raise Refused(408, "the message did not arrive") from None
    except ClientDisconnect:
        raise Refused(400, "the message broke off") from None
    return bytes(body)


def _is_signed(request: Request, key: bytes, body: bytes) -> bool:
    return is_signed(key, body, request.headers.get(SIGNATURE, ""))


def _signed(key: bytes, content: Mapping[str, Any]) -> Response:
    """An answer by which one sees that it is from the board."""
    body = canonical(content)
    return Response(body, media_type="application/json", headers={SIGNATURE: sign(key, body)})


def _cookie(request: Request) -> str:
    """Cookies know no ports: two boards on one machine have one each."""
    return f"kata-board-{request.url.port or 0}"


def _now() -> int:
    return int(time.time() * 1000)


async def _part(name: str, media_type: str, _: Request) -> Response:
    return Response(_PARTS[name], media_type=media_type)


_PARTS = {
    name: resources.files("kata.room.board").joinpath("page", name).read_bytes()
    for name in ("index.html", "page.css", "page.js")
}


async def _nothing(_: Request) -> Response:
    return Response(status_code=204)


def _answer(status: int, content: Mapping[str, Any]) -> Response:
    headers = {"connection": "close"} if status in (408, 413) else {}  # what is still to come is not waited for
    return JSONResponse(content, status, headers)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _answer(error.status, error.content)


async def _bad_message(_: Request, error: Exception) -> Response:
    return _answer(400, {"error": str(error)})


async def _gone(_: Request, error: Exception) -> Response:
    return _answer(404, {"error": "the board does not know you, or not any more: join once more", "gone": True})


async def _old(_: Request, error: Exception) -> Response:
    assert isinstance(error, Old)
    return _answer(409, {"error": str(error), "count": error.count})


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(error.status_code, {"error": error.detail})


async def _disk_failed(_: Request, error: Exception) -> Response:
    logger.error("the board's file cannot be used: %s", error)
    return _answer(503, {"error": "the board cannot use its file"})


class _Headers:
    """Puts on every answer what a browser shall not do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_RAW_HEADERS]
            await send(message)

        await self._app(scope, receive, sending)


_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
