"""Twenty conversations with the companion: what its users do, and what happens to its providers meanwhile."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kata.audio import voice_note
from kata.instruments.standins import Providers
from kata.instruments.standins.pictures import drawn

PICTURE = drawn("a harbour", 32, 24)
LIMITS: dict[str, Any] = {
    "STT_BACKOFF_SECONDS": 0.001,
    "STT_MAX_ATTEMPTS": 3,
    "BREAKER_FAILURE_THRESHOLD": 4,
    "BREAKER_RECOVERY_SECONDS": 3600,
    "WORKFLOW_TIMEOUT_SECONDS": 60,
}
"""Settings under which a conversation is quick, and its breaker, once open, stays so."""


class Phone(Protocol):
    """Somebody on WhatsApp."""

    async def says(self, words: str) -> None: ...
    async def sends_voice(self, audio: bytes) -> None: ...
    async def sends_picture(self, image: bytes, caption: str = "") -> None: ...


class Page(Protocol):
    """Somebody in front of the chat page."""

    async def says(self, words: str, *pictures: Path) -> None: ...
    async def speaks(self, samples: bytes) -> None: ...


@dataclass(frozen=True)
class Conversation:
    """One conversation.

    Attributes:
        name: What it is about.
        course: What happens; it gets the providers and the people it needs.
        settings: Settings of the companion that differ from `LIMITS`.
    """

    name: str
    course: Callable[..., Awaitable[None]]
    settings: dict[str, Any]

    @property
    def is_on_the_page(self) -> bool:
        """Whether it takes place on the chat page, and not on WhatsApp."""
        return "page" in self.course.__annotations__


CONVERSATIONS: list[Conversation] = []


def conversation(**settings: Any) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
    def keep(course: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        CONVERSATIONS.append(Conversation(course.__name__.replace("_", " "), course, settings))
        return course

    return keep


def remembers(memory: str | None) -> str:
    """What the language model finds worth remembering of a message."""
    return json.dumps({"is_important": memory is not None, "formatted_memory": memory})


def chooses(workflow: str) -> str:
    """How the language model decides to answer."""
    return json.dumps({"workflow": workflow})


@conversation()
async def small_talk(world: Providers, ana: Phone) -> None:
    world.groq.reply(remembers(None), chooses("conversation"), "Good evening to you.")
    await ana.says("Good evening")
    await ana.says("How was your day?")


@conversation()
async def something_is_remembered_and_recalled(world: Providers, ana: Phone) -> None:
    world.groq.reply(remembers("Ana has a dog called Bruno."), chooses("conversation"), "A fine name.")
    await ana.says("My dog is called Bruno")
    world.groq.reply(remembers(None), chooses("conversation"), "Bruno, of course.")
    await ana.says("What is my dog called?")


@conversation()
async def a_picture_is_asked_for(world: Providers, ana: Phone) -> None:
    scene = json.dumps({"narrative": "I am at the harbour.", "image_prompt": "a harbour at dawn"})
    world.groq.reply(remembers(None), chooses("image"), scene)
    await ana.says("Show me where you are")


@conversation()
async def her_voice_is_asked_for(world: Providers, ana: Phone) -> None:
    world.groq.reply(remembers(None), chooses("audio"), "Do you hear the sea?")
    await ana.says("Let me hear you")


@conversation()
async def a_voice_note_is_answered_in_words(world: Providers, ana: Phone) -> None:
    await ana.sends_voice(voice_note().data)


@conversation()
async def a_voice_note_is_answered_with_her_voice(world: Providers, ana: Phone) -> None:
    world.groq.reply(remembers(None), chooses("audio"), "At nine, at the station.")
    await ana.sends_voice(voice_note().data)


@conversation()
async def pictures_are_looked_at_with_a_caption_and_without(world: Providers, ana: Phone) -> None:
    await ana.sends_picture(PICTURE, "Guess where I am")
    await ana.sends_picture(PICTURE)


@conversation(SUMMARY_TRIGGER_MESSAGES=4, SUMMARY_KEPT_MESSAGES=2)
async def a_long_conversation_is_summarized(world: Providers, ana: Phone) -> None:
    for number in range(1, 4):
        await ana.says(f"This is message {number}")


@conversation()
async def two_people_are_kept_apart(world: Providers, ana: Phone, ben: Phone) -> None:
    world.groq.reply(remembers("Ana drinks her coffee black."), chooses("conversation"), "Noted.")
    await ana.says("I drink my coffee black")
    world.groq.reply(remembers(None), chooses("conversation"), "I do not know, Ben.")
    await ben.says("How do I drink my coffee?")
    world.groq.reply(remembers(None), chooses("conversation"), "Black.")
    await ana.says("How do I drink my coffee?")


@conversation()
async def the_language_model_is_down_for_a_while(world: Providers, ana: Phone) -> None:
    world.groq.fail(2, status=503)
    await ana.says("Are you there?")
    await ana.says("And now?")
    world.groq.cut(3)
    await ana.says("What were you going to say?")


@conversation()
async def speech_to_text_is_rate_limited_and_then_answers(world: Providers, ana: Phone) -> None:
    world.groq.fail(2, status=429)
    await ana.sends_voice(voice_note().data)


@conversation()
async def speech_to_text_refuses_and_then_fails_until_nobody_asks(world: Providers, ana: Phone) -> None:
    world.groq.fail(1, status=400)
    await ana.sends_voice(voice_note().data)
    world.groq.fail(4, status=500)
    for _ in range(3):
        await ana.sends_voice(voice_note().data)


@conversation()
async def her_voice_fails_until_nobody_asks_for_it(world: Providers, ana: Phone) -> None:
    world.elevenlabs.fail(2, status=503)
    world.elevenlabs.drop(2)
    for number in range(5):
        world.groq.reply(remembers(None), chooses("audio"), f"Can you hear me, {number}?")
        await ana.says("Say something")


@conversation()
async def the_image_service_fails_in_three_ways(world: Providers, ana: Phone) -> None:
    world.images.fail(1, status=500)
    world.images.garble(1)
    world.images.drop(1)
    for _ in range(3):
        world.groq.reply(remembers(None), chooses("image"))
        await ana.says("Show me an image of the sea")


@conversation()
async def the_memory_fails_in_three_ways(world: Providers, ana: Phone) -> None:
    world.embeddings.fail(2, status=500)
    await ana.says("I live in Porto")
    world.embeddings.garble(1)
    world.embeddings.drop(1)
    await ana.says("Where do I live?")


@conversation()
async def whatsapp_does_not_hand_out_or_take_media(world: Providers, ana: Phone) -> None:
    world.whatsapp.fail(1, status=404)
    await ana.sends_voice(voice_note().data)
    world.whatsapp.fail(1, status=500)
    await ana.sends_picture(PICTURE, "Look")
    world.groq.reply(remembers(None), chooses("audio"), "Listen.")
    world.whatsapp.fail(1, status=503)
    await ana.says("Let me hear you")
    world.whatsapp.fail(1, status=429)
    await ana.says("Did you say something?")


@conversation()
async def words_come_piece_by_piece_on_the_page(world: Providers, page: Page) -> None:
    world.groq.reply(remembers(None), chooses("conversation"), "One word after the other.")
    await page.says("How do you talk?")
    await page.says("And again?")


@conversation()
async def pictures_are_uploaded_to_the_page_and_one_is_gone(world: Providers, page: Page, folder: Path) -> None:
    here, there = folder / "here.png", folder / "there.png"
    here.write_bytes(PICTURE)
    there.write_bytes(drawn("a hill", 16, 16))
    await page.says("What are these?", here, there)
    await page.says("And this one?", folder / "gone.png")


@conversation()
async def somebody_speaks_to_the_page_and_is_answered_aloud_and_with_a_picture(world: Providers, page: Page) -> None:
    world.groq.reply(remembers(None), chooses("audio"), "I hear you.")
    await page.speaks(bytes(4800))
    world.groq.reply(remembers(None), chooses("image"))
    await page.speaks(bytes(4800))
    await page.speaks(b"")


@conversation()
async def providers_fail_one_after_the_other_on_the_page(world: Providers, page: Page) -> None:
    world.groq.fail(2, status=500)
    await page.says("Are you there?")
    world.groq.reply(remembers(None), chooses("audio"), "Nobody hears me.")
    world.elevenlabs.fail(1, status=401)
    await page.says("Let me hear you")
    world.groq.reply(remembers(None), chooses("image"))
    world.images.fail(1, status=429)
    await page.says("Show me an image")
    world.groq.garble(1)
    world.embeddings.fail(1, status=503)
    await page.says("Do you know me?")
