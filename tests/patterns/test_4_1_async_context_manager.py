"""Pattern 4.1: the checkpointer is opened by `async with`, and closed however the block is left."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path

import aiosqlite
import psutil
import pytest
from conversations import chooses, remembers
from world import page

from kata.gallery import Change
from kata.instruments import webhook

PAGE, WEBHOOK = "interfaces/chainlit/app.py", "interfaces/whatsapp/webhook_endpoint.py"
OPENED = (
    "async with AsyncSqliteSaver.from_conn_string(services.settings.SHORT_TERM_MEMORY_DB_PATH) as short_term_memory:"
)
NEVER_CLOSED = (
    Change(PAGE, "import chainlit as cl\n", "import aiosqlite\nimport chainlit as cl\n"),
    Change(
        PAGE,
        OPENED,
        "path = services.settings.SHORT_TERM_MEMORY_DB_PATH\n"
        "        if short_term_memory := AsyncSqliteSaver(await aiosqlite.connect(path)):",
    ),
)
CLOSED_UNLESS_IT_FAILS = (
    Change(PAGE, "import chainlit as cl\n", "import aiosqlite\nimport chainlit as cl\n"),
    Change(
        PAGE,
        OPENED,
        "connection = await aiosqlite.connect(services.settings.SHORT_TERM_MEMORY_DB_PATH)\n"
        "        if short_term_memory := AsyncSqliteSaver(connection):",
    ),
    Change(
        PAGE,
        "                        state = chunk\n",
        "                        state = chunk\n            await connection.close()\n",
    ),
)
SYNCHRONOUS = (
    Change(
        PAGE,
        "langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver",
        "langgraph.checkpoint.sqlite import SqliteSaver",
    ),
    Change(PAGE, "async with AsyncSqliteSaver.", "with SqliteSaver."),
)


def open_files(database: Path) -> list[str]:
    """The database's files that this process has open."""
    names = (Path(file.path) for file in psutil.Process().open_files())
    return sorted(path.name for path in names if path.name.startswith(database.name))


def left_behind(database: Path) -> list[str]:
    """SQLite's log of what is not in the database's own file yet; the last one to close the database deletes it."""
    return sorted(path.name for path in database.parent.glob(f"{database.name}-*"))


def workers() -> list[threading.Thread]:
    """The threads that aiosqlite has started, one a connection."""
    return [thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]


async def assert_let_go(database: Path) -> None:
    """Threads and files of all connections are gone.

    A query that was cut off keeps SQLite's files open until its cursor is collected, in a connection that is closed.
    """
    for thread in workers():
        thread.join(10)
    assert workers() == []
    await asyncio.sleep(0)  # its last answers are handed over to the loop, and forgotten there
    gc.collect()
    assert open_files(database) == []


async def assert_closed(database: Path) -> None:
    """Nobody has to collect a connection to end its thread: it was closed. Then nothing of it is left, on the disk."""
    await assert_let_go(database)
    assert left_behind(database) == []


def stop_what_is_left() -> None:
    """Close the connections that a counter-example has left open: the log keeps the failure, and so its frames."""
    for thing in gc.get_objects():
        if type(thing) is aiosqlite.Connection:
            thing.stop()


