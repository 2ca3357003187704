"""The outside world of one service: all stand-ins, in a process of their own, as slow as the providers are.

The module is that process too (`python -m kata.load.world`): it says with which settings it is reached, and then obeys
one command a line.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kata.audio import voice_note
from kata.instruments.standins import EVERYBODY, Call, Pace, Providers, providers
from kata.instruments.standins.pictures import drawn
from kata.load.child import Child, running, say
from kata.load.mix import LATENCY, Kind, Message

PIECES = 4  # of a spoken answer
PICTURE = drawn("a harbour", 320, 240)
"""What somebody sends who sends a picture: PNG."""


@dataclass(frozen=True)
class Seen:
    """What the outside world saw of a service since it was last prepared.

    Attributes:
        connections: TCP connections that were opened to all providers together.
        calls: Calls by what was asked for: the keys are those of `kata.load.mix.LATENCY`.
        peak_in_flight: The most calls in flight at once, to all providers together.
        replies: What was sent out on WhatsApp: the receiver and the type, in order.
    """

    connections: int
    calls: Mapping[str, int]
    peak_in_flight: int
    replies: Sequence[tuple[str, str]]


class World:
    """The stand-ins from outside; made by `world`."""

    def __init__(self, child: Child, settings: Mapping[str, str]) -> None:
        self._child = child
        self.settings = settings
        self.pid = child.pid

    async def prepare(self, messages: Iterable[Message]) -> Mapping[int, str]:
        """Forget what was seen, and keep the media of these messages ready: their ids, by the message's number."""
        return ids_of(await self._child.ask(prepare=carried(messages)))

    async def seen(self) -> Seen:
        """What was seen since."""
        answer = await self._child.ask(report=True)
        replies = [(to, kind) for to, kind in answer.pop("replies")]
        return Seen(**answer, replies=replies)


@asynccontextmanager
async def world(name: str, folder: Path) -> AsyncIterator[World]:
    """Start the stand-ins in a process of their own, and stop them at the end.

    Raises:
        ChildFailed: If they do not start.
    """
    async with running(f"the providers of {name}", "kata.load.world", [], folder=folder) as child:
        yield World(child, await child.hear())


def _main() -> None:
    with providers(*EVERYBODY) as world:
        say(world.settings())
        _prepare(world, [])
        for line in sys.stdin:
            command = json.loads(line)
            say(_prepare(world, command["prepare"]) if "prepare" in command else _report(world))


def _prepare(world: Providers, carried: Sequence[Sequence[Any]]) -> dict[str, str]:
    for stand_in in world:
        stand_in.reset()
    set_pace(world)
    return kept_ready(world, carried)


def set_pace(world: Providers, slowness: float = 1.0) -> None:
    """Let the stand-ins take their time, so many times what `LATENCY` says."""
    takes = {what: slowness * seconds for what, seconds in LATENCY.items()}
    world.groq.paces = {"/chat/completions": Pace(takes["chat"]), "/audio/transcriptions": Pace(takes["hearing"])}
    world.elevenlabs.chunks = PIECES
    world.elevenlabs.latency = takes["speech"] / PIECES
    world.images.latency = takes["drawing"]
    world.embeddings.latency = takes["embeddings"]
    world.whatsapp.latency = takes["whatsapp"]


def carried(messages: Iterable[Message]) -> list[list[Any]]:
    """What messages carry, as it is told to the process: their numbers, kinds and words."""
    return [[each.number, each.kind.value, each.words] for each in messages if each.brings != "text"]


def ids_of(answer: Mapping[str, str]) -> Mapping[int, str]:
    """What the process answers to that: the ids of the media, by the message's number."""
    return {int(number): id for number, id in answer.items()}


def kept_ready(world: Providers, carried: Iterable[Sequence[Any]]) -> dict[str, str]:
    """Let WhatsApp keep what messages carry, and Groq know the words in it; the ids of the media, by number."""
    return {str(number): _kept_ready(world, Kind(kind), words) for number, kind, words in carried}


def _kept_ready(world: Providers, kind: Kind, words: str) -> str:
    if kind is Kind.PICTURE:
        return world.whatsapp.add_media(PICTURE, "image/png")
    recording = voice_note().data + words.encode()  # each its own, so that each has its own words
    world.groq.recognise(recording, words)
    if kind is Kind.REFUSED:
        world.groq.refuse_once(recording)
    return world.whatsapp.add_media(recording, "audio/ogg")


def _report(world: Providers) -> dict[str, Any]:
    seen = [(stand_in.name, call) for stand_in in world for call in stand_in.journal]
    return {
        "connections": sum(stand_in.connections for stand_in in world),
        "calls": dict.fromkeys(LATENCY, 0) | Counter(_asked_for(name, call) for name, call in seen),
        "peak_in_flight": _peak(call for _, call in seen),
        "replies": [(message["to"], message["type"]) for message in world.whatsapp.messages],
    }


def _asked_for(name: str, call: Call) -> str:
    if name == "groq":
        return "hearing" if call.path.endswith("/transcriptions") else "chat"
    return {"elevenlabs": "speech", "images": "drawing"}.get(name, name)


def _peak(calls: Iterable[Call]) -> int:
    """The most calls in flight at once; one that ends when another arrives is over."""
    steps = sorted(step for call in calls for step in ((call.arrived, 1), (call.ended or float("inf"), -1)))
    now = most = 0
    for _, change in steps:
        now += change
        most = max(most, now)
    return most


if __name__ == "__main__":
    _main()
