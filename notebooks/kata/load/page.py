"""The chat page of one package, run by `chainlit run` in a process of its own, and people in front of it.

The module is that process too (`python -m kata.load.page`): it ends when nobody holds its standard input any more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path

import httpx
from socketio.exceptions import SocketIOError

from kata.instruments.chat import ChatPage, Visitor, port_of
from kata.instruments.disk import slow_disk
from kata.load.callers import number_of
from kata.load.child import Child, ChildFailed, running
from kata.load.group import at_once
from kata.load.mix import Message
from kata.load.service import PACKAGE, environment_of, kept_below
from kata.load.world import PICTURE, Seen

_LIMIT = 60.0  # seconds that it may take to listen
_POLL = 0.1


@asynccontextmanager
async def page(
    name: str, folder: Path, settings: Mapping[str, str], *, slow: float = 0.0
) -> AsyncIterator[tuple[Child, ChatPage]]:
    """Serve the chat page of the package `PACKAGE` of a folder, and stop it at the end; gives the process too.

    Args:
        folder: A folder of its own: the package is there, and it keeps there whatever it keeps.
        settings: How it reaches its providers.
        slow: Seconds that each opening, making and removing of what it keeps takes longer, uploads among it.

    Raises:
        ChildFailed: If it does not start.
    """
    kept = await kept_below(folder)
    arguments = [
        f"--page={folder / PACKAGE / 'interfaces' / 'chainlit' / 'run.py'}",
        f"--kept={kept}",
        f"--slow={slow}",
    ]
    async with running(
        name, "kata.load.page", arguments, folder=folder, environment=environment_of(kept, settings)
    ) as child:
        yield child, ChatPage(f"http://127.0.0.1:{await _port(child)}", kept)


async def _port(child: Child) -> int:
    """The port on which it listens, as soon as it does.

    Raises:
        ChildFailed: If it ends, or takes too long.
    """
    try:
        async with asyncio.timeout(_LIMIT):
            while (port := await asyncio.to_thread(port_of, child.pid)) is None:
                await child.check()
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise ChildFailed(f"{child.name} did not listen within {_LIMIT:g} s{child.last_words}") from None
    return port


class Visits:
    """People in front of a chat page, one for each message; made by `visits`."""

    def __init__(self, round: int) -> None:
        self._replies: list[tuple[str, str]] = []
        self._round = round
        self._there: dict[int, tuple[Visitor, list[str]]] = {}

    async def arrive(self, message: Message, visitor: Visitor) -> None:
        """Somebody is there, who has chosen the message's picture already."""
        uploads = [await visitor.uploads(PICTURE)] if message.brings == "image" else []
        self._there[message.number] = visitor, uploads

    async def send(self, _: httpx.AsyncClient, message: Message) -> int:
        """Send a message, and wait for its answer; 200, or 500 for one that does not answer what was asked."""
        visitor, uploads = self._there[message.number]
        if message.words not in await visitor.asks(message.words, *uploads):
            return 500
        self._replies.append((number_of(message, self._round), message.wants))
        return 200

    def replies(self, _: Seen) -> Sequence[tuple[str, str]]:
        """What the callers were shown, of which the providers see nothing."""
        return self._replies


@asynccontextmanager
async def visits(page: ChatPage, messages: Iterable[Message], round: int) -> AsyncIterator[Visits]:
    """Open the page for each of the messages, and close it at the end.

    Each has a page of its own, because Chainlit's lets nobody send a message before the last one is answered.

    Raises:
        ChildFailed: If it cannot be opened.
    """
    there = Visits(round)

    async def arrive(message: Message) -> None:
        await there.arrive(message, await stack.enter_async_context(page.visitor()))

    async with AsyncExitStack() as stack:
        try:
            await at_once(*map(arrive, messages))
        except (SocketIOError, httpx.HTTPError) as error:
            raise ChildFailed(f"the chat page could not be opened: {error!r}") from None
        yield there


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", required=True)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--slow", type=float, required=True)
    given = parser.parse_args()
    threading.Thread(target=_end_with_standard_input, name="standard input", daemon=True).start()
    sys.stdout = sys.stderr  # what Chainlit says is for who asks why it has ended
    from chainlit.cli import cli

    with slow_disk(given.kept, seconds=given.slow) if given.slow else nullcontext():
        cli(["run", given.page, "--headless", "--host", "127.0.0.1", "--port", "0"])


def _end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)  # at once: it may stand still, and it keeps nothing that anybody needs


if __name__ == "__main__":
    _main()
