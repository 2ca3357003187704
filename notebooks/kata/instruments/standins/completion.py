"""A chat completion in Groq's format: what the stand-in's model says to a list of messages, whole or in chunks."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from . import pictures, schema

_SECONDS_PER_TOKEN = 0.002  # about what Groq's larger models take; only reported in `usage`, never waited for


@dataclass(frozen=True)
class Completion:
    """What was said, and the members that the wire format wraps around it."""

    model: str
    content: str
    prompt_tokens: int
    digest: str  # of the request: the same request has the same ids

    @classmethod
    def of(cls, request: Mapping[str, Any], scripted: str | None = None) -> Completion:
        """The answer to a request: the scripted text, or one that says what was asked. ValueError for a bad request."""
        model, messages = request.get("model"), request.get("messages")
        if not isinstance(model, str) or not model:
            raise ValueError("'model' : property 'model' is missing")
        if not isinstance(messages, list) or not messages:
            raise ValueError("'messages' : minimum number of items is 1")
        if not all(isinstance(message, Mapping) and "role" in message for message in messages):
            raise ValueError("'messages.0' : discriminator property 'role' has invalid value")
        said = _said(messages)
        content = _formatted(request.get("response_format"), said, messages) if scripted is None else scripted
        digest = sha256(encoded(request)).hexdigest()
        return cls(model, content, _tokens(json.dumps(messages)), digest)

    def whole(self) -> dict[str, Any]:
        """The `chat.completion` object."""
        message = {"role": "assistant", "content": self.content}
        return {
            **self._frame("chat.completion"),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": self._usage(),
            "x_groq": {"id": self._request_id},
        }

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The `chat.completion.chunk` objects: the role, the content word by word, the end with the usage."""
        yield self._chunk({"role": "assistant", "content": ""}, x_groq={"id": self._request_id})
        for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", self.content):
            yield self._chunk({"content": word})
        yield self._chunk({}, "stop", x_groq={"id": self._request_id, "usage": self._usage()})

    @property
    def _request_id(self) -> str:
        return f"req_{self.digest[:26]}"

    def _frame(self, kind: str) -> dict[str, Any]:
        identity = f"chatcmpl-{self.digest[:32]}"
        return {"id": identity, "object": kind, "created": 0, "model": self.model, "system_fingerprint": "fp_stand_in"}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._frame("chat.completion.chunk"), "choices": [choice], **more}

    def _usage(self) -> dict[str, Any]:
        completion_tokens = _tokens(self.content)
        prompt_time, completion_time = 0.001, completion_tokens * _SECONDS_PER_TOKEN
        return {
            "queue_time": 0.0,
            "prompt_tokens": self.prompt_tokens,
            "prompt_time": prompt_time,
            "completion_tokens": completion_tokens,
            "completion_time": completion_time,
            "total_tokens": self.prompt_tokens + completion_tokens,
            "total_time": prompt_time + completion_time,
        }


def encoded(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _said(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the model says to the last user message: it repeats the words, and describes the pictures."""
    last = next((message for message in reversed(messages) if message["role"] == "user"), messages[-1])
    content = last.get("content") or ""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    words = " ".join(part.get("text", "") for part in parts if part.get("type") == "text").strip()
    seen = [_described(part["image_url"]["url"]) for part in parts if part.get("type") == "image_url"]
    if seen:
        return f"I see {' and '.join(seen)}. You asked: {words}"
    return f"You said: {words}"


def _described(url: str) -> str:
    """The picture behind a data URI, by its own header. ValueError if there is none."""
    if not url.startswith("data:"):
        return f"a picture at {url}, which the stand-in does not fetch"
    _, _, payload = url.partition("base64,")
    try:
        data = base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise ValueError("invalid base64 url") from error
    picture = pictures.recognised(data)
    if picture is None:
        raise ValueError("invalid image data")
    return f"a {picture}, {len(data)} bytes"


def _formatted(wanted: Mapping[str, Any] | None, said: str, messages: Sequence[Mapping[str, Any]]) -> str:
    """What is said, in the response format that the request asks for."""
    match (wanted or {}).get("type", "text"):
        case "text":
            return said
        case "json_object":
            if "json" not in json.dumps(messages).lower():
                raise ValueError(
                    "'messages' must contain the word 'json' in some form, "
                    "to use 'response_format' of type 'json_object'."
                )
            return json.dumps({"answer": said}, ensure_ascii=False)
        case "json_schema":
            described = (wanted or {}).get("json_schema") or {}
            return json.dumps(schema.example(described.get("schema") or {}, said), ensure_ascii=False)
        case other:
            raise ValueError(f"'response_format.type' : {other!r} is not one of text, json_object, json_schema")


def _tokens(text: str) -> int:
    """About how many tokens a text has, four characters each."""
    return max(1, len(text) // 4)
