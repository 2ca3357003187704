"""What every stand-in does: start, stop, faults, the journal and its counters."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from itertools import pairwise
from typing import Any

import httpx
import pytest
from blockbuster import blockbuster_ctx
from groq import APIConnectionError, APIError, AsyncGroq, Groq, InternalServerError, RateLimitError

from kata.instruments.standins import Call, GroqStandIn, StandIn, providers
from kata.instruments.standins import loopback as loopback_module
from kata.instruments.standins.certificate import self_signed

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


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


def refused(url: str) -> bool:
    port = httpx.URL(url).port
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# Start and stop


def test_a_stopped_stand_in_leaves_neither_thread_nor_port() -> None:
    before = set(threading.enumerate())
    with GroqStandIn() as stand_in:
        url = stand_in.base_url
        assert not refused(url)
        assert len(set(threading.enumerate()) - before) == 1
    assert set(threading.enumerate()) == before
    assert refused(url)


def test_its_thread_is_a_daemon(groq: GroqStandIn) -> None:
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "stand-in groq"]
    assert thread.daemon


def test_a_restart_gives_a_fresh_port() -> None:
    stand_in = GroqStandIn()
    urls = []
    for _ in range(5):
        with stand_in:
            urls.append(stand_in.base_url)
            assert httpx.get(
                f"{stand_in.base_url}/openai/v1/models", headers={"authorization": "Bearer key"}
            ).is_success
    assert all(first != second for first, second in pairwise(urls))


def test_two_stand_ins_of_a_kind_live_side_by_side() -> None:
    with GroqStandIn() as one, GroqStandIn() as other:
        one.reply("one")
        other.reply("other")
        for each, said in ((one, "one"), (other, "other")):
            with Groq(api_key="key-of-the-test", base_url=each.base_url, max_retries=0) as client:
                assert client.chat.completions.create(**HELLO).choices[0].message.content == said
        assert (len(one.journal), len(other.journal)) == (1, 1)


def test_stopping_ends_calls_in_progress() -> None:
    failures: list[Exception] = []

    def call(stand_in: StandIn) -> None:
        with Groq(api_key="key-of-the-test", base_url=stand_in.base_url, max_retries=0) as client:
            try:
                client.models.list()
            except APIConnectionError as error:
                failures.append(error)

    with GroqStandIn(latency=3600) as stand_in, stand_in.silence():
        callers = [threading.Thread(target=call, args=(stand_in,)) for _ in range(3)]
        for caller in callers:
            caller.start()
        asyncio.run(stand_in.until_calls(3))
        stand_in.stop()
        for caller in callers:
            caller.join()
    assert len(failures) == 3
    assert all(noted.dropped and not noted.hung_up for noted in stand_in.journal)


def test_the_body_of_an_answer_does_not_wait_for_an_acknowledgement_of_its_head() -> None:
    seen: list[int] = []

    class Watched(GroqStandIn):
        def _responder(self, fault: Any, request: Any, call: Call) -> Any:
            connection = request.state.transport.get_extra_info("socket")
            seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            return super()._responder(fault, request, call)

    with Watched() as stand_in:
        httpx.get(f"{stand_in.base_url}/openai/v1/models")
    assert seen == [1]


def test_a_process_with_a_held_call_ends() -> None:
    script = """
