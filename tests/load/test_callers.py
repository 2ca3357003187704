"""Callers send what is due whether the service stands still or not, and count from when it was due."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kata.instruments.standins.loopback import Loopback
from kata.instruments.webhook import PATH
from kata.load.callers import Webhook, drive, number_of
from kata.load.mix import Kind, Message


class Standing:
    """A service that stands still from its first message on, its whole loop, until it is let go."""

    def __init__(self) -> None:
        self.status = 200
        self.arrived: list[str] = []
        self.let_go = threading.Event()

    async def message(self, request: Request) -> JSONResponse:
        notification = await request.json()
        self.let_go.wait(10)
        self.arrived.append(notification["entry"][0]["changes"][0]["value"]["messages"][0]["from"])
        return JSONResponse({}, self.status)

    async def health(self, request: Request) -> JSONResponse:
        return JSONResponse({})

    @contextmanager
    def served(self) -> Iterator[str]:
        app = Starlette(routes=[Route(PATH, self.message, methods=["POST"]), Route("/health", self.health)])
        loopback = Loopback(app, name="standing service")
        loopback.start()
        try:
            yield f"http://127.0.0.1:{loopback.port}"
        finally:
            self.let_go.set()
            loopback.stop()


@pytest.fixture
def standing() -> Standing:
    return Standing()


MESSAGES = [Message(number, number, 0.05 * number, Kind.TEXT) for number in range(6)]


async def test_a_service_that_stands_still_holds_up_no_message_and_each_counts_from_when_it_was_due(standing):
    with standing.served() as address:
        task = asyncio.create_task(drive(address, MESSAGES, Webhook({}), seconds=0.3, patience=30))
        await asyncio.sleep(1.0)  # all are due by then, and none is answered
        standing.let_go.set()
        driven = await task
    assert sorted(standing.arrived) == sorted(number_of(message, 0) for message in MESSAGES)
    assert [sent.due for sent in driven.messages] == [message.due for message in MESSAGES]
    answers = [sent.answered for sent in driven.messages]
    assert all(sent.sent < min(answers) for sent in driven.messages), "somebody waited for another's answer"
    assert all(sent.waited(driven.ended) == sent.answered - sent.due for sent in driven.messages)
    assert all(sent.is_good for sent in driven.messages)


async def test_the_canary_waits_too_and_every_check_is_sent(standing):
    with standing.served() as address:
        task = asyncio.create_task(drive(address, MESSAGES[:1], Webhook({}), seconds=0.3, patience=30))
        await asyncio.sleep(1.0)
        standing.let_go.set()
        driven = await task
    first = driven.messages[0].answered
    kept_waiting = [check for check in driven.canary if driven.messages[0].sent < check.due and check.due < first - 0.3]
    assert len(kept_waiting) >= 3
    assert all(check.answered > first - 0.3 for check in kept_waiting)
    assert [round(check.due, 1) for check in driven.canary] == [n / 10 for n in range(len(driven.canary))]


async def test_what_is_not_answered_in_time_is_told_as_such_and_counts_until_the_end(standing):
    with standing.served() as address:
        driven = await drive(address, MESSAGES, Webhook({}), seconds=0.3, patience=0.2)
        assert [sent.answered for sent in driven.messages] == [None] * 6
        assert not any(sent.is_good for sent in driven.messages)
        assert driven.messages[0].waited(driven.ended) == driven.ended
        assert max(check.due for check in driven.canary) < 0.3 + 0.2, "asked after its health when all had given up"


async def test_an_error_is_an_answer_and_no_good_one(standing):
    standing.let_go.set()
    standing.status = 500
    with standing.served() as address:
        driven = await drive(address, MESSAGES[:1], Webhook({}), seconds=0.1, patience=30)
    assert [(sent.status, sent.is_good) for sent in driven.messages] == [(500, False)]


async def test_nobody_at_the_other_end_is_no_answer(standing):
    with standing.served() as address:
        pass
    driven = await drive(address, MESSAGES[:1], Webhook({}), seconds=0.1, patience=5)
    assert driven.messages[0].status is None


async def test_each_round_has_callers_of_its_own():
    numbers = {number_of(message, round) for message in MESSAGES for round in range(3)}
    assert len(numbers) == 18
