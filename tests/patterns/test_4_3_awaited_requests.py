"""Pattern 4.3: requests are awaited, and an error is an error before its body is taken for what was asked for."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import warnings

import pytest

from kata.audio import voice_note
from kata.gallery import Change
from kata.instruments import webhook
from kata.instruments.pulse import Kind, LoopBlocked, Pulse
from kata.instruments.standins.pictures import drawn

RESPONSE = "interfaces/whatsapp/whatsapp_response.py"
PICTURE = drawn("a harbour", 32, 24)
NOT_RAISED = Change(RESPONSE, "media.raise_for_status()", "logger.debug(media.status_code)")
NOT_AWAITED = Change(RESPONSE, "media = await client.get(", "media = client.get(")
SYNCHRONOUS = Change(RESPONSE, "media = await client.get(", "media = httpx.get(")


@pytest.fixture
def receive(settings):
    """Let a package's webhook receive one notification, and return the status of its answer."""

    async def post(package, notification):
        app = package.load("interfaces.whatsapp.webhook_endpoint").create_app(settings(package))
        async with webhook.serving(app) as client:
            return (await client.post(webhook.PATH, json=notification)).status_code

    return post


@pytest.fixture
def voice(everybody, note):
    """The notification of a voice note, which waits at WhatsApp."""
    return webhook.voice(everybody.whatsapp.add_media(note.data, "audio/ogg"))


@pytest.fixture
def picture(everybody):
    """The notification of a picture, which waits at WhatsApp."""
    return webhook.picture(everybody.whatsapp.add_media(PICTURE, "image/png"), "Guess where I am")


async def failing(everybody, sending, *, status, request):
    """Something is sent, and WhatsApp fails at the first request for it, where it is, or the second, what it is."""
    if request == 1:
        everybody.whatsapp.fail(1, status=status)
        return await sending
    with everybody.whatsapp.silence():
        task = asyncio.create_task(sending)
        await everybody.whatsapp.until_calls(1)
        everybody.whatsapp.fail(1, status=status)
    return await task


def recordings(everybody):
    """What Groq was asked to listen to."""
    return [call for call in everybody.groq.journal if call.path.endswith("/transcriptions")]


def pictures(everybody):
    """What Groq was asked to look at."""
    return [call for call in everybody.groq.journal if "image_url" in json.dumps(dict(call.fields))]


def replied(everybody):
    (message,) = everybody.whatsapp.messages
    return message["text"]["body"]


FAILURES = [pytest.param(status, request, id=f"{status}-{request}") for status in (404, 500) for request in (1, 2)]


@pytest.mark.parametrize(("status", "request_number"), FAILURES)
async def test_an_error_is_no_voice_note(target, everybody, receive, voice, caplog, status, request_number):
    assert await failing(everybody, receive(target, voice), status=status, request=request_number) == 200
    assert recordings(everybody) == []
    assert "I could not hear your voice note" in replied(everybody)
    assert f"could not be downloaded: {'Client' if status < 500 else 'Server'} error '{status}" in caplog.text


@pytest.mark.parametrize(("status", "request_number"), FAILURES)
async def test_an_error_is_no_picture(target, everybody, receive, picture, caplog, status, request_number):
    assert await failing(everybody, receive(target, picture), status=status, request=request_number) == 200
    assert pictures(everybody) == []
    assert replied(everybody) == "You said: Guess where I am"
    assert f"could not be downloaded: {'Client' if status < 500 else 'Server'} error '{status}" in caplog.text


async def test_what_is_downloaded_is_what_was_sent(target, everybody, receive, voice, picture):
    assert await receive(target, voice) == 200
    assert await receive(target, picture) == 200
    (heard,), (looked_at,) = recordings(everybody), pictures(everybody)
    assert heard.file.sha256 == hashlib.sha256(voice_note().data).hexdigest()
    assert base64.b64encode(PICTURE).decode() in json.dumps(dict(looked_at.fields))


async def test_the_loop_beats_while_whatsapp_is_waited_for(target, everybody, receive, voice):
    pulse = Pulse(target.folder)
    async with pulse:
        with everybody.whatsapp.hold(pulse):
            assert await receive(target, voice) == 200
    assert [call.held_out for call in everybody.whatsapp.journal] == [False] * 3


async def test_without_raise_for_status_the_error_is_listened_to_as_a_voice_note(
    counter_example, everybody, receive, voice
):
    package = counter_example(NOT_RAISED)
    assert await failing(everybody, receive(package, voice), status=500, request=2) == 200
    (heard,) = recordings(everybody)
    error = json.dumps(everybody.whatsapp.refusal(500).body, separators=(",", ":")).encode()
    assert heard.file.sha256 == hashlib.sha256(error).hexdigest()


async def test_without_raise_for_status_only_the_look_at_its_first_bytes_keeps_an_error_from_the_vision_model(
    counter_example, everybody, receive, picture, caplog
):
    package = counter_example(NOT_RAISED)
    assert await failing(everybody, receive(package, picture), status=500, request=2) == 200
    assert pictures(everybody) == []
    assert "the picture is none of PNG, JPEG, GIF and WebP" in caplog.text


async def test_a_synchronous_request_stops_the_loop_until_whatsapp_answers(counter_example, everybody, receive, voice):
    package = counter_example(SYNCHRONOUS)
    pulse = Pulse(package.folder)
    async with pulse:
        with everybody.whatsapp.hold(pulse, limit=0.3):
            assert await receive(package, voice) == 200
    assert [call.held_out for call in everybody.whatsapp.journal] == [False, True, False]
    with pytest.raises(LoopBlocked) as blocked:
        pulse.check(Kind.NETWORK)
    assert blocked.value.culprit.function == "download_media"


async def test_a_request_that_is_not_awaited_is_not_made(counter_example, everybody, receive, voice):
    package = counter_example(NOT_AWAITED)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        with pytest.raises(AttributeError, match="'coroutine' object has no attribute 'raise_for_status'"):
            await receive(package, voice)
    assert len(everybody.whatsapp.journal) == 1
