"""Gates: what an answer has to wait for. Opened and closed in any thread, waited at in the stand-in's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from .heart import Heart

_POLL = 0.002  # seconds between two looks at a gate
_PATIENCE = 10  # limits that a loop which is only starved of processor time is granted


class Waiting(Protocol):
    """An answer, or a chunk of one, that waits at a gate."""

    held_out: bool

    @property
    def answer(self) -> str:
        """What is waited for, in words."""
        ...


class Gate:
    """Lets answers through one by one, or all of them once it is lifted."""

    def __init__(self) -> None:
        self._lifted = False

    def lift(self) -> None:
        """Let everybody through from now on."""
        self._lifted = True

    def arrive(self) -> None:
        """A call has arrived that will have to pass this gate."""

    async def let_through(self, waiting: Waiting) -> None:
        """Return once the answer may leave."""
        raise NotImplementedError

    async def _until(self, condition: Callable[[], bool], deadline: float = float("inf")) -> bool:
        """Wait for the condition or the gate's lifting; False if `time.perf_counter()` passed the deadline first."""
        while not (self._lifted or condition()):
            if time.perf_counter() >= deadline:
                return False
            await asyncio.sleep(_POLL)
        return True


class Hold(Gate):
    """Lets an answer through once the pulse has beaten `beats` times more, or stood still for `limit` seconds.

    Once it is seen to stand still, nobody is held any more: one proof is enough, and each costs the limit.
    """

    def __init__(self, pulse: Heart, beats: int, limit: float) -> None:
        super().__init__()
        self.pulse = pulse
        self._beats = beats
        self._limit = limit

    async def let_through(self, waiting: Waiting) -> None:
        if waiting.held_out:
            return
        target = self.pulse.beats + self._beats
        for _ in range(_PATIENCE):
            if await self._until(lambda: self.pulse.beats >= target, time.perf_counter() + self._limit):
                return
            if self.pulse.stands_still(waiting.answer):
                self.lift()
                break
        waiting.held_out = True


class Rendezvous(Gate):
    """Lets nobody through until `callers` calls are in flight at once, or `limit` seconds after the first arrived."""

    def __init__(self, callers: int, limit: float, in_flight: Callable[[], int]) -> None:
        super().__init__()
        self._callers = callers
        self._limit = limit
        self._in_flight = in_flight
        self._deadline: float | None = None
        self.met = False

    def arrive(self) -> None:
        if self._deadline is None:
            self._deadline = time.perf_counter() + self._limit
        if not self._lifted and self._in_flight() >= self._callers:
            self.met = True
            self.lift()

    async def let_through(self, waiting: Waiting) -> None:
        if self._deadline is None:  # the call had arrived before the rendezvous was arranged
            self.arrive()
        await self._until(lambda: False, self._deadline or 0.0)
        self.lift()


class Silence(Gate):
    """Lets nobody through until it is lifted."""

    async def let_through(self, waiting: Waiting) -> None:
        await self._until(lambda: False)
