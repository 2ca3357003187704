"""What a stand-in must know of the event loop under observation, and no more."""

from __future__ import annotations

from typing import Protocol


class Heart(Protocol):
    """The pulse of the loop under observation, seen from a stand-in's thread."""

    @property
    def beats(self) -> int:
        """How often the loop has beaten so far; safe to read from any thread."""
        ...

    def stands_still(self, waiting_for: str) -> bool:
        """Say whether the loop itself stands still, after it owed a beat for too long.

        Called in the stand-in's thread. `waiting_for` names the answer that is held back, for the flatline's record.
        False means that the loop was only starved of processor time, and that the stand-in should hold on.
        """
        ...
