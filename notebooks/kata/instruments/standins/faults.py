"""Faults that a stand-in was told to show, one per call, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """An answer with an error status, in the provider's own error body. `retry_after` in seconds."""

    status: int
    retry_after: float | None = None


@dataclass(frozen=True)
class Drop:
    """The connection is closed without an answer: before the request is looked at, or once it is `served`."""

    served: bool = False


@dataclass(frozen=True)
class Cut:
    """The connection is closed after the first piece of a streamed answer; one in a single piece is whole."""


@dataclass(frozen=True)
class Garble:
    """Status 200 with a body that is not what the provider promises."""


@dataclass(frozen=True)
class Redirect:
    """Status 302, and an address to ask instead."""

    location: str


Fault = Failure | Drop | Cut | Garble | Redirect


class Faults:
    """The queue of faults. Filled in any thread; each arriving call takes one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[Fault] = deque()

    def add(self, fault: Fault, times: int) -> None:
        """Let the next `times` calls, after those already spoken for, show the fault."""
        if times < 0:
            raise ValueError(f"times must not be negative, and is {times}")
        with self._lock:
            self._queue.extend([fault] * times)

    def take(self) -> Fault | None:
        """The fault of the call that just arrived, or None."""
        with self._lock:
            return self._queue.popleft() if self._queue else None

    def clear(self) -> None:
        """Forget the faults that no call has taken."""
        with self._lock:
            self._queue.clear()
