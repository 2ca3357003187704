"""What a finding's test says when its claim does not hold, in words meant for the learner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from kata.instruments.culprit import Culprit

T = TypeVar("T")


class BehaviourChanged(AssertionError):
    """The refactored code does something else than before.

    Attributes:
        call: What was called, as the learner would write it.
        expected: What the starter does.
        got: What this package does.
    """

    def __init__(self, call: str, expected: str, got: str) -> None:
        self.call, self.expected, self.got = call, expected, got
        super().__init__(f"{call}\n  expected: {expected}\n  got:      {got}")


class DidNotEnd(AssertionError):
    """Something that had to end went on waiting, although the event loop was free; the cause is its cancellation."""


class Wasteful(Exception):
    """The event loop turns, but something that is scarce is used up by callers who only wait.

    Attributes:
        culprit: The line that keeps it, or None where it could not be seen.
    """

    def __init__(self, message: str, culprit: Culprit | None = None) -> None:
        self.culprit = culprit
        super().__init__(message)


def expect(call: str, *, expected: object, got: object) -> None:
    """Compare a behaviour with what it was.

    Raises:
        BehaviourChanged: If `got` does not equal `expected`.
    """
    if got != expected:
        raise BehaviourChanged(call, _shown(expected), _shown(got))


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 300 else f"{text[:297]}…"


async def bounded(call: str, awaitable: Awaitable[T], seconds: float = 8.0) -> T:
    """Await something that has to end.

    Args:
        call: What is called, for the message.
        seconds: How long to wait at most.

    Raises:
        DidNotEnd: If it has not ended by then; it is cancelled.
        Exception: Whatever the awaitable raises.
    """
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await awaitable
    except TimeoutError as error:
        if scope.expired():
            raise DidNotEnd(
                f"{call} did not end within {seconds:g} s: it waits for something that never comes"
            ) from error
        raise
