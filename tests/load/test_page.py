"""People in front of a chat page under load: what counts as an answer."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from socketio.exceptions import DisconnectedError

from kata.audit import project_root
from kata.instruments.standins import EVERYBODY, providers
from kata.load.bench import Candidate, put_back
from kata.load.mix import Interface, Kind, Message
from kata.load.page import page, visits
from kata.load.world import Seen

NOTHING = Seen(connections=0, calls={}, peak_in_flight=0, replies=())


@pytest.mark.slow
async def test_an_apology_is_an_answer_and_no_good_one(tmp_path):
    put_back(Candidate("solution", project_root() / "solution"), tmp_path)
    first, second = (Message(number, number, 0.0, Kind.TEXT, Interface.CHAINLIT) for number in range(2))
    with providers(*EVERYBODY) as world:
        async with (
            page("solution", tmp_path, world.settings()) as (_, chat_page),
            visits(chat_page, [first, second], round=3) as there,
        ):
            assert await there.send(None, first) == 200
            world.groq.fail(9, status=400)
            assert await there.send(None, second) == 500
    assert [kind for _, kind in there.replies(NOTHING)] == ["text"]


@pytest.mark.slow
async def test_who_waits_for_an_answer_hears_that_the_page_is_gone(tmp_path):
    put_back(Candidate("solution", project_root() / "solution"), tmp_path)
    message = Message(0, 0, 0.0, Kind.TEXT, Interface.CHAINLIT)
    with providers(*EVERYBODY) as world:
        async with (
            page("solution", tmp_path, world.settings()) as (child, chat_page),
            visits(chat_page, [message], round=0) as there,
        ):
            with world.groq.silence():
                waiting = asyncio.create_task(there.send(None, message))
                await world.groq.until_calls(1)
                psutil.Process(child.pid).kill()
                with pytest.raises(DisconnectedError, match="before the answer"):
                    await waiting
