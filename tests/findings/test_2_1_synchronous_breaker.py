"""Finding 2.1: `SpeechToText.transcribe` calls a synchronous client through a synchronous circuit breaker."""

from __future__ import annotations

import asyncio
import time

import pytest

from kata.instruments.pulse import Kind
from kata.instruments.threads import busy_pool_threads
from kata.verdict.claims import bounded, expect

CALL = "await transcribe(voice_note)"
ONE_TRY = {"STT_MAX_ATTEMPTS": 1}


async def failing(stt, note, companion_error, times=1):
    for _ in range(times):
        with pytest.raises(companion_error):
            await bounded(CALL, stt.transcribe(note.data, note.format))


async def requests_when_half_open(speech_to_text, groq, note, companion_error, calls):
    """How many requests some calls make of a breaker whose recovery time has just passed.

    If the calls themselves took longer than the recovery time, it has passed once more, and more than one request
    says nothing: then they are made again, with a longer one.
    """
    for recovery in (0.15, 1, 5):
        groq.reset()
        groq.fail(9, status=503)
        stt = speech_to_text(**ONE_TRY, BREAKER_FAILURE_THRESHOLD=2, BREAKER_RECOVERY_SECONDS=recovery)
        await failing(stt, note, companion_error, times=2)
        await asyncio.sleep(recovery + 0.02)
        begun, before = time.monotonic(), len(groq.journal)
        await calls(stt)
        requests = len(groq.journal) - before
        if requests <= 1 or time.monotonic() - begun < recovery:
            break
    return requests


async def heard(stt, note, companion_error):
    """The text that a call ends with, or the companion's error in words."""
    try:
        return await bounded(CALL, stt.transcribe(note.data, note.format))
    except companion_error as error:
        return f"{type(error).__name__}: {str(error).partition(',')[0]}"


@pytest.mark.behaviour("2.1")
async def test_a_voice_note_becomes_its_text(speech_to_text, groq, note):
    text = await bounded(CALL, speech_to_text().transcribe(note.data, note.format))
    expect(CALL, expected=note.text, got=text)


@pytest.mark.behaviour("2.1")
async def test_one_attempt_is_one_request(speech_to_text, groq, note, companion_error):
    groq.fail(9, status=503)
    await failing(speech_to_text(**ONE_TRY), note, companion_error)
    expect("requests of one failing attempt: the SDK's own retries stay off", expected=1, got=len(groq.journal))


@pytest.mark.behaviour("2.1")
async def test_the_breaker_opens_after_the_threshold(speech_to_text, groq, note, companion_error):
    stt = speech_to_text(**ONE_TRY, BREAKER_FAILURE_THRESHOLD=3, BREAKER_RECOVERY_SECONDS=60)
    groq.fail(9, status=503)
    await failing(stt, note, companion_error, times=6)
    expect("requests of 6 failing calls, breaker's threshold 3", expected=3, got=len(groq.journal))


@pytest.mark.behaviour("2.1")
async def test_refusals_do_not_open_the_breaker(speech_to_text, groq, note, companion_error):
    stt = speech_to_text(**ONE_TRY, BREAKER_FAILURE_THRESHOLD=2, BREAKER_RECOVERY_SECONDS=60)
    groq.fail(3, status=400)
    await failing(stt, note, companion_error, times=3)
    text = await bounded(CALL, stt.transcribe(note.data, note.format))
    expect(f"{CALL} after three refusals (400), breaker's threshold 2", expected=note.text, got=text)


@pytest.mark.behaviour("2.1")
async def test_a_successful_probe_closes_the_breaker(speech_to_text, groq, note, companion_error):
    stt = speech_to_text(**ONE_TRY, BREAKER_FAILURE_THRESHOLD=2)
    groq.fail(2, status=503)
    await failing(stt, note, companion_error, times=2)
    await asyncio.sleep(0.07)  # longer than the breaker's recovery time
    for _ in range(2):
        text = await bounded(CALL, stt.transcribe(note.data, note.format))
        expect(f"{CALL} after the breaker's recovery time", expected=note.text, got=text)
    groq.fail(2, status=503)
    await failing(stt, note, companion_error)
    await failing(stt, note, companion_error)
    expect("requests of two failing calls, breaker closed again, threshold 2", expected=6, got=len(groq.journal))


@pytest.mark.behaviour("2.1")
async def test_a_failing_probe_opens_the_breaker_again(speech_to_text, groq, note, companion_error):
    async def two_calls_in_turn(stt):
        await failing(stt, note, companion_error, times=2)

    requests = await requests_when_half_open(speech_to_text, groq, note, companion_error, two_calls_in_turn)
    expect("requests of two calls after the recovery time, the first of them fails", expected=1, got=requests)


@pytest.mark.behaviour("2.1")
async def test_one_probe_is_let_through_when_half_open(speech_to_text, groq, note, companion_error):
    async def five_calls_at_once(stt):
        calls = [stt.transcribe(note.data, note.format) for _ in range(5)]
        with groq.rendezvous(5, limit=0.1):  # what is let through meets here, and so is in flight at once
            await bounded(CALL, asyncio.gather(*calls, return_exceptions=True))

    requests = await requests_when_half_open(speech_to_text, groq, note, companion_error, five_calls_at_once)
    expect("requests of five callers at once, breaker half-open", expected=1, got=requests)


