"""A real room, started by its command as a teacher starts it."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from kata.room.hub import running
from kata.room.hub.settings import Room

BOUND = 180.0
"""Seconds after which a command that has not ended is given up."""


@dataclass
class Opened:
    """A room that is open.

    Attributes:
        url: Its address.
        said: What the command said when it was open.
        command: The command's process.
    """

    url: str
    said: str
    command: subprocess.Popen[str]

    def shown(self, what: str) -> str:
        """A password that was shown: the ``class password`` or the ``teacher``'s."""
        found = re.search(rf"{what}: (\S+)", self.said)
        assert found is not None, self.said
        return found[1]

    def addresses(self) -> set[str]:
        """The addresses that any process of the room listens on or is connected to."""
        found = set()
        for process in psutil.Process(self.command.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                for each in process.net_connections(kind="inet"):
                    found |= {end.ip for end in (each.laddr, each.raddr) if end}
        return found


@dataclass
class Place:
    """Where a room keeps everything, and the names of its system users, which no other room has."""

    folder: Path
    prefix: str = field(default_factory=lambda: f"kt{secrets.token_hex(2)}-")

    @property
    def room(self) -> Room:
        """The room as it was opened last."""
        return Room.read(self.folder)

    def command(self, *arguments: str) -> list[str]:
        """The command with these arguments."""
        return [str(Path(sys.executable).with_name("kata")), "hub", "--state", str(self.folder), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=BOUND,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    @contextmanager
    def opened(self, *options: str) -> Iterator[Opened]:
        """The room, open; closed at the end, as by Ctrl-C."""
        port = running._free(0)
        command = self.command("--port", str(port), "--prefix", self.prefix, *options)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield Opened(*_when_open(process), process)
            finally:
                process.send_signal(signal.SIGINT)
                assert process.stdout is not None
                process.stdout.read()
                process.wait(BOUND)

    def running(self, name: str) -> Sequence[psutil.Process]:
        """What runs as a learner."""
        login = f"{self.prefix}{name}"
        return [each for each in psutil.process_iter() if _user_of(each) == login]


def _when_open(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "closes the room" in line:
            break
    else:
        raise AssertionError(f"the room was not opened:\n{said}")
    url = re.search(r"the room is open: (\S+)", said)
    assert url is not None, said
    return url[1], said


def _user_of(process: psutil.Process) -> str:
    try:
        return process.username() if process.status() != psutil.STATUS_ZOMBIE else ""
    except psutil.NoSuchProcess:
        return ""


def why_not() -> str | None:
    """Why no room can be opened here, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a room needs Linux and root"
    try:
        import jupyterhub  # noqa: F401
        import jupyterhub_idle_culler  # noqa: F401
    except ImportError:
        return "JupyterHub is not installed: uv sync --group hub"
    from kata.room.hub import proxy

    try:
        proxy.node()
    except proxy.NoProxy as error:
        return str(error)
    return None
