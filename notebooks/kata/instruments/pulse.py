"""The pulse of an event loop: does it still turn, and if not, whose line holds it?

A `Pulse` is a task that beats on the loop, and three kinds of observers that see when it could not:

- *calls*: a file operation (audit hook) or a blocking function (blockbuster, recording) on the loop's own thread is
  a flatline at once, however short it was; in a worker thread it is none;
- *holds*: a stand-in answers only once the loop has beaten; if it never does, the loop waits for that very answer;
- *silence*: a metronome ticks in a thread of its own at the rate of the beats. While it ticks and ticks, not one beat
  comes, and the same call of the code under test stays on the loop's stack: that call holds the loop. Both ticks
  and beats come late on a busy machine, so the comparison needs no clock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Self

from kata.instruments import disk, recorder
from kata.instruments.culprit import Culprit, Place, Scope, stack_of

_wait = threading.Event.wait

SILENT_TICKS = 20
"""Ticks of the metronome without one beat that make a silence a flatline: 100 ms at the usual rate."""

LEAST_SHARE = 0.25
"""Beats per tick below which a loop counts as standing. A loop that turns has about 1, one that stands about 0."""

_MOST_SIGHTINGS = 1000


class Kind(StrEnum):
    """What the event loop was kept from turning by."""

    DISK = "disk"
    NETWORK = "network"
    WAITING = "waiting"
    COMPUTING = "computing"
    SILENCE = "silence"


@dataclass(frozen=True)
class Flatline:
    """One moment at which the event loop could not turn.

    Attributes:
        kind: What kept it.
        operation: The function or the audit event, such as ``time.sleep`` or ``os.mkdir``.
        at: When it was seen, in seconds of `time.perf_counter`.
        culprit: The line of the code under test, or None where none was on the loop's stack.
    """

    kind: Kind
    operation: str
    at: float
    culprit: Culprit | None

    def __str__(self) -> str:
        where = "outside the code under test" if self.culprit is None else str(self.culprit)
        return f"{self.operation} at {where}"


class LoopBlocked(Exception):
    """The event loop stood still in the code under test.

    Attributes:
        flatlines: What was seen, in order of time.
        summary: The message without the culprit.
    """

    def __init__(self, flatlines: Sequence[Flatline], doing: str = "") -> None:
        self.flatlines = tuple(flatlines)
        during = f" {doing}" if doing else ""
        self.summary = f"the event loop stood still{during}"
        if self.flatlines:
            self.summary += f": {self.flatlines[0].operation}"
        super().__init__(f"{self.summary} at {self.culprit}" if self.culprit else self.summary)

    @property
    def culprit(self) -> Culprit | None:
        """The first culprit that is known."""
        return next((flatline.culprit for flatline in self.flatlines if flatline.culprit), None)


@dataclass(frozen=True)
class _Sighting:
    kind: Kind
    operation: str
    at: float
    place: Place | None


class Pulse:
    """An asynchronous context manager that takes the pulse of the running event loop.

    Args:
        package: The code under test: an imported package or the path of its folder. None means the caller's own
            code, notebook cells included.
        interval: Seconds between two beats.
        folders: Folders whose every use on the loop's thread counts, through whatever library. The folder of
            temporary files is always one. Elsewhere only what the code under test does with its own hands counts.

    Raises:
        ValueError: If `interval` is not positive, or `package` is a module without a folder.
    """

    def __init__(
        self,
        package: ModuleType | Path | str | None = None,
        *,
        interval: float = 0.005,
        folders: Iterable[Path | str] = (),
    ) -> None:
        if interval <= 0:
            raise ValueError(f"interval must be positive, got {interval}")
        self._scope = Scope(package)
        self._interval = interval
        self._folders = tuple(str(Path(folder).resolve()) for folder in folders)
        self._beats: list[float] = []
        self._ticks: list[float] = []
        self._sightings: list[_Sighting] = []
        self._thread = 0
        self._stopped = threading.Event()
        self.started = 0.0
        self.ended: float | None = None

    async def __aenter__(self) -> Self:
        self._thread = threading.get_ident()
        self._folders = (*self._folders, disk.temporary_folder())
        self.started = time.perf_counter()
        self._task = asyncio.create_task(self._beat(), name="pulse")
        self._metronome = threading.Thread(target=self._tick, name="pulse-metronome", daemon=True)
        self._metronome.start()
        self._watch = disk.watch(self._saw_file_operation)
        self._witness = recorder.testify(self._saw_blocking_call)
        await self._next_beat()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        recorder.dismiss(self._witness)
        disk.unwatch(self._watch)
        try:
            await self._next_beat()
        finally:
            self._stopped.set()
            self._task.cancel()
            self.ended = time.perf_counter()

    @property
    def beats(self) -> int:
        """How often the loop has beaten so far. May be read from any thread."""
        return len(self._beats)

    @property
    def beat_times(self) -> Sequence[float]:
        """When it beat, in seconds of `time.perf_counter`."""
        return tuple(self._beats)

    @property
    def flatlines(self) -> Sequence[Flatline]:
        """What has been seen so far, in order of time."""
        return tuple(
            Flatline(seen.kind, seen.operation, seen.at, self._scope.culprit(seen.place) if seen.place else None)
            for seen in sorted(self._sightings, key=lambda seen: seen.at)
        )

    def beats_between(self, start: float, end: float) -> int:
        """How often the loop beat between two moments, in seconds of `time.perf_counter`."""
        return bisect_right(self._beats, end) - bisect_left(self._beats, start)

    def share_alive(self, start: float, end: float) -> float:
        """Beats per tick of the metronome between two moments: about 1 for a loop that turns, 0 for one that stands.

        A time too short for a single tick counts as alive.
        """
        ticks = self._ticks_between(start, end)
        return self.beats_between(start, end) / ticks if ticks else 1.0

    def silences(self) -> Sequence[tuple[float, float]]:
        """From when to when the loop did not beat while the metronome ticked `SILENT_TICKS` times or more.

        In seconds of `time.perf_counter`. A hiccup of a busy machine, in which neither came, is none.
        """
        moments = [self.started, *self._beats, self.ended or time.perf_counter()]
        return [(a, b) for a, b in pairwise(moments) if self._ticks_between(a, b) >= SILENT_TICKS]

    def check(self, *kinds: Kind, operations: Container[str] = (), doing: str = "") -> None:
        """Raise if the loop stood still.

        Args:
            kinds: Look only at flatlines of these kinds; none means all of them.
            operations: Look only at flatlines of these operations, such as ``os.mkdir``; empty means all of them.
            doing: What went on, for the message: ``while it read the upload``.

        Raises:
            LoopBlocked: With what was seen.
        """
        seen = [
            flatline
            for flatline in self.flatlines
            if (not kinds or flatline.kind in kinds) and (not operations or flatline.operation in operations)
        ]
        if seen:
            raise LoopBlocked(seen, doing)

    def check_between(self, start: float, end: float, doing: str) -> None:
        """Raise if the loop stood still for most of the time between two moments, in seconds of `time.perf_counter`.

        Raises:
            LoopBlocked: If there was less than one beat to `LEAST_SHARE` ticks, with what was seen in between.
        """
        if self.share_alive(start, end) < LEAST_SHARE:
            raise LoopBlocked([flatline for flatline in self.flatlines if start <= flatline.at <= end], doing)

    def stands_still(self, waiting_for: str) -> bool:
        """Judge a silence that somebody else noticed: is the code under test sitting on the loop, and staying there?

        Called from another thread, by a stand-in whose caller's loop has not beaten within its limit.

        Args:
            waiting_for: What the caller waits for; becomes the flatline's operation.

        Returns:
            True, and a flatline is kept, if one call of the code under test holds the loop's thread; False if the
            loop merely gets too little processor time.
        """
        beats, frame = self.beats, self._holder()
        if frame is None:
            return False
        for _ in range(5):
            _wait(self._stopped, self._interval)
            if self.beats != beats or self._holder() is not frame:
                return False
        return self._keep_innermost(Kind.NETWORK, waiting_for)

    def _ticks_between(self, start: float, end: float) -> int:
        return bisect_right(self._ticks, end) - bisect_left(self._ticks, start)

    async def _beat(self) -> None:
        while True:
            self._beats.append(time.perf_counter())
            await asyncio.sleep(self._interval)

    async def _next_beat(self) -> None:
        beats = self.beats
        while self.beats == beats:  # noqa: ASYNC110 - the beat itself is what is waited for
            await asyncio.sleep(self._interval)

    def _tick(self) -> None:
        beats, silent, holder = -1, 0, None
        while not _wait(self._stopped, self._interval):
            self._ticks.append(time.perf_counter())
            frame = self._holder()
            if self.beats != beats or frame is None or frame is not holder:
                beats, silent, holder = self.beats, 0, frame
                continue
            silent += 1
            if silent == SILENT_TICKS:
                self._keep_innermost(Kind.SILENCE, "a call that did not return")

    def _holder(self) -> FrameType | None:
        return self._scope.outermost(stack_of(self._thread))

    def _keep_innermost(self, kind: Kind, operation: str) -> bool:
        frame = self._scope.innermost(stack_of(self._thread))
        if frame is not None:
            self._keep(kind, operation, frame)
        return frame is not None

    def _keep(self, kind: Kind, operation: str, frame: FrameType) -> None:
        if len(self._sightings) < _MOST_SIGHTINGS:
            self._sightings.append(_Sighting(kind, operation, time.perf_counter(), Place.of(frame)))

    def _saw_file_operation(self, operation: str, path: str | None) -> None:
        if threading.get_ident() == self._thread:
            self._keep_if_answerable(Kind.DISK, operation, path)

    def _saw_blocking_call(self, operation: str, path: str | None) -> None:
        if threading.get_ident() == self._thread and not disk.observing():
            self._keep_if_answerable(_kind_of(operation), operation, path)

    def _keep_if_answerable(self, kind: Kind, operation: str, path: str | None) -> None:
        watched = path is not None and any(disk.is_below(path, folder) for folder in self._folders)
        frame = self._scope.answerable(stack_of(self._thread), directly=kind is Kind.DISK and not watched)
        if frame is not None:
            self._keep(kind, operation, frame)


def _kind_of(function: str) -> Kind:
    if function.startswith(("socket.", "ssl.SSLSocket.")):
        return Kind.NETWORK
    if function in ("time.sleep", "builtins.input"):
        return Kind.WAITING
    if function.startswith("ssl.SSLContext."):
        return Kind.COMPUTING
    return Kind.DISK
