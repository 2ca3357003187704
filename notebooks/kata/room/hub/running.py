"""A room is opened and closed: what has to be there is made, JupyterHub is started, and somebody waits for its end."""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil

from kata.room.hub import course, entrance, limits, passwords, proxy
from kata.room.hub.accounts import Accounts
from kata.room.hub.names import TEACHER
from kata.room.hub.settings import VARIABLE, Room, State

PATIENCE = 120.0
"""Seconds that JupyterHub may take to answer."""

ENDING = 90.0
"""Seconds that JupyterHub may take to end all servers and itself."""

_LINES = 15
_SHIM = """#!/bin/sh
# The environment is one for all here, and complete: `uv run …` runs what is in it.
if [ "$1" = run ]; then shift; [ "$1" = --no-sync ] && shift; exec "$@"; fi
echo "uv: in this room there is one environment for all, which is complete; only \\`uv run …\\` is needed" >&2
exit 2
"""


class NotOpened(Exception):
    """The room could not be opened; the message says what to do."""


@dataclass(frozen=True)
class Secrets:
    """Passwords that have just been made, and are not kept but as hashes.

    Attributes:
        class_password: The one for all who come for the first time, or None if there was one already.
        teacher: The teacher's, or None if there was one already.
    """

    class_password: str | None
    teacher: str | None


@contextlib.contextmanager
def alone(state: State) -> Iterator[int]:
    """Be the only one who changes a room; gives a file descriptor which, inherited, keeps it so.

    Raises:
        NotOpened: If somebody else is at it.
    """
    lock = os.open(state.hub / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = (state.hub / "hub.pid").read_text(encoding="ascii") if (state.hub / "hub.pid").exists() else ""
        end = f", `kill {pid.strip()}` ends it" if pid.strip() else ""
        os.close(lock)
        raise NotOpened(f"a room is open that keeps everything in {state.folder}: end it first{end}") from None
    try:
        yield lock
    finally:
        os.close(lock)


def prepared(room: Room, say: Callable[[str], None]) -> Room:
    """Make what a room needs and has not yet; what is there stays. Returns the room with the ports that it gets.

    Args:
        room: The room as it was asked for.
        say: Is told what takes a while.

    Raises:
        NotOpened: If a port is taken.
        NoProxy: If the proxy cannot be installed.
        CannotEnter: If learners would not get in.
    """
    state = room.state
    proxy.ended(state)  # of a room that was not closed
    if not _is_free(room.address, room.port):
        raise NotOpened(f"port {room.port} of {room.address} is taken: pass another one as --port")
    room = replace(room, hub_port=_free(room.hub_port), proxy_port=_free(room.proxy_port, room.hub_port))
    if proxy.install(state):
        say(f"installed {proxy.NAME} {proxy.pinned()}")
    if _compiled():
        say("compiled the environment, once for all")
    if course.made(state.course):
        say(f"made {state.course} from this clone: new copies come from there, `kata hub update` renews old ones")
    _write_shim(state)
    room = replace(room, view=entrance.looked_ahead(room))
    room.write()
    return room


@contextlib.contextmanager
def opened(room: Room, lock: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """JupyterHub, as soon as it answers; ended at the end, and all servers with it.

    Raises:
        NotOpened: If it does not answer.
    """
    log = room.state.log
    with log.open("ab") as output:
        os.fchmod(output.fileno(), 0o600)
        begin = output.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(Path(__file__).with_name("jupyterhub_config.py"))],
            cwd=room.state.hub,
            env=_environment(room),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for who waits
            umask=0o077,
            pass_fds=() if lock is None else (lock,),
        )
    (room.state.hub / "hub.pid").write_text(str(process.pid), encoding="ascii")
    try:
        _wait_until_up(room, process, begin)
        yield process
    finally:
        ended(process)
        proxy.ended(room.state)
        (room.state.hub / "hub.pid").unlink(missing_ok=True)
        limits.keeper(psutil.virtual_memory().total).end()


def ended(process: subprocess.Popen[bytes]) -> None:
    """End JupyterHub, which ends the servers."""
    process.terminate()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def waited(process: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterHub's end, or for Ctrl-C or SIGTERM; its exit status, 0 if it was asked to end."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    asked = (signal.SIGINT, signal.SIGTERM)  # the first is ignored in what a script starts in the background
    before = [signal.signal(each, stop) for each in asked]
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for each, handler in zip(asked, before, strict=True):
            signal.signal(each, handler)


def secrets(accounts: Accounts, chosen: str | None) -> Secrets:
    """Make the passwords that are missing, once the room is open: who asks for them can then be sure to see them.

    Args:
        accounts: The room's accounts.
        chosen: The class password that the teacher has chosen, if any.
    """
    class_password, teacher = None, None
    if chosen is not None:
        accounts.set_class(chosen)
    elif not accounts.has_class:
        class_password = passwords.made(3)
        accounts.set_class(class_password)
    if not accounts.has(TEACHER):
        teacher = passwords.made(5)
        accounts.set(TEACHER, teacher)
    return Secrets(class_password, teacher)


def _environment(room: Room) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "HOME", "TZ")}
    return {**kept, VARIABLE: room.folder}


def _wait_until_up(room: Room, process: subprocess.Popen[bytes], begin: int) -> None:
    until = time.monotonic() + PATIENCE
    asked = [f"http://127.0.0.1:{room.hub_port}/", room.url]  # first JupyterHub itself, then through its proxy
    with httpx.Client(verify=False, timeout=5) as client:
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                while asked and client.get(f"{asked[0]}hub/health").status_code == 200:
                    del asked[0]
            if not asked:
                return
            time.sleep(0.1)
    with room.state.log.open("rb") as log:
        log.seek(begin)
        said = log.read().decode("utf-8", "replace").splitlines()[-_LINES:]
    raise NotOpened(
        "\n".join(["JupyterHub does not answer; the last that it said:", *said, f"(all: {room.state.log})"])
    )


def _compiled() -> bool:
    """Have every module of the environment compiled by root: nobody else may write there."""
    library, mark = sysconfig.get_path("purelib"), Path(sys.prefix, ".kata-compiled")

    def mine() -> str:
        return f"{os.stat(library).st_mtime_ns} {sys.version}"

    if mark.exists() and mark.read_text(encoding="utf-8") == mine():
        return False
    compileall.compile_dir(library, quiet=2, workers=0, maxlevels=20)
    mark.write_text(mine(), encoding="utf-8")
    return True


def _write_shim(state: State) -> None:
    shim = state.tools / "uv"
    beside = state.tools / ".uv"
    beside.write_text(_SHIM, encoding="utf-8")
    beside.chmod(0o755)
    os.replace(beside, shim)


def _is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
        except OSError:
            return False
    return True


def _free(wanted: int, *but: int) -> int:
    """The wanted port of loopback, or another one if it is taken; any for 0."""
    if wanted and wanted not in but and _is_free("127.0.0.1", wanted):
        return wanted
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])