import asyncio, threading
from groq import Groq
from kata.instruments.standins import GroqStandIn
stand_in = GroqStandIn(latency=3600)
stand_in.start()
client = Groq(api_key="key-of-the-test", base_url=stand_in.base_url)
threading.Thread(target=client.models.list, daemon=True).start()
asyncio.run(stand_in.until_calls(1))
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_importing_the_package_does_not_import_the_server() -> None:
    script = "import sys, kata.instruments.standins; sys.exit('uvicorn' in sys.modules or 'starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_stand_in_at_work_neither_blocks_its_loop_nor_touches_the_disk() -> None:
    events: list[str] = []

    def note(event: str, _: object) -> None:
        disk = event.startswith(("open", "os.", "tempfile", "shutil", "import"))
        if listening and disk and threading.current_thread().name.startswith("stand-in"):
            events.append(event)

    listening = True
    sys.addaudithook(note)
    with providers("groq", "elevenlabs", "whatsapp", "images") as started, blockbuster_ctx():
        with Groq(api_key="key-of-the-test", base_url=started.groq.base_url, max_retries=0) as groq:
            groq.audio.transcriptions.create(model="whisper", file=("note.wav", WAV + bytes(3_000_000)))
            list(groq.chat.completions.create(**HELLO, stream=True))
        headers = {"authorization": "Bearer key", "xi-api-key": "key"}
        with httpx.Client(headers=headers) as client:
            speech = client.post(f"{started.elevenlabs.base_url}/v1/text-to-speech/v", json={"text": "Hello"})
            picture = {"model": "m", "prompt": "a lake"}
            image = client.post(f"{started.images.base_url}/v1/images/generations", json=picture)
            unknown = client.get(f"{started.whatsapp.base_url}/v21.0/1")
    listening = False
    assert [speech.status_code, image.status_code, unknown.status_code] == [200, 200, 400]
    assert events == []


def test_an_idle_connection_does_not_delay_the_stop(groq: GroqStandIn, client: Groq) -> None:
    client.models.list()
    groq.stop()
    assert not any(thread.name == "stand-in groq" for thread in threading.enumerate())


def test_stopping_twice_is_harmless() -> None:
    with GroqStandIn() as stand_in:
        stand_in.stop()
    stand_in.stop()


def test_starting_twice_is_refused(groq: GroqStandIn) -> None:
    with pytest.raises(RuntimeError, match="stand-in groq is already running on port"):
        groq.start()


def test_a_stand_in_that_does_not_run_has_no_url() -> None:
    with pytest.raises(RuntimeError, match="not running: enter it"):
        _ = GroqStandIn().base_url


def test_a_stand_in_that_cannot_listen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> socket.socket:
        raise PermissionError("loopback is off")

    monkeypatch.setattr(loopback_module.socket, "create_server", deny)
    with pytest.raises(RuntimeError, match="stand-in groq cannot listen on 127.0.0.1: loopback is off"):
        GroqStandIn().start()


def test_a_stand_in_whose_thread_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no such luck")

    monkeypatch.setattr(loopback_module, "Config", fail)
    stand_in = GroqStandIn()
    with pytest.raises(RuntimeError, match="stand-in groq did not start: no such luck"):
        stand_in.start()
    with pytest.raises(RuntimeError, match="not running"):
        _ = stand_in.base_url


def test_nothing_is_logged_or_printed(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG, logger="uvicorn"), GroqStandIn() as stand_in:
        with socket.create_connection(("127.0.0.1", httpx.URL(stand_in.base_url).port)) as raw:
            raw.sendall(b"this is not HTTP\r\n\r\n")
            assert raw.recv(100).startswith(b"HTTP/1.1 400")
        stand_in.drop()
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{stand_in.base_url}/openai/v1/models")
    assert not [record for record in caplog.records if record.name.startswith(("uvicorn", "kata"))]
    assert capfd.readouterr() == ("", "")


# Faults


