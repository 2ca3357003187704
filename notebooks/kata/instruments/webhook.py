"""WhatsApp's side of the webhook: an application of the package under test, and the notifications that it is sent.

Notifications have the form that WhatsApp posts:
https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
from starlette.applications import Starlette

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
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://webhook", timeout=None) as client,
    ):
        yield client


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
