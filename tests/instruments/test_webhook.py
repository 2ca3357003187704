"""WhatsApp as the sender of notifications: what is not answered in time is posted again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from kata.instruments.webhook import PATH, Sender, serving, status, text, together

AGES = 60.0
"""Seconds of patience that nothing here takes."""


class Webhook:
    """Answers each post with the next of its statuses, once it is let."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.bodies = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, request):
        self.bodies.append(await request.json())
        status = self.statuses[len(self.bodies) - 1]
        await self.may_answer.wait()
        if status is None:
            raise ConnectionError("the handler failed")
        return Response(status_code=status)

    @asynccontextmanager
    async def sender(self, patience):
        async with serving(Starlette(routes=[Route(PATH, self.answer, methods=["POST"])])) as client:
            yield Sender(client, patience=patience)


async def test_what_is_answered_in_time_is_posted_once():
    webhook = Webhook(200)
    async with webhook.sender(AGES) as sender:
        delivery = sender.deliver(text("Hello"))
        await sender.answered([delivery])
    assert [post.status for post in delivery.posts] == [200]
    assert delivery.posts[0].posted <= delivery.posts[0].answered


async def test_what_is_answered_late_is_posted_again_and_the_first_goes_on():
    webhook = Webhook(200, 200)
    webhook.may_answer.clear()
    async with webhook.sender(0.01) as sender:
        delivery = sender.deliver(text("Hello"))
        await asyncio.to_thread(delivery.wait)
        webhook.may_answer.set()
        await sender.answered([delivery])
    assert [post.status for post in delivery.posts] == [200, 200]
    assert webhook.bodies[0] == webhook.bodies[1]


async def test_what_is_not_answered_with_200_is_posted_again():
    webhook = Webhook(500, 200)
    async with webhook.sender(AGES) as sender:
        delivery = sender.deliver(text("Hello"))
        await sender.answered([delivery])
    assert [post.status for post in delivery.posts] == [500, 200]


async def test_a_handler_that_raises_is_told_and_posted_to_again():
    webhook = Webhook(None, 200)
    async with webhook.sender(AGES) as sender:
        delivery = sender.deliver(text("Hello"))
        with pytest.raises(ConnectionError):
            await sender.answered([delivery])
        await asyncio.to_thread(delivery.wait)
    assert len(delivery.posts) == 2


async def test_its_patience_ends_although_the_loop_stands_still():
    webhook = Webhook(200, 200)
    async with webhook.sender(0.01) as sender:
        delivery = sender.deliver(text("Hello"))
        delivery.wait()  # on the loop's own thread
        assert [post.answered for post in delivery.posts] == [None, None]
        await sender.answered([delivery])


def test_several_notifications_in_one_are_one_with_all_their_entries():
    both = together(text("Hello", sender="1"), status("read"))
    assert [list(entry["changes"][0]["value"])[-1] for entry in both["entry"]] == ["messages", "statuses"]
