"""Guesses, and how many somebody may make: some at once, then one in a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from math import ceil


class Throttle:
    """So many at once, and one more every few seconds, for each key by itself.

    Args:
        at_once: Guesses that are free.
        seconds: How long it takes until another one is.
        clock: What tells the time, in seconds.
    """

    def __init__(self, at_once: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = at_once, seconds, clock
        self._full_at: dict[Hashable, float] = {}

    def take(self, key: Hashable) -> int:
        """Take a guess: 0 if there was one, else the seconds until there is."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at - now - (self._most - 1) * self._seconds
        if wait > 0:
            return ceil(wait)
        self._full_at[key] = full_at + self._seconds
        self._forget(now)
        return 0

    def give_back(self, key: Hashable) -> None:
        """It was no guess: the password was right."""
        if key in self._full_at:
            self._full_at[key] -= self._seconds

    def _forget(self, now: float) -> None:
        """Keep no more than there is to say: who has all their guesses again is nobody in particular."""
        if len(self._full_at) > 1000:
            self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
