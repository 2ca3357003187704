"""What the tests of bench and soak look at: what has been started, and a command that hears Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import psutil
import pytest

SERVERS = ("-m kata.verdict.server", "from multiprocessing.")


@pytest.fixture
def running() -> Callable[[], list[psutil.Process]]:
    """What this process has started and what still runs, but for what other tests leave to those that come after them:
    servers of verdicts, and of `multiprocessing`."""

    def look() -> list[psutil.Process]:
        children = {child: " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)}
        return [child for child, command in children.items() if not any(server in command for server in SERVERS)]

    return look


@pytest.fixture
def kata() -> Callable[..., Sequence[str]]:
    """A command of kata's, to be run in a process of its own, where Ctrl-C is ignored in the background by no shell."""
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return lambda *arguments: [sys.executable, "-c", f"{listening}; from kata.cli import main; main()", *arguments]
