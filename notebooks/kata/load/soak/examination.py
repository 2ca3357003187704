"""The breaker's examination: what reaches the text-to-speech provider while it fails, and while it is on probation.

Everything is decided by counts and by order. Where time comes in, it can only excuse: a breaker may send one probe for
each time that it has rested, so that a slow machine allows more of them and never fewer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from kata.load.mix import Kind, Message
from kata.load.soak.letters import Letter
from kata.load.soak.post import Delivery, Outcome, Post
from kata.load.soak.stage import Stage
from kata.load.soak.troubles import RECOVERY, THRESHOLD, Trouble

WAVE = 4
"""Messages at once that ask for speech."""

_HELD = 25.0  # seconds that the probe is kept waiting at most, while the others are answered
_POLL = 0.02

Letters = Callable[[Sequence[Message]], list[Letter]]


@dataclass(frozen=True)
class Examination:
    """What was seen of a breaker; all are calls that reached the provider, unless it says otherwise.

    Attributes:
        while_closed: With the provider down, of as many messages as failures open the breaker.
        while_open: Of `WAVE` more after that.
        allowed: How many of those may have been probes, in view of the time that it took.
        probing: Of `WAVE` messages once the breaker has rested, while the provider kept the first call waiting.
        answered_meanwhile: Messages of these that were answered before that first call was.
        while_closed_again: Of `WAVE` messages after the probe has succeeded.
    """

    while_closed: int
    while_open: int
    allowed: int
    probing: int
    answered_meanwhile: int
    while_closed_again: int

    @property
    def opened(self) -> bool:
        """Whether it opened after so many failures, and let nothing through but a probe now and then."""
        return self.while_closed == THRESHOLD and self.while_open <= self.allowed

    @property
    def probed_once(self) -> bool:
        """Whether a single call was the probe, and nobody waited for it."""
        return (self.probing, self.answered_meanwhile) == (1, WAVE - 1)

    @property
    def closed(self) -> bool:
        """Whether it lets everything through again."""
        return self.while_closed_again == WAVE


async def examine(stage: Stage, post: Post, lettered: Letters) -> Examination:
    """Examine the breaker of a service that nobody else asks for speech meanwhile.

    Args:
        stage: The providers.
        post: The way to the service.
        lettered: Gives marks to messages.
    """

    def wave(size: int) -> Coroutine[Any, Any, Sequence[Delivery]]:
        return post.deliver(lettered([Message(number, number, 0.0, Kind.SPOKEN) for number in range(size)]), {})

    async def calls_after(size: int) -> int:
        before = (await stage.seen()).speech
        await wave(size)
        return (await stage.seen()).speech - before

    await stage.make(Trouble.NO_VOICE)
    begun = time.monotonic()
    while_closed = await calls_after(THRESHOLD)
    while_open = await calls_after(WAVE)
    allowed = int((time.monotonic() - begun) / RECOVERY)
    await stage.make(Trouble.MUTE)
    await asyncio.sleep(RECOVERY)
    before, first = (await stage.seen()).speech, len(post.deliveries)
    async with asyncio.TaskGroup() as group:
        group.create_task(wave(WAVE))
        probing, answered_meanwhile = await _while_held(stage, post, before, first)
        await stage.make(Trouble.NONE)
    return Examination(while_closed, while_open, allowed, probing, answered_meanwhile, await calls_after(WAVE))


async def _while_held(stage: Stage, post: Post, before: int, first: int) -> tuple[int, int]:
    """Wait until a call is there and all messages but one are answered; how many of each there are.

    It does not wait for ever, and no longer than until there are two calls: one is too many then.

    Args:
        before: Calls before that.
        first: Place of the first of these messages among all.
    """
    closes = time.monotonic() + _HELD
    while True:
        answered = sum(delivery.count(Outcome.ANSWERED) for delivery in post.deliveries[first:])
        calls = (await stage.seen()).speech - before
        if calls > 1 or (calls and answered >= WAVE - 1) or time.monotonic() > closes:
            return calls, answered
        await asyncio.sleep(_POLL)
