"""What the outside world sees of the companion: every request to a provider, and everything that its users get."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from kata.instruments import webhook
from kata.instruments.standins import Call, Providers
from kata.target import Target

SEEN_HEADERS = ("authorization", "content-type", "xi-api-key")
"""Headers that a provider acts upon. Others tell of the client, a synchronous or an asynchronous one."""


def seen(call: Call, provider: str) -> str:
    """A request as its provider sees it, in one line, without what differs from run to run by its nature."""
    headers = {name: value.partition("; boundary=")[0] for name, value in call.headers.items() if name in SEEN_HEADERS}
    file = f" {call.file}" if call.file else ""
    what = f"{call.method} {call.path} {dict(call.query)} {headers} {dict(call.fields)}{file}"
    return f"{provider} ← {what} → {call.status or 'dropped'}"


def requests(world: Providers) -> Sequence[str]:
    """All requests to all providers, in the order in which they arrived."""
    calls = [(call.arrived, seen(call, stand_in.name)) for stand_in in world for call in stand_in.journal]
    return [line for _, line in sorted(calls)]


@dataclass
class PhoneOfSomebody:
    """Somebody on WhatsApp, who notes what the webhook answers."""

    sender: str
    client: httpx.AsyncClient
    world: Providers
    notes: list[str] = field(default_factory=list)

    async def says(self, words: str) -> None:
        await self._posts(webhook.text(words, sender=self.sender))

    async def sends_voice(self, audio: bytes) -> None:
        await self._posts(webhook.voice(self.world.whatsapp.add_media(audio, "audio/ogg"), sender=self.sender))

    async def sends_picture(self, image: bytes, caption: str = "") -> None:
        media_id = self.world.whatsapp.add_media(image, "image/png")
        await self._posts(webhook.picture(media_id, caption, sender=self.sender))

    async def _posts(self, notification: dict[str, Any]) -> None:
        answer = await self.client.post(webhook.PATH, json=notification)
        self.notes.append(f"webhook → {answer.status_code} {answer.text}")


@asynccontextmanager
async def phones(target: Target, settings: Any, world: Providers) -> AsyncIterator[list[PhoneOfSomebody]]:
    """Ana's phone and Ben's, and the companion on WhatsApp."""
    app = target.load("interfaces.whatsapp.webhook_endpoint").create_app(settings)
    async with webhook.serving(app) as client:
        yield [PhoneOfSomebody(sender, client, world) for sender in ("4915100000001", "4915100000002")]


class Visitor:
    """Somebody in front of the chat page, who notes what it shows."""

    def __init__(self, app: Any) -> None:
        import chainlit
        from chainlit.context import ChainlitContext, context_var
        from chainlit.emitter import BaseChainlitEmitter
        from chainlit.session import HTTPSession

        self.notes: list[str] = []
        self._app = app
        self._chainlit = chainlit
        session = HTTPSession(id=f"visitor-{id(self)}", client_type="webapp")
        self._session = session
        notes = self.notes

        class Screen(BaseChainlitEmitter):
            async def stream_start(self, step_dict: Any) -> None:
                notes.append(f"page begins {step_dict['output']!r}")

            async def send_token(self, id: str, token: str, is_sequence: bool = False, is_input: bool = False) -> None:
                notes.append(f"page goes on {token!r}")

            async def send_step(self, step_dict: Any) -> None:
                if step_dict["type"].endswith("_message"):
                    notes.append(f"page shows {step_dict['type']} {step_dict['output']!r}")

            async def send_element(self, element_dict: Any) -> None:
                kept = session.files[element_dict["chainlitKey"]]
                data = Path(kept["path"]).read_bytes()
                notes.append(f"page shows {element_dict['type']} {kept['type']} {sha256(data).hexdigest()}")

        context_var.set(ChainlitContext(session, Screen(session)))

    async def says(self, words: str, *pictures: Path) -> None:
        images = [self._chainlit.Image(name=picture.name, path=str(picture)) for picture in pictures]
        await self._app.on_message(self._chainlit.Message(content=words, type="user_message", elements=images))

    async def speaks(self, samples: bytes) -> None:
        await self._app.on_audio_start()
        for start in range(0, len(samples), 1600):
            chunk = samples[start : start + 1600]
            await self._app.on_audio_chunk(self._chainlit.InputAudioChunk(not start, "pcm16", start / 48_000, chunk))
        await self._app.on_audio_end()

    async def leaves(self) -> None:
        await self._session.delete()


@asynccontextmanager
async def page(target: Target, settings: Any) -> AsyncIterator[Visitor]:
    """A visitor of the chat page, whose handlers are called as Chainlit calls them."""
    os.environ.setdefault("CHAINLIT_APP_ROOT", tempfile.mkdtemp(prefix="kata-chainlit-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Chainlit's dependencies deprecate is their affair
        app = target.load("interfaces.chainlit.app")
    await app.start(settings)
    visitor = Visitor(app)
    try:
        yield visitor
    finally:
        await visitor.leaves()
        await app.stop()
