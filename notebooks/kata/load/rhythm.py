"""A loop's beats as they are felt from outside: each answer to a health check is one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kata.load.callers import CANARY_INTERVAL

SILENT_CHECKS = 5
"""Health checks that are due while none is answered, and that make a silence a flatline: half a second."""


@dataclass(frozen=True)
class Rhythm:
    """When health checks were answered. Times are seconds after the beginning of the round.

    It is drawn as a `Pulse` is, which feels the beats of a loop from within.
    """

    beats: tuple[float, ...]
    ended: float
    started: float = 0.0

    @classmethod
    def of(cls, waits: Sequence[float]) -> Rhythm:
        """From how long each check waited; one was due every `CANARY_INTERVAL`."""
        answers = tuple(sorted(number * CANARY_INTERVAL + wait for number, wait in enumerate(waits)))
        return cls(answers, answers[-1])

    @property
    def flatlines(self) -> Sequence[tuple[float, float]]:
        """The silences."""
        return self.silences()

    def beats_between(self, start: float, end: float) -> int:
        """How many answers came between two moments."""
        return bisect_right(self.beats, end) - bisect_left(self.beats, start)

    def share_alive(self, start: float, end: float) -> float:
        """Answers for each check that was due between two moments: about 1 for a loop that turns."""
        due = (end - start) / CANARY_INTERVAL
        return self.beats_between(start, end) / due if due >= 1 else 1.0

    def silences(self) -> Sequence[tuple[float, float]]:
        """From when to when no check was answered although `SILENT_CHECKS` or more were due."""
        least = SILENT_CHECKS * CANARY_INTERVAL
        return [(a, b) for a, b in pairwise((self.started, *self.beats)) if b - a >= least]

    @property
    def silent(self) -> float:
        """Seconds of silence in all."""
        return sum(end - start for start, end in self.silences())