@pytest.mark.behaviour("2.1")
async def test_a_cancelled_call_is_no_failure(speech_to_text, groq, note, companion_error):
    stt = speech_to_text(**ONE_TRY, BREAKER_FAILURE_THRESHOLD=1, BREAKER_RECOVERY_SECONDS=60)
    groq.latency = 0.1
    task = asyncio.create_task(stt.transcribe(note.data, note.format))
    await groq.until_calls(1)
    task.cancel()
    await asyncio.wait([task])
    groq.latency = 0
    text = await heard(stt, note, companion_error)
    expect(f"{CALL} after a cancelled call, breaker's threshold 1", expected=note.text, got=text)


@pytest.mark.behaviour("2.1")
async def test_a_cancelled_probe_leaves_the_next_call_a_probe(speech_to_text, groq, note, companion_error):
    stt = speech_to_text(**ONE_TRY, BREAKER_FAILURE_THRESHOLD=1)
    groq.fail(1, status=503)
    await failing(stt, note, companion_error)
    await asyncio.sleep(0.07)
    groq.latency = 0.1
    task = asyncio.create_task(stt.transcribe(note.data, note.format))
    await groq.until_calls(2)
    task.cancel()
    await asyncio.wait([task])
    groq.latency = 0
    text = await heard(stt, note, companion_error)
    expect(f"{CALL} after a cancelled probe", expected=note.text, got=text)


@pytest.mark.behaviour("2.1")
async def test_after_close_nothing_is_sent(speech_to_text, groq, note):
    stt = speech_to_text(**ONE_TRY)
    await bounded(CALL, stt.transcribe(note.data, note.format))
    await bounded("await close()", stt.close())
    try:
        outcome = f"the text {await bounded(CALL, stt.transcribe(note.data, note.format))!r}"
    except Exception:  # how a closed client complains is the client's affair
        outcome = "an error"
    expect("requests after close()", expected=0, got=len(groq.journal) - 1)
    expect(f"{CALL} after close()", expected="an error", got=outcome)


@pytest.mark.finding("2.1")
async def test_the_loop_beats_while_groq_works(speech_to_text, groq, note, pulse):
    stt = speech_to_text()
    await bounded(CALL, stt.transcribe(note.data, note.format))
    async with pulse:
        with groq.hold(pulse, limit=0.3):
            await bounded(CALL, stt.transcribe(note.data, note.format))
    pulse.check(Kind.NETWORK, doing="while Groq worked")


@pytest.mark.finding("2.1")
async def test_callers_at_once_are_calls_in_flight(speech_to_text, groq, note, pulse):
    stt = speech_to_text()
    await bounded(CALL, stt.transcribe(note.data, note.format))
    async with pulse:
        with groq.rendezvous(5, limit=1.0):
            await bounded(CALL, asyncio.gather(*(stt.transcribe(note.data, note.format) for _ in range(5))))
    pulse.check(Kind.NETWORK, doing="while Groq worked")
    in_flight = groq.peak_in_flight
    assert in_flight == 5, f"five callers at once, but never more than {in_flight} requests in flight at Groq"


@pytest.mark.finding("2.1")
async def test_callers_in_turn_share_a_client_and_its_connection(speech_to_text, groq, note, pulse):
    stt = speech_to_text()
    await bounded(CALL, stt.transcribe(note.data, note.format))
    async with pulse:
        for _ in range(3):
            await bounded(CALL, stt.transcribe(note.data, note.format))
    pulse.check(Kind.NETWORK, doing="while Groq worked")
    pulse.check(Kind.COMPUTING, doing="to build a client, CA certificates and all, for every call")
    assert groq.connections == 1, f"four calls in turn opened {groq.connections} connections to Groq: build one client"


@pytest.mark.remark(
    "2.1",
    "the call runs in a thread of the shared pool: six of them on two cores are the new ceiling, "
    "and a cancelled caller's request goes on",
)
async def test_no_thread_of_the_shared_pool_waits_for_groq(speech_to_text, groq, note):
    stt = speech_to_text()
    with groq.silence():
        task = asyncio.create_task(stt.transcribe(note.data, note.format))
        await groq.until_calls(1)
        busy = busy_pool_threads()
        task.cancel()
        await asyncio.wait([task])
    assert busy == 0


@pytest.mark.remark("2.1", "the loop turns, but the request of a cancelled caller goes on")
async def test_a_cancelled_caller_hangs_up(speech_to_text, groq, note):
    stt = speech_to_text(STT_TIMEOUT_SECONDS=60)  # or the client's own timeout would hang up in the caller's stead
    with groq.silence():
        task = asyncio.create_task(stt.transcribe(note.data, note.format))
        await groq.until_calls(1)
        task.cancel()
        await groq.until_calls(1, answered=True, limit=3)
    assert groq.journal[0].hung_up
