"""A voice note of real speech, as a phone sends it: Ogg Opus, mono, 16 kHz.

Spoken by espeak-ng and encoded with libopus at 16 kbit/s, so that the course ships no human voice.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class VoiceNote:
    """An audio file and what is said in it."""

    data: bytes = field(repr=False)
    format: str
    text: str

    def _repr_html_(self) -> str:
        """A player, for a notebook."""
        sound = base64.b64encode(self.data).decode()
        return f'<audio controls src="data:audio/{self.format};base64,{sound}"></audio>'


@cache
def voice_note() -> VoiceNote:
    """The voice note of the course's story, 4.7 seconds long."""
    return VoiceNote(
        data=resources.files(__name__).joinpath("voice_note.ogg").read_bytes(),
        format="ogg",
        text="Hi, it's me. Shall we meet at the station tomorrow at nine?",
    )
