"""The bench on which the pulse is proved: small functions that block the event loop, and their twins that do not.

Each takes a `Place`: a folder, a file in it and the address of a stand-in. A pair is one job done in two ways; a
function without a twin is correct code that has raised a false alarm in one detector or another.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import logging
import mimetypes
import os
import queue
import select
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

import aiofiles
import aiofiles.os
import aiofiles.tempfile
import anyio
import httpx
from elevenlabs.client import AsyncElevenLabs, ElevenLabs
from groq import AsyncGroq, Groq

LONG = 2.0
"""Seconds that a call lasts which only its silence gives away: many times what the pulse needs, for busy machines."""

SHORT = 0.02


@dataclass
class Place:
    folder: Path
    file: Path
    groq_url: str
    elevenlabs_url: str
    async_client: httpx.AsyncClient
    sync_client: httpx.Client
    sync_groq: Groq = field(init=False)
    async_groq: AsyncGroq = field(init=False)
    sync_elevenlabs: ElevenLabs = field(init=False)
    async_elevenlabs: AsyncElevenLabs = field(init=False)

    def __post_init__(self) -> None:
        groq = {"api_key": "a-key", "base_url": self.groq_url, "max_retries": 0}
        self.sync_groq = Groq(**groq, http_client=self.sync_client)
        self.async_groq = AsyncGroq(**groq, http_client=self.async_client)
        elevenlabs = {"api_key": "a-key", "base_url": self.elevenlabs_url}
        self.sync_elevenlabs = ElevenLabs(**elevenlabs, httpx_client=self.sync_client)
        self.async_elevenlabs = AsyncElevenLabs(**elevenlabs, httpx_client=self.async_client)


Function = Callable[[Place], Awaitable[object]]
BLOCKING: list[Function] = []
TURNING: list[Function] = []


def blocking(function: Function) -> Function:
    BLOCKING.append(function)
    return function


def turning(function: Function) -> Function:
    TURNING.append(function)
    return function


@blocking
async def sleep_on_the_loop(place: Place) -> None:
    time.sleep(SHORT)


@turning
async def sleep_awaited(place: Place) -> None:
    await asyncio.sleep(SHORT)


@blocking
async def sleep_imported_by_name(place: Place) -> None:
    sleep(LONG)


@turning
async def sleep_in_a_thread(place: Place) -> None:
    await asyncio.to_thread(sleep, LONG)


@blocking
async def file_read_on_the_loop(place: Place) -> None:
    with open(place.file, "rb") as file:
        file.read()


@turning
async def file_read_by_aiofiles(place: Place) -> None:
    async with aiofiles.open(place.file, "rb") as file:
        await file.read()


@blocking
async def file_opened_in_a_thread_read_on_the_loop(place: Place) -> None:
    file = await asyncio.to_thread(open, place.file, "rb")
    with file:
        file.read()


@turning
async def file_opened_and_read_in_a_thread(place: Place) -> None:
    await asyncio.to_thread(place.file.read_bytes)


@blocking
async def bytes_read_by_path(place: Place) -> None:
    place.file.read_bytes()


@turning
async def bytes_read_by_anyio(place: Place) -> None:
    await anyio.Path(place.file).read_bytes()


@blocking
async def file_written_on_the_loop(place: Place) -> None:
    (place.folder / "written").write_bytes(b"x" * 10_000)


@turning
async def file_written_by_aiofiles(place: Place) -> None:
    async with aiofiles.open(place.folder / "written", "wb") as file:
        await file.write(b"x" * 10_000)


@blocking
async def folder_made_on_the_loop(place: Place) -> None:
    os.makedirs(place.folder / "a" / "b", exist_ok=True)


@turning
async def folder_made_by_aiofiles(place: Place) -> None:
    await aiofiles.os.makedirs(place.folder / "a" / "b", exist_ok=True)


@blocking
async def folder_made_before_the_thread_starts(place: Place) -> None:
    await asyncio.to_thread(lambda made: made, os.makedirs(place.folder / "c", exist_ok=True))


@turning
async def folder_made_in_a_thread(place: Place) -> None:
    await asyncio.to_thread(os.makedirs, place.folder / "c", exist_ok=True)


@blocking
async def temporary_file_on_the_loop(place: Place) -> None:
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(b"x" * 10_000)


@turning
async def temporary_file_by_aiofiles(place: Place) -> None:
    async with aiofiles.tempfile.NamedTemporaryFile(suffix=".wav") as file:
        await file.write(b"x" * 10_000)


@blocking
async def file_copied_on_the_loop(place: Place) -> None:
    shutil.copy(place.file, place.folder / "copy")


@turning
async def file_copied_in_a_thread(place: Place) -> None:
    await asyncio.to_thread(shutil.copy, place.file, place.folder / "copy")


@blocking
async def folder_listed_on_the_loop(place: Place) -> None:
    os.listdir(place.folder)


@turning
async def folder_listed_in_a_thread(place: Place) -> None:
    await asyncio.to_thread(os.listdir, place.folder)


@blocking
async def file_asked_for_on_the_loop(place: Place) -> None:
    os.stat(place.file)


@turning
async def file_asked_for_by_aiofiles(place: Place) -> None:
    await aiofiles.os.stat(place.file)


@blocking
async def database_on_the_loop(place: Place) -> None:
    with sqlite3.connect(place.folder / "on_the_loop.db") as connection:
        connection.execute("create table if not exists notes (text)")
    connection.close()


def _write_a_note(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table if not exists notes (text)")
    connection.close()


@turning
async def database_in_a_thread(place: Place) -> None:
    await asyncio.to_thread(_write_a_note, place.folder / "in_a_thread.db")


@blocking
async def request_on_the_loop(place: Place) -> None:
    httpx.get(f"{place.groq_url}/openai/v1/models", headers={"authorization": "Bearer a-key"})


@turning
async def request_awaited(place: Place) -> None:
    await place.async_client.get(f"{place.groq_url}/openai/v1/models")


@blocking
async def groq_called_on_the_loop(place: Place) -> None:
    place.sync_groq.models.list()


@turning
async def groq_awaited(place: Place) -> None:
    await place.async_groq.models.list()


@blocking
async def stream_joined_on_the_loop(place: Place) -> None:
    b"".join(place.sync_elevenlabs.text_to_speech.convert(voice_id="a-voice", text="Nine.", model_id="eleven_v3"))


@turning
async def stream_iterated_asynchronously(place: Place) -> None:
    sound = place.async_elevenlabs.text_to_speech.convert(voice_id="a-voice", text="Nine.", model_id="eleven_v3")
    b"".join([chunk async for chunk in sound])


@blocking
async def stream_called_in_a_thread_joined_on_the_loop(place: Place) -> None:
    convert = place.sync_elevenlabs.text_to_speech.convert
    b"".join(await asyncio.to_thread(convert, voice_id="a-voice", text="Nine.", model_id="eleven_v3"))


@blocking
async def socket_read_on_the_loop(place: Place) -> None:
    address = urlsplit(place.groq_url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        connection.recv(100)


@turning
async def socket_read_asynchronously(place: Place) -> None:
    address = urlsplit(place.groq_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    await reader.read(100)
    writer.close()
    await writer.wait_closed()


@blocking
async def client_built_for_the_call(place: Place) -> None:
    async with httpx.AsyncClient(headers={"authorization": "Bearer a-key"}) as client:
        await client.get(f"{place.groq_url}/openai/v1/models")


SLEEPER = [sys.executable, "-S", "-c", f"import time; time.sleep({LONG})"]


@blocking
async def program_waited_for_on_the_loop(place: Place) -> None:
    subprocess.run(SLEEPER, check=True)


@turning
async def program_awaited(place: Place) -> None:
    process = await asyncio.create_subprocess_exec(*SLEEPER)
    await process.wait()


@blocking
async def event_of_a_thread_waited_for(place: Place) -> None:
    threading.Event().wait(LONG)


@turning
async def event_of_the_loop_awaited(place: Place) -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(SHORT, event.set)
    await event.wait()


@blocking
async def queue_of_a_thread_read(place: Place) -> None:
    try:
        queue.Queue[int]().get(timeout=LONG)
    except queue.Empty:
        return


@turning
async def queue_of_the_loop_read(place: Place) -> None:
    line = asyncio.Queue[int]()
    asyncio.get_running_loop().call_later(SHORT, line.put_nowait, 1)
    await line.get()


@blocking
async def result_of_a_thread_waited_for(place: Place) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(sleep, LONG).result()


@turning
async def result_of_a_thread_awaited(place: Place) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        await asyncio.wrap_future(pool.submit(sleep, LONG))


@blocking
async def lock_of_a_thread_waited_for(place: Place) -> None:
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(LONG, lock.release).start()
    with lock:
        pass


@turning
async def lock_of_the_loop_awaited(place: Place) -> None:
    lock = asyncio.Lock()
    await lock.acquire()
    asyncio.get_running_loop().call_later(SHORT, lock.release)
    async with lock:
        pass


@blocking
async def select_on_the_loop(place: Place) -> None:
    here, there = socket.socketpair()
    with here, there:
        select.select([here], [], [], LONG)


@blocking
async def sum_computed_on_the_loop(place: Place) -> None:
    end = time.monotonic() + 1.5 * LONG  # the metronome gets its turn only now and then
    while time.monotonic() < end:
        sum(range(1000))


@turning
async def sum_computed_with_pauses(place: Place) -> None:
    for _ in range(100):
        sum(range(1000))
        await asyncio.sleep(0)


@turning
async def twenty_requests_at_once(place: Place) -> None:
    url = f"{place.groq_url}/openai/v1/models"
    await asyncio.gather(*(place.async_client.get(url) for _ in range(20)))


@turning
async def module_imported_inside(place: Place) -> None:
    sys.modules.pop("colorsys", None)
    import colorsys

    assert colorsys


@turning
async def first_upload_reads_the_media_types(place: Place) -> None:
    mimetypes.inited = False
    files = {"file": ("note.wav", b"RIFF....WAVE" + b"x" * 100)}
    await place.async_client.post(
        f"{place.groq_url}/openai/v1/audio/transcriptions", files=files, data={"model": "whisper-large-v3"}
    )


@turning
async def line_logged_to_a_file(place: Place) -> None:
    handler = logging.FileHandler(place.folder / "log", delay=True)
    try:
        handler.handle(logging.makeLogRecord({"msg": "a line", "levelno": logging.INFO}))
    finally:
        handler.close()


@turning
async def garbage_collected(place: Place) -> None:
    gc.collect()


@turning
async def line_printed(place: Place) -> None:
    print("a line", file=sys.stderr)
