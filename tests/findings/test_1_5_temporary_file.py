"""Finding 1.5: `SpeechToText.transcribe` writes, opens, reads and deletes a file on the event loop."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kata.instruments.disk import slow_disk
from kata.instruments.pulse import Kind
from kata.verdict.claims import bounded, expect

CALL = "await transcribe(voice_note)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where temporary files go during the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_in(folder):
    """The files that are left, without the random part of their names."""
    gc.collect()  # a temporary file without an owner deletes itself when it is collected
    return ", ".join(sorted(f"a file *{path.suffix}" for path in folder.iterdir())) or "none"


@pytest.mark.behaviour("1.5")
@pytest.mark.parametrize("audio_format", ["ogg", "wav", "mp3", "webm", None], ids=str)
async def test_bytes_and_suffix_reach_groq(speech_to_text, groq, note, audio_format):
    call = f"await transcribe(voice_note, {audio_format!r})"
    await bounded(call, speech_to_text().transcribe(note.data, audio_format))
    (sent,) = groq.journal
    expect(f"{call}, the bytes sent", expected=hashlib.sha256(note.data).hexdigest(), got=sent.file.sha256)
    suffix = f".{audio_format or 'wav'}"
    got = suffix if sent.file.filename.endswith(suffix) else sent.file.filename
    expect(f"{call}, how the file's name ends", expected=suffix, got=got)


@pytest.mark.behaviour("1.5")
@pytest.mark.parametrize("audio_format", ["exe", "../../etc/cron.d/x", "wav/../../x"])
async def test_a_format_outside_the_list_is_refused(speech_to_text, groq, note, audio_format, folder):
    with pytest.raises(ValueError, match="audio format"):
        await bounded(CALL, speech_to_text().transcribe(note.data, audio_format))
    expect(f"requests of transcribe(voice_note, {audio_format!r})", expected=0, got=len(groq.journal))
    expect("files left behind", expected="none", got=left_in(folder))


@pytest.mark.behaviour("1.5")
async def test_empty_audio_is_refused(speech_to_text, groq):
    with pytest.raises(ValueError, match="empty"):
        await bounded("await transcribe(b'')", speech_to_text().transcribe(b"", "ogg"))
    expect("requests of transcribe(b'')", expected=0, got=len(groq.journal))


@pytest.mark.behaviour("1.5")
async def test_two_callers_at_once_send_their_own_voices(speech_to_text, groq):
    voices = [b"RIFF....WAVE" + bytes([n]) * 2000 for n in range(4)]
    stt = speech_to_text()
    await bounded(CALL, asyncio.gather(*(stt.transcribe(voice, "wav") for voice in voices)))
    got = {call.file.sha256 for call in groq.journal}
    expect("four callers at once: the voices sent", expected=4, got=len(got))
    expect(
        "four callers at once: whose voices were sent",
        expected={hashlib.sha256(voice).hexdigest() for voice in voices},
        got=got,
    )


@pytest.mark.behaviour("1.5")
async def test_no_file_is_left_after_a_success(speech_to_text, groq, note, folder):
    await bounded(CALL, speech_to_text().transcribe(note.data, note.format))
    expect(f"files left by {CALL}", expected="none", got=left_in(folder))


@pytest.mark.behaviour("1.5")
@pytest.mark.parametrize("status", [400, 503])
async def test_no_file_is_left_after_a_failure(speech_to_text, groq, note, folder, status, companion_error):
    groq.fail(9, status=status)
    with pytest.raises(companion_error):
        await bounded(CALL, speech_to_text().transcribe(note.data, note.format))
    expect(f"files left by {CALL} when Groq answers {status}", expected="none", got=left_in(folder))


@pytest.mark.behaviour("1.5")
async def test_no_file_is_left_when_cancelled_while_groq_works(speech_to_text, groq, note, folder):
    groq.latency = 0.2
    task = asyncio.create_task(speech_to_text().transcribe(note.data, note.format))
    await groq.until_calls(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.get_running_loop().shutdown_default_executor()  # whatever a thread still does to the file
    expect(f"files left by {CALL}, cancelled while Groq works", expected="none", got=left_in(folder))


@pytest.mark.behaviour("1.5")
async def test_no_file_is_left_when_cancelled_while_it_is_written(speech_to_text, groq, note, folder):
    stt = speech_to_text()
    with slow_disk(folder, seconds=0.05):
        task = asyncio.create_task(stt.transcribe(note.data, note.format))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.get_running_loop().shutdown_default_executor()
    expect(f"files left by {CALL}, cancelled while the file is written", expected="none", got=left_in(folder))


@pytest.mark.behaviour("1.5")
async def test_no_file_is_left_when_cancelled_again_while_it_is_deleted(speech_to_text, groq, note, folder):
    """A caller hangs up, a server shuts down: two cancellations, and no thread is free for the deletion."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
    groq.latency = 0.2
    task = asyncio.create_task(speech_to_text().transcribe(note.data, note.format))
    await groq.until_calls(1)
    free = threading.Event()
    busy = loop.run_in_executor(None, free.wait)
    for _ in range(2):
        task.cancel()
        for _ in range(50):  # the SDK takes some turns of the loop to close the connection
            await asyncio.sleep(0)
    free.set()
    await asyncio.wait([task, busy])
    await loop.shutdown_default_executor()
    del task  # it would keep alive whatever the cancelled call had in its hands
    expect(f"files left by {CALL}, cancelled once more while the file is deleted", expected="none", got=left_in(folder))


@pytest.mark.finding("1.5")
async def test_no_file_is_touched_on_the_loop(speech_to_text, groq, note, pulse, folder):
    stt = speech_to_text()
    await bounded(CALL, stt.transcribe(note.data, note.format))  # what happens once per process happens here
    async with pulse:
        await bounded(CALL, stt.transcribe(note.data, note.format))
    pulse.check(Kind.DISK, doing="for the disk")


@pytest.mark.finding("1.5")
async def test_no_file_is_touched_on_the_loop_when_groq_fails(
    speech_to_text, groq, note, pulse, folder, companion_error
):
    stt = speech_to_text()
    await bounded(CALL, stt.transcribe(note.data, note.format))
    groq.fail(9, status=503)
    async with pulse:
        with pytest.raises(companion_error):
            await bounded(CALL, stt.transcribe(note.data, note.format))
    pulse.check(Kind.DISK, doing="for the disk, after a failure")
