"""Two people in front of one real chat page: who waits for whose picture."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

import pytest

from kata.instruments.chat import chat_pages
from kata.instruments.standins import providers
from kata.instruments.standins.pictures import drawn
from kata.target import folder_of

PICTURE = drawn("a harbour", 32, 24)
MESSAGES = 6

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its folders")


@pytest.fixture
async def couples():
    """Ana and Ben in front of the starter's page, and in front of the solution's. All have said hello."""
    packages = {name: folder_of(name) for name in ("starter", "solution")}
    with providers("groq", "elevenlabs", "images", "embeddings") as world:
        async with AsyncExitStack() as stack:
            pages = await stack.enter_async_context(chat_pages(packages, world.settings()))
            couples = {
                name: [await stack.enter_async_context(page.visitor()) for _ in "ab"] for name, page in pages.items()
            }
            for person in (person for couple in couples.values() for person in couple):
                assert await person.asks("Hello") == "You said: Hello"
            yield couples


@pytest.mark.slow
async def test_the_second_person_waits_for_a_picture_to_be_read_with_the_starter_only(couples, talking):
    """Whoever answers Ben six times first shows that the other one does not merely take its time."""
    files, looking = {}, []
    for name, (ana, _) in couples.items():
        upload, files[name] = await ana.uploads_to_a_slow_disk(PICTURE)
        looking.append(asyncio.create_task(ana.asks("Where is this?", upload)))
        await files[name].until_open()
    tasks = await talking([ben for _, ben in couples.values()], MESSAGES)
    before = {name: sum(bool(each.answered) for each in ben.exchanges[1:]) for name, (_, ben) in couples.items()}
    for file in files.values():
        file.deliver()
    answers = await asyncio.gather(*looking)
    await asyncio.gather(*tasks)
    assert before == {"starter": 0, "solution": MESSAGES}
    assert all("32 × 24 pixels" in answer for answer in answers)
