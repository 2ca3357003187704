"""Groq's stand-in, driven by Groq's SDK."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import httpx
import jsonschema
import pytest
from groq import APIStatusError, AsyncGroq, AuthenticationError, BadRequestError, Groq, NotFoundError
from pydantic import BaseModel, Field

from kata.instruments.standins import GroqStandIn

ASK = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "How are you, old friend?"}]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAFElEQVR4nGP8z8DAwMDAxAADCBYAHRABA2Vk8KkAAAAASUVORK5CYII="
)
JPEG_HEAD = bytes.fromhex(
    "ffd8 ffe0 0010 4a46494600010100000100010000 ffc0 000b 08 0010 0020 01 01 11 00 ffd9".replace(" ", "")
)


def recording(seconds: float = 0.5) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(int(seconds * 8000) * 2))
    return buffer.getvalue()


WAV = recording()
CONTAINERS = {
    "WAV": ("a.wav", WAV),
    "Ogg": ("a.ogg", b"OggS\x00\x02 and so on"),
    "FLAC": ("a.flac", b"fLaC\x00\x00 and so on"),
    "MP3": ("a.mp3", b"ID3\x03\x00\x00 and so on"),
    "M4A": ("a.m4a", b"\x00\x00\x00\x20ftypM4A and so on"),
    "WebM": ("a.webm", b"\x1a\x45\xdf\xa3 and so on"),
}


@pytest.fixture
def groq() -> Iterator[GroqStandIn]:
    with GroqStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(groq: GroqStandIn) -> Iterator[Groq]:
    with Groq(api_key="key-of-the-test", base_url=groq.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(groq: GroqStandIn) -> AsyncIterator[AsyncGroq]:
    async with AsyncGroq(api_key="key-of-the-test", base_url=groq.base_url, max_retries=0) as client:
        yield client


def transcribed(client: Groq, name: str, data: bytes, **options: Any) -> Any:
    return client.audio.transcriptions.create(model="whisper-large-v3-turbo", file=(name, data), **options)


# Speech to text


def test_a_recording_it_was_taught_is_transcribed(groq: GroqStandIn, client: Groq) -> None:
    groq.recognise(WAV, "Good morning.")
    assert transcribed(client, "note.wav", WAV).text == "Good morning."


async def test_the_async_sdk_transcribes_alike(groq: GroqStandIn, async_client: AsyncGroq) -> None:
    groq.recognise(WAV, "Good morning.")
    answer = await async_client.audio.transcriptions.create(model="whisper", file=("note.wav", WAV, "audio/wav"))
    assert answer.text == "Good morning."


def test_an_unknown_recording_is_described_not_invented(client: Groq) -> None:
    text = transcribed(client, "note.wav", WAV).text
    assert text == f"This is a WAV recording of {len(WAV)} bytes and 0.5 seconds that the stand-in was not taught."


@pytest.mark.parametrize("kind", CONTAINERS)
def test_each_container_is_recognised_by_its_first_bytes(client: Groq, kind: str) -> None:
    assert f"a {kind} recording" in transcribed(client, *CONTAINERS[kind]).text


def test_response_format_text_is_a_plain_text(groq: GroqStandIn, client: Groq) -> None:
    groq.recognise(WAV, "Good morning.")
    assert transcribed(client, "note.wav", WAV, response_format="text") == "Good morning."


def test_response_format_verbose_json_has_segments_and_duration(groq: GroqStandIn, client: Groq) -> None:
    groq.recognise(WAV, "Good morning.")
    answer = transcribed(client, "note.wav", WAV, response_format="verbose_json")
    assert (answer.text, answer.duration, answer.segments[0]["text"]) == ("Good morning.", 0.5, "Good morning.")


@pytest.mark.parametrize(
    ("name", "data", "options", "message"),
    [
        ("note.wav", b"these are words, not sound", {}, "could not process file - is it a valid media file?"),
        ("note.wav", b"", {}, "could not process file"),
        ("note.txt", WAV, {}, "file must be one of the following types"),
        ("note", WAV, {}, "file must be one of the following types"),
        ("note.wav", WAV, {"response_format": "srt"}, "response_format must be one of"),
    ],
)
def test_what_cannot_be_transcribed_is_a_400(
    client: Groq, name: str, data: bytes, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        transcribed(client, name, data, **options)
    assert message in caught.value.body["error"]["message"]
    assert caught.value.body["error"]["type"] == "invalid_request_error"


def test_a_request_without_a_file_is_a_400(groq: GroqStandIn) -> None:
    answer = httpx.post(
        f"{groq.base_url}/openai/v1/audio/transcriptions",
        headers={"authorization": "Bearer key"},
        files={"model": (None, "whisper")},
    )
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "either file or url must be provided")


def test_more_than_25_megabytes_are_a_413(client: Groq) -> None:
    with pytest.raises(APIStatusError) as caught:
        transcribed(client, "note.wav", WAV + bytes(25 * 1024 * 1024))
    assert caught.value.status_code == 413


# Keys, models, addresses


def test_the_key_invalid_is_a_401(groq: GroqStandIn) -> None:
    client = Groq(api_key="invalid", base_url=groq.base_url, max_retries=0)
    with client, pytest.raises(AuthenticationError) as caught:
        client.models.list()
    assert caught.value.body == {
        "error": {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}
    }


def test_a_missing_key_is_a_401(groq: GroqStandIn) -> None:
    assert httpx.get(f"{groq.base_url}/openai/v1/models").status_code == 401


def test_the_models_are_listed(client: Groq) -> None:
    assert "whisper-large-v3-turbo" in [model.id for model in client.models.list().data]


def test_an_unknown_address_is_a_404_in_groqs_words(client: Groq) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.get("/openai/v1/nothing", cast_to=object)
    assert caught.value.body["error"]["code"] == "unknown_url"


# Chat


def test_a_chat_without_a_script_repeats_the_question(client: Groq) -> None:
    answer = client.chat.completions.create(model="llama", messages=ASK)
    assert answer.choices[0].message.content == "You said: How are you, old friend?"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model == "llama"


def test_scripted_replies_come_in_order_and_then_no_more(groq: GroqStandIn, client: Groq) -> None:
    groq.reply("first", "second")
    said = [client.chat.completions.create(model="m", messages=ASK).choices[0].message.content for _ in range(3)]
    assert said == ["first", "second", "You said: How are you, old friend?"]


def test_the_same_request_has_the_same_answer(client: Groq) -> None:
    first, second = (client.chat.completions.create(model="m", messages=ASK) for _ in range(2))
    assert first == second


def test_a_stream_says_the_same_word_by_word(groq: GroqStandIn, client: Groq) -> None:
    groq.reply("  one two\n\nthree, four  ")
    chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert "".join(words) == "  one two\n\nthree, four  "
    assert len(words) == 4
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_last_chunk_of_a_stream_carries_the_usage(client: Groq) -> None:
    *others, last = client.chat.completions.create(model="m", messages=ASK, stream=True)
    assert last.choices[0].finish_reason == "stop"
    assert last.x_groq.usage.completion_tokens > 0
    assert all(chunk.x_groq is None or chunk.x_groq.usage is None for chunk in others)


def test_a_stream_ends_with_done(groq: GroqStandIn) -> None:
    answer = httpx.post(
        f"{groq.base_url}/openai/v1/chat/completions",
        headers={"authorization": "Bearer key"},
        json={"model": "m", "messages": ASK, "stream": True},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_the_async_sdk_streams_alike(groq: GroqStandIn, async_client: AsyncGroq) -> None:
    groq.reply("one two three")
    stream = await async_client.chat.completions.create(model="m", messages=ASK, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "one two three"


def test_an_empty_reply_can_be_streamed(groq: GroqStandIn, client: Groq) -> None:
    groq.reply("")
    chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ""


def test_json_object_is_json_and_needs_the_word(client: Groq) -> None:
    wanted = {"type": "json_object"}
    asked = [{"role": "user", "content": "Answer in JSON."}]
    content = (
        client.chat.completions.create(model="m", messages=asked, response_format=wanted).choices[0].message.content
    )
    assert json.loads(content) == {"answer": "You said: Answer in JSON."}
    with pytest.raises(BadRequestError, match="must contain the word 'json'"):
        client.chat.completions.create(model="m", messages=ASK, response_format=wanted)


class Part(BaseModel):
    size: int = Field(ge=3)
    kind: Literal["small", "large"]
    next: Part | None


class Plan(BaseModel):
    workflow: Literal["conversation", "image", "audio"]
    parts: list[Part] = Field(min_length=2)
    share: float = Field(gt=0, lt=1)
    name: str = Field(min_length=40)
    exact: bool
    either: int | str
    day: str = Field(json_schema_extra={"format": "date"})


def asked_for(client: Groq, schema: dict[str, Any]) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "plan", "schema": schema, "strict": True}}
    answer = client.chat.completions.create(model="m", messages=ASK, response_format=wanted)
    return json.loads(answer.choices[0].message.content)


def test_a_json_schema_is_obeyed(client: Groq) -> None:
    answer = asked_for(client, Plan.model_json_schema())
    assert Plan.model_validate(answer).workflow == "conversation"


def test_of_a_choice_the_one_that_the_message_names_is_taken(client: Groq) -> None:
    assert asked_for(client, {"enum": ["silence", "friend"]}) == "friend"
    assert asked_for(client, {"enum": ["silence", "noise"]}) == "silence"


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"a": {"const": 7}, "b": {"type": ["null", "string"]}},
            "required": ["a", "b"],
        },
        {"type": "array", "items": {"type": "integer", "multipleOf": 5, "minimum": 12}, "minItems": 3},
        {
            "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "null"}}, "required": ["b"]}],
            "$defs": {"A": {"type": "object", "properties": {"a": {"enum": [3]}}, "required": ["a"]}},
        },
        {"type": "number", "maximum": -4},
        {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
        {"type": "string", "maxLength": 3},
        {"oneOf": [{"type": "null"}, {"type": "boolean"}]},
        {},
    ],
)
def test_schemas_of_every_shape_are_obeyed(client: Groq, schema: dict[str, Any]) -> None:
    jsonschema.validate(asked_for(client, schema), schema)


def test_a_schema_that_never_ends_is_a_400(client: Groq) -> None:
    endless = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}}
    with pytest.raises(BadRequestError, match="refers to itself without an end"):
        asked_for(client, endless)


@pytest.mark.parametrize(
    ("mime", "data", "seen"),
    [
        ("image/png", PNG, "a PNG picture of 3 × 2 pixels"),
        ("image/jpeg", JPEG_HEAD, "a JPEG picture of 32 × 16 pixels"),
        ("image/png", JPEG_HEAD, "a JPEG picture of 32 × 16 pixels"),
    ],
)
def test_a_picture_is_described_by_its_own_header(client: Groq, mime: str, data: bytes, seen: str) -> None:
    url = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == f"I see {seen}, {len(data)} bytes. You asked: What is it?"


@pytest.mark.parametrize("payload", [base64.b64encode(b"no picture").decode(), "%%%"])
def test_what_is_no_picture_is_a_400(client: Groq, payload: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{payload}"}}]
    with pytest.raises(BadRequestError, match="invalid"):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])


@pytest.mark.parametrize(
    "body", [{"messages": ASK}, {"model": "m"}, {"model": "m", "messages": []}, {"model": "m", "messages": ["x"]}]
)
def test_a_malformed_chat_request_is_a_400(groq: GroqStandIn, body: dict[str, Any]) -> None:
    answer = httpx.post(
        f"{groq.base_url}/openai/v1/chat/completions", headers={"authorization": "Bearer key"}, json=body
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_body_that_is_no_json_is_a_400(groq: GroqStandIn) -> None:
    headers = {"authorization": "Bearer key", "content-type": "application/json"}
    answer = httpx.post(f"{groq.base_url}/openai/v1/chat/completions", headers=headers, content=b"{")
    assert answer.status_code == 400


def test_a_garbled_answer_is_no_json(groq: GroqStandIn, client: Groq) -> None:
    groq.garble(2)
    with pytest.raises(json.JSONDecodeError):
        client.chat.completions.create(model="m", messages=ASK)
    with pytest.raises(json.JSONDecodeError):
        list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert [call.status for call in groq.journal] == [200, 200]
