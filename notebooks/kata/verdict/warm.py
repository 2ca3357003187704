"""The quick way to start the process that judges: forked by a server that has the imports behind it.

Each process that asks for verdicts has servers of its own: one for most findings, another for those that need a
package that is costly to import. A server starts when a second verdict is asked for, or half a second after the first
one: a command that asks for one only does not pay for it. It ends with the process that started it, however that ends,
and is replaced once anything that it has imported may have changed.

Only on Linux: forking is not safe beside the frameworks of macOS, and Windows has no fork. `KATA_WARM=0` turns it off.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

from kata.audit import Finding, audit, project_root
from kata.verdict.environment import environment
from kata.verdict.preload import is_costly
from kata.verdict.process import UNFIT, Cold, Process, kill_group

logger = logging.getLogger(__name__)

SWITCH = "KATA_WARM"
"""Environment variable that turns the servers off where it is 0."""

_STARTING = 60.0
"""Seconds that a server may take to import what it needs, and to fork."""

_ENDING = 5.0
"""Seconds that a server may take to tell of a process that it has killed."""

_PAUSE = 0.5
"""Seconds from the first verdict to the server's start."""


class Lost(Exception):
    """The server ended before it could tell how the process ended."""


class Warm:
    """A process forked by a server.

    Args:
        server: Who forks it.
        id: The finding's id.
        arguments: What `kata.verdict.child` is called with.
        environment: Its environment variables.

    Raises:
        Lost: If the server is gone.
    """

    def __init__(self, server: Server, id: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._server = server
        self._told = bytearray()
        self._status: int | None = None
        request = json.dumps({"arguments": arguments, "environment": dict(environment)}).encode() + b"\n"
        self._line, line = socket.socketpair()
        self.output, output = os.pipe()
        try:
            with line:
                server.request(id, line.fileno(), output)
            self._line.sendall(request)
            self._pid = self._next(_STARTING)
            server.has_forked = True
        except (OSError, Lost) as error:
            self._line.close()
            os.close(self.output)
            raise Lost from error
        finally:
            os.close(output)

    def wait(self, limit: float) -> int:
        if self._status is None:
            self._status = self._next(limit)
        return self._status

    def kill(self) -> None:
        with contextlib.suppress(OSError):  # it has ended, and the server has killed what it left behind
            self._line.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.kill()
        try:
            self.wait(_ENDING)
        except (TimeoutError, Lost):  # the server is stopped, or dead
            self._server.kill()
            kill_group(self._pid)
        finally:
            self._line.close()

    def _next(self, limit: float) -> int:
        """The next number that the server tells."""
        self._line.settimeout(limit)
        while b"\n" not in self._told:
            try:
                received = self._line.recv(64)
            except ConnectionError as error:
                raise Lost from error
            if not received:
                raise Lost
            self._told += received
        number, _, self._told = self._told.partition(b"\n")
        return int(number)


class Server:
    """A server's process.

    Args:
        ids: The findings whose libraries it imports at once.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.stamp = _stamp()
        self.has_forked = False
        self._scratch = tempfile.mkdtemp(prefix="kata-server-")
        variables = environment(Path(self._scratch))
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with control:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kata.verdict.server", str(control.fileno()), self._scratch, *ids],
                cwd=project_root(),
                env={**variables, "OPENBLAS_NUM_THREADS": "1"},  # or numpy starts threads
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[control.fileno()],
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_current(self) -> bool:
        """Whether it runs, and nothing that it has imported has changed since it was started."""
        return self._process.poll() is None and self.stamp == _stamp()

    def request(self, id: str, line: int, output: int) -> None:
        """Have a process forked; see `kata.verdict.server`.

        Raises:
            OSError: If the server is gone.
        """
        socket.send_fds(self._control, [id.encode()], [line, output])

    def kill(self) -> None:
        """Kill it at once; what it has forked lives on."""
        self._process.kill()

    def end(self) -> int:
        """End it, and whatever it has forked; returns its exit status."""
        self._control.close()
        try:
            return self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)


class _Servers:
    """The servers of this process, by whether they are for the costly findings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[bool, Server] = {}
        self._unfit = set[bool]()
        self._begun = False
        self._is_over = False

    def start(self, finding: Finding, *, but: Server | None = None) -> Server | None:
        """The server for a finding, started if there is none; None where there can be none.

        Args:
            finding: The finding.
            but: A server that has proved to be of no use.
        """
        costly = is_costly(finding)
        with self._lock:
            server = self._running.get(costly)
            if server is not None and server is not but and server.is_current:
                return server
            if server is not None:
                del self._running[costly]
                if server.end() == UNFIT or (server is but and not server.has_forked):
                    self._unfit.add(costly)
            if costly in self._unfit or self._is_over:
                return None
            ids = [each.id for each in audit().everything if is_costly(each) == costly]
            try:
                self._running[costly] = Server(ids)
            except OSError as error:  # no room, or a temporary folder that goes away at this moment
                logger.debug("no warm server: %s", error)
                return None
            return self._running[costly]

    def for_verdict(self, finding: Finding) -> Server | None:
        """The server for a finding that is about to be judged; None for the first one, which is not worth it."""
        with self._lock:
            is_first = not self._begun and not self._running
            self._begun = True
        return None if is_first else self.start(finding)

    @property
    def has_begun(self) -> bool:
        """Whether the next verdict is worth a server."""
        with self._lock:
            return self._begun or bool(self._running)

    def start_soon(self, finding: Finding) -> None:
        """Have the server for a finding started in a moment, if it is not running; returns at once."""
        if is_costly(finding) not in self._running:
            later = threading.Timer(_PAUSE, self.start, [finding])
            later.daemon = True
            later.start()

    def end(self) -> None:
        """End them all, and start no other."""
        self._is_over = True
        with self._lock:
            for server in self._running.values():
                server.end()
            self._running.clear()


_servers = _Servers()


@atexit.register
def end() -> None:
    """End the servers of this process, which is about to end itself: the one that would soon start does not."""
    _servers.end()


def _forget() -> None:
    """A forked copy of this process has no servers: those it knows are its parent's."""
    global _servers
    _servers = _Servers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def is_possible() -> bool:
    """Whether verdicts can be had from a server here."""
    return sys.platform == "linux" and os.environ.get(SWITCH) != "0"


def is_ready() -> bool:
    """Whether the next process that judges is to be forked."""
    return is_possible() and _servers.has_begun


def warm_up(finding: Finding) -> None:
    """Have a server started that can judge a finding, if that is possible; returns at once."""
    if is_possible():
        _servers.start(finding)


def stay_warm(finding: Finding) -> None:
    """Have the next verdict on a finding ready to be forked; returns at once. Called when a verdict is out."""
    if is_possible():
        _servers.start_soon(finding)


def begin(finding: Finding, arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start the process in which a finding is judged: forked if it can be, from nothing if not."""
    server = _servers.for_verdict(finding) if is_possible() else None
    for _ in range(2):
        if server is None:
            break
        try:
            return Warm(server, finding.id, arguments, environment)
        except Lost:
            server = _servers.start(finding, but=server)
    return Cold(arguments, environment)


def _stamp() -> Hashable:
    """What tells whether a server has become out of date: it changes with the course's own code and with the packages.

    A file's times of change cannot be set by hand, so that an edit is seen however quickly it was made.
    """
    kata = Path(__file__).resolve().parents[1]
    files = [file for pattern in ("*.py", "*.toml") for file in kata.rglob(pattern)]
    folders = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    states = ((str(path), *_state(path)) for path in (*files, *folders))
    python = ((name, value) for name, value in os.environ.items() if name.startswith("PYTHON"))
    return frozenset(states), frozenset(python)


def _state(path: Path) -> tuple[int, ...]:
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
