"""What more than one room of tests is arranged with: the course's voice note, and stand-ins for everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kata.audio import VoiceNote, voice_note
from kata.instruments.standins import Providers, providers


@pytest.fixture
def note() -> VoiceNote:
    return voice_note()


@pytest.fixture
def everybody(note: VoiceNote) -> Iterator[Providers]:
    """Stand-ins for all providers; Groq knows the voice note."""
    with providers("groq", "elevenlabs", "images", "embeddings", "whatsapp") as world:
        world.groq.recognise(note.data, note.text)
        yield world
