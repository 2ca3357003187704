"""A process of the bench's own: it answers a line with a line, and ends when nobody speaks to it any more.

Whoever starts it holds the other end of its standard input. If that end is closed, on purpose or because its owner was
killed, the process sees the end of the file, and stops.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

_LONGEST = 2**26  # bytes of one line: a report on all that a long round has sent
_LAST_WORDS = 12  # lines of its standard error that are kept


class ChildFailed(RuntimeError):
    """A process of the bench ended, or did not answer; the message has its last words."""


class Child:
    """A running process; made by `running`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, limit: float, grace: float) -> None:
        self.name = name
        self._process = process
        self._limit = limit
        self._grace = grace
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._listening = asyncio.create_task(self._listen(), name=f"{name}: standard error")

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """How it ended: 0 if by itself and well; None while it runs."""
        return self._process.returncode

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Send it a command, and give what it answers.

        Raises:
            ChildFailed: If it has ended, or does not answer in time.
        """
        if self._process.stdin is None:
            raise ChildFailed(f"{self.name} was started without a way to speak to it")
        with suppress(ConnectionError):  # what it said last is told by `hear`
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """The next line that it says.

        Raises:
            ChildFailed: If it has ended, or does not answer in time.
        """
        if self._process.stdout is None:
            raise ChildFailed(f"{self.name} was started without a way to hear it")
        try:
            async with asyncio.timeout(self._limit):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise ChildFailed(f"{self.name} did not answer within {self._limit:g} s{self.last_words}") from None
        if not line:
            await self._process.wait()
            await self.check()
        return json.loads(line)

    async def check(self) -> None:
        """Raise if it does not run any more.

        Raises:
            ChildFailed: With its last words.
        """
        if self._process.returncode is not None:
            await self._listening
            raise ChildFailed(f"{self.name} has ended{self.last_words}")

    @property
    def last_words(self) -> str:
        """What it wrote to its standard error at last, to be put behind a message; empty if nothing."""
        return "".join(f"\n  {line}" for line in self._last_words)

    async def stop(self) -> None:
        """Let it end; kill it, and what it has started, if it does not within a few seconds."""
        family = _family(self.pid)
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(self._grace):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            await self._process.wait()
            self._listening.cancel()

    async def _listen(self) -> None:
        if self._process.stderr is not None:
            async for line in self._process.stderr:
                self._last_words.append(line.decode(errors="replace").rstrip())


def say(answer: Mapping[str, Any]) -> None:
    """Say a line, as the process that is asked: what `hear` gives."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


@asynccontextmanager
async def running(
    name: str,
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    limit: float = 60.0,
    grace: float = 5.0,
) -> AsyncIterator[Child]:
    """Run a module of this Python as a process, and stop it at the end, come what may.

    Args:
        name: What it is called in messages.
        folder: Where it runs.
        environment: Variables that it gets besides those of this process.
        limit: Seconds that it may take for an answer.
        grace: Seconds that it may take to end by itself, before it is killed.
    """
    # A session of its own: Ctrl-C is for the bench, which then lets everything end.
    own: dict[str, Any] = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if sys.platform == "win32"
        else {"start_new_session": True}
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        limit=_LONGEST,
        **own,
    )
    child = Child(name, process, limit, grace)
    try:
        yield child
    finally:
        await child.stop()


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that it has started, as far as they live."""
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return []
