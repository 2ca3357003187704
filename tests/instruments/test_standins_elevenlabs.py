"""ElevenLabs' stand-in, driven by ElevenLabs' SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from elevenlabs.client import AsyncElevenLabs, ElevenLabs
from elevenlabs.core.api_error import ApiError

from kata.instruments.standins import ElevenLabsStandIn

SAID = "Good morning, how are you?"
FRAME = 417  # bytes of an MPEG-1 layer III frame of 128 kbit/s at 44 100 Hz: 144 × 128 000 / 44 100


@pytest.fixture
def elevenlabs() -> Iterator[ElevenLabsStandIn]:
    with ElevenLabsStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(elevenlabs: ElevenLabsStandIn) -> Iterator[ElevenLabs]:
    with httpx.Client() as http:
        yield ElevenLabs(api_key="key-of-the-test", base_url=elevenlabs.base_url, httpx_client=http)


def spoken(client: ElevenLabs, text: str = SAID, **options: Any) -> bytes:
    return b"".join(client.text_to_speech.convert("a-voice", text=text, model_id="eleven_flash_v2_5", **options))


def frames(audio: bytes) -> list[bytes]:
    return [audio[start : start + FRAME] for start in range(0, len(audio), FRAME)]


def test_speech_is_a_sequence_of_whole_mp3_frames(client: ElevenLabs) -> None:
    audio = frames(spoken(client))
    assert len(audio) > 4
    assert all(frame.startswith(b"\xff\xfb\x90") and len(frame) == FRAME for frame in audio)


def test_the_same_text_sounds_the_same_and_another_does_not(client: ElevenLabs) -> None:
    assert spoken(client) == spoken(client)
    assert spoken(client, "Good morning, how are yoU?") != spoken(client)


def test_a_longer_text_takes_longer(client: ElevenLabs) -> None:
    assert len(frames(spoken(client, SAID * 4))) > 3 * len(frames(spoken(client)))


@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_the_number_of_chunks_can_be_set(elevenlabs: ElevenLabsStandIn, client: ElevenLabs, count: int) -> None:
    elevenlabs.chunks = count
    spoken(client)
    assert elevenlabs.journal[0].chunks == count


def test_a_chunk_is_a_number_of_whole_frames(elevenlabs: ElevenLabsStandIn) -> None:
    elevenlabs.chunks = 3
    with httpx.stream(
        "POST", f"{elevenlabs.base_url}/v1/text-to-speech/v", headers={"xi-api-key": "key"}, json={"text": SAID}
    ) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        assert answer.headers["transfer-encoding"] == "chunked"
        assert all(len(chunk) % FRAME == 0 for chunk in answer.iter_bytes(FRAME))


def test_the_stream_endpoint_says_the_same(elevenlabs: ElevenLabsStandIn, client: ElevenLabs) -> None:
    streamed = b"".join(client.text_to_speech.stream("a-voice", text=SAID))
    assert streamed == spoken(client)
    assert elevenlabs.journal[0].path == "/v1/text-to-speech/a-voice/stream"


async def test_the_async_sdk_hears_the_same(elevenlabs: ElevenLabsStandIn, client: ElevenLabs) -> None:
    async with httpx.AsyncClient() as http:
        async_client = AsyncElevenLabs(api_key="key-of-the-test", base_url=elevenlabs.base_url, httpx_client=http)
        audio = b"".join([chunk async for chunk in async_client.text_to_speech.convert("a-voice", text=SAID)])
    assert audio == spoken(client)


def test_the_output_format_is_honoured(client: ElevenLabs) -> None:
    audio = spoken(client, output_format="mp3_22050_32")
    assert audio.startswith(b"\xff\xf3\x40")
    assert len(audio) % 104 == 0  # 72 × 32 000 / 22 050


def test_an_output_format_that_is_not_mp3_is_refused(client: ElevenLabs) -> None:
    with pytest.raises(ApiError) as caught:
        spoken(client, output_format="pcm_16000")
    assert caught.value.body["detail"]["status"] == "output_format_not_allowed"


@pytest.mark.parametrize(("text", "status"), [(" ", "input_text_empty"), ("x" * 5001, "max_character_limit_exceeded")])
def test_a_text_that_cannot_be_spoken_is_a_400(client: ElevenLabs, text: str, status: str) -> None:
    with pytest.raises(ApiError) as caught:
        spoken(client, text)
    assert (caught.value.status_code, caught.value.body["detail"]["status"]) == (400, status)


def test_a_request_without_a_text_is_a_422(elevenlabs: ElevenLabsStandIn) -> None:
    answer = httpx.post(f"{elevenlabs.base_url}/v1/text-to-speech/v", headers={"xi-api-key": "key"}, json={})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "text"])


def test_a_bad_key_is_a_401(elevenlabs: ElevenLabsStandIn) -> None:
    with httpx.Client() as http, pytest.raises(ApiError) as caught:
        spoken(ElevenLabs(api_key="invalid", base_url=elevenlabs.base_url, httpx_client=http))
    assert (caught.value.status_code, caught.value.body["detail"]["status"]) == (401, "invalid_api_key")
    missing = httpx.post(f"{elevenlabs.base_url}/v1/text-to-speech/v", json={"text": SAID})
    assert (missing.status_code, missing.json()["detail"]["status"]) == (401, "needs_authorization")


def test_a_429_is_in_elevenlabs_words(elevenlabs: ElevenLabsStandIn, client: ElevenLabs) -> None:
    elevenlabs.fail(status=429, retry_after=2)
    with pytest.raises(ApiError) as caught:
        spoken(client)
    assert caught.value.body["detail"]["status"] == "too_many_concurrent_requests"
    assert caught.value.headers["retry-after"] == "2"


def test_a_dropped_call_is_a_connection_error(elevenlabs: ElevenLabsStandIn, client: ElevenLabs) -> None:
    elevenlabs.drop()
    with pytest.raises(httpx.RemoteProtocolError):
        spoken(client)


def test_a_garbled_answer_is_no_mp3(elevenlabs: ElevenLabsStandIn, client: ElevenLabs) -> None:
    elevenlabs.garble()
    assert not spoken(client).startswith((b"\xff\xfb", b"ID3"))
    assert elevenlabs.journal[0].status == 200


def test_the_voice_and_the_text_are_in_the_journal(elevenlabs: ElevenLabsStandIn, client: ElevenLabs) -> None:
    spoken(client)
    (call,) = elevenlabs.journal
    assert call.path == "/v1/text-to-speech/a-voice"
    assert call.fields["text"] == SAID
    assert call.headers["xi-api-key"] == "…test"