@contextmanager
def no_collection():
    """What nobody closes stays as it is until the end of the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("fault", [None, "fail", "drop", "garble"])
async def test_nothing_is_open_after_a_message(target, settings, everybody, database, fault):
    async with page(target, settings(target)) as visitor:
        if fault:
            getattr(everybody.groq, fault)(10)
        with no_collection():
            await visitor.says("Good evening")
            await assert_closed(database)
    assert database.exists()


async def test_nothing_is_open_after_a_message_that_was_cancelled(target, settings, everybody, database):
    async with page(target, settings(target)) as visitor:
        with no_collection(), everybody.groq.silence():
            await says_and_is_cancelled(visitor, everybody, database)
            await assert_closed(database)


async def says_and_is_cancelled(visitor, everybody, database):
    """A function of its own, so that nothing keeps the cancelled message, and the frames of its traceback, alive."""
    message = asyncio.create_task(visitor.says("Good evening"))
    await everybody.groq.until_calls(1)
    assert database.name in open_files(database)
    message.cancel()
    with pytest.raises(asyncio.CancelledError):
        await message


async def test_nothing_is_open_after_a_message_that_took_too_long(target, settings, everybody, database):
    async with page(target, settings(target, WORKFLOW_TIMEOUT_SECONDS=0.2)) as visitor:
        with no_collection(), everybody.groq.silence():
            await visitor.says("Good evening")
            await assert_closed(database)
    assert "thinking for too long" in visitor.notes[-1]


async def test_the_next_message_finds_the_conversation_on_the_disk(target, settings, everybody):
    everybody.groq.reply(remembers(None), chooses("conversation"), "Good evening, Ana.")
    async with page(target, settings(target)) as visitor:
        await visitor.says("Good evening, I am Ana")
        await visitor.says("Who am I?")
    said = [message["content"] for message in everybody.groq.journal[-1].fields["messages"][1:]]
    assert said == ["Good evening, I am Ana", "Good evening, Ana.", "Who am I?"]


async def test_a_webhook_that_was_started_anew_finds_the_conversation_on_the_disk(
    target, settings, everybody, database
):
    make = target.load("interfaces.whatsapp.webhook_endpoint").create_app
    everybody.groq.reply(remembers(None), chooses("conversation"), "Good evening, Ana.")
    for words in ("Good evening, I am Ana", "Who am I?"):
        with no_collection():
            async with webhook.serving(make(settings(target))) as client:
                answer = await client.post(webhook.PATH, json=webhook.text(words))
            assert answer.status_code == 200
            await assert_closed(database)
    said = [message["content"] for message in everybody.groq.journal[-1].fields["messages"][1:]]
    assert said == ["Good evening, I am Ana", "Good evening, Ana.", "Who am I?"]


async def test_what_is_never_closed_keeps_its_files_and_a_thread_until_it_is_collected(
    counter_example, settings, database
):
    package = counter_example(*NEVER_CLOSED)
    async with page(package, settings(package)) as visitor:
        with no_collection(), warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for number in (1, 2):
                await visitor.says("Good evening")
                assert len(workers()) == number
            assert left_behind(database) == [f"{database.name}-shm", f"{database.name}-wal"]
            assert open_files(database).count(database.name) == 2
            assert "was deleted before being closed" not in str([warning.message for warning in told])
            gc.collect()
    assert sum("was deleted before being closed" in str(warning.message) for warning in told) == 2
    await assert_let_go(database)  # two that are closed at the same moment may each leave the log to the other


async def test_what_is_closed_after_the_last_line_is_left_open_by_a_failure(
    counter_example, settings, everybody, database
):
    package = counter_example(*CLOSED_UNLESS_IT_FAILS)
    async with page(package, settings(package)) as visitor:
        with no_collection():
            await visitor.says("Good evening")
            await assert_closed(database)
            everybody.groq.fail(10)
            await visitor.says("Good evening")
            assert (database.name in open_files(database), len(workers())) == (True, 1)
            stop_what_is_left()
            await assert_closed(database)


async def test_a_synchronous_saver_does_not_answer_an_asynchronous_graph(counter_example, settings):
    package = counter_example(*SYNCHRONOUS)
    async with page(package, settings(package)) as visitor:
        with pytest.raises(NotImplementedError, match="does not support async methods"):
            await visitor.says("Good evening")


PROGRAM = """
import asyncio, sys, threading
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver, aiosqlite

async def closed():
    async with AsyncSqliteSaver.from_conn_string(":memory:") as saver:
        await saver.setup()

async def never_closed():
    saver = AsyncSqliteSaver(await aiosqlite.connect(":memory:"))
    await saver.setup()
    return saver

def watch():
    threading.main_thread().join()
    kept = [thread for thread in threading.enumerate() if not thread.daemon and thread.is_alive()]
    for thread in kept:
        thread.join(3)  # one that was told to end may be about to
    kept = [thread for thread in kept if thread.is_alive()]
    if kept:
        print("the program is over, and its process waits for", len(kept), "thread", flush=True)
        saver.conn.stop()

threading.Thread(target=watch, daemon=True).start()
saver = asyncio.run({}())
"""


@pytest.mark.parametrize(
    ("way", "said"),
    [("closed", ""), ("never_closed", "the program is over, and its process waits for 1 thread")],
)
def test_a_process_does_not_end_while_a_connection_is_open(way, said):
    program = [sys.executable, "-W", "ignore", "-c", PROGRAM.replace("{}", way)]
    run = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == said
