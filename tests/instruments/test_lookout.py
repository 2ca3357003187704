"""A lookout tells what blocks a running service's loop, each line once, and leaves the service alone."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from kata.instruments.lookout import lookout

HERE = Path(__file__).parent


class Told(list):
    def __call__(self, operation, culprit):
        self.append((operation, culprit.function, culprit.source))


@pytest.fixture
def told():
    return Told()


async def naps():
    time.sleep(0)


async def naps_in_a_thread():
    await asyncio.to_thread(time.sleep, 0)


async def test_a_line_is_told_once_however_often_it_blocks(told):
    with lookout(HERE, tell=told):
        for _ in range(3):
            await naps()
    assert told == [("time.sleep", "naps", "time.sleep(0)")]


async def test_two_functions_called_on_a_line_are_two(told, tmp_path):
    with lookout(HERE, tell=told):
        (tmp_path / "a").mkdir(), time.sleep(0)
    assert [operation for operation, *_ in told] == ["os.mkdir", "time.sleep"]


async def test_what_a_thread_does_is_not_told(told):
    with lookout(HERE, tell=told):
        await naps_in_a_thread()
    assert told == []


async def test_other_peoples_code_is_not_told(told, tmp_path):
    with lookout(tmp_path, tell=told):
        await naps()
    assert told == []


async def test_after_the_end_nothing_is_told(told):
    with lookout(HERE, tell=told):
        pass
    await naps()
    assert told == []


async def test_the_log_is_told_where_nobody_else_is(caplog):
    with lookout(HERE):
        await naps()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("time.sleep on the event loop at instruments/test_lookout.py:")


async def test_a_running_service_answers_and_its_lines_are_told(told):
    """With uvicorn, over a socket, in the service's lifespan."""

    @asynccontextmanager
    async def lifespan(app):
        with lookout(HERE, tell=told):
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/nap")
    async def nap():
        await naps()
        return "slept"

    async with httpx.AsyncClient() as client, served(app) as url:
        assert [(await client.get(f"{url}/nap")).json() for _ in range(2)] == ["slept", "slept"]
    assert told == [("time.sleep", "naps", "time.sleep(0)")]


@asynccontextmanager
async def served(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
        await asyncio.sleep(0.001)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task
