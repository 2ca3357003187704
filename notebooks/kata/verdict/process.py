"""The process in which one finding is judged, as the judge sees it; and the plain way to start it, on any platform."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from kata.audit import project_root

UNFIT = 75
"""Exit status of a server that may not fork, because a library has started a thread: EX_TEMPFAIL of sysexits.h."""

MOST_OUTPUT = 8 * 1024 * 1024
"""Bytes that the code under test may print before it is stopped."""


class Process(Protocol):
    """A process that judges.

    Attributes:
        output: The file descriptor from which what it prints is read to its end, and which the reader then closes.
    """

    output: int

    def wait(self, limit: float) -> int:
        """Wait for its end; returns its exit status, or minus the signal that killed it.

        Raises:
            TimeoutError: If it has not ended after `limit` seconds.
        """

    def kill(self) -> None:
        """Kill it and what it has started. May be called from any thread, and again."""

    def close(self) -> None:
        """Kill it, see it end, and give back what was held of it."""


class Cold:
    """A process of its own from the start: Python, the SDKs, the tests.

    Args:
        arguments: What `kata.verdict.child` is called with.
        environment: Its environment variables.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.output, output = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kata.verdict.child", *arguments],
                cwd=project_root(),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError:
            os.close(self.output)
            raise
        finally:
            os.close(output)

    def wait(self, limit: float) -> int:
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None

    def kill(self) -> None:
        if hasattr(os, "killpg"):
            kill_group(self._process.pid)
        else:
            self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.wait()


def kill_group(pid: int) -> None:
    """Kill a process and what it has started, as long as they are one group."""
    for kill in (os.killpg, os.kill):  # a fork that has just begun leads no group yet
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
