"""What a service takes of the machine while it is under load."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

_INTERVAL = 0.25  # seconds between two looks


@dataclass(frozen=True)
class Taken:
    """What was taken between two moments.

    Attributes:
        seconds: How long that was.
        cpu: Processor seconds of the service, all of its processes together.
        beside: Processor seconds of the providers and of the callers.
        others: The share of the machine's processors that went to whatever else ran on it, 0 to 1.
        memory: Bytes of memory resident at most, all of its processes together.
        threads: Threads at most, all of its processes together.
    """

    seconds: float
    cpu: float
    beside: float
    others: float
    memory: int
    threads: int


class Gauge:
    """Looks at a service and at the machine, from its beginning until `read`; made by `gauge`."""

    def __init__(self, service: int, beside: Sequence[int]) -> None:
        self._service = psutil.Process(service)
        self._beside = [psutil.Process(pid) for pid in beside]
        self._begun = time.perf_counter()
        self._cpu_before, self._beside_before = _cpu(self._family()), _cpu(self._beside)
        self._machine_before = _machine()
        self._memory = 0
        self._threads = 0

    def look(self) -> None:
        """Note memory and threads, if they are more than before."""
        family = self._family()
        self._memory = max(self._memory, sum(process.memory_info().rss for process in family))
        self._threads = max(self._threads, sum(process.num_threads() for process in family))

    def read(self) -> Taken:
        """What was taken until now."""
        self.look()
        cpu = _cpu(self._family()) - self._cpu_before
        beside = _cpu(self._beside) - self._beside_before
        busy, whole = (now - before for now, before in zip(_machine(), self._machine_before, strict=True))
        others = min(1.0, max(0.0, (busy - cpu - beside) / whole)) if whole > 0 else 0.0
        return Taken(time.perf_counter() - self._begun, cpu, beside, others, self._memory, self._threads)

    def _family(self) -> list[psutil.Process]:
        return [self._service, *self._service.children(recursive=True)]


@asynccontextmanager
async def gauge(service: int, beside: Iterable[int]) -> AsyncIterator[Gauge]:
    """Keep an eye on a service.

    Args:
        service: The number of its process.
        beside: The numbers of processes that belong to the bench and not to the service; this one does anyway.

    Raises:
        psutil.NoSuchProcess: If one of them has ended.
    """
    instrument = Gauge(service, [*beside, os.getpid()])

    async def keep_looking() -> None:
        while True:
            instrument.look()
            await asyncio.sleep(_INTERVAL)

    looking = asyncio.create_task(keep_looking(), name="gauge")
    try:
        yield instrument
    finally:
        looking.cancel()


def _cpu(processes: Iterable[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def _machine() -> tuple[float, float]:
    """Processor seconds of the whole machine so far: those in which something ran, and all."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    whole = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return whole - idle, whole
