"""Finding 2.2: `TextToSpeech.synthesize` joins a synchronous stream on the event loop."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from kata.instruments.pulse import Kind
from kata.instruments.threads import busy_pool_threads
from kata.verdict.claims import bounded, expect

TEXT = "Nine o'clock is fine, I will bring the coffee."
CALL = f"await synthesize({TEXT!r})"


@pytest.fixture
async def sound(elevenlabs):
    """What ElevenLabs says when it is asked without the companion."""
    async with httpx.AsyncClient(base_url=elevenlabs.base_url, headers={"xi-api-key": "a-key"}) as client:
        answer = await client.post(
            "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM", json={"text": TEXT, "model_id": "eleven_flash_v2_5"}
        )
    elevenlabs.reset()
    return answer.content


async def failing(tts, companion_error, times=1):
    for _ in range(times):
        with pytest.raises(companion_error):
            await bounded(CALL, tts.synthesize(TEXT))


@pytest.mark.behaviour("2.2")
async def test_a_text_becomes_all_of_its_sound(text_to_speech, sound):
    got = await bounded(CALL, text_to_speech().synthesize(TEXT))
    expect(f"type of {CALL}", expected="bytes", got=type(got).__name__)
    expect(f"{CALL}, bytes of sound", expected=len(sound), got=len(got))
    expect(f"{CALL}, the sound", expected=sound, got=got)


@pytest.mark.behaviour("2.2")
async def test_voice_and_model_reach_elevenlabs(text_to_speech, elevenlabs):
    await bounded(CALL, text_to_speech(TTS_MODEL_NAME="eleven_v3").synthesize(TEXT, "a-voice"))
    (call,) = elevenlabs.journal
    expect("the voice asked for", expected=True, got="/text-to-speech/a-voice" in call.path)
    expect("text and model", expected=(TEXT, "eleven_v3"), got=(call.fields["text"], call.fields["model_id"]))


@pytest.mark.behaviour("2.2")
@pytest.mark.parametrize(("text", "why"), [("", "empty"), ("  \n", "empty"), ("x" * 51, "more than 50")])
async def test_empty_and_overlong_texts_are_refused(text_to_speech, elevenlabs, text, why):
    with pytest.raises(ValueError, match=why):
        await bounded("await synthesize(text)", text_to_speech(TTS_MAX_CHARACTERS=50).synthesize(text))
    expect(f"requests for a text that is {why}", expected=0, got=len(elevenlabs.journal))


@pytest.mark.behaviour("2.2")
@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_failure_is_told_and_not_retried(text_to_speech, elevenlabs, companion_error, status):
    elevenlabs.fail(9, status=status)
    await failing(text_to_speech(), companion_error)
    expect(f"requests of {CALL} when ElevenLabs answers {status}", expected=1, got=len(elevenlabs.journal))


@pytest.mark.behaviour("2.2")
async def test_the_answer_is_text_only_while_the_breaker_is_open(text_to_speech, elevenlabs, companion_error):
    tts = text_to_speech(BREAKER_FAILURE_THRESHOLD=2, BREAKER_RECOVERY_SECONDS=60)
    elevenlabs.fail(9, status=503)
    await failing(tts, companion_error, times=2)
    call = "await synthesize_with_fallback(text), breaker open"
    expect(call, expected=None, got=await bounded(call, tts.synthesize_with_fallback(TEXT)))
    expect(f"requests of {call}", expected=0, got=len(elevenlabs.journal) - 2)


@pytest.mark.behaviour("2.2")
async def test_the_voice_comes_back_after_the_recovery_time(text_to_speech, elevenlabs, companion_error, sound):
    tts = text_to_speech(BREAKER_FAILURE_THRESHOLD=1)
    elevenlabs.fail(1, status=503)
    await failing(tts, companion_error)
    await asyncio.sleep(0.1)  # longer than the breaker's recovery time
    got = await bounded(CALL, tts.synthesize_with_fallback(TEXT))
    expect(f"{CALL} after the recovery time", expected=sound, got=got)


@pytest.mark.behaviour("2.2")
async def test_after_close_nothing_is_sent(text_to_speech, elevenlabs):
    tts = text_to_speech()
    await bounded("await close()", tts.close())
    (outcome,) = await asyncio.gather(bounded(CALL, tts.synthesize(TEXT)), return_exceptions=True)
    expect(f"requests of {CALL} after close()", expected=0, got=len(elevenlabs.journal))
    complained = isinstance(outcome, Exception)  # how a closed client complains is the client's affair
    expect(f"{CALL} after close() raises", expected=True, got=complained)


@pytest.mark.finding("2.2")
async def test_the_loop_beats_from_the_first_chunk_to_the_last(text_to_speech, elevenlabs, pulse):
    tts = text_to_speech()
    await bounded(CALL, tts.synthesize(TEXT))
    async with pulse:
        with elevenlabs.hold(pulse, limit=0.3):
            await bounded(CALL, tts.synthesize(TEXT))
    pulse.check(Kind.NETWORK, doing="while ElevenLabs spoke")


@pytest.mark.finding("2.2")
async def test_callers_at_once_are_calls_in_flight(text_to_speech, elevenlabs, pulse):
    tts = text_to_speech()
    await bounded(CALL, tts.synthesize(TEXT))
    async with pulse:
        with elevenlabs.rendezvous(5, limit=1.0):
            await bounded(CALL, asyncio.gather(*(tts.synthesize(TEXT) for _ in range(5))))
    pulse.check(Kind.NETWORK, doing="while ElevenLabs spoke")
    in_flight = elevenlabs.peak_in_flight
    assert in_flight == 5, f"five callers at once, but never more than {in_flight} requests in flight at ElevenLabs"


@pytest.mark.finding("2.2")
async def test_callers_in_turn_share_a_client_and_its_connection(text_to_speech, elevenlabs, pulse):
    tts = text_to_speech()
    await bounded(CALL, tts.synthesize(TEXT))
    async with pulse:
        for _ in range(3):
            await bounded(CALL, tts.synthesize(TEXT))
    pulse.check(Kind.NETWORK, doing="while ElevenLabs spoke")
    pulse.check(Kind.COMPUTING, doing="to build a client, CA certificates and all, for every call")
    opened = elevenlabs.connections
    assert opened == 1, f"four calls in turn opened {opened} connections to ElevenLabs: build one client"


@pytest.mark.remark(
    "2.2",
    "the stream is read in a thread of the shared pool: six of them on two cores are the new ceiling, "
    "and a cancelled caller's request goes on",
)
async def test_no_thread_of_the_shared_pool_waits_for_the_stream(text_to_speech, elevenlabs):
    tts = text_to_speech()
    with elevenlabs.silence():
        task = asyncio.create_task(tts.synthesize(TEXT))
        await elevenlabs.until_calls(1)
        busy = busy_pool_threads()
        task.cancel()
        await asyncio.wait([task])
    assert busy == 0


@pytest.mark.remark("2.2", "the loop turns, but the request of a cancelled caller goes on")
async def test_a_cancelled_caller_hangs_up(text_to_speech, elevenlabs):
    tts = text_to_speech(TTS_TIMEOUT_SECONDS=60)  # or the client's own timeout would hang up in the caller's stead
    with elevenlabs.silence():
        task = asyncio.create_task(tts.synthesize(TEXT))
        await elevenlabs.until_calls(1)
        task.cancel()
        await bounded(f"{CALL}, cancelled,", asyncio.wait([task]))
        await elevenlabs.until_calls(1, answered=True, limit=3)
    assert elevenlabs.journal[0].hung_up
