"""Two people in front of one chat page, each with a browser of their own: who waits for whose picture."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import Any

import pytest

from kata.instruments.chat import ChatPage, chat_pages
from kata.instruments.held_file import HeldFile
from kata.instruments.standins import Providers
from kata.instruments.standins.pictures import drawn
from kata.target import folder_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its folders"),
]

PICTURE = drawn("a harbour", 320, 240)
MESSAGES = 2


class Person:
    """Somebody in front of a chat page, who sees what the browser shows and does what a hand can do."""

    def __init__(self, page: Any, chat: ChatPage) -> None:
        self.page, self._chat = page, chat
        self.answers = page.locator("[data-step-type=assistant_message]")

    async def arrives(self) -> None:
        """Open the page and say hello; once that is answered, the page has its session. It does without web fonts."""
        await self.page.route(lambda url: not url.startswith(self._chat.base_url), lambda route: route.abort())
        await self.page.goto(self._chat.base_url)
        await self.asks("Hello")

    async def sends(self, words: str) -> None:
        """Write a message and send it."""
        await self.page.locator("#chat-input").fill(words)
        await self.page.locator("#chat-submit").click()

    async def reads(self, words: str) -> None:
        """Wait for an answer that has these words in it."""
        await self.answers.filter(has_text=words).wait_for()

    async def asks(self, words: str) -> None:
        """Send a message and wait for its answer."""
        await self.sends(words)
        await self.reads(f"You said: {words}")

    async def uploads_to_a_slow_disk(self) -> HeldFile:
        """Choose a picture for the next message; whoever reads it waits until the file delivers."""
        async with self.page.expect_response("**/project/file?*") as response:
            await self.page.locator("#upload-button-input").set_input_files(
                {"name": "photo.png", "mimeType": "image/png", "buffer": PICTURE}
            )
        upload = (await (await response.value).json())["id"]
        (file,) = self._chat.folder.glob(f".files/*/{upload}.*")
        file.unlink()
        return HeldFile(file, PICTURE)


@pytest.fixture
async def couples(everybody: Providers, visit: Any):
    """Ana and Ben in front of the starter's page, and in front of the solution's. All have said hello."""
    packages = {name: folder_of(name) for name in ("starter", "solution")}
    async with AsyncExitStack() as stack:
        chats = await stack.enter_async_context(chat_pages(packages, everybody.settings()))
        couples = {
            name: [Person(await visit(f"{who}, {name}"), chat) for who in ("Ana", "Ben")]
            for name, chat in chats.items()
        }
        for person in (person for couple in couples.values() for person in couple):
            await person.arrives()
        yield couples


async def test_the_second_browser_waits_for_a_picture_to_be_read_with_the_starter_only(couples, talking):
    """As soon as Ben has all his answers on one of the two pages, both are looked at: one is the other's clock."""
    files = {name: await ana.uploads_to_a_slow_disk() for name, (ana, _) in couples.items()}
    for name, (ana, _) in couples.items():
        await ana.sends("Where is this?")
        await files[name].until_open()
    tasks = await talking([ben for _, ben in couples.values()], MESSAGES)
    before = {name: await ben.answers.count() - 1 for name, (_, ben) in couples.items()}
    for file in files.values():
        file.deliver()
    await asyncio.gather(*tasks, *(ana.reads("320 × 240 pixels") for ana, _ in couples.values()))
    assert before == {"starter": 0, "solution": MESSAGES}
