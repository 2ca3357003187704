"""Twenty conversations: starter and solution are the same to the outside world, request for request."""

from __future__ import annotations

from pathlib import Path

import pytest
from conversations import CONVERSATIONS, LIMITS, Conversation
from world import page, phones, requests

from kata.audio import voice_note
from kata.gallery import Change, Turn
from kata.instruments.standins import EVERYBODY, providers
from kata.target import Target, folder_of


async def course_of(conversation: Conversation, package: str, folder: Path) -> list[str]:
    """What the world sees of a conversation with a package."""
    folder.mkdir()
    target = Target(folder_of(package))
    with providers(*EVERYBODY) as world:
        world.groq.recognise(voice_note().data, voice_note().text)
        kept = {"IMAGE_FOLDER": str(folder / "pictures"), "SHORT_TERM_MEMORY_DB_PATH": str(folder / "memory.db")}
        given = {**world.settings(), **kept, **LIMITS, **conversation.settings}
        settings = target.load("settings").Settings(_env_file=None, **given)
        wanted = conversation.course.__annotations__
        if conversation.is_on_the_page:
            async with page(target, settings) as visitor:
                await conversation.course(world, visitor, *([folder] if "folder" in wanted else []))
            notes = visitor.notes
        else:
            async with phones(target, settings, world) as (ana, ben):
                await conversation.course(world, ana, *([ben] if "ben" in wanted else []))
            notes = [*ana.notes, *ben.notes]
        return [*requests(world), *notes]


def test_there_are_twenty_of_them():
    assert len(CONVERSATIONS) == 20
    assert len({conversation.name for conversation in CONVERSATIONS}) == 20


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda conversation: conversation.name)
async def test_starter_and_solution_are_the_same_to_the_world(conversation, tmp_path):
    starter = await course_of(conversation, "starter", tmp_path / "starter")
    solution = await course_of(conversation, "solution", tmp_path / "solution")
    assert starter == solution


WEBHOOK, PAGE = "interfaces/whatsapp/whatsapp_response.py", "interfaces/chainlit/app.py"
CHANGES = {
    "a picture is asked for": Change(WEBHOOK, 'media["caption"] = text', "pass"),
    "small talk": Change("graph/nodes.py", '["messages"][-3:]', '["messages"][-2:]'),
    "whatsapp does not hand out or take media": Change(WEBHOOK, "return False", "return True"),
    "words come piece by piece on the page": Change(PAGE, "await reply.stream_token(chunk)", "pass"),
    "pictures are uploaded to the page and one is gone": Change(PAGE, "\\n[Picture: {", "\\n[{"),
}
"""Small changes of behaviour, each under the conversation that has to notice it."""


@pytest.mark.parametrize(("name", "change"), CHANGES.items())
async def test_a_change_of_behaviour_is_noticed(name, change, tmp_path):
    changed = Turn(name, "solution", "broken", "", "", (change,)).make(tmp_path / tmp_path.name)
    conversation = next(each for each in CONVERSATIONS if each.name == name)
    solution = await course_of(conversation, "solution", tmp_path / "one")
    assert await course_of(conversation, str(changed), tmp_path / "other") != solution
