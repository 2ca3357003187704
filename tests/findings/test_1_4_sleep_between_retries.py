"""Finding 1.4: `SpeechToText.transcribe` waits between two attempts without giving way."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from kata.instruments.pulse import Kind
from kata.instruments.threads import busy_pool_threads
from kata.verdict.claims import bounded, expect

CALL = "await transcribe(voice_note)"


@pytest.mark.behaviour("1.4")
async def test_a_voice_note_becomes_its_text(speech_to_text, groq, note):
    text = await bounded(CALL, speech_to_text().transcribe(note.data, note.format))
    expect(CALL, expected=note.text, got=text)


@pytest.mark.behaviour("1.4")
@pytest.mark.parametrize("status", [429, 500, 503, None], ids=str)
async def test_a_failing_provider_is_asked_again(speech_to_text, groq, note, status):
    if status is None:
        groq.drop(2)
    else:
        groq.fail(2, status=status)
    text = await bounded(CALL, speech_to_text().transcribe(note.data, note.format))
    what = "a dropped connection" if status is None else f"status {status}"
    expect(f"{CALL}, Groq answers twice with {what}", expected=(note.text, 3), got=(text, len(groq.journal)))


@pytest.mark.behaviour("1.4")
async def test_it_gives_up_after_the_last_attempt(speech_to_text, groq, note, companion_error):
    groq.fail(9, status=503)
    with pytest.raises(companion_error):
        await bounded(CALL, speech_to_text(STT_MAX_ATTEMPTS=4).transcribe(note.data, note.format))
    expect(f"requests of {CALL} with STT_MAX_ATTEMPTS=4", expected=4, got=len(groq.journal))


@pytest.mark.behaviour("1.4")
@pytest.mark.parametrize("status", [400, 401])
async def test_a_refusal_is_not_retried(speech_to_text, groq, note, status, companion_error):
    groq.fail(9, status=status)
    with pytest.raises(companion_error):
        await bounded(CALL, speech_to_text().transcribe(note.data, note.format))
    expect(f"requests of {CALL} when Groq answers {status}", expected=1, got=len(groq.journal))


@pytest.mark.behaviour("1.4")
async def test_the_pauses_are_kept_and_grow(speech_to_text, groq, note):
    groq.fail(2, status=429)
    stt = speech_to_text(STT_BACKOFF_SECONDS=0.15, STT_BACKOFF_FACTOR=2.5)
    await bounded(CALL, stt.transcribe(note.data, note.format))
    pauses = [after.arrived - before.answered for before, after in pairwise(groq.journal)]
    for number, (pause, least) in enumerate(zip(pauses, (0.15, 0.375), strict=True), 1):
        got = "kept" if pause >= least * 0.95 else "shorter"
        expect(f"the pause after attempt {number}, at least {least} s", expected="kept", got=got)


@pytest.mark.behaviour("1.4")
async def test_there_is_no_pause_after_the_last_failure(speech_to_text, groq, note, companion_error):
    groq.fail(9, status=503)
    stt = speech_to_text(STT_MAX_ATTEMPTS=2, STT_BACKOFF_SECONDS=0.05, STT_BACKOFF_FACTOR=100)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(4.9):
            with pytest.raises(companion_error):
                await stt.transcribe(note.data, note.format)
    except TimeoutError:
        pass  # it gives way to the loop, but is still in a pause that must not be
    got = "after the pause" if time.monotonic() - begun >= 4.9 else "at once"
    expect(f"{CALL}: the error after the last failure, without another pause of 5 s", expected="at once", got=got)


@pytest.mark.finding("1.4")
async def test_the_loop_beats_between_two_attempts(speech_to_text, groq, note, pulse):
    groq.fail(2, status=429)
    stt = speech_to_text(STT_BACKOFF_SECONDS=0.1, STT_BACKOFF_FACTOR=1)
    async with pulse:
        await bounded(CALL, stt.transcribe(note.data, note.format))
    pulse.check(Kind.WAITING, doing="between two attempts")
    for before, after in pairwise(groq.journal):
        pulse.check_between(before.answered, after.arrived, "between two attempts")


@pytest.mark.finding("1.4")
async def test_a_cancelled_caller_does_not_wait_out_the_pause(speech_to_text, groq, note, pulse):
    groq.fail(9, status=503)
    stt = speech_to_text(STT_BACKOFF_SECONDS=1)  # longer than a busy machine keeps anybody waiting
    async with pulse:
        task = asyncio.create_task(stt.transcribe(note.data, note.format))
        await groq.until_calls(1, answered=True)
        await asyncio.sleep(0.05)
        task.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        ended = task.done()
        await asyncio.wait([task], timeout=8)
    pulse.check(Kind.WAITING, doing="between two attempts")
    assert ended, f"{CALL}, cancelled during the pause, goes on: a cancellation has to be let through"
    assert task.cancelled(), f"{CALL}, cancelled during the pause, ended with something else than the cancellation"


@pytest.mark.finding("1.4")
async def test_one_callers_pause_is_not_anothers(speech_to_text, groq, note, pulse):
    groq.fail(3, status=429)
    stt = speech_to_text(STT_BACKOFF_SECONDS=0.05, STT_BACKOFF_FACTOR=60)
    async with pulse:
        first = asyncio.create_task(stt.transcribe(note.data, note.format))
        await groq.until_calls(2, answered=True)  # the first caller is in its long pause: 3 s
        await bounded(CALL, stt.transcribe(b"RIFF....WAVE another voice", "wav"))
        first_came_earlier = len(groq.journal) > 4
        first.cancel()
        await asyncio.wait([first])
    pulse.check(Kind.WAITING, doing="between two attempts")
    assert not first_came_earlier, "a second caller's short pause ended only after the first caller's long one"


@pytest.mark.remark("1.4", "a thread of the shared pool, which is small, sleeps for it; asyncio.sleep needs none")
async def test_no_thread_sleeps_out_the_pause(speech_to_text, groq, note):
    groq.fail(1, status=429)
    task = asyncio.create_task(speech_to_text(STT_BACKOFF_SECONDS=1).transcribe(note.data, note.format))
    await groq.until_calls(1, answered=True)
    await asyncio.sleep(0.05)
    busy = busy_pool_threads()
    task.cancel()
    await asyncio.wait([task])
    assert busy == 0
