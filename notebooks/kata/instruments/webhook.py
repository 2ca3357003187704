"""WhatsApp's side of the webhook: an application of the package under test, and the notifications that it is sent.

Notifications have the form that WhatsApp posts:
https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples. What is not answered with 200, or too
late, is sent again: https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

PATH = "/whatsapp_response"

_numbers = count(1)


def text(body: str, *, sender: str = "4915100000001") -> dict[str, Any]:
    """A user has written."""
    return _notification(sender, {"type": "text", "text": {"body": body}})


def picture(media_id: str, caption: str = "", *, sender: str = "4915100000001") -> dict[str, Any]:
    """A user has sent a picture, which waits at WhatsApp under its id."""
    image = {"id": media_id, "mime_type": "image/png"} | ({"caption": caption} if caption else {})
    return _notification(sender, {"type": "image", "image": image})


def voice(media_id: str, *, sender: str = "4915100000001") -> dict[str, Any]:
    """A user has sent a voice note, which waits at WhatsApp under its id."""
    audio = {"id": media_id, "mime_type": "audio/ogg; codecs=opus", "voice": True}
    return _notification(sender, {"type": "audio", "audio": audio})


def status(kind: str = "delivered", *, sender: str = "4915100000001") -> dict[str, Any]:
    """What became of a reply: sent, delivered, read or failed."""
    return _envelope({"statuses": [{"id": "wamid.REPLY", "status": kind, "recipient_id": sender}]})


def together(*notifications: dict[str, Any]) -> dict[str, Any]:
    """Several notifications in one, as WhatsApp sends them when much happens at once."""
    return {**notifications[0], "entry": [entry for each in notifications for entry in each["entry"]]}


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application on the running event loop, from its start to its stop, and give a client that calls it.

    There is no socket in between, so that the loop under observation is the application's own. The client waits for
    an answer as long as it takes.
    """
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)  # as servers do, and httpx does not

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://webhook", timeout=None) as client:
            yield client


@dataclass
class Post:
    """A notification on its way: when it was posted and answered, in seconds of `time.perf_counter`, and how."""

    posted: float
    answered: float | None = None
    status: int | None = None


class Delivery:
    """What has become of a notification so far."""

    def __init__(self) -> None:
        self._posts: list[Post] = []
        self._settled = threading.Event()

    @property
    def posts(self) -> Sequence[Post]:
        """Each time that it was posted, in order."""
        return tuple(self._posts)

    def wait(self, limit: float = 30.0) -> None:
        """Wait, in another thread than the loop's, until it was answered in time or has been posted again.

        Raises:
            TimeoutError: If neither happens within `limit` seconds.
        """
        if not self._settled.wait(limit):
            raise TimeoutError(f"the notification was neither answered nor posted again within {limit:g} s")


class Sender:
    """WhatsApp, as it sends notifications: with a clock of its own, which goes on when the application's loop does not.

    A notification that is not answered with 200 within its patience is posted again, with the same message ids, while
    the first is still being worked on. WhatsApp goes on for days, this sender posts twice at most.

    Args:
        client: What `serving` gives, on the loop that runs.
        patience: Seconds to wait for an answer. WhatsApp asks for a median of a quarter of a second, and for a second
            at most of 99 in a hundred (https://docs.360dialog.com/partner/messaging/receiving-messages-via-webhook).
    """

    def __init__(self, client: httpx.AsyncClient, *, patience: float) -> None:
        self.patience = patience
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._answers: list[Future[httpx.Response]] = []

    def deliver(self, notification: dict[str, Any]) -> Delivery:
        """Post a notification, from a thread of its own. May be called in any thread."""
        delivery = Delivery()
        threading.Thread(target=self._deliver, args=(delivery, notification), name="whatsapp", daemon=True).start()
        return delivery

    async def answered(self, deliveries: Iterable[Delivery]) -> None:
        """Wait until everything that was posted is answered; raises what the application raised."""
        await asyncio.gather(*(asyncio.to_thread(delivery.wait) for delivery in deliveries))
        await asyncio.gather(*map(asyncio.wrap_future, self._answers))

    def _deliver(self, delivery: Delivery, notification: dict[str, Any]) -> None:
        answer = self._post(delivery, notification)
        in_time, _ = wait([answer], timeout=self.patience)
        if not in_time or answer.exception() or answer.result().status_code != 200:
            self._post(delivery, notification)
        delivery._settled.set()

    def _post(self, delivery: Delivery, notification: dict[str, Any]) -> Future[httpx.Response]:
        post = Post(time.perf_counter())
        delivery._posts.append(post)

        def note(answer: Future[httpx.Response]) -> None:
            post.answered = time.perf_counter()
            post.status = None if answer.exception() else answer.result().status_code

        answer = asyncio.run_coroutine_threadsafe(self._client.post(PATH, json=notification), self._loop)
        answer.add_done_callback(note)
        self._answers.append(answer)
        return answer


def _notification(sender: str, message: dict[str, Any]) -> dict[str, Any]:
    identity = f"wamid.{next(_numbers):08}"
    return _envelope(
        {
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": sender}],
            "messages": [{"from": sender, "id": identity, "timestamp": "1764000000", **message}],
        }
    )


def _envelope(value: dict[str, Any]) -> dict[str, Any]:
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "100000000000001"}, **value}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }
