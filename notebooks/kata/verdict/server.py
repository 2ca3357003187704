"""A server of fresh processes: it has imported the SDKs, pytest and the instruments, and forks one for each verdict.

It never imports what is judged, nor the tests: a fork reads those itself. It runs one thread and no event loop, so
that no lock is held at a fork, and ends with the process that started it.

The other side is `kata.verdict.warm`. A request is a finding's id on the control socket, together with two file
descriptors: a line to its maker, and where the fork's output goes. The fork reads from the line what to do; the server
writes the fork's process id onto it, and later its exit status. A line that is shut down by its maker asks for the
fork's death.

A finding asked for the first time is rehearsed when there is nothing else to do: a fork judges the solution, and says
which libraries that took; the server imports them. The SDKs import much only when it is used.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from typing import NoReturn

from kata.audit import audit, project_root
from kata.verdict import child
from kata.verdict.preload import imports_of, preload
from kata.verdict.process import UNFIT, kill_group

_ORPHAN_CHECK = 5.0
"""Seconds between two looks whether the parent is still there: its end of the control socket may live on in a copy."""

_REHEARSAL = 60.0
"""Seconds that a rehearsal may take; it is the least urgent of processes."""

_LIBRARIES = tuple(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@dataclass(frozen=True)
class _Fork:
    """A process that was forked, and the line on which its end is told; None for a rehearsal."""

    pid: int
    id: str
    line: socket.socket | None


class Server:
    """Waits for requests, and for the ends of the forks.

    Args:
        control: Where requests come from; its end is the server's end.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._parent = os.getppid()
        self._forks: dict[int, _Fork] = {}
        self._unrehearsed: list[str] = []
        self._asked_for = set[str]()
        self._report: int | None = None
        self._wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken)
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        self._woken = woken

    def serve(self) -> None:
        """Serve until the parent is gone; whatever is still running is killed."""
        try:
            while os.getppid() == self._parent:
                for descriptor, _ in self._poll.poll(_ORPHAN_CHECK * 1000):
                    if descriptor == self._control.fileno():
                        if not self._take():
                            return
                    elif descriptor == self._wake:
                        os.read(self._wake, 4096)
                        self._reap()
                    elif descriptor == self._report:
                        self._learn()
                    else:
                        self._kill(descriptor)
                if not self._forks and self._unrehearsed:
                    self._rehearse(self._unrehearsed.pop())
        finally:
            for fork in self._forks.values():
                kill_group(fork.pid)

    def _take(self) -> bool:
        """Fork a process for one request; returns whether there was one."""
        try:
            message, ancillary, _, _ = self._control.recvmsg(64, socket.CMSG_SPACE(2 * array.array("i").itemsize))
        except ConnectionError:
            return False
        if not message:
            return False
        descriptors = array.array("i")
        for _, _, data in ancillary:
            descriptors.frombytes(data)
        line, output = socket.socket(fileno=descriptors[0]), descriptors[1]
        id = message.decode()
        pid = _fork()
        if pid == 0:
            self._judge(line, output)
        os.close(output)
        self._forks[pid] = _Fork(pid, id, line)
        self._poll.register(line, select.POLLRDHUP)
        _tell(line, pid)
        if id not in self._asked_for:
            self._asked_for.add(id)
            self._unrehearsed.append(id)
        return True

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            kill_group(ended.si_pid)  # while its number cannot be somebody else's
            _, status = os.waitpid(ended.si_pid, 0)
            fork = self._forks.pop(ended.si_pid)
            if fork.line is not None:
                with contextlib.suppress(KeyError):  # it was killed by request
                    self._poll.unregister(fork.line)
                _tell(fork.line, os.waitstatus_to_exitcode(status))
                fork.line.close()

    def _kill(self, descriptor: int) -> None:
        """Kill the process whose line was shut down; its end is told like any other."""
        fork = next((each for each in self._forks.values() if each.line and each.line.fileno() == descriptor), None)
        if fork is not None:
            self._poll.unregister(descriptor)
            kill_group(fork.pid)

    def _judge(self, line: socket.socket, output: int) -> NoReturn:
        """What a fork does: as `kata.verdict.child` does when Python is started for it."""
        try:
            self._become(output)
            with line, line.makefile("rb") as lines:
                request = json.loads(lines.readline())
            os.environ.clear()
            os.environ.update(request["environment"])
            child.run(*request["arguments"])
        finally:
            os._exit(1)

    def _become(self, output: int) -> None:
        """Leave everything of the server behind that a fresh process would not have."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(output, sys.stdout.fileno())
        os.dup2(output, sys.stderr.fileno())
        os.close(output)
        os.close(self._wake)
        os.close(self._woken)
        self._control.close()
        if self._report is not None:
            os.close(self._report)
        for fork in self._forks.values():
            if fork.line is not None:
                fork.line.close()
        tempfile.tempdir = None
        _seed()
        gc.enable()

    def _rehearse(self, id: str) -> None:
        self._report, report = os.pipe2(os.O_CLOEXEC)
        pid = _fork()
        if pid == 0:
            try:
                self._become(os.open(os.devnull, os.O_WRONLY))
                os.nice(19)
                before = set(sys.modules)
                tests = audit().finding(id).tests
                child.main(os.devnull, tests, str(project_root() / "solution"), str(_REHEARSAL))
                names = [name for name in sys.modules if name not in before and _is_of_a_library(name)]
                os.write(report, json.dumps(names).encode())
            finally:
                os._exit(0)
        os.close(report)
        self._forks[pid] = _Fork(pid, id, None)
        self._poll.register(self._report, select.POLLIN)

    def _learn(self) -> None:
        """Import what the rehearsal has imported."""
        assert self._report is not None
        self._poll.unregister(self._report)
        with os.fdopen(self._report, "rb") as report:
            names = report.read()
        self._report = None
        preload((name, "") for name in json.loads(names or b"[]"))
        _settle()


def _fork() -> int:
    """Fork, or end if the server has threads: what they hold at that moment, nobody would ever give back."""
    if len(os.listdir("/proc/self/task")) != 1:
        sys.exit(UNFIT)
    return os.fork()


def _tell(line: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody may be listening any more
        line.sendall(f"{number}\n".encode())


def _seed() -> None:
    """Give each fork chances of its own; the random module does so by itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed(random.getrandbits(32))


def _is_of_a_library(name: str) -> bool:
    origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None) or ""
    return name.startswith("kata.") or origin == "built-in" or origin.startswith(_LIBRARIES)


def _settle() -> None:
    """Take what is there out of the garbage collector's hands, for good: no fork has to go through it."""
    gc.collect()
    gc.freeze()


def main(control: str, scratch: str, *ids: str) -> None:
    """Serve.

    Args:
        control: The file descriptor of the control socket.
        scratch: The folder that was made for this server's temporary files; it is removed in the end, and by this name:
            asked for its temporary folder, Python falls back on everybody's when this one is gone already.
        ids: The findings whose libraries are imported at once.
    """
    gc.disable()
    preload({each for id in ids for each in imports_of(audit().finding(id))})
    importlib.invalidate_caches()
    _settle()
    with socket.socket(fileno=int(control)) as requests:
        Server(requests).serve()
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)
