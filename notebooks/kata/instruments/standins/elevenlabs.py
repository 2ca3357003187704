"""ElevenLabs' stand-in: text to speech, whole or streamed, as chunked MP3.

Wire format: the `elevenlabs` SDK 2.78 and https://elevenlabs.io/docs/api-reference/text-to-speech; error bodies:
https://elevenlabs.io/docs/eleven-api/resources/errors.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from . import audio
from .journal import Call
from .server import Refusal, StandIn, body_of

_KEY = "stand-in-elevenlabs-key"
_LONGEST = 5000  # characters that the smaller models take in one request
_DEFAULT_FORMAT = "mp3_44100_128"
_WORDS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request was refused by the stand-in."),
    401: ("invalid_api_key", "Invalid API key"),
    404: ("not_found", "Not found"),
    429: ("too_many_concurrent_requests", "Too many concurrent requests. Please try again later."),
    503: ("system_busy", "We are experiencing heavy traffic. Please try again later."),
}


class ElevenLabsStandIn(StandIn):
    """ElevenLabs on loopback. Every voice is silent, for about as long as the text takes to say, in `chunks` pieces."""

    name = "elevenlabs"

    def __init__(self, *, chunks: int = 4, **options: Any) -> None:
        super().__init__(**options)
        self.chunks = chunks

    def settings(self) -> dict[str, str]:
        return {"ELEVENLABS_BASE_URL": self.base_url, "ELEVENLABS_API_KEY": _KEY}

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/text-to-speech/{voice_id}", self._speak, methods=["POST"]),
            Route("/v1/text-to-speech/{voice_id}/stream", self._speak, methods=["POST"]),
        ]

    def refusal(self, status: int) -> Refusal:
        return _error(status, *_WORDS.get(status, ("internal_error", "An internal error occurred.")))

    def admit(self, headers: Mapping[str, str]) -> None:
        key = headers.get("xi-api-key", "")
        if not key:
            message = "Neither authorization header nor xi-api-key received, please provide one."
            raise _error(401, "needs_authorization", message)
        if key == "invalid":
            raise self.refusal(401)

    def garbled(self, call: Call) -> Response:
        return Response(b"<html>this is no audio</html>", media_type="audio/mpeg")

    async def _speak(self, request: Request) -> Response:
        body = body_of(request)
        text = body.fields.get("text")
        if body.flaw or not isinstance(text, str):
            missing = {"type": "missing", "loc": ["body", "text"], "msg": "Field required", "input": dict(body.fields)}
            raise Refusal(422, {"detail": [missing]})
        if not text.strip():
            raise _error(400, "input_text_empty", "Input text is empty. Please provide some text.")
        if len(text) > _LONGEST:
            message = f"This request's text has {len(text)} characters and exceeds the character limit of {_LONGEST}."
            raise _error(400, "max_character_limit_exceeded", message)
        frames = self._frames(text, request.query_params.get("output_format", _DEFAULT_FORMAT))
        identity = sha256(f"{request.path_params['voice_id']} {text}".encode()).hexdigest()[:20]
        headers = {"request-id": identity, "character-cost": str(len(text))}
        return StreamingResponse(_pieces(frames, self.chunks), media_type="audio/mpeg", headers=headers)

    def _frames(self, text: str, output_format: str) -> list[bytes]:
        """The speech in a format of the form mp3_RATE_KILOBITS. Raises Refusal for the others."""
        wanted = re.fullmatch(r"mp3_(\d+)_(\d+)", output_format)
        try:
            if wanted is None:
                raise ValueError(f"the stand-in speaks MP3 only, not {output_format}")
            rate, kilobits = map(int, wanted.groups())
            return audio.silent_mp3(text, sample_rate=rate, kilobits=kilobits, at_least=self.chunks)
        except ValueError as error:
            raise _error(400, "output_format_not_allowed", str(error)) from error


async def _pieces(frames: Sequence[bytes], count: int) -> AsyncIterator[bytes]:
    """The frames in `count` pieces of about the same length."""
    for piece in range(count):
        yield b"".join(frames[piece * len(frames) // count : (piece + 1) * len(frames) // count])


def _error(status: int, kind: str, message: str) -> Refusal:
    return Refusal(status, {"detail": {"status": kind, "message": message}})
