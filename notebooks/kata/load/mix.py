"""What the callers send, when it is due, and what the providers' latency alone makes of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LATENCY: Mapping[str, float] = {
    "chat": 0.4,
    "hearing": 0.5,
    "speech": 1.0,
    "drawing": 2.0,
    "embeddings": 0.05,
    "whatsapp": 0.05,
}
"""Seconds that a provider takes for one call, by what it is asked for. Speech comes in four pieces, a quarter each.

Made up, in the order of magnitude that the providers have on a good day; nothing waits for a network here.
"""

BACKOFF = 1.0
"""Seconds that the companion waits before it asks Groq again: `STT_BACKOFF_SECONDS` as it is set by default."""

INTERVAL = 6.0
"""Seconds from one message of a caller to the next, on average."""


class Interface(StrEnum):
    """Where callers meet the companion: the names of the folders in its `interfaces`."""

    WHATSAPP = "whatsapp"
    CHAINLIT = "chainlit"


class Kind(StrEnum):
    """A message, by what it brings and by what it asks for."""

    TEXT = "text"
    VOICE = "voice note"
    REFUSED = "voice note, refused once"
    PICTURE = "picture"
    SPOKEN = "spoken reply"
    DRAWN = "drawn reply"


MIX: Mapping[Kind, int] = {
    Kind.TEXT: 9,
    Kind.VOICE: 4,
    Kind.REFUSED: 1,
    Kind.PICTURE: 2,
    Kind.SPOKEN: 3,
    Kind.DRAWN: 1,
}
"""How many of each there are among twenty messages. One voice note in five meets a Groq that answers 429 at first."""

PAGE_MIX: Mapping[Kind, int] = {Kind.TEXT: 12, Kind.PICTURE: 8}
"""The same on the chat page. Nobody asks for speech or a drawing there: to show one, Chainlit itself makes a folder on
the loop, and it is the companion that is measured.
"""

MIXES = {Interface.WHATSAPP: MIX, Interface.CHAINLIT: PAGE_MIX}

_ALWAYS = {"chat": 3, "embeddings": 3, "whatsapp": 1}
_MORE: Mapping[Kind, Mapping[str, int]] = {
    Kind.TEXT: {},
    Kind.VOICE: {"whatsapp": 2, "hearing": 1},
    Kind.REFUSED: {"whatsapp": 2, "hearing": 2},
    Kind.PICTURE: {"whatsapp": 2, "chat": 1},
    Kind.SPOKEN: {"whatsapp": 1, "speech": 1},
    Kind.DRAWN: {"whatsapp": 1, "drawing": 1},
}

_WHOSE = (
    "amber",
    "brave",
    "clumsy",
    "dusty",
    "elegant",
    "frosty",
    "gentle",
    "hollow",
    "jolly",
    "lonely",
    "proud",
    "quick",
)
_WHAT = (
    "anchor",
    "basket",
    "castle",
    "donkey",
    "fountain",
    "garden",
    "kettle",
    "lantern",
    "otter",
    "piano",
    "swan",
    "tent",
)
_WHERE = ("Bergen", "Cadiz", "Delft", "Exeter", "Ghent", "Kiel", "Lyon", "Malta", "Nantes", "Oslo", "Porto", "Zadar")


@dataclass(frozen=True)
class Message:
    """Something that a caller sends.

    Attributes:
        number: From 0, in the order in which they are due.
        caller: Who sends it, from 0.
        due: Seconds after the beginning.
        kind: What it brings and asks for.
        interface: Where it is sent to.
    """

    number: int
    caller: int
    due: float
    kind: Kind
    interface: Interface = Interface.WHATSAPP

    @property
    def words(self) -> str:
        """What it says: other words in each, so that the companion takes each for something new."""
        chance = random.Random(f"{self.caller} {self.number}")
        whose, what, where = (chance.choice(words) for words in (_WHOSE, _WHAT, _WHERE))
        wish = {Kind.SPOKEN: "Tell me with audio of", Kind.DRAWN: "Draw me an image of"}.get(self.kind, "What about")
        return f"{wish} the {whose} {what} in {where}?"

    @property
    def limit(self) -> float:
        """Seconds that it takes at least: what its providers take, one after the other, and the pause between two."""
        waits = sum(number * LATENCY[what] for what, number in self.calls.items())
        return waits + (BACKOFF if self.kind is Kind.REFUSED else 0.0)

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls it makes, by what is asked for: the keys are those of `LATENCY`."""
        return calls(self.kind, self.interface)

    @property
    def brings(self) -> str:
        """The type of what it carries, in WhatsApp's words."""
        return {Kind.VOICE: "audio", Kind.REFUSED: "audio", Kind.PICTURE: "image"}.get(self.kind, "text")

    @property
    def wants(self) -> str:
        """The type of the reply that is due, in WhatsApp's words."""
        return {Kind.SPOKEN: "audio", Kind.DRAWN: "image"}.get(self.kind, "text")


def calls(kind: Kind, interface: Interface = Interface.WHATSAPP) -> Mapping[str, int]:
    """How many calls a message of a kind makes, by what is asked for: the keys are those of `LATENCY`."""
    made = Counter(_ALWAYS) + Counter(_MORE[kind])
    if interface is not Interface.WHATSAPP:
        del made["whatsapp"]
    return {what: made[what] for what in LATENCY}


def plan(callers: int, seconds: float, interface: Interface = Interface.WHATSAPP) -> Sequence[Message]:
    """What is sent by so many callers within so many seconds, in the order in which it is due; always the same.

    Messages are due at random moments, independent of each other and of the answers, as with callers who do not know
    of each other. Each twenty of them have the whole mix; the callers take turns.

    Raises:
        ValueError: If there is no caller, or no time.
    """
    if callers < 1 or seconds <= 0:
        raise ValueError(f"at least one caller is needed, and some time; got {callers} for {seconds:g} s")
    chance = random.Random(callers)
    number = max(1, round(callers * seconds / INTERVAL))
    moments = sorted(chance.uniform(0, seconds) for _ in range(number))
    kinds: list[Kind] = []
    while len(kinds) < number:
        block = [kind for kind, share in MIXES[interface].items() for _ in range(share)]
        chance.shuffle(block)
        kinds += block
    return [
        Message(number, number % callers, due, kind, interface)
        for number, (due, kind) in enumerate(zip(moments, kinds, strict=False))
    ]


def each_kind(interface: Interface = Interface.WHATSAPP) -> Sequence[Message]:
    """One message of each kind, all due at once: what a service is warmed up with."""
    return [Message(number, number, 0.0, kind, interface) for number, kind in enumerate(MIXES[interface])]
