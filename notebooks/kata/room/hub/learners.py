"""The learners' system users: made, found again, and all their processes ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kata.room.hub.names import user_of
from kata.room.hub.settings import Room

_SBIN = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
_ROUNDS = 200
_one_at_a_time = threading.Lock()


class NoUser(Exception):
    """A learner's system user cannot be had; the message says why."""


def user(room: Room, name: str) -> pwd.struct_passwd:
    """A learner's system user and home, made if they are not there.

    Nobody can log in as this user by another way than the hub: the account has no password and no shell, and counts as
    expired, which keeps out SSH with a key, cron and at.

    Raises:
        NoUser: If there is a user of this name that is not the room's, or none can be made.
    """
    login, home = user_of(name, room.prefix), room.home(name)
    with _one_at_a_time:  # the system's list of users is locked by who writes it
        found = _found(login) or _made(login, home)
        if Path(found.pw_dir) != home:
            raise NoUser(f"the system has a user {login} whose home is {found.pw_dir}, not {home}: end that room first")
        with contextlib.suppress(FileExistsError):
            home.mkdir(mode=0o700)
            os.chown(home, found.pw_uid, found.pw_gid)
    if home.lstat().st_uid != found.pw_uid:
        raise NoUser(f"{home} belongs to another user than {login}: `chown -hR {login}: {home}` if it is theirs")
    return found


def remove(room: Room, name: str) -> None:
    """End what a learner runs, and remove the system user; the home stays."""
    login = user_of(name, room.prefix)
    found = _found(login)
    if found is not None and Path(found.pw_dir) == room.home(name):
        end_processes(found.pw_uid)
        _run("userdel", login)


def end_processes(uid: int) -> None:
    """Kill whatever runs as a user, also what has detached itself from all that knew it."""
    for _ in range(_ROUNDS):  # it may start more while it is killed
        running = list(processes(uid))
        if not running:
            return
        for process in running:
            with _gone_is_fine():
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)
    raise NoUser(f"user {uid} starts processes faster than they can be killed")


def processes(uid: int) -> Iterator[int]:
    """The processes that run as a user; those that have ended and wait to be noticed do not count."""
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        with _gone_is_fine():
            if entry.stat().st_uid != uid and _real_user(entry.path) != uid:
                continue
            state = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
            if state not in "ZX":
                yield int(entry.name)


class _gone_is_fine:
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, FileNotFoundError | ProcessLookupError)


def _real_user(process: str) -> int:
    """Who a process belongs to; a process that hides its memory has files of root's."""
    for line in Path(process, "status").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[1])
    return -1


def _found(login: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(login)
    except KeyError:
        return None


def _made(login: str, home: Path) -> pwd.struct_passwd:
    options = ["--home-dir", str(home), "--no-create-home", "--shell", "/usr/sbin/nologin", "--expiredate", "1"]
    owner = home.lstat().st_uid if home.exists() else 0
    if owner and not _is_taken(owner):  # a room that was brought to another machine keeps its owners
        options += ["--uid", str(owner)]
    _run("useradd", *options, "--user-group", "--comment", "Unblock the Loop", login)
    made = pwd.getpwnam(login)
    if home.exists() and owner != made.pw_uid:
        _give(home, made)
    return made


def _is_taken(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _give(home: Path, user: pwd.struct_passwd) -> None:
    """Give a home to a user, and all that is in it; links are given and not followed."""
    for _, folders, files, here in os.fwalk(home, follow_symlinks=False):
        os.fchown(here, user.pw_uid, user.pw_gid)
        for name in [*folders, *files]:
            os.chown(name, user.pw_uid, user.pw_gid, dir_fd=here, follow_symlinks=False)


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program, path=_SBIN)
    if found is None:
        raise NoUser(f"{program} is not there: install the system's package `passwd`")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoUser(f"{program}: {done.stderr.strip()}")
