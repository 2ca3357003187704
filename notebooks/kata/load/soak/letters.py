"""Messages that can be told apart: each says in its words which one it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kata.load.mix import Kind, Message

_FIRST = 10_000_000  # eight digits each, so that the numbers look alike to a memory that goes by words
_MARK = re.compile(r"(?<!\d)\d{8}(?!\d)")
_WISH = {Kind.SPOKEN: "Tell me with audio", Kind.DRAWN: "Draw me an image"}


@dataclass(frozen=True)
class Letter(Message):
    """A message with a mark of its own. But for that all say the same, so that there is nothing new to remember."""

    @property
    def mark(self) -> str:
        """Eight digits that no other message has."""
        return str(_FIRST + self.number)

    @property
    def words(self) -> str:
        wish = _WISH.get(self.kind, "Write to me")
        return f"{wish} what happens tonight about that lonely castle behind your harbour, please, message {self.mark}"


def lettered(messages: Iterable[Message], start: int) -> list[Letter]:
    """The messages of a plan with marks, numbered from `start`."""
    return [Letter(start + n, each.caller, each.due, each.kind) for n, each in enumerate(messages)]


def marks_in(text: str) -> frozenset[str]:
    """The marks of the messages that a text speaks of."""
    return frozenset(_MARK.findall(text))
