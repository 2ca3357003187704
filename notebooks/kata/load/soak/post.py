"""WhatsApp on its way to the webhook: it delivers each message, and again, until it is told that it has arrived.

WhatsApp delivers what was not answered with 2xx again, with growing pauses, for days
(https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks); here the pauses are short.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any

import httpx

from kata.instruments import webhook
from kata.load.callers import notification_of
from kata.load.soak.letters import Letter

_HASTE = 0.2  # seconds after which a caller hangs up who is in a hurry
_PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds before it is delivered again; the last one from then on
_FIRST_PHONE = 4_915_200_000_000

NOT_TAKEN = "Failed to send message"
"""What the webhook says where it answers 500 because WhatsApp did not take the reply."""


class Outcome(StrEnum):
    """What became of a delivery."""

    ANSWERED = "answered with 200"
    NOT_REPLIED = "answered with the news that the reply was not taken"
    FAILED = "answered with something else"
    HUNG_UP = "hung up by WhatsApp"
    BROKEN = "the connection broke"
    UNREACHED = "nobody was there"


UNKNOWN = (Outcome.FAILED, Outcome.HUNG_UP, Outcome.BROKEN)
"""Outcomes after which nobody but the companion knows whether it has replied, or will."""


@dataclass(frozen=True)
class Attempt:
    """One delivery. Times are `time.perf_counter()` seconds; `said` is the status and the body of what was no 200."""

    posted: float
    ended: float
    outcome: Outcome
    said: str = ""


@dataclass
class Delivery:
    """A message, the phone that it comes from, and how often it was delivered."""

    letter: Letter
    phone: str
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether it was answered with 200 in the end."""
        return bool(self.attempts) and self.attempts[-1].outcome is Outcome.ANSWERED

    def count(self, *outcomes: Outcome) -> int:
        """How many deliveries came out like this."""
        return sum(attempt.outcome in outcomes for attempt in self.attempts)


class Post:
    """Delivers.

    A phone sends its next message once the last one is settled, so that a reply to it can only be for one message. One
    of which a delivery came out unknown is not used again: a late reply may still come.

    Args:
        patience: Seconds that a delivery may take, and a message until it is settled.

    Attributes:
        address: Where the service is.
        is_hasty: Whether every second caller hangs up for now, when the message is delivered for the first time.
        deliveries: All messages so far.
    """

    def __init__(self, patience: float) -> None:
        self.address = ""
        self.is_hasty = False
        self.deliveries: list[Delivery] = []
        self._patience = patience
        self._phones: list[str] = []
        self._new_phones = count(_FIRST_PHONE)

    async def deliver(self, letters: Sequence[Letter], media: Mapping[int, str]) -> Sequence[Delivery]:
        """Deliver messages as they are due, and again until they are settled, or the patience is at an end.

        Args:
            letters: The messages.
            media: The ids of what they carry, by their numbers.
        """
        begun = time.perf_counter()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        # kata: allow client-per-request because each round has visitors of its own, who leave at its end
        http = httpx.AsyncClient(timeout=None, limits=limits, verify=False, trust_env=False)
        async with http, asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._bring(each, media, begun, http)) for each in letters]
        return [task.result() for task in tasks]

    async def _bring(self, letter: Letter, media: Mapping[int, str], begun: float, http: httpx.AsyncClient) -> Delivery:
        await asyncio.sleep(max(0.0, begun + letter.due - time.perf_counter()))
        delivery = Delivery(letter, self._phones.pop() if self._phones else str(next(self._new_phones)))
        self.deliveries.append(delivery)
        notification = notification_of(letter, media, delivery.phone)
        closes = time.perf_counter() + self._patience
        haste = _HASTE if self.is_hasty and random.Random(letter.number).random() < 0.5 else self._patience
        pauses = iter(_PAUSES)
        while True:
            delivery.attempts.append(await self._attempt(http, notification, haste))
            if delivery.is_settled or time.perf_counter() > closes:
                break
            haste = self._patience
            await asyncio.sleep(next(pauses, _PAUSES[-1]))
        if delivery.is_settled and not delivery.count(*UNKNOWN):
            self._phones.append(delivery.phone)
        return delivery

    async def _attempt(self, http: httpx.AsyncClient, notification: dict[str, Any], limit: float) -> Attempt:
        posted = time.perf_counter()
        said = ""
        try:
            async with asyncio.timeout(limit):
                answer = await http.post(self.address + webhook.PATH, json=notification)
            outcome = _understood(answer)
            said = "" if outcome is Outcome.ANSWERED else f"{answer.status_code} {answer.text}"
        except TimeoutError:
            outcome = Outcome.HUNG_UP
        except httpx.ConnectError:
            outcome = Outcome.UNREACHED
        except httpx.HTTPError:
            outcome = Outcome.BROKEN
        return Attempt(posted, time.perf_counter(), outcome, said)


def _understood(answer: httpx.Response) -> Outcome:
    if answer.status_code == 200:
        return Outcome.ANSWERED
    return Outcome.NOT_REPLIED if answer.text == NOT_TAKEN else Outcome.FAILED
