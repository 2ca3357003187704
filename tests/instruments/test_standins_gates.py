"""The gates of a stand-in: hold, rendezvous, silence, and the latency beside them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from elevenlabs.client import AsyncElevenLabs, ElevenLabs
from groq import APITimeoutError, AsyncGroq, Groq

from kata.instruments.standins import ElevenLabsStandIn, GroqStandIn

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


class FakeHeart:
    """Beats when told, and answers `stands_still` as told; at the question number `revives_at` it beats again."""

    def __init__(self, *, still: bool = True, revives_at: int | None = None) -> None:
        self.beats = 0
        self.asked: list[tuple[str, str]] = []
        self._still = still
        self._revives_at = revives_at

    def stands_still(self, waiting_for: str) -> bool:
        self.asked.append((waiting_for, threading.current_thread().name))
        if len(self.asked) == self._revives_at:
            self.beats += 100
        return self._still

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        async def beat() -> None:
            while True:
                await asyncio.sleep(0.001)
                self.beats += 1

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()


@pytest.fixture
def groq() -> Iterator[GroqStandIn]:
    with GroqStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def client(groq: GroqStandIn) -> AsyncIterator[AsyncGroq]:
    async with AsyncGroq(api_key="key-of-the-test", base_url=groq.base_url, max_retries=0) as client:
        yield client


async def test_a_held_call_is_answered_once_the_pulse_has_beaten(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart()
    async with heart.beating():
        with groq.hold(heart, beats=3, limit=10):
            await client.chat.completions.create(**HELLO)
    (call,) = groq.journal
    assert call.beats_on_answer - call.beats_on_arrival >= 3
    assert not call.held_out
    assert not heart.asked


async def test_a_call_that_no_beat_releases_is_held_out(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart(still=True)
    with groq.hold(heart, limit=0.05):
        await client.chat.completions.create(**HELLO)
    assert groq.journal[0].held_out
    assert groq.journal[0].status == 200


async def test_the_pulse_is_asked_in_the_stand_ins_thread_and_told_what_is_waited_for(
    groq: GroqStandIn, client: AsyncGroq
) -> None:
    heart = FakeHeart(still=True)
    with groq.hold(heart, limit=0.05):
        await client.chat.completions.create(**HELLO)
    assert heart.asked == [("the answer of groq to POST /openai/v1/chat/completions", "stand-in groq")]


async def test_once_the_loop_is_seen_to_stand_still_nobody_is_held_any_more(
    groq: GroqStandIn, client: AsyncGroq
) -> None:
    heart = FakeHeart(still=True)
    with groq.hold(heart, limit=0.05):
        for _ in range(2):
            await client.chat.completions.create(**HELLO)
    assert len(heart.asked) == 1
    assert [call.held_out for call in groq.journal] == [True, False]


async def test_a_starved_loop_is_granted_more_time(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart(still=False, revives_at=3)
    with groq.hold(heart, limit=0.02):
        await client.chat.completions.create(**HELLO)
    assert len(heart.asked) == 3
    assert not groq.journal[0].held_out


async def test_patience_ends_after_ten_limits(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart(still=False)
    with groq.hold(heart, limit=0.01):
        await client.chat.completions.create(**HELLO)
    assert len(heart.asked) == 10
    assert groq.journal[0].held_out


async def test_errors_are_held_too(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart()
    groq.fail(status=429)
    groq.drop()
    async with heart.beating():
        with groq.hold(heart, beats=3, limit=10):
            for _ in range(2):
                with pytest.raises(Exception, match="429|Connection error"):
                    await client.chat.completions.create(**HELLO)
    assert all(call.beats_on_answer - call.beats_on_arrival >= 3 for call in groq.journal)


async def test_the_end_of_a_hold_releases_whoever_waits(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart()
    with groq.hold(heart, limit=60):
        waiting = asyncio.create_task(client.chat.completions.create(**HELLO))
        await groq.until_calls(1)
        assert groq.in_flight == 1
    await waiting
    assert not groq.journal[0].held_out
    assert not heart.asked


async def test_each_chunk_of_a_stream_is_held() -> None:
    heart = FakeHeart()
    with ElevenLabsStandIn(chunks=5) as stand_in:
        http = httpx.AsyncClient()
        client = AsyncElevenLabs(api_key="key-of-the-test", base_url=stand_in.base_url, httpx_client=http)
        async with http, heart.beating():
            with stand_in.hold(heart, beats=3, limit=10):
                audio = [chunk async for chunk in client.text_to_speech.convert("voice", text="Good morning.")]
        (call,) = stand_in.journal
    assert audio
    assert call.chunks == 5
    assert call.beats_on_answer - call.beats_on_arrival >= 15


def test_a_frozen_stream_is_held_out_once_not_for_every_chunk() -> None:
    heart = FakeHeart(still=True)
    with ElevenLabsStandIn(chunks=5) as stand_in, httpx.Client() as http:
        client = ElevenLabs(api_key="key-of-the-test", base_url=stand_in.base_url, httpx_client=http)
        with stand_in.hold(heart, limit=0.05):
            b"".join(client.text_to_speech.convert("voice", text="Good morning."))
        assert len(heart.asked) == 1
        assert stand_in.journal[0].held_out


def test_a_stream_that_freezes_after_its_first_chunk_names_the_piece() -> None:
    heart = FakeHeart(still=True)
    with ElevenLabsStandIn(chunks=3) as stand_in, httpx.Client() as http:
        client = ElevenLabs(api_key="key-of-the-test", base_url=stand_in.base_url, httpx_client=http)
        beating = threading.Thread(target=_beat_until_the_first_chunk, args=(stand_in, heart))
        beating.start()
        with stand_in.hold(heart, beats=50, limit=1.0):
            b"".join(client.text_to_speech.convert("voice", text="Good morning."))
        beating.join()
    assert heart.asked[0][0] == "piece 2 of the answer of elevenlabs to POST /v1/text-to-speech/voice"


def _beat_until_the_first_chunk(stand_in: ElevenLabsStandIn, heart: FakeHeart) -> None:
    while not (stand_in.journal and stand_in.journal[0].chunks):
        heart.beats += 1
        time.sleep(0.0005)


async def test_the_journal_notes_the_beats_of_a_pulse_without_a_hold(groq: GroqStandIn, client: AsyncGroq) -> None:
    groq.pulse = FakeHeart()
    groq.pulse.beats = 7
    await client.chat.completions.create(**HELLO)
    assert (groq.journal[0].beats_on_arrival, groq.journal[0].beats_on_answer) == (7, 7)


async def test_a_rendezvous_answers_nobody_before_all_are_in_flight(groq: GroqStandIn, client: AsyncGroq) -> None:
    with groq.rendezvous(5, limit=60) as door:
        async with asyncio.TaskGroup() as callers:
            for _ in range(5):
                callers.create_task(client.chat.completions.create(**HELLO))
    assert door.met
    assert groq.peak_in_flight == 5
    assert min(call.answered for call in groq.journal) >= max(call.arrived for call in groq.journal)


async def test_a_rendezvous_that_is_never_complete_opens_after_its_limit(groq: GroqStandIn, client: AsyncGroq) -> None:
    with groq.rendezvous(2, limit=0.05) as door:
        await client.chat.completions.create(**HELLO)
        await client.chat.completions.create(**HELLO)
    assert not door.met
    assert groq.peak_in_flight == 1


async def test_the_door_of_a_rendezvous_stays_open(groq: GroqStandIn, client: AsyncGroq) -> None:
    with groq.rendezvous(2, limit=60):
        async with asyncio.TaskGroup() as callers:
            callers.create_task(client.chat.completions.create(**HELLO))
            callers.create_task(client.chat.completions.create(**HELLO))
        await client.chat.completions.create(**HELLO)
    assert [call.status for call in groq.journal] == [200, 200, 200]


async def test_silence_answers_nobody_until_it_ends(groq: GroqStandIn, client: AsyncGroq) -> None:
    with groq.silence():
        silenced = asyncio.create_task(client.chat.completions.create(**HELLO))
        await groq.until_calls(1)
        assert groq.journal[0].in_progress
        assert not silenced.done()
    assert (await silenced).choices[0].message.content == "You said: hello"


async def test_a_cancelled_request_is_seen_as_hung_up(groq: GroqStandIn, client: AsyncGroq) -> None:
    with groq.silence():
        silenced = asyncio.create_task(client.chat.completions.create(**HELLO))
        await groq.until_calls(1)
        silenced.cancel()
        await groq.until_calls(1, answered=True)
    (call,) = groq.journal
    assert call.hung_up
    assert (call.status, call.answered) == (None, None)
    assert groq.in_flight == 0


async def test_a_held_request_that_is_cancelled_is_seen_as_hung_up(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart()
    with groq.hold(heart, limit=60):
        held = asyncio.create_task(client.chat.completions.create(**HELLO))
        await groq.until_calls(1)
        held.cancel()
        await groq.until_calls(1, answered=True)
        assert groq.journal[0].hung_up


async def test_a_stream_that_is_abandoned_is_seen_as_hung_up(groq: GroqStandIn, client: AsyncGroq) -> None:
    heart = FakeHeart()
    with groq.hold(heart, beats=50, limit=60):
        opening = asyncio.create_task(client.chat.completions.create(**HELLO, stream=True))
        await groq.until_calls(1)
        while groq.journal[0].chunks == 0:
            heart.beats += 1
            await asyncio.sleep(0)
        await (await opening).close()
        await groq.until_calls(1, answered=True)
    assert groq.journal[0].hung_up
    assert groq.journal[0].chunks == 1


async def test_a_client_that_times_out_is_seen_as_hung_up(groq: GroqStandIn) -> None:
    client = Groq(api_key="key-of-the-test", base_url=groq.base_url, max_retries=0, timeout=0.5)
    with groq.silence():
        with client, pytest.raises(APITimeoutError):
            client.chat.completions.create(**HELLO)
        await groq.until_calls(1, answered=True)
    assert groq.journal[0].hung_up


async def test_a_latency_delays_an_answer_behind_later_calls(groq: GroqStandIn, client: AsyncGroq) -> None:
    groq.latency = 3600
    late = asyncio.create_task(client.chat.completions.create(**HELLO))
    await groq.until_calls(1)
    groq.latency = 0.0
    await client.chat.completions.create(**HELLO)
    assert [call.in_progress for call in groq.journal] == [True, False]
    late.cancel()


async def test_waiting_for_calls_that_do_not_come_says_how_many_did(groq: GroqStandIn, client: AsyncGroq) -> None:
    await client.chat.completions.create(**HELLO)
    with pytest.raises(TimeoutError, match=r"groq: 1 of 2 expected calls arrived within 0\.05 s\."):
        await groq.until_calls(2, limit=0.05)
