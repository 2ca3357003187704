"""The callers: each message is sent when it is due, whether the ones before it have been answered or not.

An open loop, as people are one: they do not wait for a service to be ready before they write to it. A generator that
waits for an answer before it goes on leaves out just those messages that would have had to wait. What a message waited
is counted from the moment at which it was due, so that a generator that is late itself cannot make a service look good.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import httpx
from socketio.exceptions import SocketIOError

from kata.instruments import webhook
from kata.load.mix import Message
from kata.load.world import Seen

CANARY_INTERVAL = 0.1
"""Seconds from one health check to the next."""

_CLIENTS = 16
"""With one, a service that keeps hundreds waiting makes its callers late: httpx looks through all connections of a
client whenever one of them is done."""

_NUMBER = 4_915_100_000_000  # phone number of the first caller of the first round
_CALLERS = 100_000  # numbers that a round may use


@dataclass(frozen=True)
class Sent:
    """Something that was sent, and what became of it. Times are seconds after the beginning.

    Attributes:
        due: When it was to be sent.
        sent: When it was.
        answered: When the answer was there; None if none came while one waited.
        status: The HTTP status of the answer; None if there was none, or the connection broke.
    """

    due: float
    sent: float
    answered: float | None
    status: int | None

    @property
    def is_good(self) -> bool:
        """Whether it was answered with 200."""
        return self.status == 200

    def waited(self, end: float) -> float:
        """Seconds from when it was due to the answer, or to the end if none has come."""
        return (end if self.answered is None else self.answered) - self.due


@dataclass(frozen=True)
class Drive:
    """What the callers saw.

    Attributes:
        messages: What became of each message, in the plan's order.
        canary: What became of each health check, in order.
        ended: When the last answer was there, or nobody waited any longer: seconds after the beginning.
    """

    messages: Sequence[Sent]
    canary: Sequence[Sent]
    ended: float

    @property
    def late(self) -> float:
        """Seconds by which the callers themselves were late, at most."""
        return max(each.sent - each.due for each in (*self.messages, *self.canary))


def number_of(message: Message, round: int) -> str:
    """The phone number of a message's caller: another one in each round, so that each begins a conversation anew."""
    return str(_NUMBER + round * _CALLERS + message.caller)


class Way(Protocol):
    """How the messages of a round come to a service, and its replies to their callers."""

    async def send(self, http: httpx.AsyncClient, message: Message) -> int:
        """Send one, and give the status of its answer once that is there."""
        ...

    def replies(self, seen: Seen) -> Sequence[tuple[str, str]]:
        """The caller and the type of each reply that came."""
        ...


class Webhook:
    """WhatsApp, which tells of messages in requests, and is sent the replies.

    Args:
        media: The ids of what messages carry, by their numbers.
        round: Which round it is: tells its callers from those of others.
    """

    def __init__(self, media: Mapping[int, str], round: int = 0) -> None:
        self._media = media
        self._round = round

    async def send(self, http: httpx.AsyncClient, message: Message) -> int:
        """Tell of a message."""
        notification = notification_of(message, self._media, number_of(message, self._round))
        return (await http.post(webhook.PATH, json=notification)).status_code

    def replies(self, seen: Seen) -> Sequence[tuple[str, str]]:
        """What WhatsApp was sent."""
        return seen.replies


async def drive(address: str, messages: Sequence[Message], way: Way, *, seconds: float, patience: float) -> Drive:
    """Send messages to a service as they are due, and check its health meanwhile, until all are answered.

    Args:
        address: The service's address.
        messages: The plan.
        way: How they come to it.
        seconds: How long messages come; the health is checked at least as long.
        patience: Seconds to wait for answers after that.
    """
    limits = httpx.Limits(max_connections=None)  # nobody waits for a connection
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                # kata: allow client-per-request because a round is a visit: its callers hang up when it is over
                httpx.AsyncClient(base_url=address, timeout=None, limits=limits, verify=False, trust_env=False)
            )
            for _ in range(_CLIENTS)
        ]
        round = _Round(seconds + patience)

        async def post(message: Message) -> int:
            return await way.send(clients[message.caller % _CLIENTS], message)

        async def check(number: int) -> int:
            return (await clients[number % _CLIENTS].get("/health")).status_code

        async with asyncio.TaskGroup() as group:
            posts = [group.create_task(round.send(message.due, partial(post, message))) for message in messages]
            flock: list[asyncio.Task[Sent]] = []
            while (due := len(flock) * CANARY_INTERVAL) <= seconds or round.goes_on(due, posts):
                await round.until(due)
                flock.append(group.create_task(round.send(due, partial(check, len(flock)))))
        return Drive(tuple(each.result() for each in posts), tuple(each.result() for each in flock), round.now)


def notification_of(message: Message, media: Mapping[int, str], sender: str) -> dict[str, Any]:
    """How WhatsApp tells the webhook of a message.

    Args:
        message: The message.
        media: The ids of what messages carry, by their numbers.
        sender: The phone number that it comes from.
    """
    match message.brings:
        case "audio":
            return webhook.voice(media[message.number], sender=sender)
        case "image":
            return webhook.picture(media[message.number], message.words, sender=sender)
        case _:
            return webhook.text(message.words, sender=sender)


class _Round:
    """The time in which messages are sent and answers waited for."""

    def __init__(self, closes: float) -> None:
        self._begun = time.perf_counter()
        self._closes = closes

    @property
    def now(self) -> float:
        """Seconds after the beginning."""
        return time.perf_counter() - self._begun

    def goes_on(self, due: float, posts: Iterable[asyncio.Task[Sent]]) -> bool:
        """Whether anybody still waits for an answer then. When time is up, all give up at once, which takes a while."""
        return due < self._closes and not all(post.done() for post in posts)

    async def until(self, due: float) -> None:
        await asyncio.sleep(max(0.0, due - self.now))

    async def send(self, due: float, send: Callable[[], Awaitable[int]]) -> Sent:
        await self.until(due)
        sent = self.now
        try:
            async with asyncio.timeout(max(0.0, self._closes - sent)):
                status = await send()
        except (httpx.HTTPError, SocketIOError, TimeoutError):
            return Sent(due, sent, None, None)
        return Sent(due, sent, self.now, status)
