"""What the findings' tests are arranged with: stand-ins, and the companion's parts from the package under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from kata.audio import VoiceNote
from kata.instruments.pulse import Pulse
from kata.instruments.standins import ElevenLabsStandIn, GroqStandIn, Providers, providers
from kata.target import Target

FAST = {
    "STT_TIMEOUT_SECONDS": 8,
    "STT_BACKOFF_SECONDS": 0.001,
    "TTS_TIMEOUT_SECONDS": 8,
    "BREAKER_FAILURE_THRESHOLD": 100,
    "BREAKER_RECOVERY_SECONDS": 0.05,
}
"""Settings that keep a test short, and the breaker out of the way of whoever does not ask for it."""


@pytest.fixture
def groq_alone(note: VoiceNote) -> Iterator[Providers]:
    with providers("groq") as world:
        world.groq.recognise(note.data, note.text)
        yield world


@pytest.fixture
def groq(groq_alone: Providers) -> GroqStandIn:
    return groq_alone.groq


@pytest.fixture
def elevenlabs_alone() -> Iterator[Providers]:
    with providers("elevenlabs") as world:
        yield world


@pytest.fixture
def elevenlabs(elevenlabs_alone: Providers) -> ElevenLabsStandIn:
    return elevenlabs_alone.elevenlabs


@pytest.fixture
def pulse(target: Target) -> Pulse:
    return Pulse(target.folder)


@pytest.fixture
async def speech_to_text(target: Target, groq_alone: Providers) -> AsyncIterator[Callable[..., Any]]:
    """Make a SpeechToText of the package under test; it is closed when the test ends."""
    async with AsyncExitStack() as stack:
        yield _maker(stack, target, "modules.speech.speech_to_text", "SpeechToText", groq_alone)


@pytest.fixture
async def text_to_speech(target: Target, elevenlabs_alone: Providers) -> AsyncIterator[Callable[..., Any]]:
    """Make a TextToSpeech of the package under test; it is closed when the test ends."""
    async with AsyncExitStack() as stack:
        yield _maker(stack, target, "modules.speech.text_to_speech", "TextToSpeech", elevenlabs_alone)


@pytest.fixture
def companion_error(target: Target) -> type[Exception]:
    return target.load("core.exceptions").CompanionError


def _maker(stack: AsyncExitStack, target: Target, module: str, name: str, world: Providers) -> Callable[..., Any]:
    settings_of = target.load("settings").Settings

    def make(**settings: Any) -> Any:
        part = getattr(target.load(module), name)(
            settings_of(_env_file=None, **{**world.settings(), **FAST, **settings})
        )
        stack.push_async_callback(part.close)
        return part

    return make


@pytest.fixture
def webhook_app(target: Target, everybody: Providers, tmp_path: Path) -> Callable[..., Any]:
    """Make the webhook's application of the package under test, with its pictures below `tmp_path`.

    Conversations are kept in memory: a disk makes each of their steps wait until it is written down for good.
    """

    def make(**settings: Any) -> Any:
        kept = {"IMAGE_FOLDER": str(tmp_path / "pictures"), "SHORT_TERM_MEMORY_DB_PATH": ":memory:"}
        settings_of = target.load("settings").Settings
        return target.load("interfaces.whatsapp.webhook_endpoint").create_app(
            settings_of(_env_file=None, **{**everybody.settings(), **kept, **FAST, **settings})
        )

    return make
