"""The outside world of a soak: all stand-ins in a process of their own, which is told what trouble to make.

The module is that process too (`python -m kata.load.soak.stage`): it says with which settings it is reached, and then
obeys one command a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kata.instruments.standins import EVERYBODY, Call, Providers, StandIn, providers
from kata.load.child import Child, running, say
from kata.load.soak.letters import Letter
from kata.load.soak.troubles import SLOWNESS, SPEED, Trouble
from kata.load.world import carried, ids_of, kept_ready, set_pace

_TOO_MANY, _UNAVAILABLE = 429, 503
_ALL = 100_000  # calls: more than there are while a provider is down


class Reply(NamedTuple):
    """What was sent out on WhatsApp: when (`time.perf_counter()` seconds), to whom, of which type, in which words."""

    at: float
    to: str
    type: str
    words: str


class Lost(NamedTuple):
    """A reply that WhatsApp took, or may have, without the companion being told: when, and whom the reply was for."""

    at: float
    to: str


@dataclass(frozen=True)
class Seen:
    """What the providers saw of a service.

    Attributes:
        calls: All calls that they got.
        refused: Those that they answered with an error.
        dropped: Those that they did not answer, and closed the connection.
        abandoned: Those that the companion gave up: it was no longer there for the answer.
        in_flight: Those in progress right now.
        speech: Calls to the text-to-speech provider.
        replies: What was sent out on WhatsApp, in order.
        lost: Those of them of which the companion was not told that they were taken.
    """

    calls: int
    refused: int
    dropped: int
    abandoned: int
    in_flight: int
    speech: int
    replies: tuple[Reply, ...]
    lost: tuple[Lost, ...]


class Stage:
    """The stand-ins from outside; made by `stage`."""

    def __init__(self, child: Child, settings: Mapping[str, str]) -> None:
        self._child = child
        self._turn = asyncio.Lock()
        self.settings = settings

    @property
    def peers(self) -> Mapping[int, str]:
        """The names of the providers by their ports."""
        return {
            urlsplit(url).port or 0: name.removesuffix("_BASE_URL").lower()
            for name, url in self.settings.items()
            if name.endswith("_BASE_URL")
        }

    async def keep(self, letters: Iterable[Letter]) -> Mapping[int, str]:
        """Keep ready what these messages carry: the ids of the media, by the message's number."""
        return ids_of(await self._ask(keep=carried(letters)))

    async def make(self, trouble: Trouble, size: int = 0) -> None:
        """End what trouble there is, and make another.

        Args:
            size: How many messages come meanwhile, about.
        """
        await self._ask(trouble=trouble.value, size=size)

    async def hang_up(self) -> None:
        """Let all providers close the connections on which nothing happens."""
        await self._ask(hang_up=True)

    async def seen(self) -> Seen:
        """What was seen from the beginning."""
        answer = await self._ask(report=True)
        replies, lost = (tuple(map(of._make, answer.pop(name))) for of, name in ((Reply, "replies"), (Lost, "lost")))
        return Seen(**answer, replies=replies, lost=lost)

    async def _ask(self, **command: Any) -> dict[str, Any]:
        async with self._turn:  # one question, one answer
            return await self._child.ask(**command)


@asynccontextmanager
async def stage(name: str, folder: Path) -> AsyncIterator[Stage]:
    """Start the stand-ins in a process of their own, and stop them at the end.

    Raises:
        ChildFailed: If they do not start.
    """
    async with running(f"the providers of {name}", "kata.load.soak.stage", [], folder=folder) as child:
        yield Stage(child, await child.hear())


def _main() -> None:
    with providers(*EVERYBODY) as world, ExitStack() as present:
        _begin(Trouble.NONE, 0, world, present)
        say(world.settings())
        for line in sys.stdin:
            say(_obeyed(json.loads(line), world, present))


def _obeyed(command: Mapping[str, Any], world: Providers, present: ExitStack) -> dict[str, Any]:
    match command:
        case {"keep": media}:
            return kept_ready(world, media)
        case {"trouble": name, "size": size}:
            present.close()
            _begin(Trouble(name), size, world, present)
        case {"hang_up": True}:
            for stand_in in world:
                stand_in.hang_up()
        case {"report": True}:
            return _report(world)
    return {}


def _begin(trouble: Trouble, size: int, world: Providers, present: ExitStack) -> None:
    """Begin a trouble; `present` will end what lasts."""
    for stand_in in world:
        stand_in.relent()
    set_pace(world, (SLOWNESS if trouble is Trouble.SLOW else 1.0) / SPEED)
    _BEGUN.get(trouble, lambda *_: None)(world, size, present)


def _storm(world: Providers, size: int, present: ExitStack) -> None:
    for stand_in, share in ((world.groq, 2), (world.elevenlabs, 1), (world.embeddings, 1), (world.whatsapp, 1)):
        stand_in.fail(share * size, status=_TOO_MANY, retry_after=1)


def _drops(world: Providers, size: int, present: ExitStack) -> None:
    for stand_in in world:
        stand_in.drop(1 + size // 2)
    for stand_in in (world.groq, world.elevenlabs):
        stand_in.cut(size)
    world.whatsapp.drop(1 + size // 2, served=True)


def _silence(world: Providers, size: int, present: ExitStack) -> None:
    for stand_in in (world.groq, world.images, world.embeddings):
        present.enter_context(stand_in.silence())


def _down(*names: str) -> Callable[[Providers, int, ExitStack], None]:
    def fail(world: Providers, size: int, present: ExitStack) -> None:
        for name in names:
            stand_in: StandIn = getattr(world, name)
            stand_in.fail(_ALL, status=_UNAVAILABLE)

    return fail


def _mute(world: Providers, size: int, present: ExitStack) -> None:
    present.enter_context(world.elevenlabs.silence())


_BEGUN: Mapping[Trouble, Callable[[Providers, int, ExitStack], None]] = {
    Trouble.STORM: _storm,
    Trouble.DROPS: _drops,
    Trouble.SILENT: _silence,
    Trouble.DOWN: _down("elevenlabs", "images"),
    Trouble.NO_VOICE: _down("elevenlabs"),
    Trouble.MUTE: _mute,
}


def _report(world: Providers) -> dict[str, Any]:
    calls = [call for stand_in in world for call in stand_in.journal]
    return {
        "calls": len(calls),
        "refused": sum(call.answered is not None and (call.status or 0) >= 400 for call in calls),
        "dropped": sum(call.dropped for call in calls),
        "abandoned": sum(call.hung_up for call in calls),
        "in_flight": sum(stand_in.in_flight for stand_in in world),
        "speech": len(world.elevenlabs.journal),
        "replies": [
            [taken.at, taken.message["to"], taken.message["type"], _words(taken.message)]
            for taken in world.whatsapp.taken
        ],
        "lost": [[call.arrived, call.fields["to"]] for call in world.whatsapp.journal if _is_lost(call)],
    }


def _is_lost(call: Call) -> bool:
    served = (call.dropped and call.status == 200) or call.hung_up
    return served and call.path.endswith("/messages")


def _words(message: Mapping[str, Any]) -> str:
    content = message[message["type"]]
    return content.get("body") or content.get("caption") or ""


if __name__ == "__main__":
    _main()
