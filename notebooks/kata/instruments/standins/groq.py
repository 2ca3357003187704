"""Groq's stand-in: speech to text, chat (plain, streamed, structured, with pictures), models.

Wire format: the types of the `groq` SDK 1.7 and https://console.groq.com/docs/api-reference. Error bodies:
the same, and https://console.groq.com/docs/errors; the refused file type's as users quote it (vercel/ai issue 6413).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from . import audio, completion
from .body import Body
from .journal import Call
from .server import Refusal, StandIn, body_of

_KEY = "stand-in-groq-key"
_SUFFIXES = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "opus", "wav", "webm")
_LARGEST = 25 * 1024 * 1024  # bytes, the free tier's limit: https://console.groq.com/docs/speech-to-text
_FORMATS = ("json", "text", "verbose_json")
_MODELS = ("llama-3.3-70b-versatile", "meta-llama/llama-4-scout-17b-16e-instruct", "whisper-large-v3-turbo")
_WORDS: Mapping[int, tuple[str, str, str | None]] = {
    401: ("Invalid API Key", "invalid_request_error", "invalid_api_key"),
    404: ("Unknown request URL. Please check the URL for typos.", "invalid_request_error", "unknown_url"),
    413: ("Request Entity Too Large", "invalid_request_error", "request_too_large"),
    429: ("Rate limit reached. Please try again later.", "requests", "rate_limit_exceeded"),
    498: ("Flex tier capacity exceeded. Please try again later.", "flex_tier_capacity_exceeded", "capacity_exceeded"),
    503: ("Service Unavailable", "service_unavailable", None),
}


class GroqStandIn(StandIn):
    """Groq on loopback. Give the SDK `base_url` as it is: it adds `/openai/v1` itself."""

    name = "groq"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._refused: set[str] = set()
        self._replies: deque[str] = deque()

    def recognise(self, audio: bytes, text: str) -> None:
        """Teach it what is said in a recording; any other gets a sentence about its format and size."""
        with self._lock:
            self._known[sha256(audio).hexdigest()] = text

    def refuse_once(self, audio: bytes) -> None:
        """Answer 429 when a recording comes for the first time, and transcribe it when it comes again."""
        with self._lock:
            self._refused.add(sha256(audio).hexdigest())

    def reply(self, *texts: str) -> None:
        """Queue what the model says in the next chat completions, one text each."""
        with self._lock:
            self._replies.extend(texts)

    def reset(self) -> None:
        super().reset()
        with self._lock:
            self._refused.clear()
            self._replies.clear()

    def settings(self) -> dict[str, str]:
        return {"GROQ_BASE_URL": self.base_url, "GROQ_API_KEY": _KEY}

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/openai/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
            Route("/openai/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/openai/v1/models", self._models, methods=["GET"]),
        ]

    def refusal(self, status: int) -> Refusal:
        fallback = ("Internal Server Error", "internal_server_error", None)
        if status < 500:
            fallback = ("The request was refused by the stand-in.", "invalid_request_error", None)
        return _error(status, *_WORDS.get(status, fallback))

    def admit(self, headers: Mapping[str, str]) -> None:
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key.strip() or key == "invalid":
            raise self.refusal(401)

    def garbled(self, call: Call) -> Response:
        if call.fields.get("stream") is True:
            return Response('data: {"id": "garbled", "choices": [{"ind\n\n', media_type="text/event-stream")
        return super().garbled(call)

    async def _models(self, request: Request) -> Response:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "stand-in"} for name in _MODELS]
        return JSONResponse({"object": "list", "data": models})

    async def _transcribe(self, request: Request) -> Response:
        body = body_of(request)
        kind = self._checked_audio(body)
        self._refuse_what_comes_first(body)
        seconds = audio.wav_seconds(body.data) if kind == "WAV" else None
        text = self._heard(body, kind, seconds)
        answer = {"text": text, "x_groq": {"id": _request_id(body.file.sha256 if body.file else "")}}
        match body.fields.get("response_format", "json"):
            case "text":
                return PlainTextResponse(text)
            case "verbose_json":
                segment = {"id": 0, "seek": 0, "start": 0.0, "end": seconds or 0.0, "text": text, "tokens": []}
                about = {"temperature": 0.0, "avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}
                answer |= {"task": "transcribe", "language": "English", "duration": seconds or 0.0}
                answer["segments"] = [segment | about]
        return JSONResponse(answer)

    def _checked_audio(self, body: Body) -> str:
        """The container of the upload. Raises Refusal as Groq does for what it cannot transcribe."""
        fields, file = body.fields, body.file
        if body.flaw:
            raise _error(400, body.flaw)
        if not fields.get("model"):
            raise _error(400, "model must be provided")
        if file is None:
            raise _error(400, "either file or url must be provided")
        if file.size > _LARGEST:
            raise self.refusal(413)
        if fields.get("response_format", "json") not in _FORMATS:
            raise _error(400, f"response_format must be one of [{' '.join(_FORMATS)}]")
        if PurePath(file.filename).suffix.lower().lstrip(".") not in _SUFFIXES:
            message = f"file must be one of the following types: [{' '.join(_SUFFIXES)}]"
            raise _error(400, message, code="unsupported_audio_format")
        kind = audio.container(body.data)
        if kind is None:
            raise _error(400, "could not process file - is it a valid media file?")
        return kind

    def _refuse_what_comes_first(self, body: Body) -> None:
        digest = body.file.sha256 if body.file else ""
        with self._lock:
            if digest not in self._refused:
                return
            self._refused.remove(digest)
        raise self.refusal(429)

    def _heard(self, body: Body, kind: str, seconds: float | None) -> str:
        with self._lock:
            known = self._known.get(body.file.sha256) if body.file else None
        length = "" if seconds is None else f" and {seconds:.1f} seconds"
        return (
            known or f"This is a {kind} recording of {len(body.data)} bytes{length} that the stand-in was not taught."
        )

    async def _complete(self, request: Request) -> Response:
        body = body_of(request)
        if body.flaw:
            raise _error(400, body.flaw)
        with self._lock:
            scripted = self._replies.popleft() if self._replies else None
        try:
            answer = completion.Completion.of(body.fields, scripted)
        except ValueError as error:
            raise _error(400, str(error)) from error
        if not body.fields.get("stream"):
            return JSONResponse(answer.whole())
        return StreamingResponse(_events(answer), media_type="text/event-stream")


async def _events(answer: completion.Completion) -> AsyncIterator[bytes]:
    """Server-sent events, one piece of the answer each; the last piece comes with the end mark."""
    *pieces, last = [b"data: " + completion.encoded(chunk) + b"\n\n" for chunk in answer.chunks()]
    for piece in pieces:
        yield piece
    yield last + b"data: [DONE]\n\n"


def _error(status: int, message: str, kind: str = "invalid_request_error", code: str | None = None) -> Refusal:
    error = {"message": message, "type": kind} | ({"code": code} if code else {})
    return Refusal(status, {"error": error})


def _request_id(digest: str) -> str:
    return f"req_{digest[:26]}"
