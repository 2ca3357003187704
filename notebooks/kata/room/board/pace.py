"""How often somebody may write to the board."""

from __future__ import annotations

import time


class Pace:
    """So many at once, and then so many in a second.

    Args:
        burst: How many at once.
        rate: How many in a second after that.
    """

    def __init__(self, burst: int, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._left, self._seen = float(burst), time.monotonic()

    def allows(self) -> bool:
        """Whether one more is allowed now; if so, it is counted."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._seen) * self._rate)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
