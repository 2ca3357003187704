"""The journal of a stand-in: every call that it received, in order of arrival."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_POLL = 0.001  # seconds between two looks at the journal while somebody waits for it


@dataclass(frozen=True)
class UploadedFile:
    """The file part of a multipart request. `size` in bytes, `sha256` in hexadecimal."""

    filename: str
    content_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Call:
    """One request and what became of it. Times are `time.perf_counter()` seconds.

    A call has arrived when its last byte has. It is `answered` when the last byte of the answer is about to leave, and
    `ended` then too, or when its connection was dropped or its client hung up; both are None while it is in progress.
    """

    number: int  # from 1, in order of arrival, since the start or the last reset
    method: str
    path: str
    size: int  # bytes of the request's body
    connection: int  # number of the TCP connection, from 1, in order of acceptance since the start
    arrived: float
    answered: float | None = None
    ended: float | None = None
    status: int | None = None  # None: dropped before it was served, in progress or hung up
    chunks: int = 0  # pieces of the answer's body that were sent
    beats_on_arrival: int | None = None
    beats_on_answer: int | None = None
    held_out: bool = False  # a hold gave up: the answer left although the pulse had not beaten
    hung_up: bool = False  # the client went away before the answer was complete
    headers: Mapping[str, str] = field(
        default_factory=dict
    )  # names in lower case, secrets cut to their last 4 characters
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)  # the decoded JSON object or form
    file: UploadedFile | None = None

    @property
    def in_progress(self) -> bool:
        """Whether the stand-in still owes an answer."""
        return self.ended is None

    @property
    def dropped(self) -> bool:
        """Whether the stand-in closed the connection without a complete answer."""
        return self.ended is not None and self.answered is None and not self.hung_up


class Journal:
    """Calls in order of arrival, and how many were in flight. Written in one thread, read in any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._pages = 0  # how often the journal was cleared: tells calls of an earlier page from those of this one
        self._open: set[tuple[int, int]] = set()
        self._peak = 0

    @property
    def calls(self) -> tuple[Call, ...]:
        """A snapshot."""
        with self._lock:
            return tuple(self._calls)

    @property
    def in_flight(self) -> int:
        """Calls that have arrived and not ended."""
        with self._lock:
            return len(self._open)

    @property
    def peak_in_flight(self) -> int:
        """The most calls that were in flight at once since the start or the last `clear`."""
        with self._lock:
            return self._peak

    def open(self, **what: Any) -> Entry:
        """Note the arrival of a call; `what` are the fields of `Call` that are known on arrival."""
        with self._lock:
            call = Call(number=len(self._calls) + 1, **what)
            self._calls.append(call)
            entry = Entry(self, self._pages, call)
            self._open.add(entry.key)
            self._peak = max(self._peak, len(self._open))
            return entry

    def write(self, entry: Entry, changes: Mapping[str, Any]) -> Call:
        """Amend the note of a call. The journal may have been cleared meanwhile: then nobody sees it."""
        with self._lock:
            call = replace(entry.call, **changes)
            page, number = entry.key
            if page == self._pages:
                self._calls[number - 1] = call
            if not call.in_progress:
                self._open.discard(entry.key)
            return call

    def clear(self) -> None:
        """Begin a new page. Calls in flight stay in flight, but are not noted any more."""
        with self._lock:
            self._calls.clear()
            self._pages += 1
            self._peak = len(self._open)

    async def until(self, n: int, *, answered: bool, limit: float, name: str) -> None:
        """Wait on the running loop until n calls have arrived, or ended; at most `limit` seconds.

        Raises TimeoutError, which says how many did.
        """
        deadline = time.monotonic() + limit
        while True:
            calls = self.calls
            count = sum(not call.in_progress for call in calls) if answered else len(calls)
            if count >= n:
                return
            if time.monotonic() > deadline:
                what = "were answered" if answered else "arrived"
                raise TimeoutError(f"{name}: {count} of {n} expected calls {what} within {limit:g} s.")
            await asyncio.sleep(_POLL)


class Entry:
    """The pen for one call: amends its note in the journal."""

    def __init__(self, journal: Journal, page: int, call: Call) -> None:
        self._journal = journal
        self.key = (page, call.number)
        self.call = call

    def note(self, **changes: Any) -> None:
        """Amend fields of the call."""
        self.call = self._journal.write(self, changes)
