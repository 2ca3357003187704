"""What a service holds: tasks and threads as it knows them itself, sockets and files as the system does."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpcore
import psutil

POOL = "asyncio_"
"""What the threads of the event loop's own pool are called: they stay, and there are never more than its size."""

CALLER, NOBODY = "a caller", "nobody"

_KEPT = ("memory.db*", "pictures/*.png")
"""What a companion keeps for good; anything else in its folder is left over."""


@dataclass(frozen=True)
class Holdings:
    """What a service holds at one moment.

    Attributes:
        tasks: Tasks of the event loop, by their coroutine's name.
        threads: Threads by their name, numbers left out, but for those of the loop's pool.
        pool: Threads of the loop's pool.
        sockets: Connections, and the socket that is listened on, by their peer and their state.
        files: Names of the files that are open.
        stray: Files in the folder where it keeps things that are no pictures, and not its memory.
        memory: Bytes resident.
        blocks: Blocks of memory that Python's own allocator has given out: those of small objects.
        orphans: Connections in httpx's pools that are neither idle nor closed. While nothing is in progress, they are
            what is left of calls that were cancelled, mostly while they connected, and their pools never let them go
            (https://github.com/encode/httpcore/issues/1093, open in 1.0.9).
    """

    tasks: Mapping[str, int]
    threads: Mapping[str, int]
    pool: int
    sockets: Mapping[str, int]
    files: tuple[str, ...]
    stray: tuple[str, ...]
    memory: int
    blocks: int
    orphans: int = 0

    @property
    def callers(self) -> int:
        """Connections to somebody who is no provider."""
        return sum(number for name, number in self.sockets.items() if name.startswith(CALLER))

    def more_than(self, before: Holdings, given_up: int = 0) -> dict[str, list[str]]:
        """What is there now and was not there before, by its sort; nothing of what may grow, and no orphan's socket.

        Args:
            before: What was there.
            given_up: Calls that were cancelled until now. There are no more orphans than that: a response that nobody
                closes keeps its connection busy too, and is left over.
        """
        counted = {name: Counter(getattr(self, name)) - Counter(getattr(before, name)) for name in _COUNTED}
        sockets = counted["sockets"]
        dead_first = sorted(sockets.elements(), key=lambda name: (not name.endswith(_DEAD), name))
        to_providers = [name for name in dead_first if not name.startswith((CALLER, NOBODY))]
        counted["sockets"] = sockets - Counter(to_providers[: min(self.orphans, given_up)])
        return {name: sorted(each.elements()) for name, each in counted.items() if each}


_DEAD = "(close wait)"
"""The state of a socket whose other end is closed."""

_COUNTED = ("tasks", "threads", "sockets", "files", "stray")


def held(loop: asyncio.AbstractEventLoop | None) -> dict[str, Any]:
    """What this process knows of itself: what is garbage is collected first."""
    gc.collect()
    threads = Counter(re.sub(r"\d+", "", thread.name) for thread in threading.enumerate())
    pool = threads.pop(POOL, 0)
    tasks = Counter(_named(task) for task in asyncio.all_tasks(loop)) if loop else {}
    blocks = sys.getallocatedblocks()
    connections = [each for each in gc.get_objects() if issubclass(type(each), httpcore.AsyncHTTPConnection)]
    orphans = sum(not (each.is_idle() or each.is_closed()) for each in connections)
    return {"tasks": tasks, "threads": threads, "pool": pool, "blocks": blocks, "orphans": orphans}


def seen_from_outside(pid: int, kept: Path, peers: Mapping[int, str]) -> dict[str, Any]:
    """What the system knows of a process.

    Args:
        pid: Its number.
        kept: The folder where it keeps things.
        peers: Names of those that it is connected to, by their port; anybody else is a caller.

    Raises:
        psutil.NoSuchProcess: If it has ended.
    """
    process = psutil.Process(pid)
    known = {path for pattern in _KEPT for path in kept.glob(pattern)}
    return {
        "sockets": dict(Counter(_connected(each, peers) for each in process.net_connections(kind="inet"))),
        "files": tuple(sorted(Path(file.path).name for file in process.open_files())),
        "stray": tuple(sorted(path.name for path in kept.rglob("*") if path.is_file() and path not in known)),
        "memory": process.memory_info().rss,
    }


def _connected(socket: Any, peers: Mapping[int, str]) -> str:
    peer = peers.get(socket.raddr.port, CALLER) if socket.raddr else NOBODY
    return f"{peer} ({socket.status.lower().replace('_', ' ')})"


def _named(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", repr(task.get_coro()))