def test_the_next_calls_fail_and_then_no_more(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(2)
    for _ in range(2):
        with pytest.raises(InternalServerError):
            client.models.list()
    client.models.list()
    assert [call.status for call in groq.journal] == [500, 500, 200]


def test_faults_come_in_the_order_in_which_they_were_asked_for(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(2, status=429)
    groq.drop()
    groq.garble()
    groq.fail(status=503)
    outcomes = []
    for _ in range(6):
        try:
            client.models.list()
            outcomes.append("fine")
        except (APIError, ValueError) as error:
            outcomes.append(type(error).__name__)
    assert outcomes[:3] == ["RateLimitError", "RateLimitError", "APIConnectionError"]
    assert outcomes[3] not in ("fine", "APIConnectionError")
    assert outcomes[4:] == ["InternalServerError", "fine"]
    assert [call.status for call in groq.journal] == [429, 429, None, 200, 503, 200]


def test_a_429_carries_retry_after(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(status=429, retry_after=1.5)
    with pytest.raises(RateLimitError) as caught:
        client.models.list()
    assert caught.value.response.headers["retry-after"] == "1.5"


def test_a_429_without_retry_after_has_no_such_header(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(status=429)
    with pytest.raises(RateLimitError) as caught:
        client.models.list()
    assert "retry-after" not in caught.value.response.headers


def test_the_sdks_own_retry_meets_the_queue_of_faults(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(2, status=429, retry_after=0.01)
    client.with_options(max_retries=2).models.list()
    assert [call.status for call in groq.journal] == [429, 429, 200]


def test_a_dropped_call_is_a_connection_error_and_noted(groq: GroqStandIn, client: Groq) -> None:
    groq.drop()
    with pytest.raises(APIConnectionError):
        client.models.list()
    (call,) = groq.journal
    assert call.dropped
    assert not call.hung_up
    assert call.status is None


def test_a_stream_may_be_cut_after_its_first_piece(groq: GroqStandIn, client: Groq) -> None:
    groq.cut()
    stream = client.chat.completions.create(**HELLO, stream=True)
    with pytest.raises(httpx.RemoteProtocolError):
        list(stream)
    (call,) = groq.journal
    assert (call.dropped, call.chunks, call.status) == (True, 1, None)


def test_an_answer_in_one_piece_is_not_cut(groq: GroqStandIn, client: Groq) -> None:
    groq.cut()
    assert client.models.list().data
    assert groq.journal[0].status == 200


def test_faults_that_nobody_has_met_are_forgotten(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(3, status=503)
    with pytest.raises(InternalServerError):
        client.models.list()
    groq.relent()
    assert client.models.list().data
    assert [call.status for call in groq.journal] == [503, 200]


async def test_concurrent_calls_take_one_fault_each(groq: GroqStandIn, async_client: AsyncGroq) -> None:
    groq.fail(3, status=503)
    with groq.rendezvous(6, limit=60):
        calls = [async_client.models.list() for _ in range(6)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outcome, InternalServerError) for outcome in outcomes) == 3


def test_a_redirect_names_another_address_once(groq: GroqStandIn) -> None:
    groq.redirect("http://elsewhere/")
    answer = httpx.get(f"{groq.base_url}/openai/v1/models", headers={"authorization": "Bearer key"})
    assert (answer.status_code, answer.headers["location"]) == (302, "http://elsewhere/")
    assert httpx.get(answer.url, headers={"authorization": "Bearer key"}).is_success


def test_a_status_that_is_no_error_is_refused(groq: GroqStandIn) -> None:
    with pytest.raises(ValueError, match="status must be an error"):
        groq.fail(status=200)


def test_a_stand_in_that_breaks_answers_and_says_so_in_the_log(
    groq: GroqStandIn, client: Groq, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groq, "admit", lambda headers: 1 / 0)
    with pytest.raises(InternalServerError, match="The groq stand-in is broken"):
        client.models.list()
    assert "could not answer GET /openai/v1/models" in caplog.text


# The journal and the counters


def test_the_journal_tells_what_arrived(groq: GroqStandIn, client: Groq) -> None:
    client.audio.transcriptions.create(model="whisper", file=("note.wav", WAV, "audio/wav"), language="en")
    (call,) = groq.journal
    assert (call.number, call.method, call.path) == (1, "POST", "/openai/v1/audio/transcriptions")
    assert call.size > len(WAV)
    assert call.fields == {"model": "whisper", "language": "en"}
    assert (call.file.filename, call.file.content_type, call.file.size) == ("note.wav", "audio/wav", len(WAV))
    assert call.file.sha256 == sha256(WAV).hexdigest()
    assert call.arrived <= call.answered == call.ended
    assert call.beats_on_arrival is None


async def test_an_upload_that_is_cut_off_is_noted_and_takes_no_fault(
    groq: GroqStandIn, async_client: AsyncGroq
) -> None:
    groq.fail()
    with socket.create_connection(("127.0.0.1", httpx.URL(groq.base_url).port)) as raw:
        raw.sendall(b"POST /openai/v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this")
    await groq.until_calls(1, answered=True)
    with pytest.raises(InternalServerError):
        await async_client.models.list()
    assert (groq.journal[0].hung_up, groq.journal[0].size) == (True, len("only this"))


def test_an_upload_arrives_byte_for_byte(groq: GroqStandIn, client: Groq) -> None:
    awkward = b"RIFF----WAVE\r\n--\r\n\r\n\n\r\x00" + bytes(range(256)) * 8192 + b"\r\n"
    client.audio.transcriptions.create(model="whisper", file=("note.wav", awkward))
    assert groq.journal[0].file.sha256 == sha256(awkward).hexdigest()


def test_the_journal_hides_keys(groq: GroqStandIn, client: Groq) -> None:
    client.models.list()
    httpx.get(
        f"{groq.base_url}/x", headers={"xi-api-key": "secret-12345678"}, params={"access_token": "secret-87654321"}
    )
    first, second = groq.journal
    assert first.headers["authorization"] == "…test"
    assert second.headers["xi-api-key"] == "…5678"
    assert second.query["access_token"] == "…4321"
    assert "key-of-the" not in repr(groq.journal)
    assert "secret" not in repr(groq.journal)


def test_a_client_that_is_reused_opens_one_connection(groq: GroqStandIn, client: Groq) -> None:
    for _ in range(5):
        client.models.list()
    assert groq.connections == 1
    assert {call.connection for call in groq.journal} == {1}


def test_a_client_per_call_opens_a_connection_per_call(groq: GroqStandIn) -> None:
    for _ in range(5):
        with Groq(api_key="key-of-the-test", base_url=groq.base_url, max_retries=0) as client:
            client.models.list()
    assert groq.connections == 5
    assert [call.connection for call in groq.journal] == [1, 2, 3, 4, 5]


def test_an_error_keeps_the_connection(groq: GroqStandIn, client: Groq) -> None:
    groq.fail(status=429)
    with pytest.raises(RateLimitError):
        client.models.list()
    client.models.list()
    assert groq.connections == 1


async def test_connections_are_open_until_they_are_closed(groq: GroqStandIn) -> None:
    async with httpx.AsyncClient() as client:
        await client.get(groq.base_url)
        assert groq.open_connections == 1
        with pytest.raises(TimeoutError, match="1 connections are still open"):
            await groq.until_no_connection(limit=0.01)
    await groq.until_no_connection()
    assert (groq.open_connections, groq.connections) == (0, 1)


async def test_hanging_up_closes_idle_connections_and_lets_a_call_end(
    groq: GroqStandIn, async_client: AsyncGroq
) -> None:
    await async_client.chat.completions.create(**HELLO)
    groq.hang_up()
    await groq.until_no_connection()
    with groq.silence():
        call = asyncio.create_task(async_client.chat.completions.create(**HELLO))
        await groq.until_calls(2)
        groq.hang_up()
    assert (await call).choices
    await groq.until_no_connection()
    assert groq.connections == 2


def test_a_stand_in_with_a_certificate_of_its_own_is_found_out() -> None:
    with GroqStandIn(tls=self_signed()) as impostor:
        assert impostor.base_url.startswith("https://127.0.0.1:")
        with pytest.raises(httpx.ConnectError, match="self-signed certificate"):
            httpx.get(impostor.base_url)
        assert httpx.get(impostor.base_url, verify=False).status_code == 401
        assert len(impostor.journal) == 1


async def test_the_peak_in_flight_is_counted(groq: GroqStandIn, async_client: AsyncGroq) -> None:
    with groq.silence():
        async with asyncio.TaskGroup() as callers:
            tasks = [callers.create_task(async_client.models.list()) for _ in range(4)]
            await groq.until_calls(4)
            assert groq.in_flight == 4
            for task in tasks:
                task.cancel()
    await groq.until_calls(4, answered=True)
    await async_client.models.list()
    assert (groq.in_flight, groq.peak_in_flight) == (0, 4)


def test_sequential_calls_peak_at_one(groq: GroqStandIn, client: Groq) -> None:
    for _ in range(3):
        client.models.list()
    assert (groq.in_flight, groq.peak_in_flight) == (0, 1)


def test_an_answer_is_in_the_journal_before_the_client_has_it(groq: GroqStandIn, client: Groq) -> None:
    for number in range(50):
        client.models.list()
        assert groq.journal[number].status == 200
        assert groq.in_flight == 0


def test_a_snapshot_of_the_journal_does_not_change(groq: GroqStandIn, client: Groq) -> None:
    snapshot = groq.journal
    client.models.list()
    assert len(snapshot) == 0


def test_reset_forgets_journal_counters_faults_and_latency(groq: GroqStandIn, client: Groq) -> None:
    client.models.list()
    groq.fail(3)
    groq.latency = 3600
    groq.reset()
    assert (len(groq.journal), groq.connections, groq.peak_in_flight, groq.latency) == (0, 0, 0, 0.0)
    client.models.list()
    assert [call.number for call in groq.journal] == [1]


async def test_a_call_in_flight_survives_a_reset(groq: GroqStandIn, async_client: AsyncGroq) -> None:
    with groq.silence():
        waiting = asyncio.create_task(async_client.models.list())
        await groq.until_calls(1)
        groq.reset()
        assert (len(groq.journal), groq.in_flight, groq.peak_in_flight) == (0, 1, 1)
    await waiting
    assert (len(groq.journal), groq.in_flight) == (0, 0)


async def test_many_calls_are_noted_each_once(groq: GroqStandIn, async_client: AsyncGroq) -> None:
    await asyncio.gather(*(async_client.models.list() for _ in range(200)))
    assert [call.number for call in groq.journal] == list(range(1, 201))
    assert {call.status for call in groq.journal} == {200}


# Several at once


def test_the_settings_reach_every_provider_that_was_started() -> None:
    with providers("groq", "elevenlabs", "whatsapp", "images", "embeddings") as started:
        settings = started.settings()
        assert {each.name for each in started} == {"groq", "elevenlabs", "whatsapp", "images", "embeddings"}
        assert settings["GROQ_BASE_URL"] == started.groq.base_url
        with Groq(api_key=settings["GROQ_API_KEY"], base_url=settings["GROQ_BASE_URL"]) as client:
            assert client.models.list().data
    assert set(settings) == {
        "GROQ_BASE_URL",
        "GROQ_API_KEY",
        "ELEVENLABS_BASE_URL",
        "ELEVENLABS_API_KEY",
        "WHATSAPP_BASE_URL",
        "WHATSAPP_TOKEN",
        "WHATSAPP_PHONE_NUMBER_ID",
        "WHATSAPP_VERIFY_TOKEN",
        "IMAGES_BASE_URL",
        "IMAGES_API_KEY",
        "EMBEDDINGS_BASE_URL",
        "EMBEDDINGS_API_KEY",
    }


def test_only_the_named_providers_are_started() -> None:
    with providers("groq") as started:
        assert set(started.settings()) == {"GROQ_BASE_URL", "GROQ_API_KEY"}
        with pytest.raises(AttributeError, match=r"write providers\('groq', 'images'\)"):
            _ = started.images


def test_an_unknown_provider_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="no stand-in named 'grok': choose from groq, elevenlabs, whatsapp"):
        providers("grok").__enter__()


def test_providers_are_stopped_when_the_body_fails() -> None:
    with pytest.raises(ZeroDivisionError), providers("groq", "images") as started:
        urls = [each.base_url for each in started]
        _ = 1 / 0
    assert all(refused(url) for url in urls)
